"""Who is rung, in which order, and who has it when two are quick."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from helpline.store import tables
from helpline.supervisor import tied
from tests.scenarios.running import Line
from tests.scenarios.telephone import until
from workers.guard import DUTIES

pytestmark = pytest.mark.redis

DANGER = "i took all my pills and cant stay awake"
LIVE = ("planned", "sending", "unknown", "queued", "initiated", "ringing", "answered")


def test_one_specialist_rings_at_a_time(either_line: Line) -> None:
    line = either_line
    ana, ben, caller = line.person(), line.person(), line.caller()
    caller.texts("0")
    ana.answers()
    assert live_legs(line) == 1
    assert ben.calls() == []
    ana.presses("2")
    ben.waits_for_ring()
    assert live_legs(line) == 1
    assert len(ana.calls()) == 1
    ben.takes()
    caller.waits_for_ring()
    assert len(ana.calls()) == len(ben.calls()) == 1


def test_the_most_urgent_of_two_is_first(line: Line) -> None:
    line.speed(20)
    soon, urgent = line.caller(), line.caller()
    soon.texts("0")
    urgent.rings_the_line()
    line.speed(5)
    ana = line.person()
    ana.takes()
    urgent.waits_for_ring()
    assert soon.calls() == []
    urgent.answers()
    urgent.presses("1")
    until(lambda: ana.is_with(urgent), "they are connected")
    urgent.hangs_up()
    ana.waits_to_hear("helped")
    ana.presses("1")
    until(lambda: ana.state == "idle", "she hangs up")
    ana.takes()
    soon.waits_for_ring()
    assert len(ana.calls()) == 2
    assert len(urgent.calls()) == len(soon.calls()) == 1


def test_two_take_a_page_and_one_has_it(either_line: Line) -> None:
    line = either_line
    ana, ben, caller = line.person(), line.person(), line.caller()
    caller.texts(DANGER)
    ana.answers()
    ben.answers()
    ana.waits_to_hear("Press 1")
    ben.waits_to_hear("Press 1")
    ana.presses("1")
    ana.waits_to_hear("Connecting you")
    ben.presses("1")
    ben.waits_to_hear("Somebody has taken it")
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "the first is joined")
    assert ben.room is None
    until(lambda: ben.state == "idle", "the other may go")
    assert len(caller.calls()) == 1


@pytest.mark.row(11)
@pytest.mark.row(12)
@pytest.mark.row(13)
@pytest.mark.parametrize("frozen", [(), ("worker_crisis_1", "worker_crisis_2")])
def test_two_guards_do_everything_once(line: Line, frozen: tuple[str, ...]) -> None:
    """R8 rows 12 and 13: two relays and two guards; row 11 while the crisis workers hang."""
    line.speed(20)
    # Two guards and SQLite's one writer: a receipt may be put off, and is looked up later.
    line.tolerate(11200)
    ana, sue = line.person(), line.person("supervisor")
    for phone in (ana, sue):
        phone.behaves("no-answer")
    with second_guard(line), line.frozen(*frozen):
        for _ in range(6):
            line.caller().texts(DANGER)
        until(lambda: len(sue.calls()) >= 12, "the ladder has come round", 40)
        # What is due is done before anybody counts.
        line.settled()
        pages = line.rows(select(tables.page.c.id).where(tables.page.c.state == "open"))
        assert len(pages) == 6
        line.retire()
        line.settled()
    # Every leg was dialled once and every text sent once: `Line.end` counts them.
    assert len(ana.calls()) + len(sue.calls()) == legs_of(line, ana.staff_id, sue.staff_id)


class second_guard:  # noqa: N801 - reads like the statement it is
    """Another guard with the same environment, for the block."""

    def __init__(self, line: Line) -> None:
        found = Path(f"/proc/{line.pid('guard')}/environ").read_bytes().split(b"\0")
        self._environ = dict(each.decode().split("=", 1) for each in found if b"=" in each)
        self._folder = line.folder
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> None:
        log = os.open(self._folder / "second-guard.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        argv = tied((sys.executable, "-m", "workers.guard"))
        self._running = subprocess.Popen(
            argv, cwd=self._folder, env=self._environ, stdout=log, stderr=log
        )
        os.close(log)
        running = self._running
        until(lambda: has_duties(running.pid), "the second guard is at work", 60)

    def __exit__(self, *_: object) -> None:
        assert self._running is not None
        assert self._running.poll() is None, "the second guard lived"
        self._running.terminate()
        assert self._running.wait(20) == 0


def has_duties(pid: int) -> bool:
    """Whether a guard has finished starting: its duties have their threads."""
    begun = b"workers.guard" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return begun and len(os.listdir(f"/proc/{pid}/task")) > len(DUTIES)


def live_legs(line: Line) -> int:
    """Legs of the newest callback that ring, or wait for an answer to the question."""
    newest = select(tables.callback.c.id).order_by(tables.callback.c.id.desc()).limit(1)
    return line.count(
        tables.attempt,
        tables.attempt.c.callback_id == newest.scalar_subquery(),
        tables.attempt.c.state.in_(LIVE),
        tables.attempt.c.result.is_(None),
    )


def legs_of(line: Line, *staff_ids: int) -> int:
    """Legs that reached the carrier."""
    return line.count(
        tables.attempt, tables.attempt.c.staff_id.in_(staff_ids), tables.attempt.c.sid.is_not(None)
    )
