"""A shift worked by text: what staff tell the line from their own telephones (CONTRACT 2)."""

from datetime import datetime

from helpline.domain.commands import (
    AskOutcome,
    CallOutcome,
    Command,
    ListCommands,
    RingMe,
    SetPresence,
    TakePage,
    TellOutcome,
    TextCaller,
)
from helpline.domain.phone import PhoneNumber
from helpline.domain.said import CarrierWord
from helpline.runtime import Runtime
from helpline.service import correspondence, escalation, ring_safety, shift, summons, wording
from helpline.service.calls import outcomes
from helpline.service.sending import outgoing
from helpline.service.upkeep import drill
from helpline.store import (
    Transaction,
    cases,
    conversations,
    holding,
    journal,
    outbox,
    pages,
    people,
)
from helpline.store.cases import Case
from helpline.store.pages import Page
from helpline.store.people import Person

Answer = tuple[tuple[str, ...], tuple[int, ...]]
"""What is texted back, and crisis effects to ring the bell for."""


def obey(
    rt: Runtime,
    tx: Transaction,
    phone: PhoneNumber | None,
    command: Command | None,
    now: datetime,
    *,
    answered: CarrierWord | None = None,
) -> Answer:
    """Do what a member of staff texted: the answer, and crisis effects to ring for.

    A word that the carrier answered already (STOP, HELP, START) gets no second answer; STOP
    and START change what can reach this person.
    """
    person = people.find_by_phone(tx, phone) if phone is not None else None
    if person is None:
        return (), ()
    if answered is not None:
        _opted(rt, tx, person, answered, now)
        return (), ()
    return obey_person(rt, tx, person, command, now)


def _opted(rt: Runtime, tx: Transaction, person: Person, word: CarrierWord, now: datetime) -> None:
    if word is CarrierWord.STOP:
        shift.texts_stopped(rt, tx, person.id, now, actor=f"staff:{person.id}")
    elif word is CarrierWord.START:
        shift.texts_again(tx, person.id, now)


def obey_person(
    rt: Runtime, tx: Transaction, person: Person, command: Command | None, now: datetime
) -> Answer:
    """Do what this person asks for, by text or on a page: the answer, and effects to ring for."""
    match command:
        case SetPresence(available):
            shift.set_presence(rt, tx, person, available, now)
            return _words(rt, shift.presence_words(person, available))
        case TakePage(code):
            return _take(rt, tx, person, code, now)
        case RingMe():
            wish, urgent = shift.ring_next(rt, tx, person, now)
            return _words(rt, str(wish))[0], urgent
        case TextCaller(code, words):
            return _text_caller(rt, tx, person, code, words, now)
        case TellOutcome(code, outcome, note):
            return _tell_outcome(rt, tx, person, code, outcome, note, now)
        case AskOutcome(code):
            _note(tx, "asked for outcomes", person, now)
            return _words(rt, "STAFF_OUTCOME", code)
        case ListCommands():
            _note(tx, "asked for commands", person, now)
            return (*_words(rt, "STAFF_COMMANDS")[0], *_words(rt, "STAFF_COMMANDS_MORE")[0]), ()
        case None:
            return _words(rt, "STAFF_UNKNOWN")


def _note(tx: Transaction, action: str, person: Person, now: datetime) -> None:
    """What changes no case is noted with the person who asked for it."""
    journal.note(tx, action, "staff", person.id, now=now, actor=f"staff:{person.id}")


def _note_page(tx: Transaction, action: str, found: Page, person: Person, now: datetime) -> None:
    journal.note(tx, action, "page", found.id, now=now, actor=f"staff:{person.id}")


def _words(rt: Runtime, key: str, code: str | None = None) -> Answer:
    values = {} if code is None else {"CODE": code}
    return (wording.to_staff(rt, key, **values),), ()


def _text_caller(
    rt: Runtime, tx: Transaction, person: Person, code: str, words: str, now: datetime
) -> Answer:
    work = _open_case(tx, person, code)
    if work is None:
        return _why_not(rt, tx, person, code, now)
    said, urgent = correspondence.say(rt, tx, person, work, words, now)
    return (said,), urgent


def _tell_outcome(
    rt: Runtime,
    tx: Transaction,
    person: Person,
    code: str,
    outcome: CallOutcome,
    note: str,
    now: datetime,
) -> Answer:
    work = _open_case(tx, person, code)
    if work is None:
        return _why_not(rt, tx, person, code, now)
    said, urgent = outcomes.told(rt, tx, person, work, outcome, note, now)
    return (said,), urgent


def _open_case(tx: Transaction, person: Person, code: str) -> Case | None:
    """The open case of this code, its conversation locked; nobody works their own case."""
    case_id = holding.find_by_code(tx, code)
    if case_id is None:
        return None
    conversations.lock_by_id(tx, cases.get(tx, case_id).conversation_id)
    work = cases.get(tx, case_id)
    return work if work.is_open and people.find_author(tx, work.id) != person.id else None


def _why_not(rt: Runtime, tx: Transaction, person: Person, code: str, now: datetime) -> Answer:
    _note(tx, "wrong code", person, now)
    case_id = holding.find_by_code(tx, code)
    closed = case_id is not None and not cases.get(tx, case_id).is_open
    return _words(rt, "STAFF_CLOSED" if closed else "STAFF_NO_CODE", code)


def _take(rt: Runtime, tx: Transaction, person: Person, code: str | None, now: datetime) -> Answer:
    """OK: the page is this person's, their telephone rings, then the caller's."""
    if code is None:
        return _take_most_urgent(rt, tx, person, now)
    work = _open_case(tx, person, code)
    if work is None:
        return _why_not(rt, tx, person, code, now)
    taken = holding.find_taken_of(tx, work.id)
    found = pages.find_open(tx, work.id) or (pages.find(tx, taken) if taken else None)
    if found is not None and (found.state == "open" or found.acknowledged_by == person.id):
        return _take_page(rt, tx, person, found, now)
    return _take_unpaged(rt, tx, person, work, now)


def _take_unpaged(
    rt: Runtime, tx: Transaction, person: Person, work: Case, now: datetime
) -> Answer:
    """No page waits for it: theirs to write to. What was promised keeps its own time."""
    colleague = work.holder_id not in (None, person.id) or holding.is_talked_to(tx, work.id)
    if colleague and not holding.is_theirs(tx, work.id, person.id):
        actor = f"staff:{person.id}"
        journal.note(tx, "came too late", "case", work.id, now=now, actor=actor)
        return _words(rt, "STAFF_TAKEN", work.code)
    correspondence.take(rt, tx, person, work, now)
    return _words(rt, "STAFF_YOURS", work.code)


def _take_most_urgent(rt: Runtime, tx: Transaction, person: Person, now: datetime) -> Answer:
    """Without a code; a second OK is about the page that they have."""
    found = pages.find_most_urgent(tx, person.id)
    if found is not None:
        conversations.lock_by_id(tx, found.conversation_id)
        return _take_page(rt, tx, person, found, now)
    theirs = holding.find_taken(tx, person.id)
    mine = pages.find(tx, theirs) if theirs is not None else None
    if mine is not None:
        conversations.lock_by_id(tx, mine.conversation_id)
        return _take_page(rt, tx, person, mine, now)
    drilled = drill.answer_by_text(rt, tx, person, now)
    if drilled is not None:
        return (drilled,), ()
    _note(tx, "found no page", person, now)
    return _words(rt, "STAFF_NO_PAGE")


def _take_page(rt: Runtime, tx: Transaction, person: Person, found: Page, now: datetime) -> Answer:
    if escalation.acknowledge(tx, found.id, person, now):
        cases.hold(tx, found.case_id, person.id, now)
        return _ring_holder(rt, tx, person, found, "STAFF_RINGING", now)
    known = pages.find(tx, found.id)
    if known is None or known.acknowledged_by != person.id:
        _note_page(tx, "came too late", found, person, now)
        return _words(rt, "STAFF_TAKEN", found.code)
    _note_page(tx, "asked for ring", found, person, now)
    return _ring_holder(rt, tx, person, found, "STAFF_HAVE", now)


def _ring_holder(
    rt: Runtime, tx: Transaction, person: Person, found: Page, key: str, now: datetime
) -> Answer:
    """Ring whoever has the page, unless they talk or their telephone rings for a page already."""
    if not ring_safety.is_ring_safe(tx, found.conversation_id):
        return _words(rt, "STAFF_NO_RING", found.code)
    people.lock(tx, [person.id])
    if people.is_talking(tx, person.id):
        return _words(rt, "STAFF_TALKING", found.code)
    since = now - summons.RINGS * rt.protocol.escalation.ring
    if people.is_rung_for_page(tx, person.id, since):
        return _words(rt, "STAFF_RINGS", found.code)
    rung = outgoing.ring(
        tx,
        leg="staff",
        case_id=found.case_id,
        page_id=found.id,
        staff_id=person.id,
        now=now,
        priority=outbox.CRISIS,
    )
    return _words(rt, key, found.code)[0], () if rung is None else (rung,)
