"""A caller on the line: spoken to by the same protocol as by text (PROTOCOL 3.8).

Each thing they press or say is one webhook and one transaction. What they are told next is
kept with the call, so that a webhook that the carrier repeats gets the same answer.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from helpline.domain.delivery import LegState
from helpline.domain.phone import find_phone
from helpline.domain.progress import Progress
from helpline.domain.risk import NOTHING as NO_DANGER
from helpline.domain.risk import Assessment
from helpline.domain.said import HungUp, Rung, Said
from helpline.domain.speech import CallStep, HangUp, dump_steps, load_steps
from helpline.domain.triage import DANGER_STATES, HUMAN_STATES
from helpline.runtime import Runtime
from helpline.service import steps, wording
from helpline.service.calls import keeping_place, legs, questions, staff_line, waiting_room
from helpline.service.calls.prompts import NOTHING
from helpline.service.calls.sounds import Sounds, understood, words_of
from helpline.service.sending import outgoing
from helpline.service.steps import Decision
from helpline.store import Transaction, attempts, calls, conversations, messages, retried, turns
from helpline.store.callbacks import EndedMeanwhile
from helpline.store.calls import Call, CallState
from helpline.store.conversations import Place
from helpline.store.turns import OvertakenError, Turn

QUEUED = "QUEUED"


@retried
def rings(rt: Runtime, sid: str, sender: str, recipient: str) -> tuple[CallStep, ...]:
    """Somebody rings: the numbers, the greeting, the first question; staff hear their menu."""
    now = rt.clock.now()
    phone = find_phone(sender)
    # Who hides their number has a conversation of this call alone (CONTRACT 7).
    address = phone.e164 if phone else f"call {sid}"
    line = recipient.strip()[:32] or "unknown"
    with rt.store.glance() as road:
        place = conversations.find(road, address, line)
    menu = staff_line.rung(rt, sender) if place.is_staff else None
    if menu is not None:
        return menu
    asked = _next_question(rt, place, _progress(rt, place), Rung(), NO_DANGER, now)
    if asked is not None and not asked.decision.owes:
        with suppress(OvertakenError):
            with rt.store.swift() as road:
                turns.begin(road, place, sid, asked.turn)
            return asked.steps
    return _rings_in_turn(rt, sid, address, line, now)


def _rings_in_turn(
    rt: Runtime, sid: str, address: str, line: str, now: datetime
) -> tuple[CallStep, ...]:
    """The same for whom there is more to do, their conversation locked; or it is a repeat."""
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None:
            place = conversations.lock(tx, address, line) or conversations.create(
                tx, address, line, whatsapp=False, now=now
            )
            # Only under the lock is it sure that nobody answers the same ring beside us.
            known = calls.find(tx, sid)
        if known is not None:
            return load_steps(known.answer)
        calls.begin(
            tx,
            sid=sid,
            conversation_id=place.conversation_id,
            token=outgoing.new_token(),
            answer="[]",
            now=now,
        )
        decision = _decide(rt, place, _progress(rt, place), Rung(), NO_DANGER, now)
        answer, urgent = _go_on(rt, tx, _get(tx, sid), place, Rung(), NO_DANGER, decision, now)
    _hint(rt, urgent)
    return answer


@retried
def heard(
    rt: Runtime,
    sid: str,
    token: str,
    *,
    digits: str | None,
    speech: str | None,
    confidence: float | None,
) -> tuple[CallStep, ...]:
    """Keys, words or nothing came to the prompt `token`: the next step of the protocol."""
    now = rt.clock.now()
    sounds = Sounds(digits, speech, confidence)
    with rt.store.glance() as road:
        found = turns.find(road, sid)
    if found is None:
        return NOTHING
    return _heard_at_once(rt, *found, token, sounds, now) or _heard_in_turn(
        rt, *found, token, sounds, now
    )


def _heard_at_once(
    rt: Runtime, known: Call, place: Place, token: str, sounds: Sounds, now: datetime
) -> tuple[CallStep, ...]:
    """The next question, decided without a lock; nothing when more is needed than to ask it."""
    if known.state is not CallState.ASKING:
        return ()
    if sounds.is_told_again(known, token):
        return load_steps(known.answer)
    progress = _progress(rt, place)
    said, danger = understood(rt, progress, sounds, now)
    asked = _next_question(rt, place, progress, said, danger, now)
    if asked is None:
        return ()
    urgent: tuple[int, ...] = ()
    try:
        if asked.decision.owes:
            with rt.store.begin() as tx:
                turns.go_on(tx, place, known, asked.turn)
                urgent = steps.carry_out(rt, tx, place, asked.decision, now)
        else:
            with rt.store.swift() as road:
                turns.go_on(road, place, known, asked.turn)
    except (OvertakenError, EndedMeanwhile):
        return ()
    _hint(rt, urgent)
    return asked.steps


def _heard_in_turn(
    rt: Runtime, known: Call, place: Place, token: str, sounds: Sounds, now: datetime
) -> tuple[CallStep, ...]:
    """The same with the caller's conversation locked, and everything that the step owes."""
    with rt.store.begin() as tx:
        place = conversations.lock_by_id(tx, place.conversation_id)
        known = _get(tx, known.sid)
        if known.state is CallState.OVER:
            return NOTHING
        if sounds.is_told_again(known, token):
            return load_steps(known.answer)
        progress = _progress(rt, place)
        said, danger = understood(rt, progress, sounds, now)
        decision = _decide(rt, place, progress, said, danger, now)
        answer, urgent = _go_on(rt, tx, known, place, said, danger, decision, now)
    _hint(rt, urgent)
    return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """A step that leads to a question: what was decided, what is told, what is kept."""

    decision: Decision
    steps: tuple[CallStep, ...]
    turn: Turn


def _next_question(
    rt: Runtime,
    place: Place,
    known: Progress,
    said: Said,
    danger: Assessment,
    now: datetime,
) -> _Asked | None:
    decision = _decide(rt, place, known, said, danger, now)
    progress = decision.step.progress
    question = questions.find(rt, progress)
    if question is None or _waits(progress):
        return None
    token = outgoing.new_token()
    spoken = questions.spoken(rt, place, decision)
    answer = (questions.ask(rt, question, progress, spoken, token),)
    turn = Turn(
        body=words_of(said),
        texts=decision.texts,
        level=int(danger.level),
        progress=progress.to_json(),
        token=token,
        answer=dump_steps(answer),
        now=now,
    )
    return _Asked(decision, answer, turn)


def _waits(progress: Progress) -> bool:
    """Is it a person that they need now?"""
    return progress.held or progress.state in DANGER_STATES | HUMAN_STATES


@retried
def left(rt: Runtime, sid: str) -> bool:
    """The call is over: what is known is kept, and what is owed is owed; False for a repeat.

    Who hung up while waiting for a person is rung back; who hung up half-way is owed a call of
    at least the floor they reached (PROTOCOL 3.6 item 4).
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None:
            return False
        place = conversations.lock_by_id(tx, known.conversation_id)
        if not calls.end(tx, known.id, now):
            return False
        leg = attempts.get(tx, known.attempt_id) if known.attempt_id is not None else None
        urgent: tuple[int, ...] = ()
        if leg is not None:
            waiting_room.left(tx, leg, now)
        else:
            decision = _decide(rt, place, _progress(rt, place), HungUp(), NO_DANGER, now)
            urgent = steps.carry_out(rt, tx, place, decision, now)
            _save(tx, place, decision, now)
    if leg is not None:
        legs.reported(rt, leg.token, sid, LegState.COMPLETED)
    _hint(rt, urgent)
    return True


def _go_on(
    rt: Runtime,
    tx: Transaction,
    call: Call,
    place: Place,
    said: Said,
    danger: Assessment,
    decision: Decision,
    now: datetime,
) -> tuple[tuple[CallStep, ...], tuple[int, ...]]:
    """One step: what they are told next, and crisis effects to ring the bell for."""
    progress = decision.step.progress
    spoken = questions.spoken(rt, place, decision)
    token = outgoing.new_token()
    state = CallState.ASKING
    answer: tuple[CallStep, ...]
    if _waits(progress):
        # They hear the words while they wait, so that whoever comes need not wait for the end.
        answer, urgent = waiting_room.enter(rt, tx, call, place, decision, now)
        state = CallState.HOLDING
    elif (question := questions.find(rt, progress)) is not None:
        answer = (questions.ask(rt, question, progress, spoken, token),)
        urgent = steps.carry_out(rt, tx, place, decision, now)
    else:
        urgent = steps.carry_out(rt, tx, place, decision, now)
        if progress.state == QUEUED:
            answer = (*spoken, *keeping_place.offer(rt, tx, place, progress, token, now))
        else:
            answer, state = (*spoken, HangUp()), CallState.LEAVING
    _save(tx, place, decision, now)
    _remember(tx, call, said, danger, decision, now)
    calls.told(tx, call, state=state, token=token, answer=dump_steps(answer))
    return answer, urgent


def _progress(rt: Runtime, place: Place) -> Progress:
    progress = steps.read_progress(rt, place)
    # Who wants no more texts may well ring.
    progress.opted_out = False
    return progress


def _decide(
    rt: Runtime, place: Place, progress: Progress, said: Said, danger: Assessment, now: datetime
) -> Decision:
    return steps.decide(rt, place, progress, said, danger, now, put=wording.aloud)


def _save(tx: Transaction, place: Place, decision: Decision, now: datetime) -> None:
    """No clock of silence runs for a caller who speaks: a call has an end that is told."""
    conversations.heard(tx, place, decision.step.progress.to_json(), now)


def _remember(
    tx: Transaction, call: Call, said: Said, danger: Assessment, decision: Decision, now: datetime
) -> None:
    """The turn in the caller's one timeline, beside their texts."""
    messages.keep_inbound(
        tx,
        conversation_id=call.conversation_id,
        sid=call.this_turn,
        body=words_of(said),
        answer=decision.texts,
        media=0,
        level=int(danger.level),
        now=now,
    )


def _get(tx: Transaction, sid: str) -> Call:
    known = calls.find(tx, sid)
    if known is None:
        raise LookupError("the call was there a moment ago")
    return known


def _hint(rt: Runtime, urgent: tuple[int, ...]) -> None:
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
