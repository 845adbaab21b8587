"""A value that is worked out when it is first asked for."""

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - reads as a decorator
    """What `functools.cached_property` does, without the lock that it has in Python 3.11."""

    def __init__(self, work_out: Callable[..., Value]) -> None:
        self.work_out = work_out
        self.name = work_out.__name__

    def __get__(self, owner: object, _: type | None = None) -> Value:
        value = owner.__dict__[self.name] = self.work_out(owner)
        return value
