"""What staff do about a case from their pages.

Whatever can be done by text is done by the same command (CONTRACT 2): there is one set of
rules. What is here beside it needs a page: times, notes, floors, other people's cases.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpline.domain.commands import (
    CallOutcome,
    Command,
    RingMe,
    SetPresence,
    TakePage,
    TellOutcome,
    TextCaller,
)
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.rights import NotAllowed, Right, may, need
from helpline.runtime import Runtime
from helpline.service import (
    callbacks,
    commands,
    correspondence,
    ring_safety,
)
from helpline.service.console import reading
from helpline.service.sending import outgoing
from helpline.store import (
    Transaction,
    cases,
    conversations,
    holding,
    journal,
    notes,
    outbox,
    pages,
    people,
    retried,
)
from helpline.store import callbacks as promises
from helpline.store.callbacks import Callback
from helpline.store.cases import Case
from helpline.store.people import Person

LONGEST_NOTE = 2000
LONGEST_REASON = 200


class Refused(StrEnum):
    """Why something was not done; the value is the key of the words that say so."""

    CLOSED = "act_closed"
    COLLEAGUE = "act_colleague"
    NOT_SAFE = "act_not_safe"
    NOT_YET = "act_not_yet"
    ENGAGED = "act_engaged"
    SET_ASIDE = "act_set_aside"
    TALKING = "act_talking"
    NO_REASON = "act_no_reason"
    NO_WORDS = "act_no_words"
    BAD_TIME = "act_bad_time"
    URGENT = "act_urgent"
    PAGE_OPEN = "act_page_open"
    NOT_LOWER = "act_not_lower"
    NO_NUMBER = "act_no_number"
    NO_SUCH_CASE = "act_no_such_case"
    STILL_OPEN = "act_still_open"


class Done(StrEnum):
    """What was done; the value is the key of the words that say so."""

    RINGS = "done_rings"
    NOTED = "done_noted"
    LOWERED = "done_lowered"
    MOVED = "done_moved"
    PLANNED = "done_planned"
    CANCELED = "done_canceled"
    HANDED = "done_handed"
    JUDGED = "done_judged"
    BLOCKED = "done_blocked"
    UNBLOCKED = "done_unblocked"
    MERGED = "done_merged"
    PARTED = "done_parted"
    FRESH = "done_fresh"


@dataclass(frozen=True, slots=True)
class Told:
    """The words with which a command answers, as they are texted to staff."""

    words: str


Result = Done | Refused | Told


def set_presence(rt: Runtime, person: Person, *, available: bool) -> Told:
    """AVAILABLE or AWAY."""
    return _command(rt, person, SetPresence(available))


def take_next(rt: Runtime, person: Person) -> Told:
    """NEXT: their telephone rings with the most urgent case."""
    return _command(rt, person, RingMe())


def take(rt: Runtime, person: Person, case_id: int) -> Result:
    """OK: the case is theirs; for a page their telephone rings, then the caller's."""
    return _about(rt, person, case_id, lambda work: TakePage(work.code))


def say(rt: Runtime, person: Person, case_id: int, words: str) -> Result:
    """SAY: text the caller through the line."""
    if not words.strip():
        return Refused.NO_WORDS
    return _about(rt, person, case_id, lambda work: TextCaller(work.code, words.strip()))


def tell_outcome(
    rt: Runtime, person: Person, case_id: int, outcome: CallOutcome, note: str
) -> Result:
    """DONE: what came of it."""
    return _about(rt, person, case_id, lambda work: TellOutcome(work.code, outcome, note.strip()))


@retried
def _about(rt: Runtime, person: Person, case_id: int, command: Callable[[Case], Command]) -> Result:
    need(person.role, Right.WORK)
    with rt.store.read() as tx:
        work = cases.get(tx, case_id)
        reading.check_may_read(tx, person, work)
    if not work.is_open:
        return Refused.CLOSED
    return _command(rt, person, command(work))


@retried
def _command(rt: Runtime, person: Person, command: Command) -> Told:
    need(person.role, Right.WORK)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        texts, urgent = commands.obey_person(rt, tx, person, command, now)
    _hint(rt, urgent)
    return Told("\n".join(texts))


def _hint(rt: Runtime, urgent: tuple[int, ...]) -> None:
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break


def call_now(rt: Runtime, person: Person, case_id: int) -> Result:
    """Ring this person, then the caller, about this very case; numbers stay hidden both ways.

    A page is acknowledged by it, as by OK. A time that the caller chose is kept: who wants to
    ring earlier moves the call first.
    """
    with rt.store.read() as tx:
        work = cases.get(tx, case_id)
        reading.check_may_read(tx, person, work)
        paged = pages.find_open(tx, work.id) or holding.find_taken_of(tx, work.id)
        promise = promises.find_live(tx, work.caller_id)
    if paged is not None and (promise is None or work.disposition.is_danger):
        return take(rt, person, case_id)
    return _ring_for(rt, person, case_id)


@retried
def _ring_for(rt: Runtime, person: Person, case_id: int) -> Result:
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = lock_to_work(tx, person, case_id)
        if isinstance(work, Refused):
            return work
        if person.set_aside:
            return Refused.SET_ASIDE
        if not ring_safety.is_ring_safe(tx, work.conversation_id):
            return Refused.NOT_SAFE
        promise = promise_of(rt, tx, work, now, at_once=True)
        if promise is None or promise.phone is None:
            return Refused.NO_NUMBER
        if promise.state == "waiting" and promise.not_before > now:
            return Refused.NOT_YET
        if not people.lock_for_wish(tx, person.id):
            return Refused.ENGAGED
        if not callbacks.offer(rt, tx, promise, person, now):
            return Refused.TALKING
        journal.note(tx, "asked for ring", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.RINGS


def promise_of(
    rt: Runtime, tx: Transaction, work: Case, now: datetime, *, at_once: bool
) -> Callback | None:
    """The live promise of this caller, made now where none is; None without a number to ring."""
    found = promises.find_live(tx, work.caller_id)
    if found is not None:
        return found
    place = conversations.get(tx, work.conversation_id)
    if place.phone is None:
        return None
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    callbacks.book(rt, tx, place, work, progress, now, at_once=at_once)
    return promises.find_live(tx, work.caller_id)


@retried
def note(rt: Runtime, person: Person, case_id: int, words: str) -> Result:
    """Write something down for whoever has the case next."""
    if not words.strip():
        return Refused.NO_WORDS
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        need(person.role, Right.WORK)
        reading.check_may_read(tx, person, work)
        notes.keep(
            tx, case_id=work.id, staff_id=person.id, outcome=0,
            body=words.strip()[:LONGEST_NOTE], now=now,
        )  # fmt: skip
        journal.note(tx, "noted", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.NOTED


@retried
def lower(rt: Runtime, person: Person, case_id: int, to: Disposition, reason: str) -> Result:
    """A named human lowers the floor, and says why; nothing else ever does (DESIGN promise 7).

    Only whoever has the case, or a supervisor; never under an open page.
    """
    if not reason.strip():
        return Refused.NO_REASON
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = lock_to_work(tx, person, case_id)
        if isinstance(work, Refused):
            return work
        if pages.find_open(tx, work.id) is not None:
            return Refused.PAGE_OPEN
        if not Disposition.INFO < to < work.disposition:
            return Refused.NOT_LOWER
        place = conversations.lock_by_id(tx, work.conversation_id)
        progress = Progress.from_json(place.progress) if place.progress else Progress()
        progress.floor = to.name
        conversations.keep_progress(tx, place, progress.to_json())
        cases.lower(tx, work.id, to)
        promise = promises.find_live(tx, work.caller_id)
        if promise is not None and promise.disposition > to:
            due_at = callbacks.due_at(rt, promise, to)
            promises.lower(tx, promise.id, to, due_at)
        actor = f"staff:{person.id}"
        journal.note(
            tx, "lowered", "case", work.id, now=now, actor=actor, disposition=int(to),
            before=int(work.disposition),
        )  # fmt: skip
        body = reason.strip()[:LONGEST_REASON]
        notes.keep(tx, case_id=work.id, staff_id=person.id, outcome=0, body=body, now=now)
    return Done.LOWERED


@retried
def judge_danger(
    rt: Runtime, person: Person, case_id: int, message_id: int, *, real: bool
) -> Result:
    """A human says whether words that were taken for danger were: for reports and the lexicon.

    It lowers nothing.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        need(person.role, Right.WORK)
        reading.check_may_read(tx, person, work)
        journal.note(
            tx, "danger confirmed" if real else "danger dismissed", "case", work.id, now=now,
            actor=f"staff:{person.id}", message=message_id,
        )  # fmt: skip
    return Done.JUDGED


@retried
def hand_over(rt: Runtime, person: Person, case_id: int, to_id: int) -> Result:
    """A supervisor gives a case to somebody, who is texted, and owes its outcome from now on."""
    need(person.role, Right.SUPERVISE)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, cases.get(tx, case_id).conversation_id)
        work = cases.get(tx, case_id)
        if not work.is_open:
            return Refused.CLOSED
        colleague = people.get(tx, to_id)
        if colleague.disabled or people.find_author(tx, work.id) == to_id:
            raise NotAllowed("nobody to hand it to")
        if pages.find_open(tx, work.id) is not None:
            return Refused.PAGE_OPEN
        correspondence.take(rt, tx, colleague, work, now)
        outgoing.text_staff(
            rt, tx, colleague, "STAFF_YOURS", now, priority=outbox.URGENT, CODE=work.code
        )
        journal.note(
            tx, "reassigned", "case", work.id, now=now, actor=f"staff:{person.id}", staff=to_id
        )
    return Done.HANDED


def lock_to_work(tx: Transaction, person: Person, case_id: int) -> Case | Refused:
    """The open case, its conversation locked, for whoever may work on it.

    Raises:
        NotAllowed: they may not even read it.
    """
    need(person.role, Right.WORK)
    conversations.lock_by_id(tx, cases.get(tx, case_id).conversation_id)
    work = cases.get(tx, case_id)
    reading.check_may_read(tx, person, work)
    if not work.is_open:
        return Refused.CLOSED
    theirs = work.holder_id in (None, person.id) or holding.is_theirs(tx, work.id, person.id)
    if not theirs and not may(person.role, Right.SUPERVISE):
        return Refused.COLLEAGUE
    return work
