"""Inserts that a rival may win, alike on both databases."""

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from helpline.store.database import Transaction
from helpline.store.prepared import Prepared


def insert_quietly(tx: Transaction, table: Table, **values: Any) -> int | None:
    """Insert a row; its id, or None when a unique promise already has one."""
    rows = prepared_insert(table, *values).run(tx, **values)
    return int(rows[0][0]) if rows else None


@cache
def prepared_insert(table: Table, *columns: str) -> Prepared:
    """An insert of these columns that gives the id, or no row when a promise is taken."""
    return prepared_inserts(
        table, [{name: bindparam(name, type_=table.c[name].type) for name in columns}]
    )


def prepared_inserts(table: Table, rows: list[dict[str, BindParameter[Any]]]) -> Prepared:
    """An insert of several rows, without those for which a promise is taken; gives the ids."""
    return Prepared(
        postgresql_insert(table).values(rows).on_conflict_do_nothing().returning(table.c.id),
        sqlite=sqlite_insert(table).values(rows).on_conflict_do_nothing().returning(table.c.id),
    )


def upsert(tx: Transaction, table: Table, key: str, **values: Any) -> None:
    """Insert a row or overwrite the one with the same `key`."""
    insert = sqlite_insert if tx.connection.dialect.name == "sqlite" else postgresql_insert
    statement = insert(table).values(**values)
    rest = {name: statement.excluded[name] for name in values if name != key}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=rest))
