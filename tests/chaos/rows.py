"""The line's database, read with SQL of our own: ids, states and times, nothing sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text

Row = Mapping[str, Any]

COLUMNS = {
    "message": ("id", "conversation_id", "inbound", "sid", "token", "created_at"),
    "conversation": ("id", "caller_id", "wake_at"),
    "case": ("id", "caller_id", "state", "disposition", "opened_at", "closed_at"),
    "callback": (
        *("id", "case_id", "state", "disposition", "text_only", "asked_at"),
        *("due_at", "not_before", "late_at", "lease_until", "finished_at"),
    ),
    "page": (
        *("id", "case_id", "state", "kind", "reason", "next_at", "opened_at"),
        *("acknowledged_at", "acknowledged_by"),
    ),
    "attempt": ("id", "token", "leg", "case_id", "callback_id", "page_id", "state", "sid"),
    "follow_up": ("id", "case_id", "due_at", "state"),
    "outbox": ("id", "kind", "row_id", "priority", "state", "due_at", "claimed_until"),
}


@dataclass(frozen=True)
class Rows:
    """Every row of the tables that hold promises, as they were at one moment."""

    message: tuple[Row, ...]
    conversation: tuple[Row, ...]
    case: tuple[Row, ...]
    callback: tuple[Row, ...]
    page: tuple[Row, ...]
    attempt: tuple[Row, ...]
    outbox: tuple[Row, ...]
    follow_up: tuple[Row, ...] = ()


def read(url: str) -> Rows:
    """All of it, in one transaction."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            there = set(inspect(connection).get_table_names())
            tables = [name for name in COLUMNS if name in there or name != "follow_up"]
            return Rows(**{table: read_table(connection, table) for table in tables})
    finally:
        engine.dispose()


def read_table(connection: Connection, table: str) -> tuple[Row, ...]:
    """One table in the order of its ids."""
    columns = COLUMNS[table]
    # Names of our own list, not input.
    found = connection.execute(
        text(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY id')  # noqa: S608
    )
    return tuple(
        {name: _value(name, value) for name, value in row.items()} for row in found.mappings()
    )


def _value(name: str, value: Any) -> Any:
    timed = name.endswith(("_at", "_until")) or name == "not_before"
    if not timed or value is None:
        return value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
