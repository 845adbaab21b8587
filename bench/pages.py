"""From words of danger to the page at the carrier: the whole stack, real HTTP, real workers.

The clock starts when the simulator sends the webhook and stops at its log entry of the
request that texts or rings the first person on the ladder.
"""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select, update

from bench.backlog import QUEUES, Backlog, unhurried_config
from bench.line import line
from bench.results import Result, percentile
from bench.servers import BenchBroken
from config.settings import Settings
from helpline.store.tables import callback, case, outbox, page
from helpline.supervisor import Supervisor
from helpline.wiring import build_store

PROMISE_MS, QUICK_MS, FAULTY_MS = 1000.0, 300.0, 600.0
MORE_MS = 150.0
"""What a hung Redis may add to a webhook."""
TEXTS = 200
JOBS = 10_000
PATIENCE = 20.0


def run(folder: Path, texts: int = TEXTS, jobs: int = JOBS) -> Iterator[Result]:
    """On PostgreSQL: an idle line, one with so many jobs waiting, then with parts that fail."""
    config = unhurried_config(folder / "config")
    with line(folder, HELPLINE_CONFIG_DIR=str(config)) as (settings, supervisor):
        watch = Watch(settings)
        idle = watch.pages(texts)
        yield from _results("idle", idle, QUICK_MS)
        yield from _with_backlog(Backlog(settings, supervisor, jobs), watch, texts, jobs)
        for name, fault in FAULTS.items():
            with fault(supervisor, settings):
                seen = watch.pages(texts)
            yield from _results(name, seen, FAULTY_MS)
            more = percentile(seen.webhook, 0.99) - percentile(idle.webhook, 0.99)
            bound = MORE_MS if "Redis" in name else None
            yield Result(f"webhook of danger, {name}, p99 above idle", more, "ms", bound)


def _with_backlog(backlog: Backlog, watch: "Watch", texts: int, jobs: int) -> Iterator[Result]:
    """The general workers have had enough to do from the first text to the last."""
    before = backlog.done()
    seen = watch.pages(texts)
    after, left = backlog.done(), backlog.left()
    backlog.forget()
    yield from _results(f"{jobs:,} jobs waiting", seen, QUICK_MS)
    for queue in QUEUES:
        meanwhile = float(after[queue] - before[queue])
        yield Result(f"page: jobs of {queue} done meanwhile", meanwhile, "", 1, "at least")
        still = float(left[queue])
        yield Result(f"page: jobs of {queue} still waiting then", still, "", 1, "at least")


@dataclass(slots=True)
class Seen:
    """Milliseconds of each text of danger: to the first page, to its SMS, and of the webhook."""

    first: list[float] = field(default_factory=list)
    sms: list[float] = field(default_factory=list)
    webhook: list[float] = field(default_factory=list)


def _results(when: str, seen: Seen, p99_bound: float) -> Iterator[Result]:
    for what, taken in (("first request", seen.first), ("text", seen.sms)):
        name = f"page at the carrier, {when}, {what}"
        yield Result(f"{name}, p50", percentile(taken, 0.5), "ms")
        yield Result(f"{name}, p99", percentile(taken, 0.99), "ms", p99_bound)
        yield Result(f"{name}, slowest", max(taken), "ms", PROMISE_MS)


# --- what fails while people text ------------------------------------------------------

Fault = Callable[[Supervisor, Settings], AbstractContextManager[None]]
_CRISIS = ("worker_crisis_1", "worker_crisis_2")


@contextmanager
def _dead(names: tuple[str, ...], supervisor: Supervisor, settings: Settings) -> Iterator[None]:
    """Killed, and killed again as soon as they are started again."""
    over = threading.Event()

    def keep_dead() -> None:
        while not over.wait(0.02):
            for name in names:
                _signal(supervisor, name, signal.SIGKILL)

    killer = threading.Thread(target=keep_dead)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()
    _wait_well(supervisor, settings, names)


@contextmanager
def _hung(names: tuple[str, ...], supervisor: Supervisor, settings: Settings) -> Iterator[None]:
    """Stopped, but not gone: their sockets stay open and nothing answers."""
    for name in names:
        _signal(supervisor, name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in names:
            _signal(supervisor, name, signal.SIGCONT)
    _wait_well(supervisor, settings, names)


FAULTS: dict[str, Fault] = {
    "crisis workers dead": partial(_dead, _CRISIS),
    "crisis workers hung": partial(_hung, _CRISIS),
    "Redis dead": partial(_dead, ("redis",)),
    "Redis hung": partial(_hung, ("redis",)),
}


def _signal(supervisor: Supervisor, name: str, number: signal.Signals) -> None:
    pid = supervisor.pids().get(name)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_well(supervisor: Supervisor, settings: Settings, names: tuple[str, ...]) -> None:
    """Until everything runs again and nothing urgent is left of the fault."""
    deadline = time.monotonic() + PATIENCE
    while not set(names) <= set(supervisor.pids()):
        if time.monotonic() > deadline:
            raise BenchBroken(f"{', '.join(names)}: not back in {PATIENCE:.0f} s")
        time.sleep(0.1)
    _settle(settings)


def _settle(settings: Settings) -> None:
    """Every page is acknowledged; back when all that was begun for them is at the carrier."""
    store = build_store(settings)
    counted = select(func.count()).where(
        outbox.c.priority == 0, outbox.c.state.in_(("new", "claimed"))
    )
    deadline = time.monotonic() + PATIENCE
    try:
        with store.begin() as tx:
            tx.connection.execute(update(page).values(state="acknowledged", next_at=None))
            tx.connection.execute(update(case).values(state="closed"))
            tx.connection.execute(update(callback).values(state="canceled"))
        while True:
            with store.read() as tx:
                if not tx.connection.execute(counted).scalar_one():
                    return
            if time.monotonic() > deadline:
                raise BenchBroken(f"urgent effects are still open after {PATIENCE:.0f} s")
            time.sleep(0.02)
    finally:
        store.dispose()


class Watch:
    """The simulator's telephones and its log."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.simulator_url
        self._numbers = (f"+1213555{index:04}" for index in itertools.count())
        self._session = requests.Session()
        self._session.trust_env = False
        self._after = 0

    def pages(self, texts: int) -> Seen:
        """So many texts of danger, one after the other, each from a new caller.

        Raises:
            BenchBroken: one of them was not paged.
        """
        seen = Seen()
        for _ in range(texts):
            self._page(next(self._numbers), seen)
            # Nothing of this page may be taken for the next one's.
            self.settle()
        return seen

    def _page(self, number: str, seen: Seen) -> None:
        self._events()
        self._act(number, "text", body="i took all my pills and cant stay awake")
        sent: float | None = None
        at: dict[str, float] = {}
        deadline = time.monotonic() + PATIENCE
        # A telephone that rings for the one before is texted, and not rung a second time.
        while "Messages.json" not in at:
            for event in self._events(wait=1.0):
                if event["kind"] == "webhook" and event["params"].get("From") == number:
                    sent = event["mono"] - event["ms"] / 1e3
                    seen.webhook.append(event["ms"])
                elif event["kind"] == "rest" and _is_page(event):
                    at.setdefault(event["path"].rpartition("/")[2], event["mono"])
            if time.monotonic() > deadline:
                raise BenchBroken(f"a danger text was not paged within {PATIENCE:.0f} s")
        assert sent is not None
        seen.first.append((min(at.values()) - sent) * 1e3)
        seen.sms.append((at["Messages.json"] - sent) * 1e3)

    def settle(self) -> None:
        """Every page is acknowledged, and all that was begun for them is at the carrier."""
        _settle(self._settings)

    def _act(self, number: str, act: str, **body: Any) -> dict[str, Any]:
        """What the owner of a telephone does; what came of it."""
        answer = self._session.post(
            f"{self._url}/phones/{number}/{act}", json=body, timeout=2 * PATIENCE
        )
        answer.raise_for_status()
        outcome: dict[str, Any] = answer.json()
        return outcome

    def _look(self, number: str) -> dict[str, Any]:
        """A telephone as the simulator knows it."""
        answer = self._session.get(f"{self._url}/phones/{number}", timeout=PATIENCE)
        answer.raise_for_status()
        phone: dict[str, Any] = answer.json()
        return phone

    def _events(self, wait: float = 0.0) -> list[dict[str, Any]]:
        """News of the log since the last look."""
        asked = {"after": str(self._after), "wait": str(wait)}
        answer = self._session.get(f"{self._url}/control/log", params=asked, timeout=PATIENCE)
        answer.raise_for_status()
        news = answer.json()
        events: list[dict[str, Any]] = news["events"]
        self._after = events[-1]["n"] if events else self._after
        return events


def _is_page(event: dict[str, Any]) -> bool:
    """A request to the first tier's telephone: nobody else is paged in the first minute."""
    return event["method"] == "POST" and event["form"].get("To") == ["+12025550110"]
