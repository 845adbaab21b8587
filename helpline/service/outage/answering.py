"""The database is away, hung or unwritable: everybody is still answered in time (DESIGN 7).

What comes in goes to the spool, the safe words leave in the same response, and danger is
paged directly. One failure opens the breaker of this process: until a probe in the
background succeeds nobody waits for the database again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import structlog

from helpline.domain.risk import Level, assess
from helpline.domain.speech import CallStep
from helpline.runtime import Runtime
from helpline.service import intake
from helpline.service.intake import Answer, IncomingText
from helpline.service.outage import direct
from helpline.service.outage.stand_in import StandIn
from helpline.store import DATABASE_ERRORS, journal, within

PATIENCE = 2.0
"""Seconds that one webhook waits for the database, all its statements together."""

HEDGE = 0.6
"""After so long without an answer of the database danger is paged directly (RELIABILITY R8, 7)."""

ROUND = 0.15
"""Between two looks of the background thread; `HEDGE` and this stay below one second."""

PROBE_EVERY, PROBE_PATIENCE = 0.5, 1.0

_log = structlog.get_logger(__name__)


class _Ends(Exception):
    """The process ends."""


class _Waiting:
    """One text whose request is with the database."""

    def __init__(self, text: IncomingText) -> None:
        self.text = text
        self.since = time.monotonic()
        self.looked_at = False
        self.lock = threading.Lock()
        self.answer: Answer | None = None


class Outage:
    """What one web process knows of the database, and what it does without it.

    Safe for threads. `start` begins the background thread; without it (tests) the breaker
    closes again by `look`.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._away = False
        self._probe_at = 0.0
        self._waiting: set[_Waiting] = set()
        self._pages = ThreadPoolExecutor(direct.AT_ONCE, thread_name_prefix="direct-first")
        self._stand_in = StandIn(rt, lambda *work: self._pages.submit(*work))
        self._stop = threading.Event()

    @property
    def away(self) -> bool:
        """Does nobody ask the database just now?"""
        return self._away

    @contextmanager
    def patience(self) -> Iterator[None]:
        """How long a webhook may wait for the database: not at all while it is away.

        Whichever webhook finds it away says so to all: the next text must not wait behind
        receipts that each find out for themselves.
        """
        try:
            with within(0 if self._away else PATIENCE):
                yield
        except DATABASE_ERRORS as error:
            self._failed(error)
            raise

    def receive(self, text: IncomingText) -> Answer:
        """Take a text in, with the database or without it.

        A mistake of ours is no reason either to lose a text or to leave danger unpaged: it is
        kept and paged as if the database were away, and the replay tells a human.

        Raises:
            SpoolBroken: neither database nor spool can keep it.
        """
        if self._away:
            return self._stand_in.text(text)
        waiting = _Waiting(text)
        self._waiting.add(waiting)
        try:
            with within(PATIENCE):
                return intake.receive(self._rt, text)
        except DATABASE_ERRORS as error:
            self._failed(error)
            return self._stand_in_once(waiting)
        except Exception:  # noqa: BLE001 - whatever it is, the caller is answered
            _log.error("intake.failed", exc_info=True)
            return self._stand_in_once(waiting)
        finally:
            self._waiting.discard(waiting)

    def rings(
        self, sid: str, sender: str, recipient: str, use_case: Callable[[], tuple[CallStep, ...]]
    ) -> tuple[CallStep, ...]:
        """Somebody rings the line: `use_case`, or the numbers and a ring to everybody on call.

        Raises:
            SpoolBroken: neither database nor spool can keep it.
        """
        if not self._away:
            try:
                with within(PATIENCE):
                    return use_case()
            except DATABASE_ERRORS as error:
                self._failed(error)
        with within(0):
            return self._stand_in.call(sid, sender, recipient)

    def _failed(self, error: BaseException) -> None:
        if not self._away:
            _log.warning("database.away", error=type(error).__name__)
        self._away = True

    # --- the background thread ------------------------------------------------------

    def start(self) -> None:
        """Begin probing, hedging and climbing; the thread ends with the process."""
        threading.Thread(target=self._run, name="outage", daemon=True).start()

    def close(self) -> None:
        """End the background work."""
        self._stop.set()
        self._pages.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        climbing = None
        while not self._stop.wait(ROUND):
            try:
                self.look()
                # A carrier that hangs must not keep the next danger from being seen.
                if climbing is None or climbing.done():
                    climbing = self._begun(self._climb)
            except _Ends:
                return
            except Exception:  # noqa: BLE001 - this thread outlives every failure
                _log.error("outage.failed", exc_info=True)

    def _begun(self, act: Callable[[], None]) -> Future[None]:
        """In the pool, which takes nothing more as soon as the process is about to end."""
        try:
            return self._pages.submit(act)
        except RuntimeError:
            raise _Ends from None

    def look(self) -> None:
        """One round: page what waits too long for the database, and probe it when it is due."""
        for waiting in tuple(self._waiting):
            if not waiting.looked_at and time.monotonic() - waiting.since > HEDGE:
                waiting.looked_at = True
                self._hedge(waiting)
        if self._away and time.monotonic() >= self._probe_at:
            self._probe_at = time.monotonic() + PROBE_EVERY
            self._probe()

    def _hedge(self, waiting: _Waiting) -> None:
        lexicon = self._rt.protocol.lexicon
        if assess(waiting.text.body, lexicon).level >= Level.CRISIS:
            _log.warning("database.slow", level_found="danger")
            self._stand_in_once(waiting)

    def _probe(self) -> None:
        rt = self._rt
        try:
            with within(PROBE_PATIENCE), rt.store.begin() as tx:
                journal.beat(tx, "web", rt.clock.now())
        except DATABASE_ERRORS:
            return
        self._away = False
        _log.warning("database.back")

    def _climb(self) -> None:
        with within(0):
            direct.climb_due(self._rt)

    def _stand_in_once(self, waiting: _Waiting) -> Answer:
        """The request's own thread and the background thread may both come here."""
        with waiting.lock:
            if waiting.answer is None:
                waiting.answer = self._stand_in.text(waiting.text)
            return waiting.answer
