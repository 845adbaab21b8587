"""Does the line grow slow with the years? The same texts against an empty and a full database."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Table, cast, func, insert, literal, select, text

from bench.inbound import Arm, Effort, interleave, side_of
from bench.results import Result, ratio
from bench.servers import OURS, environment
from config.settings import load_settings
from helpline.store import Store
from helpline.store.migrate import upgrade
from helpline.store.patience import within
from helpline.store.tables import caller, conversation, message
from helpline.wiring import build_store
from tests import services

CALLERS, MESSAGES_EACH = 500_000, 10
MOST_TIMES_EMPTY = 1.5
_PATIENT = text("SET LOCAL statement_timeout = '600s'")


def run(folder: Path, effort: Effort, seed: int, callers: int = CALLERS) -> Iterator[Result]:
    """Intake's 99th percentile, full to empty."""
    with ExitStack() as stack:
        redis = stack.enter_context(services.redis_server(folder / "redis"))
        server = stack.enter_context(services.postgres_server())
        sides: dict[str, Arm] = {}
        for number, name in enumerate(("empty", "full")):
            url = stack.enter_context(services.fresh_database(server.url))
            home = folder / name
            home.mkdir()
            if name == "full":
                _fill(home, url, callers)
            side = side_of(name, OURS, url, redis.url, home, seed * 2 + number)
            sides[name] = stack.enter_context(side)
        interleave(list(sides.values()), effort, seed)
    rows = f"{callers:,} callers, {callers * MESSAGES_EACH:,} messages"
    for name, arm in sides.items():
        yield Result(f"{name} database: rate", median(arm.rates), "req/s")
        yield Result(f"{name} database: p99", median(arm.p99s), "ms")
        yield Result(f"{name} database: answers not a message", float(sum(arm.wrong.values())),
                     "", 0.0)  # fmt: skip
    growth = ratio(median(sides["full"].p99s), median(sides["empty"].p99s))
    yield Result(f"{rows}: p99 to that of an empty database", growth, "x", MOST_TIMES_EMPTY)


def _fill(folder: Path, url: str, callers: int) -> None:
    """Years of callers, each with a conversation and ten messages; read by nobody."""
    store = build_store(load_settings(environment(folder, url)))
    upgrade(store)
    long_ago = literal(datetime.now(UTC) - timedelta(days=400))
    sealed = literal(store.keys.seal("a text of ordinary length, as most of them are"))
    number = func.generate_series(1, callers).column_valued("number")
    _insert(store, caller, {
        "address": sealed, "created_at": long_ago,
        "address_index": func.md5(cast(number, caller.c.address_index.type)),
    })  # fmt: skip
    _insert(store, conversation, {
        "caller_id": number, "line": literal("+15005550006"),
        "whatsapp": literal(False), "progress": sealed, "version": literal(1),
        "heard_at": long_ago, "created_at": long_ago,
    })  # fmt: skip
    for part in range(MESSAGES_EACH):
        _insert(store, message, {
            "conversation_id": number, "inbound": literal(True), "body": sealed,
            "sid": func.concat(f"SM{part}", func.md5(cast(number, message.c.sid.type))),
            "answer": sealed, "media": literal(0), "level": literal(0), "created_at": long_ago,
        })  # fmt: skip
    with (
        within(600),
        store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        connection.execute(text("SET statement_timeout = '600s'"))
        connection.execute(text("VACUUM ANALYZE"))
    store.dispose()


def _insert(store: Store, table: Table, values: dict[str, object]) -> None:
    rows = select(*(value.label(name) for name, value in values.items()))  # type: ignore[attr-defined]
    with within(600), store.begin() as tx:
        tx.connection.execute(_PATIENT)
        tx.connection.execute(insert(table).from_select(list(values), rows))
