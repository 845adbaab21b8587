"""A worker that dies between the claim and the dial, or whose answer is lost."""

import os
import signal
from typing import Any

import pytest
from sqlalchemy import Row, select

from helpline.store import tables
from tests.scenarios.faults import CRISIS, DANGER, LEASE_OVER
from tests.scenarios.machine import descendants
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]


def struck(line: Line, times: int = 1) -> None:
    until(lambda: len(line.events("fault.struck")) >= times, "the worker waits for the carrier")


@pytest.mark.row(20)
@pytest.mark.parametrize("fault", ["rest.timeout_before", "rest.timeout_after"])
def test_a_worker_killed_in_the_dial_rings_the_specialist_once(line: Line, fault: str) -> None:
    """Before: nothing was made, so it is dialled. After: it was made, so it is looked up."""
    line.speed(1)
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    line.fault(fault, "calls", seconds=60)
    line.fault("webhook.drop", "voice_status")
    caller.texts("0")
    struck(line)
    line.comes_back("worker_callbacks", line.kill("worker_callbacks"))
    line.mend()
    line.offset(LEASE_OVER)
    until(lambda: legs(line, "staff") and legs(line, "staff")[-1].sid, "the leg has its sid")
    ana.waits_for_ring()
    line.settled()
    assert len(ana.calls()) == 1
    assert legs(line, "staff")[-1].sid == ana.calls()[0]["sid"]


@pytest.mark.row(20)
@pytest.mark.parametrize("killed", [True, False])
def test_a_caller_whose_call_was_made_unheard_is_not_rung_twice(line: Line, killed: bool) -> None:
    line.speed(1)
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.answers()
    line.fault("rest.timeout_after", "calls", times=1, seconds=60)
    line.fault("webhook.drop", "voice_status")
    ana.presses("1")
    caller.waits_for_ring()
    if killed:
        line.comes_back("worker_callbacks", line.kill("worker_callbacks"))
        line.offset(LEASE_OVER)
    until(lambda: legs(line, "caller")[-1].sid, "the call is found in the carrier's log")
    line.mend()
    line.settled()
    assert [call["sid"] for call in caller.calls()] == [legs(line, "caller")[-1].sid]
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")


@pytest.mark.row(10)
@pytest.mark.parametrize("fault", ["rest.timeout_before", "rest.timeout_after"])
def test_a_page_whose_worker_was_killed_is_never_lost(line: Line, fault: str) -> None:
    """R8 row 10, after the claim, before and after the carrier took it: at most one ring more."""
    line.speed(1)
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    line.fault(fault, "calls", seconds=60)
    assert "911" in caller.texts(DANGER)
    struck(line)
    before = {name: line.kill(name) for name in (*CRISIS, "guard")}
    line.mend()
    for name, pid in before.items():
        line.comes_back(name, pid)
    line.offset(LEASE_OVER)
    ana.waits_for_ring()
    until(lambda: line.count(tables.page, tables.page.c.sent_at.is_not(None)), "it is sent")
    line.settled()
    assert 1 <= len(ana.calls()) <= 2, "two rings beat none"
    ana.takes()
    caller.waits_for_ring()


@pytest.mark.row(11)
def test_a_horse_that_was_killed_leaves_its_effect_to_the_next(line: Line) -> None:
    """R8 row 11: what a fork does is known from its row, not from what RQ learns of its end."""
    line.speed(1)
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    line.fault("rest.timeout_before", "calls", seconds=60)
    assert "alerted" in caller.texts("0")
    struck(line)
    worker = line.pid("worker_callbacks")
    horses = descendants(worker)
    assert horses
    for horse in horses:
        os.kill(horse, signal.SIGKILL)
    line.mend()
    line.offset(LEASE_OVER)
    ana.waits_for_ring()
    line.settled()
    assert len(ana.calls()) == 1
    assert line.pid("worker_callbacks") == worker


def test_a_text_whose_answer_was_lost_is_not_sent_twice(line: Line) -> None:
    line.speed(1)
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.answers()
    line.fault("rest.timeout_after", "messages", times=1, seconds=60)
    line.fault("webhook.drop", "sms_status")
    ana.presses("1")
    caller.waits_for_text("You will get a call")
    line.settled()
    line.mend()
    assert len(line.rest_texts_to(caller)) == 1


def legs(line: Line, leg: str) -> list[Row[Any]]:
    """The newest callback's legs, oldest first."""
    newest = select(tables.callback.c.id).order_by(tables.callback.c.id.desc()).limit(1)
    return list(
        line.rows(
            select(tables.attempt)
            .where(
                tables.attempt.c.callback_id == newest.scalar_subquery(),
                tables.attempt.c.leg == leg,
            )
            .order_by(tables.attempt.c.id)
        )
    )
