"""Engines, transactions and the database's clock.

SQLite: WAL, `synchronous=FULL`, `BEGIN IMMEDIATE` for writers. PostgreSQL:
`synchronous_commit=on`, statement and lock time-outs (RELIABILITY R1). No transaction
is open during a network call; that is the callers' duty and a house rule.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    PoolProxiedConnection,
    QueuePool,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine import Dialect

from helpline.store.columns import KeyRing
from helpline.store.contention import told_apart
from helpline.store.patience import DATABASE_ERRORS, make_patient, time_left
from helpline.store.turnstile import Turnstile

_RESYNC_SECONDS = 10.0
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 2,
    "options": "-c statement_timeout=3000 -c lock_timeout=2000"
    " -c idle_in_transaction_session_timeout=10000 -c synchronous_commit=on -c timezone=UTC",
}


def open_engine(url: str, keys: KeyRing, *, pool_size: int = 8) -> Engine:
    """An engine for either database with the key ring attached.

    On PostgreSQL it has at most twice `pool_size` connections, as the web has threads.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = _open_sqlite(url, Path(address.database or ""), pool_size)
    else:
        engine = create_engine(
            url,
            # None is closed between two texts: to open one costs more than a text. The one that
            # was used last is lent first, so that only as many are opened as are needed at once.
            pool_size=2 * pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_timeout=4,
            pool_recycle=1800,
            connect_args=_POSTGRESQL,
        )
        make_patient(engine)
    engine.dialect.helpline_key_ring = keys  # type: ignore[attr-defined]
    return engine


def _open_sqlite(url: str, path: Path, pool_size: int) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        # A connection is an open file: whoever waits, waits for the one writer and for no other.
        pool_size=pool_size,
        max_overflow=-1,
        connect_args={"timeout": 5, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    turnstile = Turnstile(path)
    engine.dialect.helpline_turnstile = turnstile  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql(f"PRAGMA busy_timeout={round(time_left() * 1000)}")
            connection.exec_driver_sql("BEGIN")
        else:
            turnstile.begin(_sqlite(connection.connection), time_left())

    return engine


def _sqlite(connection: PoolProxiedConnection) -> sqlite3.Connection:
    driver: Any = connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - as `_open_sqlite` made it
    return driver


class Store:
    """The database: begin a transaction, then call the module of a noun with it."""

    def __init__(self, engine: Engine, keys: KeyRing) -> None:
        self.engine = engine
        self.keys = keys
        self._glances = _open_glances(engine)
        self._turnstile: Turnstile | None = getattr(engine.dialect, "helpline_turnstile", None)

    @contextmanager
    def begin(self) -> Iterator["Transaction"]:
        """A writing transaction: committed at the end, rolled back on any error.

        Raises:
            Contended: a rival ended it; nothing was written.
        """
        with told_apart(), self.engine.begin() as connection:
            yield Transaction(connection, self.keys)

    @contextmanager
    def glance(self) -> Iterator["Road"]:
        """Reading without a transaction, prepared statements only: one round trip, no lock kept."""
        connection = self._glances.raw_connection()
        try:
            with told_apart():
                yield Road(self.engine.dialect, self.keys, _kept_cursor(connection))
        except DATABASE_ERRORS:
            _forget_the_dead(self._glances, connection)
            raise
        finally:
            connection.close()

    def swift(self) -> AbstractContextManager["Road"]:
        """Writing with prepared statements only: the hot road of ordinary texts.

        On PostgreSQL each statement is its own transaction, over when it returns: one round
        trip instead of three. On SQLite all of them are one, committed at the end.

        Raises:
            Contended: a rival ended it; nothing was written.
        """
        return self._immediate(self._turnstile) if self._turnstile else self.glance()

    @contextmanager
    def _immediate(self, turnstile: Turnstile) -> Iterator["Road"]:
        connection = self.engine.raw_connection()
        try:
            turnstile.begin(_sqlite(connection), time_left())
            yield Road(self.engine.dialect, self.keys, _kept_cursor(connection))
            connection.commit()
        except BaseException:
            # What a failing rollback says must not hide what failed before it.
            with suppress(*DATABASE_ERRORS):
                connection.rollback()
            raise
        finally:
            connection.close()

    @contextmanager
    def read(self) -> Iterator["Transaction"]:
        """A reading transaction; on SQLite it does not take the write lock."""
        with (
            self.engine.connect().execution_options(reading=True) as connection,
            connection.begin(),
        ):
            yield Transaction(connection, self.keys)

    def dispose(self) -> None:
        """Close every connection, at the end."""
        self.engine.dispose()
        self._glances.dispose()

    def leave_to_parent(self) -> None:
        """In a forked process: forget the parent's connections without closing them."""
        self.engine.dispose(close=False)
        self._glances.dispose(close=False)
        if self._turnstile:
            self._turnstile.leave_to_parent()


def _forget_the_dead(engine: Engine, connection: PoolProxiedConnection) -> None:
    """A connection whose server is gone is not lent again, nor are its idle neighbours.

    SQLAlchemy sees to that itself, except where the driver's cursors are used directly.
    """
    if getattr(connection.dbapi_connection, "closed", False):
        connection.invalidate()
        engine.dispose()


def _kept_cursor(connection: PoolProxiedConnection) -> Any:
    """The driver's cursor, kept with its connection: it remembers how each type is read."""
    cursor = connection.info.get("cursor")
    if cursor is None:
        cursor = connection.info["cursor"] = connection.cursor()
    return cursor


def _open_glances(engine: Engine) -> Engine:
    """SQLite commits by itself outside BEGIN; PostgreSQL's driver needs connections that do."""
    if engine.dialect.name == "sqlite":
        return engine
    assert isinstance(engine.pool, QueuePool)  # noqa: S101 - as `open_engine` made it
    glances = create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        pool_size=engine.pool.size(),
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=4,
        pool_recycle=1800,
        connect_args=_POSTGRESQL,
    )
    make_patient(glances)
    return glances


@dataclass(frozen=True, slots=True)
class Road:
    """The driver's cursor and what `prepared` statements need beside it."""

    dialect: Dialect
    keys: KeyRing
    driver_cursor: Any

    def cursor(self) -> Any:
        """The driver's cursor."""
        return self.driver_cursor


class Transaction:
    """What store functions take: the connection and the key ring."""

    __slots__ = ("_cursor", "connection", "keys")

    def __init__(self, connection: Connection, keys: KeyRing) -> None:
        self.connection = connection
        self.keys = keys
        self._cursor: Any = None

    @property
    def dialect(self) -> Dialect:
        """Which database this is."""
        return self.connection.dialect

    def cursor(self) -> Any:
        """The driver's cursor inside this transaction, for `prepared` statements."""
        if self._cursor is None:
            self._cursor = _kept_cursor(self.connection.connection)
        return self._cursor


class DatabaseClock:
    """The database's time, so that every process and machine agrees.

    It is read every ten seconds and carried forward with the monotonic clock, so a
    host whose clock is wrong or jumps changes nothing (RELIABILITY R8 row 19).
    """

    def __init__(self, store: Store, offset_file: Path | None = None) -> None:
        self._store = store
        self._offset_file = offset_file
        self._lock = threading.Lock()
        self._base: datetime | None = None
        self._base_at = 0.0
        self._read_again_at = time.monotonic() + _RESYNC_SECONDS

    def now(self) -> datetime:
        """Aware UTC; the last known time carried forward while the database is away.

        A process that has never reached the database takes its own host's time.
        """
        if self._is_due():
            # Outside the lock: a database that hangs holds up this thread and no other.
            with suppress(*DATABASE_ERRORS):
                read = self._read()
                with self._lock:
                    self._base, self._base_at = read, time.monotonic()
        with self._lock:
            if self._base is None:
                now = datetime.now(UTC)
            else:
                now = self._base + timedelta(seconds=time.monotonic() - self._base_at)
        return now + self._offset()

    def _is_due(self) -> bool:
        """Must the database be asked again? Of several threads one is told so."""
        if time_left() <= 0:
            return False
        monotonic = time.monotonic()
        with self._lock:
            if self._base is not None and monotonic < self._read_again_at:
                return False
            self._read_again_at = monotonic + _RESYNC_SECONDS
            return True

    def _read(self) -> datetime:
        if self._store.engine.dialect.name == "sqlite":
            return datetime.now(UTC)
        with self._store.read() as tx:
            moment = tx.connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        assert isinstance(moment, datetime)  # noqa: S101 - the driver's contract
        return moment.astimezone(UTC)

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        try:
            return timedelta(seconds=float(self._offset_file.read_text() or 0))
        except (OSError, ValueError):
            return timedelta()
