"""What must hold every five seconds, counted and repaired by the guard (RELIABILITY R6).

Most of it repairs itself elsewhere (the relay rings again, the guard takes over, the ladder
climbs); counted here it shows when that does not work. What nobody else repairs is
repaired here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.runtime import Runtime
from helpline.service import escalation, ring_safety
from helpline.service.rounds import take_each
from helpline.store import Transaction, cases, conversations, journal
from helpline.store import invariants as broken

UNSENT = timedelta(seconds=5)
PAGE_UNSENT = timedelta(seconds=1)
RUNG_IN_VAIN = timedelta(seconds=10)
IN_DOUBT = timedelta(seconds=60)
NOT_READY = timedelta(seconds=60)

Finder = Callable[[Transaction, datetime], list[int]]

FINDERS: Mapping[str, Finder] = {
    "outbox_unsent": lambda tx, now: broken.list_unsent(tx, now, UNSENT),
    "outbox_rung_in_vain": lambda tx, now: broken.list_rung_in_vain(tx, now, RUNG_IN_VAIN),
    "outbox_past_lease": lambda tx, now: broken.list_past_lease(tx, now, UNSENT),
    "page_unsent": lambda tx, now: broken.list_pages_unsent(tx, now, PAGE_UNSENT),
    "page_without_clock": lambda tx, now: broken.list_pages_without_clock(tx),
    "attempt_stuck_sending": broken.list_stuck_sending,
    "attempt_in_doubt": lambda tx, now: broken.list_in_doubt(tx, now, IN_DOUBT),
    "case_without_clock": broken.list_without_clock,
    "callback_not_ready": lambda tx, now: broken.list_not_ready(tx, now, NOT_READY),
    "inbound_unread": lambda tx, now: broken.list_unread(tx),
}


def list_broken(rt: Runtime) -> dict[str, int]:
    """How many rows break each promise now; all are 0 when all is well.

    A count that reaches `helpline.store.invariants.MOST` means at least so many.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        return {name: len(find(tx, now)) for name, find in FINDERS.items()}


def repair(rt: Runtime) -> int:
    """Repair what nothing else repairs; how many rows. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        found = {name: find(tx, now) for name, find in FINDERS.items() if name in _REPAIRS}
    return sum(
        take_each(
            ids,
            lambda row_id, act=act: act(rt, row_id, now),  # type: ignore[misc]
            event="repair.failed",
            name=lambda row_id, field=field: {field: row_id},  # type: ignore[misc]
        )
        for name, ids in found.items()
        for act, field in (_REPAIRS[name],)
    )


def _start_page(rt: Runtime, page_id: int, now: datetime) -> bool:
    with rt.store.begin() as tx:
        started = broken.start_clock(tx, page_id, now)
        if started:
            journal.note(tx, "clock repaired", "page", page_id, now=now)
    return started


def _doubt_leg(rt: Runtime, attempt_id: int, now: datetime) -> bool:
    """The lost legs' clock asks the carrier about it (`helpline.service.calls.lost_legs`)."""
    with rt.store.begin() as tx:
        return broken.doubt(tx, attempt_id, now)


def _page_case(rt: Runtime, case_id: int, now: datetime) -> bool:
    """A human decides: danger climbs the ladder, everything else is the supervisors'."""
    urgent: list[int] = []
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        conversations.lock_by_id(tx, work.conversation_id)
        if not broken.is_without_clock(tx, case_id, now):
            return False
        work = cases.get(tx, case_id)
        page = escalation.page if work.disposition.is_danger else escalation.page_supervisor
        urgent = page(
            rt,
            tx,
            work,
            max(work.disposition, Disposition.URGENT_60),
            "no clock",
            now=now,
            ring_caller=ring_safety.is_ring_safe(tx, work.conversation_id),
        )
        journal.note(tx, "clock repaired", "case", case_id, now=now)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return True


_REPAIRS: Mapping[str, tuple[Callable[[Runtime, int, datetime], bool], str]] = {
    "page_without_clock": (_start_page, "page_id"),
    "attempt_stuck_sending": (_doubt_leg, "attempt_id"),
    "case_without_clock": (_page_case, "case_id"),
}
