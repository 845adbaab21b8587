"""Times at which callers agreed to be asked how they are: planned → asked, or canceled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, delete, select, update

from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import follow_up
from helpline.store.upsert import prepared_inserts


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question that is owed; `kind` is the state of the protocol that asks it."""

    id: int
    case_id: int
    conversation_id: int
    kind: str
    due_at: datetime


_COLUMNS = select(
    follow_up.c.id,
    follow_up.c.case_id,
    follow_up.c.conversation_id,
    follow_up.c.kind,
    follow_up.c.due_at,
)
_PLANNED = follow_up.c.state == "planned"


_STATES = Prepared(
    select(follow_up.c.state).where(follow_up.c.case_id == bindparam("case_id")).distinct()
)
_CLEAR = Prepared(
    delete(follow_up)
    .where(follow_up.c.case_id == bindparam("case_id"), _PLANNED)
    .returning(follow_up.c.id)
)


def clear(tx: Transaction, case_id: int) -> bool:
    """What is planned for the case is planned no longer; False when asking has begun already."""
    states = {row[0] for row in _STATES.run(tx, case_id=case_id)}
    if "asked" in states:
        return False
    if "planned" in states:
        _CLEAR.run(tx, case_id=case_id)
    return True


def plan(
    tx: Transaction,
    *,
    case_id: int,
    conversation_id: int,
    kind: str,
    due_at: Sequence[datetime],
    now: datetime,
) -> None:
    """Write down when to ask; a time that is written down already stays as it is."""
    if not due_at:
        return
    times = {f"due_at_{number}": moment for number, moment in enumerate(due_at)}
    _insert_of(*times).run(
        tx,
        case_id=case_id,
        conversation_id=conversation_id,
        kind=kind,
        state="planned",
        created_at=now,
        **times,
    )


@cache
def _insert_of(*times: str) -> Prepared:
    """One statement for so many rows that differ in their time only."""
    names = ("case_id", "conversation_id", "kind", "state", "created_at")
    alike = {name: bindparam(name, type_=follow_up.c[name].type) for name in names}
    due_at = follow_up.c.due_at.type
    return prepared_inserts(
        follow_up, [alike | {"due_at": bindparam(time, type_=due_at)} for time in times]
    )


def list_due(tx: Transaction, now: datetime) -> list[FollowUp]:
    """What is to be asked now, the oldest first."""
    rows = tx.connection.execute(
        _COLUMNS.where(_PLANNED, follow_up.c.due_at <= now).order_by(
            follow_up.c.due_at, follow_up.c.id
        )
    )
    return [FollowUp(*row) for row in rows]


def find_due(tx: Transaction, follow_up_id: int, now: datetime) -> FollowUp | None:
    """This one, if it is still due now that it is locked."""
    row = tx.connection.execute(
        _COLUMNS.where(follow_up.c.id == follow_up_id, _PLANNED, follow_up.c.due_at <= now)
    ).first()
    return None if row is None else FollowUp(*row)


def asked(tx: Transaction, follow_up_id: int, now: datetime) -> bool:
    """The question was asked; False when somebody else did."""
    return _move(tx, follow_up_id, state="asked", asked_at=now)


def cancel(tx: Transaction, follow_up_id: int) -> bool:
    """It must not be asked any more."""
    return _move(tx, follow_up_id, state="canceled")


def cancel_of(tx: Transaction, case_id: int, follow_up_id: int) -> bool:
    """The same, if it belongs to this case."""
    theirs = select(follow_up.c.id).where(
        follow_up.c.id == follow_up_id, follow_up.c.case_id == case_id
    )
    return tx.connection.execute(theirs).first() is not None and cancel(tx, follow_up_id)


def put_off(tx: Transaction, follow_up_id: int, due_at: datetime) -> bool:
    """Not now: look again then."""
    return _move(tx, follow_up_id, due_at=due_at)


def _move(tx: Transaction, follow_up_id: int, **to: object) -> bool:
    result = tx.connection.execute(
        update(follow_up).where(follow_up.c.id == follow_up_id, _PLANNED).values(**to)
    )
    return result.rowcount == 1
