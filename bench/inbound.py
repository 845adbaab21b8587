"""Inbound texts against the durable floor: slices interleaved at random, medians, ratios."""

import random
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import floor
from bench.line import add_staff
from bench.results import Result, percentile, ratio
from bench.servers import (
    FLOOR,
    OURS,
    BenchBroken,
    Load,
    cpu_seconds,
    endpoint,
    environment,
    generator,
    serving,
)
from config.settings import load_settings
from tests import services

CONNECTIONS = 16
LEAST_RATE, MOST_P99 = 0.5, 3.0
_FASTEST = 4000
"""Requests prepared for a second of a slice: more than either side has ever answered."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    slices: int
    seconds: float
    danger: int


@dataclass(slots=True)
class Arm:
    """One of the two sides: its server, its generator, and what its slices gave."""

    name: str
    load: Load
    master: int
    database: int | None
    what: str = "mix"
    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    web_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    reconnects: int = 0
    answers: int = 0

    def warm(self, seconds: float) -> None:
        """A slice that does not count: connections, plans and caches are made."""
        self._slice(seconds)

    def run(self, seconds: float) -> None:
        """A slice that counts."""
        web = cpu_seconds(self.master)
        database = cpu_seconds(self.database) if self.database else 0.0
        got = self._slice(seconds)
        count = len(got["latencies"])
        if not count:
            raise BenchBroken(f"{self.name}: no answer at all")
        self.web_us.append((cpu_seconds(self.master) - web) / count * 1e6)
        if self.database:
            self.database_us.append((cpu_seconds(self.database) - database) / count * 1e6)
        self.rates.append(count / got["elapsed"])
        self.p50s.append(percentile(got["latencies"], 0.50) * 1e3)
        self.p99s.append(percentile(got["latencies"], 0.99) * 1e3)

    def danger(self, count: int, connections: int) -> list[float]:
        """Milliseconds of so many texts of danger, each from a new caller."""
        self.load.ask("make", requests=0, danger=count)
        got = self.load.ask(
            "slice", seconds=60.0, what="danger", connections=connections, most=count
        )
        self._account(got)
        return [seconds * 1e3 for seconds in got["latencies"]]

    def _slice(self, seconds: float) -> dict[str, Any]:
        if self.what == "mix":
            self.load.ask("make", requests=int(seconds * _FASTEST))
        got = self.load.ask("slice", seconds=seconds, what=self.what, connections=CONNECTIONS)
        if got["dry"]:
            raise BenchBroken(f"{self.name}: faster than requests were prepared")
        if got["broken_off"]:
            raise BenchBroken(f"{self.name}: {got['broken_off']} calls ended before their script")
        self._account(got)
        return got

    def _account(self, got: dict[str, Any]) -> None:
        for problem, count in got["wrong"].items():
            self.wrong[problem] = self.wrong.get(problem, 0) + count
        self.reconnects += got["reconnects"]
        self.answers += len(got["latencies"])


def run(database: str, folder: Path, effort: Effort, seed: int) -> Iterator[Result]:
    """Everything about one database: "PostgreSQL" or "SQLite"."""
    with both_sides(database, folder, seed) as sides:
        yield from _ceiling(database, sides["floor"], effort)
        interleave(list(sides.values()), effort, seed)
        for side in sides.values():
            yield from figures(database, side)
        yield from compare(database, sides["floor"], sides["ours"])
        yield from _danger(database, sides["ours"], effort)
        yield from wrong(database, list(sides.values()))


@contextmanager
def both_sides(database: str, folder: Path, seed: int) -> Iterator[dict[str, Arm]]:
    """The floor and the line, each with a database of its own on one server, for the block."""
    with ExitStack() as stack:
        redis = stack.enter_context(services.redis_server(_folder(folder / "redis")))
        server = None
        if database == "PostgreSQL":
            server = stack.enter_context(services.postgres_server())
        sides = {}
        for number, (name, app) in enumerate((("floor", FLOOR), ("ours", OURS))):
            url = _database(stack, server, folder / f"{name}.db")
            side = side_of(name, app, url, redis.url, _folder(folder / name), seed * 2 + number)
            sides[name] = stack.enter_context(side)
            sides[name].database = server.pid if server else None
        yield sides


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _database(stack: ExitStack, server: services.Server | None, file: Path) -> str:
    if server is None:
        return f"sqlite:///{file}"
    return stack.enter_context(services.fresh_database(server.url))


@contextmanager
def side_of(
    name: str, app: str, url: str, redis_url: str, folder: Path, seed: int
) -> Iterator[Arm]:
    """A server under our gunicorn with a generator of its own, for the block."""
    environ = environment(folder, url, redis_url)
    if app == FLOOR:
        floor.prepare(load_settings(environ))
    else:
        add_staff(environ)
    with (
        serving(app, environ, folder) as master,
        generator(endpoint(environ), CONNECTIONS, seed) as load,
    ):
        yield Arm(name, load, master, None)


def _ceiling(database: str, side: Arm, effort: Effort) -> Iterator[Result]:
    """What the generator could do, on a view that does nothing, under the same gunicorn."""
    for seconds in (min(0.5, effort.seconds), effort.seconds):
        got = side.load.ask("slice", seconds=seconds, what="static", connections=CONNECTIONS)
    count = len(got["latencies"])
    yield Result(f"{database}: generator on a static view", count / got["elapsed"], "req/s")
    yield Result(f"{database}: generator's own CPU", got["cpu"] / count * 1e6, "us/req")


def interleave(sides: list[Arm], effort: Effort, seed: int) -> None:
    """Slices of all sides in turns, their order by chance: what disturbs one disturbs all."""
    chance = random.Random(seed)  # nosec B311
    for side in sides:
        side.warm(min(1.0, effort.seconds))
    for _ in range(effort.slices):
        for side in chance.sample(sides, len(sides)):
            side.run(effort.seconds)


def figures(database: str, side: Arm) -> Iterator[Result]:
    """What one side did, without a bound."""
    median = statistics.median
    name = f"{database}: {side.name}"
    yield Result(f"{name}, rate", median(side.rates), "req/s")
    yield Result(f"{name}, p50", median(side.p50s), "ms")
    yield Result(f"{name}, p99", median(side.p99s), "ms")
    yield Result(f"{name}, CPU of gunicorn", median(side.web_us), "us/req")
    if side.database_us:
        yield Result(f"{name}, CPU of the database", median(side.database_us), "us/req")


def compare(database: str, base: Arm, ours: Arm) -> Iterator[Result]:
    """What the line costs above the floor: the bounds."""
    median = statistics.median
    name = f"{ours.name} to {base.name}"
    rate = ratio(median(ours.rates), median(base.rates))
    yield Result(f"{database}: rate, {name}", rate, "x", LEAST_RATE, "at least")
    p99 = ratio(median(ours.p99s), median(base.p99s))
    yield Result(f"{database}: p99, {name}", p99, "x", MOST_P99)
    cpu = ratio(
        median(ours.web_us) + median(ours.database_us or [0]),
        median(base.web_us) + median(base.database_us or [0]),
    )
    yield Result(f"{database}: CPU, {name}", cpu, "x")


def _danger(database: str, ours: Arm, effort: Effort) -> Iterator[Result]:
    for connections in (1, CONNECTIONS):
        times = ours.danger(effort.danger, connections)
        name = f"{database}: danger text, {connections} at a time"
        yield Result(f"{name}, p50", percentile(times, 0.50), "ms")
        yield Result(f"{name}, p99", percentile(times, 0.99), "ms")


def wrong(database: str, sides: list[Arm]) -> Iterator[Result]:
    """Answers that said nothing to whoever asked: none may be."""
    for side in sides:
        expected = "message" if side.what == "mix" else "question"
        why = "".join(f", {problem}" for problem in sorted(side.wrong))
        name = f"{database}: {side.name}, of {side.answers} answers not a {expected}{why}"
        yield Result(name, float(sum(side.wrong.values())), "", 0.0)
        yield Result(f"{database}: {side.name}, connections lost", float(side.reconnects))
