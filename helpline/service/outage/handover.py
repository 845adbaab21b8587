"""A page that was sent without the database goes on as an ordinary one (CONTRACT 6)."""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.effects import PageStaff
from helpline.domain.outage import DirectPage
from helpline.runtime import Runtime
from helpline.service import escalation, wording
from helpline.service.sending import outgoing
from helpline.service.steps import Decision
from helpline.store import Transaction, cases, conversations, journal, outbox, pages, people
from helpline.store.conversations import Place


def open_in_database(
    rt: Runtime, tx: Transaction, place: Place, decision: Decision, paged: DirectPage, now: datetime
) -> None:
    """Open the page at the step it has reached, before the engine's wish would open another.

    Nothing is opened when the engine, which knows more of this caller, wants no page, or when
    the direct page had not begun.
    """
    wanted = [effect for effect in decision.effects if isinstance(effect, PageStaff)]
    if not wanted or paged.step == 0:
        return
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=max(decision.step.progress.disposition, Disposition.URGENT_60),
        protocol_hash=rt.protocol.hash,
        now=paged.opened_at,
    )
    page_id = pages.open_page(
        tx,
        case_id=work.id,
        kind=max(paged.kind, wanted[0].kind),
        reason=wanted[0].reason,
        ring_caller=wanted[0].ring_caller,
        next_at=max(paged.next_at, now),
        now=paged.opened_at,
        step=paged.step,
    )
    if page_id is not None:
        pages.mark_sent(tx, page_id, paged.opened_at)
        journal.note(tx, "paged directly", "page", page_id, now=now, step=paged.step)


def settle(rt: Runtime, paged: DirectPage) -> int:
    """Give the page to whoever acknowledged it without the database, and ring them.

    The id of the page in the database; 0 when none is open there. May run again.
    """
    now = rt.clock.now()
    hint: int | None = None
    with rt.store.begin() as tx:
        place = conversations.lock(tx, paged.caller, paged.line)
        work = cases.find_open(tx, place.conversation_id) if place else None
        found = pages.find_open(tx, work.id) if work else None
        if found is None:
            return 0
        if paged.acknowledged_by is not None:
            _, hint = give(rt, tx, found.id, paged.acknowledged_by, now)
    if hint is not None:
        rt.bell.hint("crisis", hint)
    return found.id


def give(
    rt: Runtime, tx: Transaction, page_id: int, staff_id: int, now: datetime
) -> tuple[bool, int | None]:
    """This person has the page: they are rung, then the caller; False when somebody else has it.

    The second value is a crisis effect to ring the bell for. The conversation is locked.
    """
    person = people.get(tx, staff_id)
    found = pages.find(tx, page_id)
    if found is None or not escalation.acknowledge(tx, page_id, person, now):
        return False, None
    cases.hold(tx, found.case_id, staff_id, now)
    if not found.ring_caller:
        words = wording.to_staff(rt, "STAFF_NO_RING", CODE=found.code)
        outgoing.words_to_staff(tx, person, words, now, priority=outbox.CRISIS)
        return True, None
    return True, outgoing.ring(
        tx,
        leg="staff",
        case_id=found.case_id,
        page_id=page_id,
        staff_id=staff_id,
        now=now,
        priority=outbox.CRISIS,
    )
