"""Messages that callers leave: where the carrier keeps them, what was said, when they go.

The sound stays at the carrier until it is deleted there; the words are sealed here.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from helpline.store.database import Transaction
from helpline.store.tables import recording
from helpline.store.upsert import insert_quietly


@dataclass(frozen=True, slots=True)
class Recording:
    """A message that somebody left. `words` is empty until the carrier has written them down."""

    id: int
    case_id: int
    conversation_id: int
    sid: str
    seconds: int
    words: str
    created_at: datetime


_COLUMNS = select(
    recording.c.id,
    recording.c.case_id,
    recording.c.conversation_id,
    recording.c.sid,
    recording.c.seconds,
    recording.c.words,
    recording.c.created_at,
)


def keep(
    tx: Transaction, *, sid: str, case_id: int, conversation_id: int, seconds: int, now: datetime
) -> int | None:
    """Write a message down; None when it is here already."""
    return insert_quietly(
        tx,
        recording,
        sid=sid,
        case_id=case_id,
        conversation_id=conversation_id,
        seconds=seconds,
        words="",
        created_at=now,
    )


def find(tx: Transaction, sid: str) -> Recording | None:
    """The message of this carrier id."""
    row = tx.connection.execute(_COLUMNS.where(recording.c.sid == sid)).first()
    return None if row is None else Recording(*row)


def understood(tx: Transaction, recording_id: int, words: str, now: datetime) -> bool:
    """Keep what was said; False when that is known."""
    moved = tx.connection.execute(
        update(recording)
        .where(recording.c.id == recording_id, recording.c.heard_at.is_(None))
        .values(words=words, heard_at=now)
    )
    return moved.rowcount == 1


def list_old(tx: Transaction, before: datetime) -> list[Recording]:
    """Messages left before then that are not deleted, oldest first."""
    rows = tx.connection.execute(
        _COLUMNS.where(recording.c.deleted_at.is_(None), recording.c.created_at < before)
        .order_by(recording.c.created_at)
        .limit(50)
    )
    return [Recording(*row) for row in rows]


def forget(tx: Transaction, recording_id: int, now: datetime) -> None:
    """The carrier has deleted the sound; the words go too."""
    tx.connection.execute(
        update(recording).where(recording.c.id == recording_id).values(words="", deleted_at=now)
    )
