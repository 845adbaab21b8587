"""The clocks of promised calls: leases that end, deadlines that near and pass."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from helpline.domain.disposition import Disposition
from helpline.store.callbacks.moves import move
from helpline.store.callbacks.rows import LIVE, Callback, find_where
from helpline.store.database import Transaction
from helpline.store.tables import callback


def _lease_over(now: datetime) -> ColumnElement[bool]:
    return and_(callback.c.state.in_(("claimed", "talking")), callback.c.lease_until < now)


def _late(now: datetime) -> ColumnElement[bool]:
    waits = callback.c.state.in_(("waiting", "claimed"))
    return and_(waits, callback.c.due_at < now, callback.c.late_at.is_(None))


def _to_warn(now: datetime) -> ColumnElement[bool]:
    waits = callback.c.state.in_(("waiting", "claimed"))
    # What is late already is told of as late.
    soon = callback.c.due_at >= now
    return and_(waits, callback.c.warn_at <= now, soon, callback.c.late_at.is_(None))


def list_leases_over(tx: Transaction, now: datetime) -> list[int]:
    """Callbacks whose specialist has gone silent, the one due first first."""
    return _ids(tx, _lease_over(now))


def list_late(tx: Transaction, now: datetime) -> list[int]:
    """Promises past their deadline that nobody was told of yet; not while somebody calls."""
    return _ids(tx, _late(now))


def list_to_warn(tx: Transaction, now: datetime) -> list[int]:
    """Promises most of whose time is gone and that nobody was told of yet."""
    return _ids(tx, _to_warn(now))


def find_lease_over(tx: Transaction, callback_id: int, now: datetime) -> Callback | None:
    """This one, if its specialist is still silent now that it is locked."""
    return find_where(tx, and_(callback.c.id == callback_id, _lease_over(now)))


def find_late(tx: Transaction, callback_id: int, now: datetime) -> Callback | None:
    """This one, if it is still late now that it is locked."""
    return find_where(tx, and_(callback.c.id == callback_id, _late(now)))


def warned(tx: Transaction, callback_id: int, now: datetime) -> Callback | None:
    """Note that people are told, once; None when there is nothing to warn of any more."""
    found = find_where(tx, and_(callback.c.id == callback_id, _to_warn(now)))
    if found is None or not move(
        tx, callback_id, LIVE, callback.c.warn_at.is_not(None), warn_at=None
    ):
        return None
    return found


def promote(tx: Transaction, callback_id: int, rank: Disposition, now: datetime) -> bool:
    """It is late: note it once and sort it one level higher."""
    return move(tx, callback_id, LIVE, callback.c.late_at.is_(None), late_at=now, rank=int(rank))


def _ids(tx: Transaction, where: ColumnElement[bool]) -> list[int]:
    found = select(callback.c.id).where(where).order_by(callback.c.due_at, callback.c.id)
    return list(tx.connection.execute(found).scalars())
