"""Booking a call: one live promise per caller, which only ever becomes more urgent."""

from datetime import datetime
from enum import Enum

from sqlalchemy import update

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.store import journal
from helpline.store.callbacks.moves import rung_from
from helpline.store.callbacks.rows import NEVER, Callback, find_live
from helpline.store.database import Transaction
from helpline.store.tables import callback
from helpline.store.upsert import insert_quietly


class Number(Enum):
    """Where to ring, other than at a number that was given."""

    FIRST = "where they write from, whatever they gave before"


class EndedMeanwhile(Exception):
    """A live callback ended between two statements; nothing was written."""


def promise(
    tx: Transaction,
    *,
    token: str,
    case_id: int,
    caller_id: int,
    conversation_id: int,
    disposition: Disposition,
    language: str,
    due_at: datetime,
    not_before: datetime,
    now: datetime,
    phone: PhoneNumber | Number | None = None,
    voicemail: bool = False,
    text_only: bool = False,
    warn_at: datetime | None = None,
) -> int:
    """Book the call, or make the one already booked at least as urgent and as early; its id.

    Without a `phone` it rings where it would have rung before.

    Raises:
        EndedMeanwhile: the one booked ended in this very moment; the step is taken again.
    """
    given = phone.e164 if isinstance(phone, PhoneNumber) else None
    values: dict[str, object] = rung_from(not_before)
    values |= {"language": language, "voicemail": voicemail, "text_only": text_only}
    booked = insert_quietly(
        tx,
        callback,
        token=token,
        case_id=case_id,
        caller_id=caller_id,
        conversation_id=conversation_id,
        state="waiting",
        disposition=int(disposition),
        rank=int(disposition),
        phone=given,
        asked_at=now,
        due_at=due_at,
        warn_at=warn_at,
        tries=0,
        **values,
    )
    if booked is not None:
        _note(tx, "promised", booked, disposition, now)
        return booked
    live = find_live(tx, caller_id)
    if live is None:
        raise EndedMeanwhile(f"callback of caller {caller_id}")
    if phone is not None:
        values["phone"] = given
    values |= _first_asked(live, now, due_at)
    if disposition > live.disposition:
        values |= _risen(live, disposition, due_at, not_before) | {"warn_at": warn_at}
        _note(tx, "raised", live.id, disposition, now)
    tx.connection.execute(update(callback).where(callback.c.id == live.id).values(**values))
    return live.id


def _note(
    tx: Transaction, action: str, callback_id: int, disposition: Disposition, now: datetime
) -> None:
    journal.note(tx, action, "callback", callback_id, now=now, disposition=int(disposition))


def _first_asked(live: Callback, asked_at: datetime, due_at: datetime) -> dict[str, object]:
    """A text that came late may have asked before the one that is kept."""
    if asked_at >= live.asked_at:
        return {}
    return {"asked_at": asked_at, "due_at": min(due_at, live.due_at)}


def _risen(
    live: Callback, disposition: Disposition, due_at: datetime, not_before: datetime
) -> dict[str, object]:
    """More urgent than it was: nothing about it gets later, and a human calls."""
    return rung_from(_earlier(not_before, live.not_before)) | {
        "disposition": int(disposition),
        "rank": int(disposition),
        "due_at": min(due_at, live.due_at),
        "text_only": False,
        "late_at": None,
    }


def _earlier(not_before: datetime, before: datetime) -> datetime:
    """The earlier of the two, unless a ring is not safe now: then it waits for the caller."""
    return not_before if not_before >= NEVER else min(not_before, before)
