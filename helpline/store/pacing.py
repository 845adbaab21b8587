"""Token buckets that all processes share: places in line, given out by one statement each.

A transaction takes its tokens before it locks anything else, and ends before the carrier
is asked: rivals wait for a commit, never for the network.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, bindparam, case
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from helpline.domain.pace import Draw, Lane
from helpline.store.database import Transaction
from helpline.store.tables import pace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def take(tx: Transaction, draw: Draw, lane: Lane, now: datetime) -> datetime:
    """Take tokens; when they are due: at once if that is not after `now`, else a place in line.

    A hurried request stands behind hurried ones only; ordinary ones behind it move back,
    except those that have their place already.
    """
    insert = sqlite_insert if tx.connection.dialect.name == "sqlite" else postgresql_insert
    earliest = bindparam("earliest", type_=pace.c.free_ms.type)
    cost = bindparam("cost", type_=pace.c.free_ms.type)
    values: dict[str, object] = {"free_ms": earliest + cost}
    moved: dict[str, ColumnElement[int]] = {"free_ms": _later(pace.c.free_ms, earliest) + cost}
    if lane is Lane.HURRIED:
        moved["hurried_ms"] = _later(pace.c.hurried_ms, earliest) + cost
    column = pace.c.hurried_ms if lane is Lane.HURRIED else pace.c.free_ms
    values["hurried_ms"] = earliest + cost if lane is Lane.HURRIED else earliest
    taken = tx.connection.execute(
        insert(pace)
        .values(bucket=draw.bucket, **values)
        .on_conflict_do_update(index_elements=["bucket"], set_=moved)
        .returning(column),
        {
            "earliest": (now - draw.rate.saved - _EPOCH) // _MILLISECOND,
            "cost": draw.rate.cost(draw.tokens) // _MILLISECOND,
        },
    ).scalar_one()
    return _EPOCH + timedelta(milliseconds=taken) - draw.rate.cost(draw.tokens)


def _later(column: ColumnElement[int], moment: BindParameter[int]) -> ColumnElement[int]:
    return case((column > moment, column), else_=moment)
