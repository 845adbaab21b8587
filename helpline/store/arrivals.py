"""An inbound text and the caller's new place, written together: the hot road of the line.

The place was read without a lock, so that deciding holds nothing; it is moved only if
nobody moved it meanwhile (`version`), else the step is taken again. PostgreSQL does both
writes in one statement, which needs no transaction around it and so only one round trip;
SQLite, which has no round trips, in two.
"""

import json
from datetime import datetime
from enum import Enum

from psycopg.errors import UniqueViolation
from sqlalchemy import bindparam, insert, select, update

from helpline.store.conversations import Place
from helpline.store.database import Road, Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import conversation, message
from helpline.store.upsert import prepared_insert


class Arrival(Enum):
    """What became of an inbound text."""

    KEPT = "kept"
    REPEATED = "repeated"
    OVERTAKEN = "overtaken"


_COLUMNS = (
    "conversation_id",
    "inbound",
    "sid",
    "body",
    "answer",
    "media",
    "level",
    "created_at",
)
_SAVED = ("progress", "wake_at", "heard_at", "whatsapp")
_KEEP = prepared_insert(message, *_COLUMNS)
_MOVE_IF_STILL = (
    update(conversation)
    .where(
        conversation.c.id == bindparam("conversation_id", type_=conversation.c.id.type),
        conversation.c.version == bindparam("version"),
    )
    .values(
        {name: bindparam(name, type_=conversation.c[name].type) for name in _SAVED}
        | {"version": conversation.c.version + 1}
    )
    .returning(conversation.c.id)
)
_MOVE = Prepared(_MOVE_IF_STILL)


def _both() -> Prepared:
    moved = _MOVE_IF_STILL.cte("moved")
    values = [bindparam(name, type_=message.c[name].type) for name in _COLUMNS]
    return Prepared(
        insert(message)
        .from_select(_COLUMNS, select(*values).select_from(moved))
        .returning(message.c.id)
    )


_MOVE_AND_KEEP = _both()


def record(
    tx: Transaction | Road,
    place: Place,
    *,
    sid: str,
    body: str,
    answer: tuple[str, ...],
    media: int,
    level: int,
    progress: str,
    wake_at: datetime | None,
    whatsapp: bool,
    now: datetime,
) -> Arrival:
    """Store the text with its answer and move the caller.

    After REPEATED or OVERTAKEN the transaction must be rolled back.
    """
    row = {
        "conversation_id": place.conversation_id,
        "inbound": True,
        "sid": sid,
        "body": body,
        "answer": json.dumps(answer, ensure_ascii=False) if answer else None,
        "media": media,
        "level": level,
        "created_at": now,
    }
    moved = {
        "version": place.version,
        "progress": progress,
        "wake_at": wake_at,
        "heard_at": now,
        "whatsapp": whatsapp,
    }
    if tx.dialect.name == "postgresql":
        return _move_and_keep(tx, row | moved)
    if not _KEEP.run(tx, **row):
        return Arrival.REPEATED
    still = _MOVE.run(tx, conversation_id=place.conversation_id, **moved)
    return Arrival.KEPT if still else Arrival.OVERTAKEN


def _move_and_keep(tx: Transaction | Road, values: dict[str, object]) -> Arrival:
    """Both in one statement. Only the carrier's id can be there already: a violation means it."""
    try:
        kept = _MOVE_AND_KEEP.run(tx, **values)
    except UniqueViolation:
        return Arrival.REPEATED
    return Arrival.KEPT if kept else Arrival.OVERTAKEN
