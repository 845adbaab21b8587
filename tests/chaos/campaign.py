"""A storm over a whole line: many callers, bad luck, sudden deaths; then calm, then the proof."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import yaml
from sqlalchemy.exc import DBAPIError

from tests.chaos import book, checker, faults, people, promises, rows
from tests.chaos.floors import Floors
from tests.chaos.wire import Wire
from tests.chaos.world import Meant, Violation, World
from tests.scenarios.machine import descendants
from tests.scenarios.running import Line

SPEED = 20.0
"""Simulated seconds in a real one."""
LADDER = (0, 8, 16, 30)
"""Seconds of each step of the ladder."""
NUMBERS = ("911", "988")
STAFF = (
    *[("specialist", 1)] * 4,
    *[("specialist", 2)] * 3,
    ("specialist", 3),
    *[("supervisor", 3)] * 2,
)
APP = ("web", "worker_crisis_1", "worker_crisis_2", "worker_callbacks", "worker_default", "guard")
LEAPS = (11_400.0, 300.0)
"""Seconds by which time passes in the calm: past every promise, then past receipts that were
lost meanwhile."""
QUIET = 3.0
"""Seconds without anybody doing anything before the clock leaps, and before the last look."""
PATIENCE = 60.0
"""Seconds in which an effect that somebody has begun must end."""
LASTING = frozenset(
    {
        *("inbound lost", "inbound stored twice", "inbound from nowhere", "reply changed"),
        *("replied twice", "danger not answered", "two live dials", "dialled twice"),
        *("call without a row", "text sent twice", "text without a row", "webhook failed"),
        *("carrier refused", "floor fell", "not to staff"),
    }
)
"""What no patience mends."""
LATER = frozenset({"leg never closed"})
"""What is mended only when time has passed: a late receipt is given two minutes."""


@dataclass(frozen=True)
class Plan:
    """How big the storm is, in callers and real seconds."""

    seed: int
    callers: int = 2000
    at_once: int = 12
    storm: float = 1500.0
    calm: float = 240.0
    pause: tuple[float, float] = (2.0, 8.0)
    """Between two kills."""
    tolerated: frozenset[str] = frozenset()
    """Kinds of violations that are counted and do not fail."""


@dataclass
class Result:
    """What came of it."""

    world: World
    violations: list[Violation]
    killed: list[tuple[str, ...]] = field(default_factory=list)
    unfinished: int = 0
    """Callers whose story the end of the storm cut short."""
    seconds: float = 0.0
    tolerated: frozenset[str] = frozenset()

    @property
    def broken(self) -> list[Violation]:
        """Violations that count, and mistakes of the simulator: those spoil the proof."""
        spoiled = [Violation("simulator failed", each) for each in self.world.book.breakdowns]
        return [each for each in self.violations if each.kind not in self.tolerated] + spoiled

    def lines(self) -> Iterator[str]:
        """What to print."""
        kills = Counter(" + ".join(sorted(chosen)) for chosen in self.killed)
        yield f"{len(self.killed):8}  kills: " + ", ".join(
            f"{name} {times}" for name, times in sorted(kills.items())
        )
        yield f"{self.unfinished:8}  stories cut short"
        yield from checker.report(self.world, self.violations)


def environment(folder: Path, seed: int) -> dict[str, str]:
    """What the line is told besides the usual: where the carrier's book is, how luck falls."""
    return {
        "SIMULATOR_LOG_PATH": str(folder / "carrier.jsonl"),
        "SIMULATOR_FAULT_SEED": str(seed),
        "HELPLINE_LOG_LEVEL": "WARNING",
    }


def prepare(line: Line) -> None:
    """What the line must know before it starts."""
    _patient_ladder(line)
    _hurried_carrier(line)


def _patient_ladder(line: Line) -> None:
    """Steps that leave ten telephones time to be answered by a hundred callers' pages.

    An acknowledged page without an outcome comes back after a day, so that a storm can end.
    """
    path = line.folder / "config" / "escalation.yaml"
    ladder = yaml.safe_load(path.read_text())
    for step, after in zip(ladder["steps"], LADDER, strict=True):
        step["after"] = after
    ladder |= {"reopen_without_outcome": 86_400, "repeat": LADDER[-1]}
    path.write_text(yaml.safe_dump(ladder))


def _hurried_carrier(line: Line) -> None:
    """The carrier's own time passes faster in a storm, and so may we ask it faster."""
    path = line.folder / "config" / "outbound.yaml"
    rules = yaml.safe_load(path.read_text())
    for rate in (rules["calls"]["account"], *rules["texts"].values()):
        rate["per_second"] *= round(SPEED)
    path.write_text(yaml.safe_dump(rules))


class Campaign:
    """One storm over a line that runs."""

    def __init__(
        self,
        line: Line,
        plan: Plan,
        more_victims: dict[str, Callable[[], object]] | None = None,
    ) -> None:
        self.line = line
        self.plan = plan
        self.wire = Wire(line.settings.simulator_port)
        self.offset = 0.0
        self.killed: list[tuple[str, ...]] = []
        self.floors = Floors(line.settings.database_url)
        self._victims = victims(line) | (more_victims or {})
        self._lasting = LASTING | plan.tolerated
        self._unfinished = 0
        self._messages = line.folder / "config" / "messages"
        self._staff: list[str] = []

    def run(self) -> Result:
        """Storm, calm, proof."""
        began = time.monotonic()
        self.wire.ask("POST", "/control/speed", {"time_scale": SPEED})
        self._staff = [self.line.person(role, tier).number for role, tier in STAFF]
        with self.floors.watched():
            self._storm()
            say(f"the storm is over after {time.monotonic() - began:.0f} s, the line settles")
            world, violations = self._calm()
        seconds = time.monotonic() - began
        return Result(
            world, violations, self.killed, self._unfinished, seconds, self.plan.tolerated
        )

    def _storm(self) -> None:
        plan = self.plan
        over, ends = threading.Event(), time.monotonic() + plan.storm
        faults.begin(self.wire)
        luck = Random(f"{plan.seed}-kills")
        everybody = [
            *(partial(people.works, self.wire, number, self._luck(number), over)
              for number in self._staff),
            partial(people.hangs_up, self.wire, self._luck("hands"), over),
            partial(faults.kill, self._victims, luck, over, plan.pause, self.killed),
        ]  # fmt: skip
        with _running(everybody, over):
            with ThreadPoolExecutor(plan.at_once, thread_name_prefix="caller") as pool:
                timer = threading.Timer(plan.storm, over.set)
                timer.start()
                stories = [pool.submit(self._live, index, over) for index in range(plan.callers)]
                for told in stories:
                    told.result()
                timer.cancel()
            # Whoever came early is not spared: each process dies alone at least once.
            while len(self.killed) < len(self._victims) and time.monotonic() < ends:
                over.wait(0.2)
        faults.end(self.wire)

    def _live(self, index: int, over: threading.Event) -> None:
        if over.is_set():
            self._unfinished += 1
            return
        number = f"+1202555{index:04}"
        people.live(self.wire, number, self._luck(number), over)
        self._unfinished += over.is_set()

    def _calm(self) -> tuple[World, list[Violation]]:
        """Everybody answers, and hours pass, until nothing is left that patience may mend."""
        share = self.plan.calm / (len(LEAPS) + 1)
        for leap in LEAPS:
            self._good_day(share, but_for=self._lasting | LATER)
            self._hands_are_empty()
            self.offset += leap
            self.line.offset(self.offset)
        self._good_day(share, but_for=self._lasting)
        self._hands_are_empty()
        return self._last_look()

    def _last_look(self) -> tuple[World, list[Violation]]:
        """Nobody acts any more; what is on its way between carrier and line may arrive."""
        unhurried, ends = threading.Event(), time.monotonic() + PATIENCE
        while True:
            world = self._look()
            violations = checker.check(world)
            left = [each for each in violations if each.kind not in self._lasting]
            if not left or time.monotonic() > ends:
                return world, violations
            unhurried.wait(1.0)

    def _good_day(self, seconds: float, *, but_for: frozenset[str]) -> None:
        """Staff serve until nothing but this is broken, at most so long."""
        over, until = threading.Event(), time.monotonic() + seconds
        everybody = [
            *(partial(people.serves, self.wire, number, over) for number in self._staff),
            partial(people.hangs_up, self.wire, self._luck("hands"), over),
        ]
        with _running(everybody, over):
            broken = True
            while broken and time.monotonic() < until:
                over.wait(2.0)
                found = checker.check(self._look())
                broken = any(each.kind not in but_for for each in found)

    def _hands_are_empty(self) -> None:
        """Nothing is half done: a leap of the clock would end the lease of whoever does it."""
        unhurried, ends = threading.Event(), time.monotonic() + PATIENCE
        unhurried.wait(QUIET)
        while time.monotonic() < ends:
            if all(effect["state"] != "claimed" for effect in self._rows().outbox):
                return
            unhurried.wait(0.2)

    def _rows(self) -> rows.Rows:
        found: rows.Rows = _patiently(lambda: rows.read(self.line.settings.database_url))
        return found

    def _look(self) -> World:
        """The book first: whatever the carrier did has its row by now."""
        written = book.read(self.line.folder / "carrier.jsonl")
        read_at = datetime.now(UTC) + timedelta(seconds=self.offset)
        found = self._rows()
        meant = Meant(
            danger=frozenset(people.DANGER),
            emergency=frozenset(people.EMERGENCY),
            staff=frozenset(self._staff),
            numbers=NUMBERS,
            now=read_at,
            promising=promises.promising(self._messages / "en.yaml"),
            standing_in=promises.standing_in(self._messages.glob("*.yaml")),
            seen=dict(self.floors.seen),
        )
        return World(written, found, meant)

    def _luck(self, who: str) -> Random:
        return Random(f"{self.plan.seed}-{who}")


def victims(line: Line) -> dict[str, Callable[[], object]]:
    """What can be killed, and how: a whole process, or one web worker, or Redis."""
    found: dict[str, Callable[[], object]] = {
        name: partial(line.kill, name) for name in (*APP, "redis")
    }
    return found | {"web_worker": partial(_kill_web_worker, line)}


def _kill_web_worker(line: Line) -> None:
    workers = descendants(line.pid("web"))
    if workers:
        os.kill(workers[0], signal.SIGKILL)


@contextmanager
def _running(everybody: Sequence[Callable[[], None]], over: threading.Event) -> Iterator[None]:
    """Each in a thread of its own, until the block ends; the first mistake is raised."""
    with ThreadPoolExecutor(len(everybody)) as pool:
        running = [pool.submit(one) for one in everybody]
        try:
            yield
        finally:
            over.set()
        for one in running:
            one.result()


def _patiently(read: Callable[[], Any], tries: int = 20) -> Any:
    """A database that has just been started again may need a moment."""
    for left in range(tries, 0, -1):
        try:
            return read()
        except DBAPIError:
            if left == 1:
                raise
            threading.Event().wait(0.5)
    raise AssertionError("unreachable")


def say(words: str) -> None:
    """A line for whoever watches."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201
