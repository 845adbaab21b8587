"""A conversation that a human holds: their words to the caller, the caller's words to them."""

from datetime import datetime

from helpline.domain.commands import LONGEST_SAYING
from helpline.runtime import Runtime
from helpline.service import escalation, ring_safety, wording
from helpline.service.rounds import take_each
from helpline.service.sending import outgoing
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
from helpline.store.people import Person


def say(
    rt: Runtime, tx: Transaction, person: Person, work: Case, words: str, now: datetime
) -> tuple[str, tuple[int, ...]]:
    """Text the caller through their line: the answer, and crisis effects to ring for.

    Only from whoever has the case: words under a mistyped code must reach no other caller. An
    open page is acknowledged, and whoever held it before is told.
    """
    place = conversations.lock_by_id(tx, work.conversation_id)
    if not words:
        return wording.to_staff(rt, "SAY_EMPTY", CODE=work.code), ()
    if len(words) > LONGEST_SAYING:
        return wording.to_staff(rt, "SAY_LONG", CODE=work.code), ()
    if place.opted_out:
        return wording.to_staff(rt, "SAY_STOPPED", CODE=work.code), ()
    if place.textless:
        return wording.to_staff(rt, "SAY_LANDLINE", CODE=work.code), ()
    if place.phone is None:
        return wording.to_staff(rt, "SAY_NO_NUMBER", CODE=work.code), ()
    if not holding.is_theirs(tx, work.id, person.id):
        return refused(rt, tx, person, work, now), ()
    take(rt, tx, person, work, now)
    priority = outbox.CRISIS if work.disposition.is_danger else outbox.URGENT
    sent = outgoing.text_words(tx, work.conversation_id, words, now, priority=priority)
    journal.note(tx, "texted", "case", work.id, now=now, actor=f"staff:{person.id}")
    hint = (sent,) if sent is not None and priority == outbox.CRISIS else ()
    return wording.to_staff(rt, "SAY_SENT", CODE=work.code), hint


def refused(rt: Runtime, tx: Transaction, person: Person, work: Case, now: datetime) -> str:
    """SAY for a case that is not theirs: the code back, and what to do if it is the right one."""
    journal.note(tx, "say refused", "case", work.id, now=now, actor=f"staff:{person.id}")
    colleague = work.holder_id is not None or holding.is_talked_to(tx, work.id)
    return wording.to_staff(rt, "SAY_COLLEAGUE" if colleague else "SAY_NOT_YOURS", CODE=work.code)


def take(rt: Runtime, tx: Transaction, person: Person, work: Case, now: datetime) -> None:
    """The case is this person's, who owes its outcome; whoever held it before is told."""
    page = pages.find_open(tx, work.id)
    if page is not None:
        escalation.acknowledge(tx, page.id, person, now)
    if work.holder_id == person.id:
        holding.caller_heard(tx, work.id)
        return
    if page is None:
        _owe_outcome(tx, person, work, now)
    cases.hold(tx, work.id, person.id, now)
    journal.note(tx, "held", "case", work.id, now=now, actor=f"staff:{person.id}")
    if work.holder_id is not None:
        former = people.get(tx, work.holder_id)
        outgoing.text_staff(
            rt, tx, former, "STAFF_MOVED", now, priority=outbox.URGENT, CODE=work.code
        )


def _owe_outcome(tx: Transaction, person: Person, work: Case, now: datetime) -> None:
    """Nobody was paged, or a colleague has the page: the clock for an outcome begins now."""
    taken = holding.find_taken_of(tx, work.id)
    if taken is not None:
        pages.hand_over(tx, taken, person.id, now)
        return
    pages.take_unasked(
        tx,
        case_id=work.id,
        kind=work.disposition,
        staff_id=person.id,
        ring_caller=ring_safety.is_ring_safe(tx, work.conversation_id),
        now=now,
    )


def forward(tx: Transaction, case_id: int, holder_id: int, said: str, now: datetime) -> None:
    """The caller's words go to the holder's telephone, and the caller waits from now on.

    The one place where words leave the system (CONTRACT 2, docs/privacy.md).
    """
    work = cases.get(tx, case_id)
    holding.caller_waits(tx, case_id, now)
    words = f"{work.code}: {said}"[:1500]
    outgoing.words_to_staff(tx, people.get(tx, holder_id), words, now, priority=outbox.CRISIS)


def page_for_silent_holders(rt: Runtime) -> int:
    """Callers whom their holder lets wait get a page again (CONTRACT 2). Run by the guard."""
    now = rt.clock.now()
    before = now - rt.protocol.escalation.holder_silence
    with rt.store.read() as tx:
        silent = holding.list_silent(tx, before)
    return take_each(
        silent,
        lambda case_id: _page_for(rt, case_id, before, now),
        event="holder.failed",
        name=_named,
    )


def _named(case_id: int) -> dict[str, int]:
    return {"case_id": case_id}


def _page_for(rt: Runtime, case_id: int, before: datetime, now: datetime) -> bool:
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, cases.get(tx, case_id).conversation_id)
        work = cases.get(tx, case_id)
        # Only under the lock is it sure that nobody has answered since it was listed.
        if work.holder_id is None or not holding.list_silent(tx, before, case_id):
            return False
        holder = people.get(tx, work.holder_id)
        cases.hold(tx, case_id, None, now)
        outgoing.text_staff(
            rt, tx, holder, "STAFF_SILENT", now, priority=outbox.URGENT, CODE=work.code
        )
        journal.note(tx, pages.HOLDER_SILENT, "case", case_id, now=now, staff=holder.id)
        if pages.find_open(tx, case_id) is not None:
            return True
        ring = ring_safety.is_ring_safe(tx, work.conversation_id)
        free = cases.get(tx, case_id)
        written = escalation.page(rt, tx, free, work.disposition, pages.HOLDER_SILENT, ring, now)
    for outbox_id in written:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return True
