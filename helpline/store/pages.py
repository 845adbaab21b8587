"""Pages: an urgent notice to staff, open until a human acknowledges."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, insert, select, update
from sqlalchemy import case as case_when

from helpline.domain.disposition import Disposition
from helpline.store.database import Transaction
from helpline.store.tables import attempt, callback, caller, case, page, staff
from helpline.store.upsert import insert_quietly

NO_OUTCOME = "no outcome"
HOLDER_SILENT = "holder silent"
REMINDERS = (NO_OUTCOME, HOLDER_SILENT)
"""Reasons of pages that only ask after a human: an outcome answers them."""


@dataclass(frozen=True, slots=True)
class Page:
    """An urgent notice; `step` is the next step of the ladder, due at `next_at`."""

    id: int
    case_id: int
    code: str
    conversation_id: int
    kind: Disposition
    state: str
    reason: str
    ring_caller: bool
    step: int
    opened_at: datetime
    next_at: datetime | None
    acknowledged_by: int | None


_COLUMNS = select(
    page.c.id,
    page.c.case_id,
    case.c.code,
    case.c.conversation_id,
    page.c.kind,
    page.c.state,
    page.c.reason,
    page.c.ring_caller,
    page.c.step,
    page.c.opened_at,
    page.c.next_at,
    page.c.acknowledged_by,
).join(case, case.c.id == page.c.case_id)


def find(tx: Transaction, page_id: int) -> Page | None:
    """The page with this id."""
    return _one(tx, page.c.id == page_id)


def find_open(tx: Transaction, case_id: int) -> Page | None:
    """The open page of a case."""
    return _one(tx, (page.c.case_id == case_id) & (page.c.state == "open"))


def open_page(
    tx: Transaction,
    *,
    case_id: int,
    kind: Disposition,
    reason: str,
    ring_caller: bool,
    next_at: datetime,
    now: datetime,
    step: int = 0,
) -> int | None:
    """A new open page that begins at this step of the ladder; None when a rival opened one.

    One that was acknowledged before for this case is over: this one takes its place.
    """
    opened = insert_quietly(
        tx,
        page,
        case_id=case_id,
        kind=int(kind),
        state="open",
        reason=reason[:64],
        ring_caller=ring_caller,
        step=step,
        next_at=next_at,
        opened_at=now,
    )
    if opened is None:
        return None
    tx.connection.execute(
        update(page)
        .where(page.c.case_id == case_id, page.c.state == "acknowledged")
        .values(state="closed")
    )
    return opened


def worsen(tx: Transaction, page_id: int, kind: Disposition, *, ring_caller: bool) -> None:
    """More danger from the same caller is the same page, of the higher kind.

    Whether a ring is safe is what was learned last.
    """
    higher = case_when((page.c.kind < int(kind), int(kind)), else_=page.c.kind)
    reason = case_when((page.c.reason.in_(REMINDERS), "more danger"), else_=page.c.reason)
    tx.connection.execute(
        update(page)
        .where(page.c.id == page_id)
        .values(kind=higher, ring_caller=ring_caller, reason=reason)
    )


def start_over(tx: Transaction, page_id: int, now: datetime) -> bool:
    """The ladder begins again now; False when somebody has just acknowledged it."""
    result = tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "open")
        .values(step=0, opened_at=now, next_at=now)
    )
    return result.rowcount == 1


def climb(tx: Transaction, page_id: int, from_step: int, to_step: int, next_at: datetime) -> bool:
    """Move to the next step of the ladder; False when another process did or it was answered."""
    result = tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "open", page.c.step == from_step)
        .values(step=to_step, next_at=next_at)
    )
    return result.rowcount == 1


def mark_sent(tx: Transaction, page_id: int, now: datetime) -> None:
    """The first notice of this page is at the carrier."""
    tx.connection.execute(
        update(page).where(page.c.id == page_id, page.c.sent_at.is_(None)).values(sent_at=now)
    )


def acknowledge(tx: Transaction, page_id: int, staff_id: int, now: datetime) -> bool:
    """This person has it; False when somebody else was first."""
    result = tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "open")
        .values(state="acknowledged", acknowledged_at=now, acknowledged_by=staff_id, next_at=None)
    )
    return result.rowcount == 1


def reopen(tx: Transaction, page_id: int, staff_id: int, now: datetime) -> bool:
    """Whoever acknowledged it did not come: its next step is due now; False when it has moved on.

    The step it had reached and the time of the danger stay.
    """
    result = tx.connection.execute(
        update(page)
        .where(
            page.c.id == page_id,
            page.c.state == "acknowledged",
            page.c.acknowledged_by == staff_id,
        )
        .values(state="open", acknowledged_at=None, acknowledged_by=None, next_at=now)
    )
    return result.rowcount == 1


def hand_over(tx: Transaction, page_id: int, staff_id: int, now: datetime) -> None:
    """Somebody else has the case from now on, and owes its outcome."""
    tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "acknowledged")
        .values(acknowledged_at=now, acknowledged_by=staff_id)
    )


def take_unasked(
    tx: Transaction,
    *,
    case_id: int,
    kind: Disposition,
    staff_id: int,
    ring_caller: bool,
    now: datetime,
) -> None:
    """Somebody took the case before anybody was paged: they owe its outcome all the same."""
    tx.connection.execute(
        insert(page).values(
            case_id=case_id,
            kind=int(kind),
            state="acknowledged",
            reason="taken unasked",
            ring_caller=ring_caller,
            step=0,
            opened_at=now,
            acknowledged_at=now,
            acknowledged_by=staff_id,
        )
    )


def list_due(tx: Transaction, now: datetime) -> list[Page]:
    """Open pages whose next step is due, oldest first."""
    rows = tx.connection.execute(
        _COLUMNS.where(page.c.state == "open", page.c.next_at <= now).order_by(page.c.next_at)
    )
    return [_page(row) for row in rows]


def list_not_rung(tx: Transaction, staff_id: int, since: datetime) -> list[Page]:
    """Open pages for which this telephone was not rung since then, the most urgent first."""
    rung = exists(
        select(attempt.c.id).where(
            attempt.c.page_id == page.c.id,
            attempt.c.staff_id == staff_id,
            attempt.c.created_at >= since,
        )
    )
    rows = tx.connection.execute(
        _COLUMNS.where(page.c.state == "open", page.c.step > 0, ~rung)
        .order_by(page.c.kind.desc(), page.c.opened_at)
        .limit(50)
    )
    return [_page(row) for row in rows]


def _one(tx: Transaction, where: object) -> Page | None:
    row = tx.connection.execute(_COLUMNS.where(where)).first()  # type: ignore[arg-type]
    return None if row is None else _page(row)


def _page(row: object) -> Page:
    known = dict(row._mapping)  # type: ignore[attr-defined]
    known["kind"] = Disposition(known["kind"])
    return Page(**known)


def hurry(tx: Transaction, page_id: int, now: datetime) -> None:
    """Take the next step now."""
    tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "open", page.c.next_at > now)
        .values(next_at=now)
    )


def find_most_urgent(tx: Transaction, but_not_of: int) -> Page | None:
    """The most urgent open page, except one about this member of staff themselves."""
    theirs = (
        select(case.c.id)
        .join(caller, caller.c.id == case.c.caller_id)
        .join(staff, staff.c.phone_index == caller.c.address_index)
        .where(staff.c.id == but_not_of)
    )
    row = tx.connection.execute(
        _COLUMNS.where(page.c.state == "open", page.c.case_id.not_in(theirs))
        .order_by(page.c.kind.desc(), page.c.opened_at)
        .limit(1)
    ).first()
    return None if row is None else _page(row)


def list_without_outcome(tx: Transaction, before: datetime) -> list[Page]:
    """Pages acknowledged before then whose case is still open and nobody is talking."""
    rows = tx.connection.execute(
        _COLUMNS.where(_without_outcome(before)).order_by(page.c.acknowledged_at)
    )
    return [_page(row) for row in rows]


def find_without_outcome(tx: Transaction, page_id: int, before: datetime) -> Page | None:
    """This one, if it is still so now that it is locked."""
    return _one(tx, and_(page.c.id == page_id, _without_outcome(before)))


def _without_outcome(before: datetime) -> ColumnElement[bool]:
    talking = exists(
        select(callback.c.id).where(callback.c.case_id == case.c.id, callback.c.state == "talking")
    )
    return and_(
        page.c.state == "acknowledged",
        page.c.acknowledged_at < before,
        case.c.state == "open",
        ~talking,
    )


def close(tx: Transaction, page_id: int) -> bool:
    """This page is over; False when it was."""
    result = tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "acknowledged")
        .values(state="closed")
    )
    return result.rowcount == 1


def withdraw(tx: Transaction, page_id: int) -> bool:
    """Nobody needs to come any more; False when somebody has acknowledged it, or it is over."""
    result = tx.connection.execute(
        update(page).where(page.c.id == page_id, page.c.state == "open").values(state="closed")
    )
    return result.rowcount == 1
