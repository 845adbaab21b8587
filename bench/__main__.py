"""`python -m bench`: what the promises cost, in one run on one machine.

Prints a table; with `--strict` a broken bound is the exit code. Ratios are comparable
between machines, absolute numbers are not.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from bench import callbacks, danger, hotspots, inbound, pages, sustained, voice, volume
from bench.results import Result, write
from bench.servers import BenchBroken, cpu_seconds
from tests.services import LaneBroken

Part = Callable[[Path], Iterator[Result]]
FULL = inbound.Effort(slices=7, seconds=2.0, danger=200)
QUICK = inbound.Effort(slices=1, seconds=0.3, danger=10)


def scan(_folder: Path) -> Iterator[Result]:
    """The danger scan alone."""
    for name, value, unit, bound in danger.run():
        yield Result(name, value, unit, bound)


def parts(*, quick: bool, seed: int) -> dict[str, Part]:
    """What can be measured, by name, in the order of running."""
    effort = QUICK if quick else FULL
    return {
        "postgresql": lambda folder: inbound.run("PostgreSQL", folder, effort, seed),
        "sqlite": lambda folder: inbound.run("SQLite", folder, effort, seed),
        "danger": scan,
        "callbacks": (
            (lambda folder: callbacks.run(folder, many=500, times=5)) if quick else callbacks.run
        ),
        "pages": ((lambda folder: pages.run(folder, texts=2, jobs=300)) if quick else pages.run),
        "voice": (
            (lambda folder: voice.run(folder, effort, seed, presses=2, jobs=300))
            if quick
            else (lambda folder: voice.run(folder, effort, seed))
        ),
        "volume": (
            (lambda folder: volume.run(folder, effort, seed, callers=2_000))
            if quick
            else (lambda folder: volume.run(folder, effort, seed))
        ),
        "sustained": (
            (lambda folder: sustained.run(folder, rate=20, seconds=2.0, idle_texts=20))
            if quick
            else sustained.run
        ),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say with the exit code whether a bound is broken (`--strict`)."""
    given = _parser().parse_args(arguments)
    # A stop from outside ends like Ctrl-C: every `finally` runs, so no server is left.
    signal.signal(signal.SIGTERM, _stop)
    results: list[Result] = []
    try:
        with tempfile.TemporaryDirectory(prefix="helpline-bench-") as name:
            if given.profile:
                hotspots.run(Path(name))
                return 0
            begun, foreign = time.monotonic(), Foreign()
            for part, measure in parts(quick=given.quick, seed=given.seed).items():
                if not given.only or part in given.only:
                    _measure(part, measure, Path(name), results)
            seconds = time.monotonic() - begun
            results.append(Result("CPU taken by other programs meanwhile", foreign.share(), "%"))
    except (BenchBroken, LaneBroken, TimeoutError) as problem:
        print(f"cannot measure: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    print(results[-1].line())
    broken = [result for result in results if result.broken]
    if given.json:
        write(given.json, results, _notes(seconds, quick=given.quick, seed=given.seed))
    print(f"bench: {len(results)} results in {seconds:.0f} s, {len(broken)} broken")
    return 1 if given.strict and broken else 0


def _measure(part: str, measure: Part, folder: Path, results: list[Result]) -> None:
    print(f"\n{part}", flush=True)
    home = folder / part
    home.mkdir()
    for result in measure(home):
        results.append(result)
        print(result.line(), flush=True)


class Foreign:
    """What everybody else on this machine takes: a busy one measures itself."""

    def __init__(self) -> None:
        self._all, self._ours = _machine(), cpu_seconds(os.getpid())
        self._begun = time.monotonic()

    def share(self) -> float:
        """Percent of all cores since the beginning."""
        ours = cpu_seconds(os.getpid()) - self._ours
        cores = (time.monotonic() - self._begun) * (os.cpu_count() or 1)
        return max(0.0, (_machine() - self._all - ours) / cores * 100)


def _machine() -> float:
    """CPU seconds that all cores have been busy."""
    user, nice, system, _idle, _wait, irq, softirq = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _notes(seconds: float, *, quick: bool, seed: int) -> dict[str, object]:
    return {
        "seconds": round(seconds, 1),
        "quick": quick,
        "seed": seed,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bound is broken")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--seed", type=int, default=1, help="order of slices and callers")
    parser.add_argument("--profile", action="store_true", help="where a text's CPU time goes")
    parser.add_argument(
        "--only", action="append", choices=list(parts(quick=True, seed=0)), help="one part (again)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
