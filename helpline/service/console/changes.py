"""Has anything moved? What the live pages of one process ask together."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from helpline.runtime import Runtime
from helpline.store import DATABASE_ERRORS, board, timeline

LOOK_EVERY = 0.25
"""Seconds between two looks: an event is on the screen within a second."""
SIGN_EVERY = 15.0
"""Seconds after which a stream says that it is alive; proxies close what is silent."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a live page is told: `mark` differs whenever something moved; open pages by id."""

    mark: str
    alerts: tuple[int, ...]


class Watch:
    """One pair of eyes for all streams of a process: one look at the database for forty pages."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._changed = threading.Condition()
        self._moment = Moment("", ())
        self._watchers = 0
        self._thread: threading.Thread | None = None

    def follow(self, seen: str = "") -> Iterator[Moment | None]:
        """Each change from now on; None when nothing moved for a while. Ends with the process."""
        with self._changed:
            self._watchers += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
        try:
            while True:
                with self._changed:
                    if self._moment.mark == seen:
                        self._changed.wait(SIGN_EVERY)
                    moment = self._moment
                if moment.mark == seen:
                    yield None
                    continue
                seen = moment.mark
                yield moment
        finally:
            with self._changed:
                self._watchers -= 1

    def _look(self) -> None:
        """Until nobody watches. A database that is away is no change: pages stay as they are."""
        while True:
            with self._changed:
                if self._watchers == 0:
                    self._thread = None
                    return
            try:
                moment = look(self._rt)
            except DATABASE_ERRORS:
                _log.warning("watch.failed", exc_info=True)
            else:
                with self._changed:
                    if moment != self._moment:
                        self._moment = moment
                        self._changed.notify_all()
            time.sleep(LOOK_EVERY)


def look(rt: Runtime) -> Moment:
    """How things stand now."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        marks = timeline.newest(tx)
        alerts = tuple(alert.page_id for alert in board.list_alerts(tx, now))
    return Moment("-".join(map(str, (*marks, *alerts))), alerts)
