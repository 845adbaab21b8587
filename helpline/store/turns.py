"""A turn of a call: what was said, the caller's new place and the next prompt, written together.

The hot road of the telephone, as `arrivals` is that of the texts: the place was read without
a lock, and all is written only if nobody moved it meanwhile. PostgreSQL does it in one
statement, which needs no transaction around it; SQLite, which has no round trips, in several.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Table,
    bindparam,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from helpline.store import calls, conversations
from helpline.store.calls import Call, CallState
from helpline.store.conversations import Place
from helpline.store.database import Road, Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import call, caller, conversation, message


class OvertakenError(Exception):
    """Somebody was quicker: it must leave the block of the transaction, so that nothing is kept."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn leaves behind.

    `body` and `texts` stand in the caller's timeline: what they said and what they were told.
    `token` names the prompt that is open now, `answer` is all that the call is told (JSON of
    `helpline.domain.speech`).
    """

    body: str
    texts: tuple[str, ...]
    level: int
    progress: str
    token: str
    answer: str
    now: datetime


_HERE = Prepared(
    conversations.PLACES.add_columns(caller.c.address, *calls.COLUMNS)
    .join(call, call.c.conversation_id == conversation.c.id)
    .where(call.c.sid == bindparam("sid"))
)
_OF_PLACE = len(conversations.PLACES.selected_columns) + 1


def find(road: Road, sid: str) -> tuple[Call, Place] | None:
    """The call of this carrier id and where its caller stands; nothing is locked."""
    rows = _HERE.run(road, sid=sid)
    if not rows:
        return None
    return calls.read(rows[0][_OF_PLACE:]), Place(*rows[0][:_OF_PLACE])


def begin(road: Road | Transaction, place: Place, sid: str, turn: Turn) -> None:
    """A call rings, and is told its first prompt. `place` may be a newcomer's.

    Raises:
        OvertakenError: this call or this caller is here already, or the caller was moved.
    """
    values = _values(road, place, sid, 0, turn)
    if place.conversation_id:
        _write(road, _RING, (_MOVE, _BEGIN, _KEEP), values)
    else:
        _write(road, _INTRODUCE, (_MEET, _TALK, _BEGIN, _KEEP), values)


def go_on(road: Road | Transaction, place: Place, known: Call, turn: Turn) -> None:
    """The caller answered the open prompt, and is told the next one.

    Raises:
        OvertakenError: the caller or the call was moved.
    """
    values = _values(road, place, known.sid, known.turn, turn)
    values |= {"call_id": known.id, "known_turn": known.turn}
    _write(road, _STEP, (_MOVE, _TELL, _KEEP), values)


def _write(
    road: Road | Transaction,
    at_once: Prepared,
    in_order: tuple[Prepared, ...],
    values: dict[str, Any],
) -> None:
    if road.dialect.name == "postgresql":
        try:
            kept = at_once.run(road, **values)
        except UniqueViolation as error:
            raise OvertakenError from error
        if not kept:
            raise OvertakenError
        return
    for statement in in_order:
        rows = statement.run(road, **values)
        if not rows:
            raise OvertakenError
        # Whose the next row is: the newcomer's caller, then their conversation.
        if statement is _MEET:
            values["conversation_caller_id"] = rows[0][0]
        elif statement is _TALK:
            values["conversation_id"] = rows[0][0]


def _values(
    road: Road | Transaction, place: Place, sid: str, number: int, turn: Turn
) -> dict[str, Any]:
    return {
        "conversation_id": place.conversation_id,
        "version": place.version,
        "caller_address": place.address,
        "caller_address_index": road.keys.index(place.address),
        "conversation_line": place.line,
        "conversation_whatsapp": place.whatsapp,
        "conversation_progress": turn.progress,
        "call_sid": sid,
        "call_turn": number + 1,
        "call_token": turn.token,
        "call_answer": turn.answer,
        "message_sid": calls.name_of_turn(sid, number),
        "message_body": turn.body,
        "message_answer": json.dumps(turn.texts, ensure_ascii=False) if turn.texts else None,
        "message_level": turn.level,
        "now": turn.now,
    }


# --- the statements ---------------------------------------------------------------------

_MET = ("address", "address_index", "created_at")
_MOVED = ("progress", "heard_at")
_INTRODUCED = ("line", "whatsapp", "version", *_MOVED, "created_at")
_TOLD = ("turn", "token", "answer")
_BEGUN = ("sid", "state", *_TOLD, "started_at")
_SAID = ("inbound", "sid", "body", "answer", "media", "level", "created_at")


_ALWAYS = {
    "conversation_version": literal_column("1"),
    "call_state": literal_column(f"'{CallState.ASKING}'"),
    "message_inbound": true(),
    "message_media": literal_column("0"),
}
"""What is the same in every row."""


def _blanks(table: Table, *names: str) -> dict[str, ColumnElement[Any]]:
    """A blank for each column, named after table and column; every time is `now`."""
    return {name: _ALWAYS.get(f"{table.name}_{name}", _blank(table, name)) for name in names}


def _blank(table: Table, name: str) -> ColumnElement[Any]:
    blank = "now" if name.endswith("_at") else f"{table.name}_{name}"
    return bindparam(blank, type_=table.c[name].type)


_CONVERSATION = bindparam("conversation_id", type_=conversation.c.id.type)
_MOVE_IF_STILL = (
    update(conversation)
    .where(conversation.c.id == _CONVERSATION, conversation.c.version == bindparam("version"))
    .values(_blanks(conversation, *_MOVED) | {"version": conversation.c.version + 1})
    .returning(conversation.c.id)
)
_STILL_ASKED = (
    (call.c.id == bindparam("call_id", type_=call.c.id.type))
    & (call.c.turn == bindparam("known_turn"))
    & (call.c.state == CallState.ASKING)
)
_TELLING = {"heard_token": call.c.token, **_blanks(call, *_TOLD)}


def _insert(table: Table, names: tuple[str, ...], **owner: ColumnElement[Any]) -> Prepared:
    """One row, for SQLite; no row when a promise of the table is taken."""
    values = _blanks(table, *names) | owner
    return Prepared(
        sqlite_insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    )


_MEET = _insert(caller, _MET)
_TALK = _insert(
    conversation, _INTRODUCED, caller_id=_blanks(conversation, "caller_id")["caller_id"]
)
_MOVE = Prepared(_MOVE_IF_STILL)
_BEGIN = _insert(call, _BEGUN, conversation_id=_CONVERSATION)
_TELL = Prepared(update(call).where(_STILL_ASKED).values(_TELLING).returning(call.c.id))
_KEEP = _insert(message, _SAID, conversation_id=_CONVERSATION)


def _for_each(rows: CTE, table: Table, owner: str, names: tuple[str, ...]) -> Any:
    """For PostgreSQL: a row for each of those, which it belongs to as `owner`."""
    blanks = _blanks(table, *names)
    made: Select[Any] = select(rows.c.id, *blanks.values()).select_from(rows)
    return insert(table).from_select([owner, *blanks], made)


def _ring(talk: CTE) -> Prepared:
    """The call of a conversation that was written just now, and what stands in its timeline."""
    begun = _for_each(talk, call, "conversation_id", _BEGUN)
    rung = begun.returning(call.c.conversation_id.label("id")).cte("rung")
    return Prepared(_for_each(rung, message, "conversation_id", _SAID).returning(message.c.id))


def _introduce() -> Prepared:
    met = (
        postgresql_insert(caller)
        .values(_blanks(caller, *_MET))
        .on_conflict_do_nothing()
        .returning(caller.c.id)
        .cte("met")
    )
    talk = _for_each(met, conversation, "caller_id", _INTRODUCED)
    return _ring(talk.returning(conversation.c.id).cte("talk"))


def _step() -> Prepared:
    """Both rows are locked, the conversation first, and read again before either is moved."""
    here = (
        select(conversation.c.id, call.c.id.label("call_id"))
        .join(call, call.c.conversation_id == conversation.c.id)
        .where(
            conversation.c.id == _CONVERSATION,
            conversation.c.version == bindparam("version"),
            _STILL_ASKED,
        )
        .with_for_update()
        .cte("here")
    )
    moved = (
        update(conversation)
        .where(conversation.c.id == here.c.id)
        .values(_blanks(conversation, *_MOVED) | {"version": conversation.c.version + 1})
        .cte("moved")
    )
    told = update(call).where(call.c.id == here.c.call_id).values(_TELLING).cte("told")
    said = _for_each(here, message, "conversation_id", _SAID).returning(message.c.id)
    return Prepared(said.add_cte(moved, told))


_INTRODUCE = _introduce()
_RING = _ring(_MOVE_IF_STILL.cte("moved"))
_STEP = _step()
