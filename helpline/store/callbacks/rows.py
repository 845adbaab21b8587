"""A promised call as it is read: its own row, with the caller's number and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import callback, caller, conversation

LIVE = ("waiting", "claimed", "talking")
ENDS = ("done", "exhausted", "canceled")
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
"""A `not_before` beyond this is held until the caller says that a ring is safe."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A promised call."""

    id: int
    token: str
    case_id: int
    caller_id: int
    conversation_id: int
    state: str
    disposition: Disposition
    language: str
    phone: PhoneNumber | None
    line: str
    voicemail: bool
    text_only: bool
    asked_at: datetime
    due_at: datetime
    not_before: datetime
    specialist_id: int | None
    tries: int
    opted_out: bool


_COLUMNS = (
    select(
        callback.c.id,
        callback.c.token,
        callback.c.case_id,
        callback.c.caller_id,
        callback.c.conversation_id,
        callback.c.state,
        callback.c.disposition,
        callback.c.language,
        callback.c.phone,
        caller.c.address,
        conversation.c.line,
        conversation.c.opted_out_at,
        callback.c.voicemail,
        callback.c.text_only,
        callback.c.asked_at,
        callback.c.due_at,
        callback.c.not_before,
        callback.c.specialist_id,
        callback.c.tries,
    )
    .join(caller, caller.c.id == callback.c.caller_id)
    .join(conversation, conversation.c.id == callback.c.conversation_id)
)
_NAMES = tuple(column.name for column in _COLUMNS.selected_columns)
_LIVE_OF = Prepared(
    _COLUMNS.where(
        callback.c.caller_id == bindparam("caller_id"),
        callback.c.state.in_([literal_column(f"'{state}'") for state in LIVE]),
    )
)


def get(tx: Transaction, callback_id: int) -> Callback:
    """The promise with this id.

    Raises:
        LookupError: there is none.
    """
    found = find(tx, callback_id)
    if found is None:
        raise LookupError(f"no callback {callback_id}")
    return found


def find(tx: Transaction, callback_id: int) -> Callback | None:
    """The callback with this id."""
    return find_where(tx, callback.c.id == callback_id)


def find_live(tx: Transaction, caller_id: int) -> Callback | None:
    """The one live callback of a caller."""
    rows = _LIVE_OF.run(tx, caller_id=caller_id)
    return _callback(rows[0]) if rows else None


def conversation_of(tx: Transaction, callback_id: int) -> int:
    """Where it was promised: what a transaction locks before anything else."""
    where = select(callback.c.conversation_id).where(callback.c.id == callback_id)
    return int(tx.connection.execute(where).scalar_one())


def find_where(tx: Transaction, where: ColumnElement[bool]) -> Callback | None:
    """The callback of which this is true."""
    row = tx.connection.execute(_COLUMNS.where(where)).first()
    return None if row is None else _callback(row)


def _callback(row: Sequence[Any]) -> Callback:
    known = dict(zip(_NAMES, row, strict=True))
    address = known.pop("address")
    other = known.pop("phone")
    opted_out_at = known.pop("opted_out_at")
    number = other or (address if address.startswith("+") else None)
    known["disposition"] = Disposition(known["disposition"])
    return Callback(
        **known,
        phone=PhoneNumber(number) if number else None,
        opted_out=opted_out_at is not None,
    )
