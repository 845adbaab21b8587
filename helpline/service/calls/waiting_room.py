"""A caller who waits on the line for a person: rung for at once, several at a time.

Their leg stands in the ledger like one that we placed, bound to a promised call. So a
specialist who presses 1 meets them in the conference; hanging up leaves the promise; and
nobody rings a caller who is on the line (PROTOCOL 3.6 item 1, CONTRACT 5).
"""

from datetime import datetime

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.effects import PageStaff
from helpline.domain.progress import Progress
from helpline.domain.speech import CallStep, Join, Pause, Redirect, Say
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, live, steps, wording
from helpline.service.calls.prompts import NOTHING
from helpline.service.sending import outgoing
from helpline.service.steps import Decision
from helpline.store import (
    Transaction,
    attempts,
    calls,
    cases,
    conversations,
    journal,
    messages,
    pages,
)
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback
from helpline.store.calls import Call
from helpline.store.cases import Case
from helpline.store.conversations import Place

HOLD = "/twilio/voice/hold"
WAITS = "waits on the line"


def enter(
    rt: Runtime, tx: Transaction, call: Call, place: Place, decision: Decision, now: datetime
) -> tuple[tuple[CallStep, ...], tuple[int, ...]]:
    """Let them wait, and ring everybody who is on call; crisis effects to ring the bell for.

    The leg is in the ledger before anybody is paged: the ladder for who waits on the line
    climbs in seconds, not minutes.
    """
    progress = decision.step.progress
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=max(progress.disposition, Disposition.SOON),
        protocol_hash=rt.protocol.hash,
        now=now,
    )
    callback_id = callbacks.book(rt, tx, place, work, progress, now, at_once=True)
    wait = stand_in_line(tx, call, work, callback_id, now)
    journal.note(tx, "waits on the line", "case", work.id, now=now)
    urgent = tuple(escalation.begin_live(rt, tx, work, now))
    urgent += steps.carry_out(rt, tx, place, decision, now)
    if not place.staffed and progress.disposition.is_danger:
        urgent += _outside_at_once(rt, tx, place, work, now)
    if not any(isinstance(effect, PageStaff) for effect in decision.effects):
        kind = max(progress.disposition, Disposition.SOON)
        urgent += tuple(escalation.page(rt, tx, work, kind, WAITS, True, now))
    return (wait,), urgent


def stand_in_line(tx: Transaction, call: Call, work: Case, callback_id: int, now: datetime) -> Join:
    """The caller's leg enters the ledger, bound to what was promised, and waits.

    The conference begins when a person comes; until then they hear `hold`.
    """
    promise = promises.get(tx, callback_id)
    leg = attempts.get(tx, call.attempt_id) if call.attempt_id is not None else None
    if leg is None:
        token = outgoing.new_token()
        leg_id = attempts.plan(
            tx, token=token, leg="caller", case_id=work.id, callback_id=promise.id, now=now
        )
        attempts.move(tx, leg_id, LegState.ANSWERED, now, sid=call.sid)
        attempts.set_result(tx, leg_id, "holding")
        calls.bind(tx, call.id, case_id=work.id, attempt_id=leg_id)
    else:
        token = leg.token
    return join_when_somebody_comes(promise, token, f"{HOLD}/first")


def join_when_somebody_comes(promise: Callback, token: str, wait: str) -> Join:
    """The caller's leg into the room that begins when a person comes; until then `wait` speaks."""
    return Join(
        conference=promise.token,
        action=f"/twilio/voice/caller/after?attempt={token}",
        start=False,
        end_on_exit=True,
        wait=f"{wait}?attempt={token}",
    )


def _outside_at_once(
    rt: Runtime, tx: Transaction, place: Place, work: Case, now: datetime
) -> tuple[int, ...]:
    """Nobody of ours is on duty: the outside line is rung now (PROTOCOL 3.6 item 6)."""
    waits = attempts.find_holding(tx, work.id)
    if waits is None:
        return ()
    return tuple(live.ring_outside(rt, tx, place.conversation_id, waits, now)[0])


def left(tx: Transaction, leg: Attempt, now: datetime) -> None:
    """They hung up: without danger nobody needs to hurry to the line any more."""
    known = pages.find_open(tx, leg.case_id)
    if known is not None and not known.kind.is_danger and known.reason == WAITS:
        escalation.withdraw(tx, known, now)


def outside(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The outside line picked up: it enters the conference where the caller waits."""
    with rt.store.read() as tx:
        leg = attempts.find_by_token(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or attempts.find_caller_leg(tx, promise.id) is None:
            return NOTHING
    return (Join(promise.token, f"/twilio/voice/caller/after?attempt={token}", start=True),)


def hold_first(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The words of danger first, while everybody rings: whoever comes cuts in at any time."""
    with rt.store.read() as tx:
        leg = attempts.find_by_token(tx, token)
        call = calls.find_by_leg(tx, leg.id) if leg is not None else None
        if call is None:
            return _quiet(rt)
        words = messages.find_answer(tx, call.last_turn) or ()
        place = conversations.get(tx, call.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    tag = rt.protocol.telephone.spoken_as[progress.language]
    return (*(Say(text, tag) for text in words), Redirect(f"{HOLD}?attempt={token}"))


def hold(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """What they hear while they wait, again and again: that we ring, and the numbers.

    It leads to itself: nothing promises that the carrier repeats what it fetched.
    """
    with rt.store.read() as tx:
        leg = attempts.find_by_token(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if promise is None:
            return _quiet(rt)
        place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.aloud(rt, "HOLD", progress, staffed=place.staffed, line=place.line)
    rules = rt.protocol.telephone
    return (
        Say(words, rules.spoken_as[progress.language]),
        Pause(rules.hold_message),
        Redirect(f"{HOLD}?attempt={token}"),
    )


def _quiet(rt: Runtime) -> tuple[CallStep, ...]:
    """To a leg that nobody knows: the carrier refuses to hang up from here (its error 13238)."""
    return (Pause(rt.protocol.telephone.hold_message),)
