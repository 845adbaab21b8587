"""Watches dispositions from outside while the storm goes on: the highest that was ever read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

EVERY = 0.7


class Floors:
    """The highest disposition that was read of each case and callback."""

    def __init__(self, url: str) -> None:
        self.seen: dict[tuple[str, int], int] = {}
        self._url = url
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again during the block."""
        thread = threading.Thread(target=self._watch, name="floors", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        engine = create_engine(self._url, pool_pre_ping=True)
        while not self._over.wait(EVERY):
            # The database may be one of those that die; the next look finds it again.
            try:
                self._look(engine)
            except DBAPIError:
                continue
        engine.dispose()

    def _look(self, engine: Engine) -> None:
        with engine.connect() as connection:
            for table in ("case", "callback"):
                found = connection.execute(text(f'SELECT id, disposition FROM "{table}"'))  # noqa: S608
                for row_id, disposition in found:
                    known = self.seen.get((table, row_id), 0)
                    self.seen[table, row_id] = max(disposition, known)
