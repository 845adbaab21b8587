"""The jobs: dotted names of `helpline.bell`, three lines each. Importing does nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from helpline.runtime import Runtime

_log = structlog.get_logger(__name__)


class JobFailed(Exception):
    """A job raised. The text is the error's type name, all that RQ may keep in Redis:
    a message of SQLAlchemy, say, holds the row's values."""


@cache
def runtime() -> "Runtime":
    """This process's runtime, built once from the environment.

    Raises:
        Exception: the configuration is wrong; every mistake is named.
    """
    from config.settings import load_settings

    settings = load_settings()
    from helpline.wiring import build_runtime

    built: Runtime = build_runtime(settings)
    return built


def deliver(outbox_id: int) -> None:
    """Do what outbox row `outbox_id` says, if nobody has done it yet.

    Raises:
        JobFailed: it went wrong; the row's lease ends and it is claimed again.
    """
    with _nameless():
        from helpline.service.dispatch import deliver as deliver_row

        deliver_row(runtime(), outbox_id)


def show_life(queue: str, process: str) -> None:
    """Say that this worker is alive, and look whether the guard is.

    Never raises: a database that is away must not end a worker.
    """
    if not runtime.cache_info().currsize:
        return
    try:
        from helpline.service.upkeep import pulse

        pulse.show_life(runtime(), queue, process)
    except Exception:  # noqa: BLE001 - the next sign of life is due in seconds
        _log.warning("pulse.failed", queue=queue, exc_info=True)


def after_fork() -> None:
    """In a forked horse: leave the parent's database connections to the parent."""
    if runtime.cache_info().currsize:
        runtime().store.leave_to_parent()


@contextmanager
def _nameless() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - RQ would keep its message
        _log.error("job.failed", exc_info=True)
        raise JobFailed(type(error).__name__) from None
