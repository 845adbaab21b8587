"""What can happen to a running line, each undone at the end of its block; and the stopwatch.

Times are read from the simulator's monotonic log: from the moment it sent a webhook to the
moment a request arrived. A busy test machine adds to that, so a single time may exceed its
promise by `BUSY`; `make bench` measures the promises themselves.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from helpline.store import Contended, tables
from helpline.store.patience import DATABASE_ERRORS, within
from helpline.supervisor import STEADY_SECONDS
from tests.scenarios.running import Line
from tests.scenarios.telephone import Telephone, until

DANGER = "i took all my pills and cant stay awake"

WEBHOOK_SECONDS = 0.3
PAGE_SECONDS = 1.0
BUSY = 0.7

LEASE_OVER = 11
"""Seconds: past the lease of an effect and past the next ring of its bell."""

CRISIS = ("worker_crisis_1", "worker_crisis_2")
QUEUES = {"crisis": CRISIS, "callbacks": ("worker_callbacks",), "default": ("worker_default",)}


# --- the stopwatch ----------------------------------------------------------------------


def webhook_seconds(line: Line) -> list[float]:
    """How long each text of this scenario waited for its answer."""
    return [e["ms"] / 1000 for e in line.events("webhook") if e["webhook"] == "sms"]


def paged_after(line: Line, caller: Telephone, person: Telephone, place: str = "") -> float:
    """Seconds from this caller's last text to the first request for this person after it."""
    texts = [
        began(e)
        for e in line.events("webhook")
        if e["webhook"] == "sms" and e["params"].get("From") == caller.number
    ]
    return until(lambda: arrivals(line, person, texts[-1], place), "she is paged")[0] - texts[-1]


def arrivals(line: Line, person: Telephone, since: float = 0.0, place: str = "") -> list[float]:
    """When the carrier was asked to text or to ring this person, on its monotonic clock."""
    asked = [
        began(e)
        for e in line.events("rest")
        if e["method"] == "POST" and e["form"].get("To") == [person.number] and place in e["path"]
    ]
    return sorted(at for at in asked if at > since)


def began(event: dict[str, float]) -> float:
    """When a request left or arrived: the log has its end."""
    return event["mono"] - event["ms"] / 1000


def talk(person: Telephone, caller: Telephone) -> None:
    """This person takes what rings, and the caller picks up: both are busy until they hang up."""
    person.takes()
    caller.waits_for_ring()
    caller.answers()
    caller.presses("1")
    until(lambda: person.is_with(caller), "they are connected")


# --- what must hold in the end -----------------------------------------------------------


def broken(line: Line) -> dict[str, float]:
    """The invariants that are broken now, as `/metrics` tells them.

    A reading that fails is left out of one answer and is there in the next.
    """
    lines = until(lambda: _invariants(line), "the invariants are shown")
    return {name: float(value) for name, value in lines if float(value)}


def _invariants(line: Line) -> list[list[str]]:
    told = line.get("/metrics").body.splitlines()
    return [each.split() for each in told if each.startswith("helpline_invariant_broken{")]


def heals(line: Line) -> None:
    """All invariants return to zero, and nothing that is due waits."""
    line.settled()
    try:
        until(lambda: not broken(line), "every invariant holds", 30)
    except AssertionError as error:
        raise AssertionError(f"{error}: {broken(line)}") from None


# --- Redis --------------------------------------------------------------------------------


@contextmanager
def full_redis(line: Line) -> Iterator[None]:
    """Its memory is used up: it answers, and takes nothing more."""
    line.redis("SETRANGE", "filler", "1048576", "x")
    assert line.redis("CONFIG", "SET", "maxmemory", "1mb") == "+OK"
    assert line.redis("SET", "more", "1").startswith("-OOM")
    try:
        yield
    finally:
        line.redis("CONFIG", "SET", "maxmemory", "0")
        line.redis("DEL", "filler")


@contextmanager
def suspended(line: Line) -> Iterator[None]:
    """`rq suspend`: workers may take no job."""
    assert line.redis("SET", "rq:suspended", "1") == "+OK"
    try:
        yield
    finally:
        line.redis("DEL", "rq:suspended")


# --- processes ----------------------------------------------------------------------------


def everybody_works(line: Line) -> None:
    """Every process has finished its start; one that an earlier test killed may be at it."""
    until(lambda: line.get("/ready").status == 200, "the web process answers", 60)
    for queue, names in QUEUES.items():
        for name in names:
            until(partial(_has_beaten, line, queue, name), f"{name} takes rings", 60)
    until(partial(_has_beaten, line, "guard", "guard"), "the guard beats", 60)


def _has_beaten(line: Line, kind: str, name: str) -> bool:
    own = tables.heartbeat.c.process.like(f"{kind}-{line.pid(name)}%")
    return line.count(tables.heartbeat, own) > 0


def is_steady(line: Line, *names: str) -> None:
    """None of these died a moment ago: the supervisor starts them again at once."""
    for name in names:
        path = line.folder / "run" / f"{name}.pid"
        until(partial(_is_old, path), f"{name} has lived for a while")


def _is_old(path: Path) -> bool:
    return path.exists() and time.time() - path.stat().st_mtime > STEADY_SECONDS


def killed_together(line: Line, *names: str) -> dict[str, int]:
    """At one moment: all are stopped before the first one dies."""
    _signal_all(line, names, signal.SIGSTOP)
    return {name: line.kill(name) for name in names}


@contextmanager
def frozen_idle(line: Line, *names: str) -> Iterator[None]:
    """Hung for the block, and not while one of them held SQLite's one lock for writers."""
    until(lambda: _frozen_without_lock(line, names), "they are hung between two transactions")
    try:
        yield
    finally:
        _signal_all(line, names, signal.SIGCONT)


def _frozen_without_lock(line: Line, names: tuple[str, ...]) -> bool:
    _signal_all(line, names, signal.SIGSTOP)
    try:
        with within(0.5), line.store.begin():
            return True
    except (Contended, *DATABASE_ERRORS):
        _signal_all(line, names, signal.SIGCONT)
        return False


def _signal_all(line: Line, names: tuple[str, ...], number: signal.Signals) -> None:
    for name in names:
        line.kill(name, number)
