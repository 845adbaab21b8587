"""What came of a case: told by key after a call, or by text (CONTRACT 2)."""

from datetime import datetime

from helpline.domain.commands import CallOutcome
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.speech import CallStep, HangUp
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, ring_safety, second_number, wording
from helpline.service.calls import legs, room, staff_leg
from helpline.service.calls.prompts import NOTHING, say
from helpline.store import (
    Transaction,
    cases,
    conversations,
    holding,
    journal,
    notes,
    pages,
    people,
    retried,
)
from helpline.store import callbacks as promises
from helpline.store.callbacks import Callback
from helpline.store.cases import Case
from helpline.store.conversations import Place
from helpline.store.people import Person

LONGEST_NOTE = 1000
_ENDS = {CallOutcome.HELPED, CallOutcome.EMERGENCY_SERVICES, CallOutcome.WRONG_PERSON}


@retried
def pressed(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """The outcome by key; a wrong key is asked again."""
    now = rt.clock.now()
    if digits not in {str(int(outcome)) for outcome in CallOutcome}:
        return staff_leg.outcome(rt, token)
    urgent: list[int] = []
    with rt.store.begin() as tx:
        leg = legs.lock(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or leg.staff_id is None:
            return NOTHING
        if promise.state == "talking" and promise.specialist_id == leg.staff_id:
            work = cases.get(tx, promise.case_id)
            outcome = CallOutcome(int(digits))
            person = people.get(tx, leg.staff_id)
            room.end(tx, promise, leg, now)
            urgent = _settle(rt, tx, work, promise, person, outcome, now)
    _hint(rt, urgent)
    return (say(rt, "STAFF_THANKS"), HangUp())


def told(
    rt: Runtime,
    tx: Transaction,
    person: Person,
    work: Case,
    outcome: CallOutcome,
    note: str,
    now: datetime,
) -> tuple[str, tuple[int, ...]]:
    """The outcome by text: the answer, and crisis effects to ring for.

    Only from whoever has the case, so that a mistyped code closes nobody else's; a supervisor
    may tell the outcome of any.
    """
    theirs = holding.is_theirs(tx, work.id, person.id)
    if not theirs and person.role == "specialist":
        actor = f"staff:{person.id}"
        journal.note(tx, "outcome refused", "case", work.id, now=now, actor=actor)
        return wording.to_staff(rt, "STAFF_NOT_YOURS", CODE=work.code), ()
    if note:
        notes.keep(
            tx,
            case_id=work.id,
            staff_id=person.id,
            outcome=int(outcome),
            body=note[:LONGEST_NOTE],
            now=now,
        )
    promise = promises.find_live(tx, work.caller_id)
    urgent = _settle(rt, tx, work, promise, person, outcome, now)
    closes = outcome in _ENDS and cases.get(tx, work.id).is_open
    key = "STAFF_STILL_OPEN" if closes else "STAFF_THANKS"
    return wording.to_staff(rt, key, CODE=work.code), tuple(urgent)


def _settle(
    rt: Runtime,
    tx: Transaction,
    work: Case,
    promise: Callback | None,
    person: Person,
    outcome: CallOutcome,
    now: datetime,
) -> list[int]:
    """What the outcome means for promise and case; crisis effects to ring for.

    A page that only asked after a human is answered by it.
    """
    reminder = holding.find_reminder(tx, work.id)
    if reminder is not None:
        escalation.acknowledge(tx, reminder, person, now)
    subject = ("case", work.id) if promise is None else ("callback", promise.id)
    actor = f"staff:{person.id}"
    journal.note(tx, "outcome", *subject, now=now, actor=actor, outcome=int(outcome))
    name = outcome.name.lower().replace("_", " ")
    match outcome:
        case CallOutcome.CALL_AGAIN:
            _call_again(rt, tx, work, promise, now)
        case CallOutcome.NOT_REACHED:
            _not_reached(rt, tx, work, promise, now)
        case CallOutcome.RAISE_TO_CRISIS:
            if promise is not None:
                promises.finish(tx, promise.id, "done", name, now)
            return _raise_to_crisis(rt, tx, work, now)
        case CallOutcome.WRONG_PERSON if second_number.was_a_strangers(tx, promise, now):
            # The caller is somebody else, and still owed the call: on their first number.
            _not_reached(rt, tx, work, promise, now)
        case _:
            if promise is not None:
                promises.finish(tx, promise.id, "done", name, now)
            _close(tx, work, name, now)
    return []


def _call_again(
    rt: Runtime, tx: Transaction, work: Case, promise: Callback | None, now: datetime
) -> None:
    """A further call after the first pause of the ladder; one is promised where none was."""
    pause = rt.protocol.callbacks.by_disposition[_owed(work, promise)].retries[0]
    if promise is None:
        _book(rt, tx, work, now)
    elif promise.state == "talking":
        promises.give_back(tx, promise.id, not_before=now + pause, tried=True)
    _free(rt, tx, work, promise, "call again", now + pause)


def _not_reached(
    rt: Runtime, tx: Transaction, work: Case, promise: Callback | None, now: datetime
) -> None:
    """The ladder of further attempts goes on; a caller who was only texted is promised a call."""
    at = now
    if promise is None:
        _book(rt, tx, work, now)
    elif promise.state == "talking":
        at = now + callbacks.not_reached(rt, tx, promise, now)
    _free(rt, tx, work, promise, "caller not reached", at)


def _owed(work: Case, promise: Callback | None) -> Disposition:
    return promise.disposition if promise else max(work.disposition, Disposition.ROUTINE)


def _free(
    rt: Runtime, tx: Transaction, work: Case, promise: Callback | None, reason: str, at: datetime
) -> None:
    """Nobody holds the case meanwhile; danger is paged again when the next attempt is due."""
    cases.hold(tx, work.id, None, at)
    if _owed(work, promise).is_danger:
        free = cases.get(tx, work.id)
        ring = ring_safety.is_ring_safe(tx, work.conversation_id)
        escalation.page_later(rt, tx, free, _owed(work, promise), reason, at, ring_caller=ring)


def _book(rt: Runtime, tx: Transaction, work: Case, now: datetime) -> None:
    place, progress = _place(tx, work)
    callbacks.book(rt, tx, place, work, progress, now, at_once=True)


def _place(tx: Transaction, work: Case) -> tuple[Place, Progress]:
    place = conversations.lock_by_id(tx, work.conversation_id)
    return place, Progress.from_json(place.progress) if place.progress else Progress()


def _close(tx: Transaction, work: Case, outcome: str, now: datetime) -> None:
    """The outcome ends the case, but not over danger that was heard meanwhile."""
    holding.caller_heard(tx, work.id)
    if pages.find_open(tx, work.id) is not None:
        cases.hold(tx, work.id, None, now)
        return
    cases.close(tx, work.id, outcome, now)
    _end_conversations(tx, work, now)


def _raise_to_crisis(rt: Runtime, tx: Transaction, work: Case, now: datetime) -> list[int]:
    """A call is promised at once and humans are paged, whoever held it until now.

    What the specialist heard is a floor like any other: it is kept with the caller's progress,
    and nothing that they answer later ends the case below it.
    """
    place, progress = _place(tx, work)
    progress.floor = max(progress.disposition, work.disposition, Disposition.CRISIS_LIVE).name
    conversations.keep_progress(tx, place, progress.to_json())
    raised = cases.open_or_raise(
        tx,
        conversation_id=work.conversation_id,
        caller_id=work.caller_id,
        disposition=progress.disposition,
        protocol_hash=rt.protocol.hash,
        now=now,
    )
    cases.hold(tx, raised.id, None, now)
    callbacks.book(rt, tx, place, raised, progress, now, at_once=True)
    return escalation.page(
        rt,
        tx,
        cases.get(tx, raised.id),
        progress.disposition,
        "raised by a specialist",
        ring_safety.is_ring_safe(tx, work.conversation_id),
        now,
    )


def _end_conversations(tx: Transaction, work: Case, now: datetime) -> None:
    """A human ended the case: the next text starts a new one, whichever of our lines it is to."""
    for conversation_id, known in conversations.list_progress(tx, work.caller_id).items():
        if known:
            place = conversations.lock_by_id(tx, conversation_id)
            _end_conversation(tx, place, Progress.from_json(known), now)


def _end_conversation(tx: Transaction, place: Place, known: Progress, now: datetime) -> None:
    """It starts afresh, with what must be kept."""
    fresh = Progress(
        state="CLOSED",
        language=known.language,
        country=known.country,
        hits=known.hits,
        disclosed=known.disclosed,
        opted_out=known.opted_out,
        case=known.case + 1,
        heard_at=known.heard_at,
    )
    conversations.save(
        tx, place, fresh.to_json(), wake_at=None, heard_at=now, whatsapp=place.whatsapp
    )


def _hint(rt: Runtime, urgent: list[int]) -> None:
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
