"""Bring a database to the newest tables; safe to run by several processes at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from helpline.store.database import Store
from helpline.store.patience import within

_HERE = Path(__file__).parent / "migrations"
LONGEST = 3600.0
_LOCK = 7_305_011


def config() -> Config:
    """Alembic's configuration, without a file."""
    settings = Config()
    settings.set_main_option("script_location", str(_HERE))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the revisions that are missing, one process at a time."""
    settings = config()
    # An index over years of rows takes minutes: nobody is waiting for an answer here.
    with within(LONGEST), _in_turn(store), store.engine.begin() as connection:
        if store.engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


@contextmanager
def _in_turn(store: Store) -> Iterator[None]:
    """SQLite: one process at a time, and the journal is a log (WAL) before the first revision.

    Changing the journal fails at once when a rival is at it, whatever the busy time-out says;
    so the turn is the lock of the database's folder, which leaves no file behind.
    """
    path = store.engine.url.database
    if store.engine.dialect.name != "sqlite" or path is None:
        yield
        return
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        connection = store.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        yield
    finally:
        os.close(folder)


def downgrade(store: Store, revision: str = "base") -> None:
    """Take revisions back; for tests."""
    settings = config()
    with store.engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, revision)
