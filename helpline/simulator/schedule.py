"""Work that happens later or elsewhere: a timer heap and ordered queues over one small pool."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Work = Callable[[], object]


class Schedule:
    """Runs work after a delay, and work with the same key one after the other.

    Deliveries and callbacks use separate pools, so that an application that hangs on its
    callbacks cannot keep a text from reaching a handset.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._timers = ThreadPoolExecutor(16, thread_name_prefix="sim-timer")
        self._queues = ThreadPoolExecutor(48, thread_name_prefix="sim-queue")
        self._wake = threading.Condition()
        self._heap: list[tuple[float, int, Work]] = []
        self._order = itertools.count()
        self._waiting: dict[str, deque[Work]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._tick, name="sim-clock", daemon=True)
        self._thread.start()

    def later(self, seconds: float, work: Work) -> None:
        """Run `work` after so many real seconds."""
        with self._wake:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._order), work))
            self._wake.notify()

    def in_order(self, key: str, work: Work) -> None:
        """Run `work` as soon as everything queued before under the same key is done."""
        with self._wake:
            if self._stopped:
                return
            first = key not in self._waiting
            self._waiting.setdefault(key, deque()).append(work)
            if first:
                self._queues.submit(self._drain, key)

    def aside(self, work: Work) -> None:
        """Run `work` at once on a thread of its own."""
        threading.Thread(target=self._guarded, args=(work,), daemon=True).start()

    def forget(self) -> None:
        """Drop timers that have not fired and queued work that has not begun."""
        with self._wake:
            self._heap.clear()
            for queued in self._waiting.values():
                queued.clear()

    def stop(self) -> None:
        self.forget()
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._timers.shutdown(wait=False, cancel_futures=True)
        self._queues.shutdown(wait=False, cancel_futures=True)

    def _tick(self) -> None:
        while True:
            with self._wake:
                if self._stopped:
                    return
                due = self._heap[0][0] - time.monotonic() if self._heap else None
                if due is None or due > 0:
                    self._wake.wait(due)
                    continue
                work = heapq.heappop(self._heap)[2]
                self._timers.submit(self._guarded, work)

    def _drain(self, key: str) -> None:
        while True:
            with self._wake:
                queued = self._waiting.get(key)
                if not queued:
                    self._waiting.pop(key, None)
                    return
                work = queued.popleft()
            self._guarded(work)

    def _guarded(self, work: Work) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a simulator's own mistake must be seen, not die in a pool
            self._on_failure(error)
