"""Two transactions wanted the same rows and the database gave one of them up.

Nothing of that one was written, so the whole use case is taken again. The caller who
waits must never notice (RELIABILITY R1).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

P = ParamSpec("P")
T = TypeVar("T")

MOST_TRIES = 3
"""With a lock time-out of 2 s: six seconds, inside the carrier's patience for a webhook."""

_VICTIMS = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's serialization failure, deadlock, and lock time-out. SQLite has one writer, who
is waited for inside the driver."""


class Contended(SQLAlchemyError):
    """The transaction was rolled back because of a rival; trying again may succeed."""


@contextmanager
def told_apart() -> Iterator[None]:
    """Give the victims of a rival a type of their own, whichever driver layer they come from.

    Raises:
        Contended: instead of the driver's or SQLAlchemy's own error.
    """
    try:
        yield
    except Exception as error:
        cause = getattr(error, "orig", None) or error
        if getattr(cause, "sqlstate", None) in _VICTIMS:
            raise Contended(type(cause).__name__) from error
        raise


def retried(act: Callable[P, T]) -> Callable[P, T]:
    """Take a use case again when a rival ended its transaction.

    Only for one whose first transaction comes before anything that cannot be repeated.

    Raises:
        Contended: the rivals did not end.
    """

    @wraps(act)
    def again(*args: P.args, **more: P.kwargs) -> T:
        for _ in range(MOST_TRIES - 1):
            try:
                return act(*args, **more)
            except Contended:
                continue
        return act(*args, **more)

    return again
