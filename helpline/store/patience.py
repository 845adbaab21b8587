"""How long anybody waits for the database: a server that hangs never answers "too late" itself.

PostgreSQL's own time-outs are kept by the server, so a stopped or vanished one keeps none
of them. Every wait has an end on our side too; a web request brings a shorter one for all
its statements together (`within`), so that it is answered in time (DESIGN 7).
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

LONGEST_WAIT = 5.0
"""Seconds for one statement without `within`; longer than the server's own time-out of 3 s."""

DATABASE_ERRORS = (SQLAlchemyError, psycopg.Error, sqlite3.Error)
"""Whatever the database can raise, from either driver or from SQLAlchemy above them."""

_deadline: ContextVar[float | None] = ContextVar("helpline_database_deadline", default=None)


class OutOfPatience(psycopg.OperationalError):
    """The database did not answer in the time that was given; it may have done what was asked."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All waits for the database in this block end when so many seconds are over; 0: none waits."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float:
    """Seconds that the database may still take; 0 when the time is over."""
    deadline = _deadline.get()
    if deadline is None:
        return LONGEST_WAIT
    return max(deadline - time.monotonic(), 0.0)


class PatientConnection(psycopg.Connection[Any]):
    """A connection on which no wait lasts for ever. One that was given up is closed."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """psycopg's wait, with an end.

        Raises:
            OutOfPatience: the server did not answer in time.
        """
        left = time_left()
        try:
            return super().wait(gen, interval, left if timeout is None else min(timeout, left))
        except psycopg.OperationalError as error:
            # The driver gives the end of a wait no public name; every other error is the server's.
            if type(error).__name__ != "_WaitTimeout":
                raise
            self.pgconn.finish()
            raise OutOfPatience("the database did not answer in time") from None


def make_patient(engine: Engine) -> None:
    """Let a PostgreSQL engine open connections that wait no longer than they may."""

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if time_left() <= 0:
            raise OutOfPatience("there is no time left to connect")
        return PatientConnection.connect(*arguments, **options)
