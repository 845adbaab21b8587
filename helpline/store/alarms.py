"""Alarms about the machinery: told once, told again while they last, over when all is well."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from helpline.store.database import Transaction
from helpline.store.tables import alarm


def tell(tx: Transaction, name: str, now: datetime, again: timedelta) -> bool:
    """Is it ours to tell of this alarm now? Of several who notice, one is told so."""
    insert = sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert
    raised = insert(alarm).values(name=name, since=now, told_at=now).on_conflict_do_nothing()
    if tx.connection.execute(raised.returning(alarm.c.name)).first() is not None:
        return True
    result = tx.connection.execute(
        update(alarm)
        .where(alarm.c.name == name, alarm.c.told_at <= now - again)
        .values(told_at=now)
    )
    return result.rowcount == 1


def over(tx: Transaction, name: str) -> bool:
    """All is well again; False when it was."""
    return tx.connection.execute(delete(alarm).where(alarm.c.name == name)).rowcount == 1
