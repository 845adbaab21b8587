"""Another number that a caller gave: kept with them, encrypted, found by a keyed index.

A number that was only written may be a stranger's. It is theirs once somebody pressed a key
there; until then it is dialled once (CONTRACT 3).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update

from helpline.domain.phone import PhoneNumber
from helpline.store.database import Transaction
from helpline.store.tables import caller


@dataclass(frozen=True, slots=True)
class SecondNumber:
    """The number, when it was dialled in vain, and when it answered as theirs."""

    phone: PhoneNumber
    tried_at: datetime | None
    theirs_at: datetime | None


def find(tx: Transaction, caller_id: int) -> SecondNumber | None:
    """The other number of this caller, the one given last."""
    row = tx.connection.execute(
        select(caller.c.second_phone, caller.c.second_tried_at, caller.c.second_theirs_at).where(
            caller.c.id == caller_id
        )
    ).one()
    if row.second_phone is None:
        return None
    return SecondNumber(PhoneNumber(row.second_phone), row.second_tried_at, row.second_theirs_at)


def keep(tx: Transaction, caller_id: int, phone: PhoneNumber) -> bool:
    """Keep it in the place of any other; False when it is the one that is known."""
    index = tx.keys.index(phone.e164)
    known = caller.c.second_phone_index
    done = tx.connection.execute(
        update(caller)
        .where(caller.c.id == caller_id, or_(known.is_(None), known != index))
        .values(
            second_phone=phone.e164,
            second_phone_index=index,
            second_tried_at=None,
            second_theirs_at=None,
        )
    )
    return done.rowcount == 1


def tried(tx: Transaction, caller_id: int, phone: PhoneNumber, now: datetime) -> None:
    """It was dialled; the first time counts."""
    _mark(tx, caller_id, phone, "second_tried_at", now)


def answered_as_theirs(tx: Transaction, caller_id: int, phone: PhoneNumber, now: datetime) -> None:
    """Somebody pressed a key there; the first time counts."""
    _mark(tx, caller_id, phone, "second_theirs_at", now)


def not_theirs(tx: Transaction, caller_id: int, phone: PhoneNumber, now: datetime) -> None:
    """A stranger has it: as if it had been dialled in vain."""
    tx.connection.execute(
        update(caller)
        .where(
            caller.c.id == caller_id,
            caller.c.second_phone_index == tx.keys.index(phone.e164),
        )
        .values(second_tried_at=now, second_theirs_at=None)
    )


def _mark(tx: Transaction, caller_id: int, phone: PhoneNumber, column: str, now: datetime) -> None:
    tx.connection.execute(
        update(caller)
        .where(
            caller.c.id == caller_id,
            caller.c.second_phone_index == tx.keys.index(phone.e164),
            caller.c[column].is_(None),
        )
        .values({column: now})
    )
