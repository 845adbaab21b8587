"""`python -m tests.chaos`: a storm over a whole line, and the proof that every promise held."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

from tests.chaos.campaign import Campaign, Plan, environment, prepare, say
from tests.chaos.postgres import OwnPostgres
from tests.scenarios.running import Line


def main() -> int:
    """0 when every promise held, 1 when one broke."""
    options = _options()
    seed = options.seed if options.seed is not None else randbelow(10**6)
    say(f"seed {seed} (again: python -m tests.chaos --seed {seed} --callers {options.callers})")
    plan = Plan(
        seed,
        options.callers,
        at_once=options.at_once,
        storm=options.storm,
        calm=options.calm,
        tolerated=frozenset(options.tolerate),
    )
    with _folder(options.keep) as folder:
        say(f"everything is in {folder}")
        with _line(folder, plan, postgres=options.postgres) as campaign:
            result = campaign.run()
        for line in result.lines():
            print(line)  # noqa: T201
        print(f"seed {seed}, {result.seconds:.0f} s")  # noqa: T201
        return 1 if result.broken else 0


@contextmanager
def _line(folder: Path, plan: Plan, *, postgres: bool) -> Iterator[Campaign]:
    """A line of its own that runs, ready for the storm."""
    if not postgres:
        with _started(folder, f"sqlite:///{folder}/helpline.db", plan.seed) as line:
            yield Campaign(line, plan)
        return
    with OwnPostgres() as server, _started(folder, server.url, plan.seed) as line:
        yield Campaign(line, plan, {"postgres": server.kill})


@contextmanager
def _started(folder: Path, url: str, seed: int) -> Iterator[Line]:
    line = Line(folder, url, **environment(folder, seed))
    prepare(line)
    try:
        line.start()
        yield line
    finally:
        line.close()


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="helpline-chaos-") as name:
        yield Path(name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat this storm (default: a new one)")
    parser.add_argument("--callers", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=12, help="callers who text side by side")
    parser.add_argument("--storm", type=float, default=1500, help="most seconds of storm")
    parser.add_argument("--calm", type=float, default=240, help="most seconds to settle")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, killed as well")
    parser.add_argument(
        "--tolerate", action="append", default=[], help="a kind of violation that does not fail"
    )
    parser.add_argument("--keep", type=Path, help="a new folder for the book, rows and logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
