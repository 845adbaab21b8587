"""The stories a caller lives through, from the first text to the recorded outcome."""

import pytest
from sqlalchemy import select

from helpline.store import tables
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = pytest.mark.redis

TRIAGE = ("2", "3", "3", "1", "2", "1", "6", "1", "1")


def test_a_texter_is_triaged_and_called_back(either_line: Line) -> None:
    line = either_line
    ana = line.hires("Ana", "specialist", 1)
    caller = line.caller()
    first = caller.texts("hi, i need help with ket")
    assert "Life at risk? Call 911" in first
    last = [caller.texts(answer) for answer in TRIAGE][-1]
    assert "within 60 min" in last
    ana.answers()
    ana.waits_to_hear("a caller is waiting")
    assert caller.number not in ana.heard
    assert caller.state == "idle", "nobody is rung before a specialist has taken it"
    ana.presses("1")
    caller.waits_for_ring()
    caller.waits_for_text("You will get a call from +15005550006")
    assert caller.look()["other"] == "+15005550006", "her number is never shown"
    caller.answers()
    caller.presses("5")
    until(lambda: ana.is_with(caller), "they are connected")
    ana.says("hello, this is me")
    caller.hangs_up()
    ana.waits_to_hear("helped")
    ana.presses("1")
    ana.waits_to_hear("Recorded")
    until(lambda: ana.state == "idle", "she hangs up")
    promised = select(tables.callback.c.state).order_by(tables.callback.c.id.desc()).limit(1)
    assert line.rows(promised)[0].state == "done"
    assert len(caller.calls()) == 1
    assert len(ana.calls()) == 1


def test_a_danger_text_is_answered_at_once_and_a_human_paged(either_line: Line) -> None:
    line = either_line
    ana, ben = line.hires("Ana", "specialist", 1), line.hires("Ben", "supervisor", 1)
    caller = line.caller()
    answer = caller.texts("i took all my pills and cant stay awake")
    assert "911" in answer
    ana.waits_for_ring(2)
    ana.waits_for_text("EMERGENCY")
    assert not any("pills" in body or caller.number in body for body in ana.received)
    ana.takes()
    ana.waits_to_hear("Connecting you")
    caller.waits_for_ring()
    caller.answers()
    caller.says("hello")
    until(lambda: ana.is_with(caller), "they are connected")
    caller.hangs_up()
    until(lambda: "helped" in ana.heard.rsplit("Connecting", 1)[-1], "she is asked")
    ana.presses("4")
    until(lambda: ana.state == "idle", "she hangs up")
    assert ben.calls() == [], "she had it before the supervisor's step"
    assert len(caller.calls()) == 1
    closed = line.rows(select(tables.case.c.outcome).order_by(tables.case.c.id.desc()).limit(1))
    assert closed[0].outcome == "emergency services"
