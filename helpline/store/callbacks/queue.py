"""Whose turn it is: the most urgent promise whose time has come.

The order is urgency, but who may be rung depends on the hour, and no index can be sorted
by both. So a row whose `not_before` has come is marked ready, and the ready ones are read
in their order. What has come and is not marked yet is found by its time, so that nobody
waits for the mark (ADR 0015).
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, func, select, text, update

from helpline.store.callbacks.rows import Callback, find
from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import NOT_YET, READY, callback

WINDOW = 500
"""So many of those who are not marked yet are looked at, the earliest first: far more than come
between two rounds of the guard. Of thousands who come at the same moment, as when the day begins,
the most urgent are looked at."""
BATCH = 1000
"""So many are marked in one transaction: a small part of a second."""

# The words of the partial indexes, so that both databases see the match.
_READY, _NOT_YET = text(READY), text(NOT_YET)
_HAS_COME = callback.c.not_before <= bindparam("now", type_=callback.c.not_before.type)
_URGENT_FIRST = (callback.c.rank.desc(), callback.c.due_at, callback.c.id)
_EARLIEST = (callback.c.not_before, *_URGENT_FIRST)

_NEXT_READY = Prepared(
    select(callback.c.id, callback.c.rank, callback.c.due_at)
    .where(_READY, callback.c.language == bindparam("language"), _HAS_COME)
    .order_by(*_URGENT_FIRST)
    .limit(1)
)
_just_come = (
    select(callback.c.id, callback.c.rank, callback.c.due_at, callback.c.language)
    .where(_NOT_YET, _HAS_COME)
    .order_by(*_EARLIEST)
    .limit(WINDOW)
    .subquery()
)
_place = func.row_number().over(
    partition_by=_just_come.c.language,
    order_by=(_just_come.c.rank.desc(), _just_come.c.due_at, _just_come.c.id),
)
_placed = select(_just_come, _place.label("place")).subquery()
_JUST_COME = Prepared(
    select(_placed.c.id, _placed.c.rank, _placed.c.due_at, _placed.c.language).where(
        _placed.c.place == 1
    )
)
_COME = select(callback.c.id).where(_NOT_YET, _HAS_COME)


def find_next(tx: Transaction, languages: Collection[str], now: datetime) -> Callback | None:
    """The most urgent callback that may be rung now, in one of these languages."""
    firsts = [
        row for language in languages for row in _NEXT_READY.run(tx, language=language, now=now)
    ]
    firsts += [
        (callback_id, rank, due_at)
        for callback_id, rank, due_at, language in _JUST_COME.run(tx, now=now)
        if language in languages
    ]
    if not firsts:
        return None
    first_id, _, _ = min(firsts, key=lambda row: (-row[1], row[2], row[0]))
    return find(tx, first_id)


def has_come(tx: Transaction, now: datetime) -> bool:
    """Has anybody's time come who is not marked ready yet?"""
    # Ordered, so that no statistics make reading the whole table look quicker than the index.
    found = _COME.order_by(*_EARLIEST).limit(1)
    return tx.connection.execute(found, {"now": now}).first() is not None


def release(tx: Transaction, now: datetime) -> int:
    """Mark as ready whose time has come, at most `BATCH`, the earliest first; how many.

    Waits for nobody: a row that a rival is changing is left for the next time. So it may take
    rows of many callers without their conversations.
    """
    come = _COME.order_by(*_EARLIEST).limit(BATCH).with_for_update(skip_locked=True).cte("come")
    # Counted by what comes back: SQLite's driver counts no statement that begins with WITH.
    marked = tx.connection.execute(
        update(callback)
        .where(callback.c.id.in_(select(come.c.id)), _NOT_YET, _HAS_COME)
        .values(ready=True)
        .returning(callback.c.id),
        {"now": now},
    )
    return len(marked.all())
