"""Calls that come in: where the caller is on the telephone, and what they were told last.

The carrier repeats a webhook when our answer did not reach it. Each prompt has an opaque
name (`token`); the answer to what came last for a name is kept, and given again.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, update

from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import call
from helpline.store.upsert import insert_quietly


class CallState(StrEnum):
    """What a call is about just now."""

    ASKING = "asking"
    HOLDING = "holding"
    LEAVING = "leaving"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came in. `answer` is what it was told last (`helpline.domain.speech`).

    `token` names the prompt that is open, `heard_token` the one before, which was answered.
    `attempt_id` is its leg in the ledger, once the caller waits for a person.
    """

    id: int
    conversation_id: int
    case_id: int | None
    attempt_id: int | None
    sid: str
    state: CallState
    turn: int
    token: str
    heard_token: str | None
    answer: str
    started_at: datetime

    @property
    def this_turn(self) -> str:
        """Under which carrier id the turn stands in the caller's timeline."""
        return name_of_turn(self.sid, self.turn)

    @property
    def last_turn(self) -> str:
        """The same for the turn before, whose answer is being told."""
        return name_of_turn(self.sid, self.turn - 1)


def name_of_turn(sid: str, number: int) -> str:
    """Under which carrier id a turn of a call stands in the caller's timeline; the ring is 0."""
    return f"{sid[:56]}.{number}"


COLUMNS = (
    call.c.id,
    call.c.conversation_id,
    call.c.case_id,
    call.c.attempt_id,
    call.c.sid,
    call.c.state,
    call.c.turn,
    call.c.token,
    call.c.heard_token,
    call.c.answer,
    call.c.started_at,
)
"""What `read` reads, in the order of the fields of a `Call`."""
_STATE = COLUMNS.index(call.c.state)

_BY_SID = Prepared(select(*COLUMNS).where(call.c.sid == bindparam("sid")))
_BY_LEG = Prepared(select(*COLUMNS).where(call.c.attempt_id == bindparam("attempt_id")))
_TOLD = Prepared(
    update(call)
    .where(
        call.c.id == bindparam("call_id", type_=call.c.id.type),
        call.c.turn == bindparam("known_turn"),
    )
    .values(
        {
            name: bindparam(f"new_{name}", type_=call.c[name].type)
            for name in ("state", "token", "answer")
        }
        | {"turn": call.c.turn + 1, "heard_token": call.c.token}
    )
    .returning(call.c.id)
)


def find(tx: Transaction, sid: str) -> Call | None:
    """The call of this carrier id."""
    return _one(_BY_SID.run(tx, sid=sid))


def find_by_leg(tx: Transaction, attempt_id: int) -> Call | None:
    """The call whose caller waits as this leg."""
    return _one(_BY_LEG.run(tx, attempt_id=attempt_id))


def read(row: tuple[Any, ...]) -> Call:
    """A row of `COLUMNS`."""
    values = list(row)
    values[_STATE] = CallState(values[_STATE])
    return Call(*values)


def _one(rows: list[tuple[Any, ...]]) -> Call | None:
    return read(rows[0]) if rows else None


def begin(
    tx: Transaction, *, sid: str, conversation_id: int, token: str, answer: str, now: datetime
) -> int | None:
    """Write down a call that rings us; None when this carrier id is here already."""
    return insert_quietly(
        tx,
        call,
        sid=sid,
        conversation_id=conversation_id,
        state=CallState.ASKING,
        turn=0,
        token=token,
        answer=answer,
        started_at=now,
    )


def told(tx: Transaction, known: Call, *, state: CallState, token: str, answer: str) -> bool:
    """What the caller said to the open prompt is answered; False when somebody was quicker."""
    moved = _TOLD.run(
        tx,
        call_id=known.id,
        known_turn=known.turn,
        new_state=state,
        new_token=token,
        new_answer=answer,
    )
    return bool(moved)


def bind(tx: Transaction, call_id: int, *, case_id: int, attempt_id: int) -> None:
    """The caller waits for a person: this is their leg."""
    tx.connection.execute(
        update(call).where(call.c.id == call_id).values(case_id=case_id, attempt_id=attempt_id)
    )


def end(tx: Transaction, call_id: int, now: datetime) -> bool:
    """They hung up, or we did; False when that was known."""
    ended = tx.connection.execute(
        update(call)
        .where(call.c.id == call_id, call.c.ended_at.is_(None))
        .values(state=CallState.OVER, ended_at=now)
    )
    return ended.rowcount == 1


def list_open(tx: Transaction, before: datetime) -> list[str]:
    """Carrier ids of calls that began before then and did not end, oldest first."""
    rows = tx.connection.execute(
        select(call.c.sid)
        .where(call.c.ended_at.is_(None), call.c.started_at < before)
        .order_by(call.c.started_at)
        .limit(200)
    )
    return list(rows.scalars())
