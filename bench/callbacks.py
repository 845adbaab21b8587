"""How long it takes to find the next callback, with 1,000 and 100,000 people waiting.

The queue is also filled against us: thousands in front of the one that fits, who may not
be rung yet, speak another language, or want texts only; and thousands whose time comes at
one moment, when the day begins, before the guard has marked any of them (ADR 0015).
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy import (
    case as choose,
)

from bench.results import Result, percentile, ratio
from bench.servers import environment
from config.settings import load_settings
from helpline.domain.disposition import Disposition
from helpline.store import Store, Transaction
from helpline.store import callbacks as queue
from helpline.store.migrate import upgrade
from helpline.store.patience import within
from helpline.store.tables import callback, caller, case, conversation
from helpline.wiring import build_store
from tests import services

FEW, MANY = 1_000, 100_000
SLOWEST_MS, MOST_GROWTH = 5.0, 2.0
SLICES = 5
"""Looks are timed in so many slices, of which the calmest counts: a look takes a millisecond, and
what else the machine does meanwhile would be most of a ratio."""
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Filling:
    """A queue: what differs from an ordinary one, by the number of the row."""

    name: str
    rank: Column | None = None
    due_in_seconds: Column | None = None
    not_before: Column | None = None
    language: Column | None = None
    text_only: Column | None = None
    found: bool = True
    marked: bool = True
    """The guard has seen whose time has come."""
    swept: bool = True
    """And autovacuum has been there since. Until then a look steps over what the marks left in
    the index, which is told and keeps no bound (ADR 0015)."""


def fillings(number: Column, now: datetime, dialect: str) -> tuple[Filling, ...]:
    """The ordinary queue first. One row in a hundred, the last ones, fit in the others."""
    fits = number % 100 == 99
    behind = choose((fits, int(Disposition.ROUTINE)), else_=int(Disposition.URGENT_60))
    ready, later = literal(now), literal(now + timedelta(hours=8))
    return (
        Filling("all ready"),
        Filling("all late", due_in_seconds=-(number % 86_400)),
        Filling("99 % of another language in front", behind,
                language=choose((fits, "en"), else_="es")),
        Filling("99 % not to be rung yet, in front", behind,
                not_before=choose((fits, ready), else_=later)),
        Filling("99 % not to be rung yet, each at a time of their own", behind,
                not_before=choose((fits, ready), else_=_after(dialect, now, 60 + number))),
        Filling("99 % text only, in front", behind, text_only=~fits),
        Filling("all from one moment on, none marked", marked=False),
        Filling("all from one moment on, all just marked", swept=False),
        Filling("nobody to ring: all held back", not_before=literal(NEVER), found=False),
        Filling("nobody to ring: all wait for the morning", not_before=later, found=False),
        Filling("nobody to ring: all of another language", language=literal("es"), found=False),
    )  # fmt: skip


def run(folder: Path, many: int = MANY, times: int = 100) -> Iterator[Result]:
    """Of each filling, on both databases: medians, 99th percentiles, plans that read the table."""
    with services.postgres_server() as server, services.fresh_database(server.url) as url:
        yield from _on("PostgreSQL", folder, url, many, times)
    file = folder / "callbacks.db"
    yield from _on("SQLite", folder, f"sqlite:///{file}", many, times)


def _on(database: str, folder: Path, url: str, many: int, times: int) -> Iterator[Result]:
    store = build_store(load_settings(environment(folder, url)))
    upgrade(store)
    few = min(FEW, many)
    people(store, many)
    now = datetime.now(UTC)
    for filling in fillings(case.c.id, now, store.engine.dialect.name):
        small, _ = _measure(store, filling, few, times, now)
        large, batches = _measure(store, filling, many, times, now)
        name = f"{database}: next callback, {filling.name}"
        growth = ratio(percentile(large, 0.5), percentile(small, 0.5))
        bounds = (SLOWEST_MS, MOST_GROWTH) if filling.swept else (None, None)
        yield Result(f"{name}, {many:,}, p50", percentile(large, 0.5), "ms", bounds[0])
        yield Result(f"{name}, {many:,}, p99", percentile(large, 0.99), "ms")
        yield Result(f"{name}, {many:,} to {few:,}", growth, "x", bounds[1])
        if batches:
            yield Result(f"{name}: a round of marks, the longest", max(batches), "ms")
        for node, count in sorted(_in_vain(store, now)):
            yield Result(f"{name}: {node}", float(count), "rows")
    store.dispose()


def people(store: Store, count: int) -> None:
    """So many callers, each with a conversation and an open case, and their own id in all."""
    now = literal(datetime.now(UTC))
    sealed = literal(store.keys.seal("+12025550123"))
    first = select(literal(1).label("number")).cte("numbers", recursive=True)
    numbers = first.union_all(select(first.c.number + 1).where(first.c.number < count))
    number = numbers.c.number
    for table, values in (
        (caller, {"id": number, "address": sealed, "created_at": now,
                  "address_index": cast(number, String)}),
        (conversation, {"id": number, "caller_id": number, "line": literal("+15005550006"),
                        "whatsapp": literal(False), "progress": sealed, "heard_at": now,
                        "created_at": now}),
        (case, {"id": number, "conversation_id": number, "caller_id": number,
                "code": cast(number, String), "state": literal("open"),
                "disposition": literal(int(Disposition.SOON)), "opened_at": now,
                "protocol_hash": literal("0" * 64)}),
    ):  # fmt: skip
        rows = select(*(value.label(name) for name, value in values.items()))
        with _patient(store) as tx:
            tx.connection.execute(insert(table).from_select(list(values), rows))
        # Foreign keys are looked up by whatever plan the table's statistics suggest.
        _analyze(store, table.name)


def fill(store: Store, filling: Filling, count: int, now: datetime) -> None:
    """Replace the queue: the first `count` people wait."""
    number = case.c.id
    mixed: Column = choose(
        (number % 50 == 0, int(Disposition.URGENT_15)),
        (number % 10 == 0, int(Disposition.URGENT_60)),
        (number % 3 == 0, int(Disposition.SOON)),
        else_=int(Disposition.ROUTINE),
    )
    rank = filling.rank if filling.rank is not None else mixed
    due = filling.due_in_seconds if filling.due_in_seconds is not None else number % 43_200
    given: tuple[Column | None, ...] = (filling.not_before, filling.language, filling.text_only)
    usual: tuple[Column, ...] = (literal(now), literal("en"), literal(False))
    not_before, language, text_only = (
        mine if mine is not None else other for mine, other in zip(given, usual, strict=True)
    )
    values: dict[str, Column] = {
        "case_id": number, "caller_id": number, "conversation_id": number,
        "token": literal("t") + cast(number, String), "state": literal("waiting"),
        "disposition": rank, "rank": rank, "language": language, "voicemail": literal(False),
        "text_only": text_only, "asked_at": literal(now), "not_before": not_before,
        "due_at": _after(store.engine.dialect.name, now, due), "tries": literal(0),
    }  # fmt: skip
    rows = select(*(value.label(name) for name, value in values.items())).where(number <= count)
    emptied = "DELETE FROM callback" if _is_sqlite(store) else "TRUNCATE callback CASCADE"
    with _patient(store) as tx:
        # A deleted queue would leave its pages behind for the smaller one to be read from.
        tx.connection.execute(text(emptied))
        tx.connection.execute(insert(callback).from_select(list(values), rows))
    _analyze(store, callback.name)


def _after(dialect: str, now: datetime, seconds: Column) -> Column:
    """So many seconds after now, as a moment is stored."""
    if dialect == "sqlite":
        passed = cast(seconds, String) + literal(" seconds")
        return func.strftime("%Y-%m-%d %H:%M:%S.000000", literal(now), passed)
    return literal(now) + literal(timedelta(seconds=1)) * cast(seconds, Integer)


def _is_sqlite(store: Store) -> bool:
    return store.engine.dialect.name == "sqlite"


@contextmanager
def _patient(store: Store) -> Iterator[Transaction]:
    with within(600), store.begin() as tx:
        if not _is_sqlite(store):
            tx.connection.execute(text("SET LOCAL statement_timeout = '60s'"))
        yield tx


def _analyze(store: Store, table: str) -> None:
    """What autovacuum would have done by now; the line's SQLite has no statistics."""
    if _is_sqlite(store):
        return
    with store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("SET statement_timeout = '60s'"))
        connection.execute(text(f'VACUUM (ANALYZE) "{table}"'))
        connection.execute(text("RESET statement_timeout"))


def _measure(
    store: Store, filling: Filling, count: int, times: int, now: datetime
) -> tuple[list[float], list[float]]:
    """Milliseconds of the looks, transactions included, and of each round of marks before."""
    fill(store, filling, count, now)
    later = now + timedelta(seconds=1)
    batches: list[float] = []
    while filling.marked and _mark(store, later, batches):
        pass
    if batches and filling.swept:
        _analyze(store, callback.name)
    slices = [_look(store, filling, times, later) for _ in range(SLICES)]
    return min(slices, key=lambda taken: percentile(taken, 0.5)), batches


def _look(store: Store, filling: Filling, times: int, now: datetime) -> list[float]:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        with store.begin() as tx:
            found = queue.find_next(tx, {"en"}, now)
        taken.append((time.perf_counter() - begun) * 1e3)
        assert (found is not None) == filling.found
    return taken


def _mark(store: Store, now: datetime, batches: list[float]) -> bool:
    """One round of the guard; was there anything to do?"""
    begun = time.perf_counter()
    with store.begin() as tx:
        marked = queue.release(tx, now)
    if marked:
        batches.append((time.perf_counter() - begun) * 1e3)
    return marked > 0


def _in_vain(store: Store, now: datetime) -> set[tuple[str, int]]:
    """Nodes of the plans that read a whole table, and rows that were read and dropped."""
    later = now + timedelta(seconds=1)
    nodes: set[tuple[str, int]] = set()
    with store.begin() as tx:
        with _statements(tx) as seen:
            queue.find_next(tx, {"en"}, later)
        how = "EXPLAIN QUERY PLAN" if _is_sqlite(store) else "EXPLAIN (ANALYZE)"
        for statement, parameters in seen:
            tx.cursor().execute(f"{how} {statement}", parameters)
            lines = "\n".join(str(row[-1]) for row in tx.cursor().fetchall())
            nodes |= _whole_tables(lines)
    return nodes


def _whole_tables(plan: str) -> set[tuple[str, int]]:
    """In either database's words. SQLite does not say how many rows it read."""
    nodes = {
        (node, int(rows))
        for node, rows in re.findall(
            r"^\W*((?:Parallel )?Seq Scan on \w+) .*actual .*?rows=(\d+)", plan, re.MULTILINE
        )
    }
    nodes |= {(node, 0) for node in re.findall(r"^SCAN callback$", plan, re.MULTILINE)}
    for dropped in re.findall(r"Rows Removed by (?:Index Recheck|Filter): (\d+)", plan):
        if int(dropped) >= FEW:
            nodes.add(("rows looked at in vain", int(dropped)))
    return nodes


@contextmanager
def _statements(tx: Transaction) -> Iterator[list[tuple[str, Any]]]:
    """What is run on the driver's cursor meanwhile: the road of `helpline.store.prepared`."""
    cursor, seen = tx.cursor(), []

    class Noting:
        def execute(self, statement: str, parameters: Any) -> None:
            seen.append((statement, parameters))
            cursor.execute(statement, parameters)

        def fetchall(self) -> Any:
            return cursor.fetchall()

    tx._cursor = Noting()
    try:
        yield seen
    finally:
        tx._cursor = cursor
