"""The telephone: first rings and gather steps against the durable floor, and how soon "9" rings.

The floor is the one of the texts, measured again in turns with them: what a durable webhook
costs is the same whatever it is about.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.backlog import QUEUES, Backlog, unhurried_config
from bench.inbound import Arm, Effort, both_sides, compare, figures, interleave, wrong
from bench.line import line
from bench.pages import PATIENCE, PROMISE_MS, Watch
from bench.results import Result, percentile
from bench.servers import BenchBroken
from config.settings import Settings

PRESSES = 200
JOBS = 10_000
ANA = "+12025550110"


def run(
    folder: Path, effort: Effort, seed: int, presses: int = PRESSES, jobs: int = JOBS
) -> Iterator[Result]:
    """Both databases, then "9" on PostgreSQL while so many jobs wait."""
    for database in ("PostgreSQL", "SQLite"):
        yield from _against_floor(database, folder / database, effort, seed)
    yield from _crisis_key(folder / "nine", presses, jobs)


def _against_floor(database: str, folder: Path, effort: Effort, seed: int) -> Iterator[Result]:
    with both_sides(database, folder, seed) as sides:
        base, line_ = sides["floor"], sides["ours"]
        rings, steps = (
            Arm(name, line_.load, line_.master, line_.database, what)
            for name, what in (("first ring", "rings"), ("gather step", "steps"))
        )
        # Whoever is walked through the questions has rung before.
        rings.warm(effort.seconds)
        interleave([base, rings, steps], effort, seed)
        for side in (base, rings, steps):
            yield from figures(f"telephone, {database}", side)
        for side in (rings, steps):
            yield from compare(f"telephone, {database}", base, side)
        yield from wrong(f"telephone, {database}", [base, rings, steps])


def _crisis_key(folder: Path, presses: int, jobs: int) -> Iterator[Result]:
    folder.mkdir(parents=True)
    config = unhurried_config(folder / "config")
    with line(folder, HELPLINE_CONFIG_DIR=str(config)) as (settings, supervisor):
        watch = Rings(settings)
        yield from _soon("idle", watch.presses_of_nine(presses))
        backlog = Backlog(settings, supervisor, jobs)
        taken = watch.presses_of_nine(presses)
        left = backlog.left()
        backlog.forget()
    yield from _soon(f"{jobs:,} jobs waiting", taken)
    for queue in QUEUES:
        still = float(left[queue])
        yield Result(f"9 pressed: jobs of {queue} still waiting then", still, "", 1, "at least")


def _soon(when: str, taken: list[tuple[float, float]]) -> Iterator[Result]:
    asked, rung = ([pair[part] for pair in taken] for part in (0, 1))
    # Between the two lies the network: the simulator takes half a second to dial.
    yield Result(f"9 pressed to the carrier asked, {when}, p99", percentile(asked, 0.99), "ms")
    name = f"9 pressed to the first ring, {when}"
    yield Result(f"{name}, p50", percentile(rung, 0.5), "ms")
    yield Result(f"{name}, p99", percentile(rung, 0.99), "ms", PROMISE_MS)
    yield Result(f"{name}, slowest", max(rung), "ms")


class Rings(Watch):
    """Callers who press 9, and the telephone of the first tier."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._act(ANA, "behaviour", mode="manual")

    def presses_of_nine(self, times: int) -> list[tuple[float, float]]:
        """Milliseconds from the key to the carrier's being asked and to the ringing, each time
        for a new caller.

        Raises:
            BenchBroken: nobody was rung, or a telephone does not come to rest.
        """
        taken = []
        for _ in range(times):
            caller = next(self._numbers)
            taken.append(self._press(caller))
            for number in (caller, ANA):
                self._act(number, "hang_up")
            self.settle()
            self._until_idle(caller, ANA)
        return taken

    def _press(self, caller: str) -> tuple[float, float]:
        sid = self._act(caller, "call")["sid"]
        self._events()
        if not self._act(caller, "press", keys="9", wait=PATIENCE)["done"]:
            raise BenchBroken("nobody listened for a 9")
        pressed = asked = rung = 0.0
        deadline = time.monotonic() + PATIENCE
        while not rung:
            for event in self._events(wait=1.0):
                if event["kind"] == "call.keys" and event["call"] == sid:
                    pressed = event["mono"]
                elif pressed and event["kind"] == "rest" and _asks_to_ring(event):
                    asked = asked or event["mono"]
                elif pressed and _rings(event):
                    rung = rung or event["mono"]
            if time.monotonic() > deadline:
                raise BenchBroken(f"9 rang nobody within {PATIENCE:.0f} s")
        return (asked - pressed) * 1e3, (rung - pressed) * 1e3

    def _until_idle(self, *numbers: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(self._look(number)["state"] != "idle" for number in numbers):
            if time.monotonic() > deadline:
                raise BenchBroken("a telephone does not come to rest")
            time.sleep(0.02)


def _asks_to_ring(event: dict[str, Any]) -> bool:
    return str(event["path"]).endswith("/Calls.json") and event["form"].get("To") == [ANA]


def _rings(event: dict[str, Any]) -> bool:
    wanted = ("call.status", "ringing", ANA)
    return (event["kind"], event.get("status"), event.get("to")) == wanted
