"""One round of a clock: every row that is due gets a transaction of its own."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from helpline.store import Contended

T = TypeVar("T")

_log = structlog.get_logger(__name__)


def take_each(
    due: Iterable[T], act: Callable[[T], object], *, event: str, name: Callable[[T], dict[str, int]]
) -> int:
    """Do this to every row that is due; how many times it went well and did something.

    One that fails is logged, is due again in the next round, and keeps no other waiting.
    `name` gives the log the row's id, and nothing else.
    """
    went_well = 0
    for item in due:
        try:
            went_well += act(item) is not False
        except Contended:
            # Somebody is at work on it; the next round looks again.
            _log.info("round.contended", **name(item))
        except Exception:  # noqa: BLE001 - one bad row must not stop every other clock
            _log.error(event, **name(item), exc_info=True)
    return went_well
