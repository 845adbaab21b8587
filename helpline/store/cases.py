"""Cases: one open one per caller, with a code that is unique among open ones.

A caller who texts two of our lines has one case, with the conversation that raised it last.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from helpline.domain.disposition import Disposition
from helpline.store import journal
from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import case, conversation
from helpline.store.upsert import insert_quietly


@dataclass(frozen=True, slots=True)
class Case:
    """A work item."""

    id: int
    code: str
    conversation_id: int
    caller_id: int
    disposition: Disposition
    holder_id: int | None
    is_open: bool


_COLUMNS = select(
    case.c.id,
    case.c.code,
    case.c.conversation_id,
    case.c.caller_id,
    case.c.disposition,
    case.c.holder_id,
    (case.c.state == "open").label("is_open"),
)
_OPEN_OF = Prepared(
    _COLUMNS.where(case.c.caller_id == bindparam("caller_id"), case.c.state == "open")
)
_OPEN_AT = Prepared(
    _COLUMNS.join(conversation, conversation.c.caller_id == case.c.caller_id).where(
        conversation.c.id == bindparam("conversation_id"), case.c.state == "open"
    )
)
_BY_ID = Prepared(_COLUMNS.where(case.c.id == bindparam("case_id")))
_RAISE = Prepared(
    update(case)
    .where(case.c.id == bindparam("case_id"))
    .values(disposition=bindparam("disposition"), conversation_id=bindparam("place"))
)
_CODE_DIGITS = (4, 4, 6, 6, 8, 8)
"""Codes are short to be texted; with hundreds of open cases they grow."""

_CODE_STEP = 13
"""Codes are multiples of it: one wrong digit, or two that changed places, is never the code of
another case (powers of ten, and their differences, have no factor in common with 13)."""


def find_open(tx: Transaction, conversation_id: int) -> Case | None:
    """The open case of whoever talks here, whichever of our lines it came from."""
    rows = _OPEN_AT.run(tx, conversation_id=conversation_id)
    return _case(rows[0]) if rows else None


def find_open_of(tx: Transaction, caller_id: int) -> Case | None:
    """The open case of a caller."""
    rows = _OPEN_OF.run(tx, caller_id=caller_id)
    return _case(rows[0]) if rows else None


def get(tx: Transaction, case_id: int) -> Case:
    """The case with this id.

    Raises:
        LookupError: there is none.
    """
    rows = _BY_ID.run(tx, case_id=case_id)
    if not rows:
        raise LookupError(f"no case {case_id}")
    return _case(rows[0])


def open_or_raise(
    tx: Transaction,
    *,
    conversation_id: int,
    caller_id: int,
    disposition: Disposition,
    protocol_hash: str,
    now: datetime,
) -> Case:
    """The open case of the caller, at least at this disposition; a new one when none is.

    Opening and raising are noted. What is said about it goes to the conversation that raised
    it last.
    """
    found = find_open_of(tx, caller_id)
    if found is None:
        return _open(tx, conversation_id, caller_id, disposition, protocol_hash, now)
    return _raised(tx, found, conversation_id, disposition, now)


def _raised(
    tx: Transaction, found: Case, conversation_id: int, disposition: Disposition, now: datetime
) -> Case:
    higher = max(disposition, found.disposition)
    if higher > found.disposition:
        _note(tx, "raised", found.id, higher, now)
    if higher > found.disposition or conversation_id != found.conversation_id:
        _RAISE.run(tx, case_id=found.id, disposition=int(higher), place=conversation_id)
    return replace(found, disposition=higher, conversation_id=conversation_id)


def _open(
    tx: Transaction,
    conversation_id: int,
    caller_id: int,
    disposition: Disposition,
    protocol_hash: str,
    now: datetime,
) -> Case:
    """A new case under a code that no open one has, or the one that a rival opened just now.

    Raises:
        RuntimeError: no free code was found, which would take millions of open cases.
    """
    for digits in _CODE_DIGITS:
        code = _new_code(digits)
        case_id = insert_quietly(
            tx,
            case,
            conversation_id=conversation_id,
            caller_id=caller_id,
            code=code,
            state="open",
            disposition=int(disposition),
            protocol_hash=protocol_hash,
            opened_at=now,
        )
        if case_id is not None:
            _note(tx, "opened", case_id, disposition, now)
            return Case(case_id, code, conversation_id, caller_id, disposition, None, True)
        rival = find_open_of(tx, caller_id)
        if rival is not None:
            return _raised(tx, rival, conversation_id, disposition, now)
    raise RuntimeError("no free case code")


def _note(
    tx: Transaction, action: str, case_id: int, disposition: Disposition, now: datetime
) -> None:
    journal.note(tx, action, "case", case_id, now=now, disposition=int(disposition))


def _new_code(digits: int) -> str:
    return f"{secrets.randbelow(-(-(10**digits) // _CODE_STEP)) * _CODE_STEP:0{digits}}"


def lower(tx: Transaction, case_id: int, disposition: Disposition) -> None:
    """A human decided that less is owed; nothing else ever lowers a case."""
    tx.connection.execute(
        update(case)
        .where(case.c.id == case_id, case.c.state == "open")
        .values(disposition=int(disposition))
    )


def hold(tx: Transaction, case_id: int, staff_id: int | None, now: datetime) -> None:
    """A human has the case (the bot falls silent), or gives it back (None).

    A text that is being decided on meanwhile is decided again.
    """
    who = select(case.c.caller_id).where(case.c.id == case_id).scalar_subquery()
    tx.connection.execute(
        update(conversation)
        .where(conversation.c.caller_id == who)
        .values(version=conversation.c.version + 1)
    )
    tx.connection.execute(
        update(case)
        .where(case.c.id == case_id, case.c.state == "open")
        .values(
            holder_id=staff_id,
            held_at=now if staff_id is not None else None,
            caller_waits_since=None,
        )
    )


def close(tx: Transaction, case_id: int, outcome: str, now: datetime) -> bool:
    """Close an open case; False when it was closed before."""
    result = tx.connection.execute(
        update(case)
        .where(case.c.id == case_id, case.c.state == "open")
        .values(state="closed", outcome=outcome, closed_at=now, holder_id=None)
    )
    return result.rowcount == 1


def _case(row: tuple[Any, ...]) -> Case:
    case_id, code, conversation_id, caller_id, disposition, holder_id, is_open = row
    return Case(
        case_id,
        code,
        conversation_id,
        caller_id,
        Disposition(disposition),
        holder_id,
        bool(is_open),
    )
