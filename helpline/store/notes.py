"""What staff wrote down with an outcome: sealed, like every word about a caller."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from helpline.store.database import Transaction
from helpline.store.tables import case, note


@dataclass(frozen=True, slots=True)
class Note:
    """Words that came with an outcome (1 to 6)."""

    id: int
    case_id: int
    staff_id: int
    outcome: int
    body: str
    at: datetime


def keep(
    tx: Transaction, *, case_id: int, staff_id: int, outcome: int, body: str, now: datetime
) -> None:
    """Keep the words that came with an outcome."""
    tx.connection.execute(
        insert(note).values(
            case_id=case_id, staff_id=staff_id, outcome=outcome, body=body, created_at=now
        )
    )


def list_of_caller(tx: Transaction, caller_id: int) -> list[Note]:
    """Every note about a caller, of earlier cases too, the newest first."""
    rows = tx.connection.execute(
        select(
            note.c.id, note.c.case_id, note.c.staff_id, note.c.outcome, note.c.body,
            note.c.created_at,
        )
        .join(case, case.c.id == note.c.case_id)
        .where(case.c.caller_id == caller_id)
        .order_by(note.c.id.desc())
    )  # fmt: skip
    return [Note(*row) for row in rows]


def find_last_of_caller(tx: Transaction, caller_id: int) -> Note | None:
    """The newest note about a caller."""
    found = list_of_caller(tx, caller_id)
    return found[0] if found else None
