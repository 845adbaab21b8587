"""What staff decided about who a caller is."""

from datetime import datetime

from sqlalchemy import func, or_, select, update

from helpline.store import holding
from helpline.store.database import Transaction
from helpline.store.tables import caller, case, conversation


def block(tx: Transaction, caller_id: int, why: str, now: datetime) -> None:
    """No answers for this caller, except to danger."""
    tx.connection.execute(
        update(caller).where(caller.c.id == caller_id).values(blocked_at=now, blocked_why=why)
    )


def unblock(tx: Transaction, caller_id: int) -> bool:
    """Answers again; False when they were not blocked."""
    freed = tx.connection.execute(
        update(caller)
        .where(caller.c.id == caller_id, caller.c.blocked_at.is_not(None))
        .values(blocked_at=None, blocked_why=None)
    )
    return freed.rowcount == 1


def find_caller_by_code(tx: Transaction, code: str) -> int | None:
    """The caller of the case with this code."""
    case_id = holding.find_by_code(tx, code)
    if case_id is None:
        return None
    found = select(case.c.caller_id).where(case.c.id == case_id)
    return int(tx.connection.execute(found).scalar_one())


def join(tx: Transaction, one: int, other: int) -> None:
    """These two, and everybody who is the same as either, are one person."""
    rows = tx.connection.execute(
        select(caller.c.id, func.coalesce(caller.c.same_as_id, caller.c.id)).where(
            caller.c.id.in_((one, other))
        )
    )
    heads = {head for _, head in rows}
    first = min(heads)
    tx.connection.execute(
        update(caller)
        .where(or_(caller.c.same_as_id.in_(heads), caller.c.id.in_(heads | {one, other})))
        .values(same_as_id=first)
    )


def part(tx: Transaction, caller_id: int) -> None:
    """This one stands alone again; whoever else was one person stays so."""
    others = select(caller.c.id).where(caller.c.same_as_id == caller_id, caller.c.id != caller_id)
    left = list(tx.connection.execute(others).scalars())
    if left:
        tx.connection.execute(
            update(caller).where(caller.c.id.in_(left)).values(same_as_id=min(left))
        )
    tx.connection.execute(update(caller).where(caller.c.id == caller_id).values(same_as_id=None))


def change_hands(tx: Transaction, caller_id: int, now: datetime) -> None:
    """Somebody new has this number: what was told before is not theirs."""
    part(tx, caller_id)
    tx.connection.execute(
        update(caller)
        .where(caller.c.id == caller_id)
        .values(
            changed_hands_at=now, second_phone=None, second_phone_index=None,
            second_tried_at=None, second_theirs_at=None, blocked_at=None, blocked_why=None,
        )
    )  # fmt: skip
    tx.connection.execute(
        update(conversation)
        .where(conversation.c.caller_id == caller_id)
        .values(progress="", wake_at=None, version=conversation.c.version + 1)
    )
