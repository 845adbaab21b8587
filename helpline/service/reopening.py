"""Acknowledged is not closed: pages whose human did not come are open again (CONTRACT 2)."""

from datetime import datetime

from helpline.domain.delivery import LegState
from helpline.runtime import Runtime
from helpline.service import escalation, shift, summons
from helpline.service.rounds import take_each
from helpline.store import Transaction, attempts, audit, cases, conversations, journal, pages
from helpline.store.attempts import Attempt
from helpline.store.pages import Page

MISSED = {LegState.NO_ANSWER, LegState.COMPLETED, LegState.CANCELED}
"""How a ring ends that no human answered: with a voicemail, or not at all. Busy is not absent."""


def reopen_without_outcome(rt: Runtime) -> int:
    """No outcome in time pages again. Run by the guard."""
    now = rt.clock.now()
    before = now - rt.protocol.escalation.reopen_without_outcome
    with rt.store.read() as tx:
        left = pages.list_without_outcome(tx, before)
    return take_each(
        left, lambda found: _reopen(rt, found, before, now), event="reopen.failed", name=_named
    )


def _named(item: Page) -> dict[str, int]:
    return {"page_id": item.id}


def _reopen(rt: Runtime, found: Page, before: datetime, now: datetime) -> bool:
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, found.conversation_id)
        # Only under the lock is it sure that nobody talks to the caller since it was listed.
        still = pages.find_without_outcome(tx, found.id, before)
        if still is None or not pages.close(tx, found.id):
            return False
        cases.hold(tx, found.case_id, None, now)
        work = cases.get(tx, found.case_id)
        escalation.page(rt, tx, work, found.kind, pages.NO_OUTCOME, found.ring_caller, now)
    return True


def reopen_after_ring(rt: Runtime, tx: Transaction, leg: Attempt, now: datetime) -> None:
    """Whoever took the page by text did not pick up the ring that joins them: it climbs on.

    Everybody it had reached is told again, and the next step follows at once: the danger is as
    old as it was. Nobody answering counts as a missed ring.
    """
    found = None if leg.page_id is None else pages.find(tx, leg.page_id)
    if found is None or leg.staff_id is None or not _is_left(tx, found, leg.staff_id):
        return
    if not pages.reopen(tx, found.id, leg.staff_id, now):
        return
    cases.hold(tx, found.case_id, None, now)
    journal.note(tx, "not joined", "page", found.id, now=now, staff=leg.staff_id)
    if leg.state in MISSED and leg.result is None:
        shift.missed(rt, tx, leg.staff_id, now)
    again = pages.find(tx, found.id)
    assert again is not None  # noqa: S101 - reopened in this transaction
    others = [who for who in summons.list_paged(rt, tx, again) if who.id != leg.staff_id]
    escalation.climb(rt, tx, again, now, again=others)


def _is_left(tx: Transaction, found: Page, staff_id: int) -> bool:
    """Did they take the page, and do they neither talk, nor text, nor have another ring?"""
    work = cases.get(tx, found.case_id)
    theirs = found.state == "acknowledged" and found.acknowledged_by == staff_id
    if not (theirs and work.is_open and work.holder_id == staff_id):
        return False
    if any(leg.staff_id == staff_id for leg in attempts.list_staff_legs(tx, page_id=found.id)):
        return False
    acts = [
        entry.action
        for entry in audit.list_entries(tx, case_id=work.id)
        if entry.actor == f"staff:{staff_id}" and entry.action in {"acknowledged", "texted"}
    ]
    # Whoever has written to the caller since they took the page is with them.
    return acts[-1:] != ["texted"]
