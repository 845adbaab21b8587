"""Writers of one SQLite file take turns.

SQLite has one writer and no queue: whoever finds it busy sleeps, longer each time, and a thread
that writes again and again finds it free before any sleeper wakes. A busy round of the guard
would keep the workers from sending for seconds. So only one writer at a time waits for the
database, behind a turnstile that the threads of all processes pass one by one: whoever has
just written queues behind whoever waits.

The turnstile decides about order only. Who writes is still decided by SQLite, so a turnstile
that fails (its file removed, a folder that knows no locks, a process stopped in the middle of
it) costs fairness and a second, never a row.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TURN_SECONDS = 0.001
"""Between two looks whether it is this process's turn."""
_FREE_SECONDS = 0.0003
"""Between two looks whether the database is free: one writer in the whole line looks."""
_PATIENCE_SECONDS = 1.0
"""Whoever's turn has not come by then goes on without it: a turn is over in milliseconds, unless
the process that has it was stopped."""


class Turnstile:
    """Where writers of the database at `path` queue."""

    def __init__(self, path: Path) -> None:
        """The file beside the database is made when the first writer comes."""
        self._path = path.with_name(f"{path.name}-turn")
        self._forget()

    def begin(self, connection: sqlite3.Connection, seconds: float) -> None:
        """Begin a writing transaction when its turn comes.

        Raises:
            sqlite3.OperationalError: it did not come in so many seconds.
        """
        ends = time.monotonic() + seconds
        with self._turn(min(seconds, _PATIENCE_SECONDS)):
            # The driver's own wait is the one that sleeps longer each time.
            connection.execute("PRAGMA busy_timeout=0")
            try:
                if not _looked(lambda: _has_begun(connection), _FREE_SECONDS, ends):
                    raise sqlite3.OperationalError("database is locked")
            finally:
                connection.execute("PRAGMA busy_timeout=5000")

    def leave_to_parent(self) -> None:
        """In a forked process: a place of its own in the queue, not a share in the parent's."""
        if self._file is not None:
            os.close(self._file)
        self._forget()

    def _forget(self) -> None:
        # Of the threads of a process one looks, the others wait for that one.
        self._threads = threading.Lock()
        self._file: int | None = None

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        ends = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            yield
            return
        try:
            file = self._open()
            mine = _looked(lambda: _is_locked(file), _TURN_SECONDS, ends)
            try:
                yield
            finally:
                if mine:
                    fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file


def _looked(is_so: Callable[[], bool], pause: float, ends: float) -> bool:
    """Look again and again until it is so; False when the time is over."""
    while not is_so():
        if time.monotonic() >= ends:
            return False
        time.sleep(pause)
    return True


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _has_begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        # Extended codes (a recovery, a snapshot) say the same in their lowest byte.
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
