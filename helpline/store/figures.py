"""Numbers read from the rows for `/metrics`: ages, waits and counts, never who."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from helpline.domain.disposition import Disposition
from helpline.store.callbacks import LIVE
from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import attempt, callback, outbox, page, staff

LONGEST_OPEN = timedelta(days=1)
"""Pages acknowledged later than this after their danger are left out of the waits."""


def page_waits(tx: Transaction, since: datetime) -> list[float]:
    """Seconds from a page's danger to its first notice at the carrier."""
    rows = tx.connection.execute(
        select(page.c.opened_at, page.c.sent_at).where(
            page.c.opened_at >= since, page.c.sent_at.is_not(None)
        )
    )
    return [_seconds(opened_at, sent_at) for opened_at, sent_at in rows]


def acknowledged_waits(tx: Transaction, since: datetime) -> dict[str, list[float]]:
    """Seconds from danger to a human, by who it was: tier1, tier2, …, supervisor."""
    rows = tx.connection.execute(
        select(staff.c.role, staff.c.tier, page.c.opened_at, page.c.acknowledged_at)
        .join(staff, staff.c.id == page.c.acknowledged_by)
        .where(page.c.opened_at >= since - LONGEST_OPEN, page.c.acknowledged_at >= since)
    )
    found: dict[str, list[float]] = {}
    for role, tier, opened_at, acknowledged_at in rows:
        who = f"tier{tier}" if role == "specialist" else "supervisor"
        found.setdefault(who, []).append(_seconds(opened_at, acknowledged_at))
    return found


_WAITS = Prepared(
    select(callback.c.disposition, callback.c.asked_at, func.min(attempt.c.answered_at))
    .join(attempt, attempt.c.callback_id == callback.c.id)
    .where(
        attempt.c.leg == literal_column("'caller'"),
        attempt.c.result == literal_column("'connected'"),
        attempt.c.answered_at >= bindparam("since"),
    )
    .group_by(callback.c.id, callback.c.disposition, callback.c.asked_at)
)


def callback_waits(tx: Transaction, since: datetime) -> dict[Disposition, list[float]]:
    """Seconds from the moment a call was first asked for to the first word spoken on it."""
    found: dict[Disposition, list[float]] = {}
    for disposition, asked_at, answered_at in _WAITS.run(tx, since=since):
        waited = _seconds(asked_at, answered_at)
        found.setdefault(Disposition(disposition), []).append(waited)
    return found


def callbacks_waiting(
    tx: Transaction, now: datetime
) -> dict[Disposition, tuple[int, float, float]]:
    """(how many, seconds since the oldest was asked for, seconds past the earliest promise)."""
    rows = tx.connection.execute(
        select(
            callback.c.disposition,
            func.count(callback.c.id),
            func.min(callback.c.asked_at),
            func.min(callback.c.due_at),
        )
        .where(callback.c.state.in_(LIVE), callback.c.state != "talking")
        .group_by(callback.c.disposition)
    )
    return {
        Disposition(disposition): (count, _seconds(asked_at, now), _seconds(due_at, now))
        for disposition, count, asked_at, due_at in rows
    }


def open_page_ages(tx: Transaction, now: datetime) -> list[float]:
    """Seconds since the danger of every page that nobody has acknowledged."""
    opened = select(page.c.opened_at).where(page.c.state == "open")
    return [_seconds(opened_at, now) for (opened_at,) in tx.connection.execute(opened)]


def outbox_waiting(tx: Transaction, now: datetime) -> dict[str, tuple[int, float]]:
    """(how many effects are due and not done, seconds since the oldest became due) by queue."""
    rows = tx.connection.execute(
        select(outbox.c.queue, func.count(outbox.c.id), func.min(outbox.c.due_at))
        .where(outbox.c.state.in_(("new", "claimed")), outbox.c.due_at <= now)
        .group_by(outbox.c.queue)
    )
    return {queue: (count, _seconds(due_at, now)) for queue, count, due_at in rows}


def effects_done(tx: Transaction, since: datetime) -> list[tuple[str, str, str | None, int]]:
    """(kind, state, error, how many) of what was carried out or given up since then."""
    return _counted(tx, outbox.c.done_at >= since)


def effects_retried(tx: Transaction) -> list[tuple[str, str, str | None, int]]:
    """(kind, state, error, how many) of what was tried, did not work, and is tried again."""
    return _counted(tx, outbox.c.state.in_(("new", "claimed")) & outbox.c.error.is_not(None))


def staff_by_role(tx: Transaction) -> dict[tuple[str, str], int]:
    """How many work here by (role, presence)."""
    rows = tx.connection.execute(
        select(staff.c.role, staff.c.presence, func.count(staff.c.id))
        .where(staff.c.disabled_at.is_(None))
        .group_by(staff.c.role, staff.c.presence)
    )
    return {(role, presence): count for role, presence, count in rows}


def _counted(tx: Transaction, where: ColumnElement[bool]) -> list[tuple[str, str, str | None, int]]:
    rows = tx.connection.execute(
        select(outbox.c.kind, outbox.c.state, outbox.c.error, func.count(outbox.c.id))
        .where(where)
        .group_by(outbox.c.kind, outbox.c.state, outbox.c.error)
    )
    return [(kind, state, error, count) for kind, state, error, count in rows]


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
