"""Calls that go wrong half-way: nobody comes, somebody hangs up, the carrier or a worker fails."""

from typing import Any

import pytest
from sqlalchemy import Row, select

from helpline.store import tables
from tests.scenarios.faults import LEASE_OVER
from tests.scenarios.running import Line
from tests.scenarios.telephone import Telephone, until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

CRISIS_LINE = "+18002738255"


def waits(line: Line) -> Telephone:
    """A caller who pressed 9 and hears the numbers while everybody is rung."""
    caller = line.caller()
    caller.act("call")
    caller.waits_to_hear("press 9")
    caller.presses("9")
    until(lambda: caller.room, "they wait in the room")
    return caller


def passes(line: Line, since: int, seconds: int) -> None:
    """Time goes on to so long after the beginning, in steps shorter than the lease of a dial."""
    working = tables.outbox.c.state == "claimed"
    for step in (*range(since, seconds, 5), seconds):
        until(lambda: line.count(tables.outbox, working) == 0, "no dial is under way")
        line.offset(step)


def newest(line: Line, table: Any = tables.callback) -> Row[Any]:
    last = select(table).order_by(table.c.id.desc()).limit(1)
    [row] = until(lambda: line.rows(last), f"there is a {table.name}")
    return row


def test_both_pools_silent(line: Line) -> None:
    """The outside line comes into the call at 40 s, and our own people are rung on."""
    line.speed(20)
    line.tolerate(failures=True)  # where time jumps, signs of life are missing
    ana, ben, sue = line.person(), line.person(tier=2), line.person("supervisor", tier=3)
    outside = Telephone(line, CRISIS_LINE)
    for phone in (ana, ben, sue):
        phone.behaves("no-answer")
    outside.behaves("talks")
    caller = waits(line)
    until(ana.calls, "the first pool is rung")
    passes(line, 0, 21)
    until(lambda: ben.calls() and sue.calls(), "then the second, and the supervisor")
    assert not outside.calls()
    passes(line, 21, 42)
    until(lambda: outside.is_with(caller), "the outside line is in the call")
    assert newest(line, tables.page).state == "open"
    passes(line, 42, 63)
    until(lambda: len(sue.calls()) >= 2, "the supervisor is rung on")
    assert outside.is_with(caller)
    assert len(outside.calls()) == 1
    caller.hangs_up()
    until(lambda: caller.state == "idle", "they hang up")


def test_first_press_wins_among_three(line: Line) -> None:
    people = [line.person() for _ in range(3)]
    for phone in people:
        phone.behaves("answer", {"keys": "1", "after": "Press 1"})
    caller = waits(line)
    [first] = until(
        lambda: [phone for phone in people if phone.is_with(caller)], "one has the call"
    )
    late = [phone for phone in people if phone is not first]
    for phone in late:
        phone.waits_to_hear("Somebody has taken it")
    until(lambda: late[0].state == late[1].state == "idle", "the others may go")
    assert caller.calls() == [], "nobody rings who is on the line"
    assert newest(line, tables.page).acknowledged_by == first.staff_id
    caller.hangs_up()
    first.waits_to_hear("helped")


def test_a_caller_who_hangs_up_in_triage_is_owed_a_call(line: Line) -> None:
    """And who hangs up while they are dialled for it is not left out of the queue."""
    caller = line.caller()
    caller.rings_the_line()
    until(lambda: newest(line).state == "waiting", "a call is owed")
    ana = line.person()
    ana.takes()
    caller.waits_for_ring()
    caller.hangs_up()
    ana.waits_to_hear("could not be reached")
    until(lambda: newest(line).state == "waiting", "it is still owed")
    assert newest(line).finished_at is None


def test_a_caller_who_hangs_up_in_the_waiting_room_is_rung_back(line: Line) -> None:
    ana = line.person()
    caller = waits(line)
    ana.answers()
    ana.waits_to_hear("Press 1")
    caller.hangs_up()
    waiting = (tables.attempt.c.leg == "caller", tables.attempt.c.state == "answered")
    until(lambda: line.count(tables.attempt, *waiting) == 0, "the line knows that they are gone")
    ana.presses("1")
    caller.waits_for_ring()
    assert len(caller.calls()) == 1


def test_a_specialist_who_hangs_up_while_the_caller_is_dialled(line: Line) -> None:
    """Nobody is left in an empty room, and the next specialist has it."""
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.takes()
    caller.waits_for_ring()
    ana.hangs_up()
    until(lambda: newest(line).state == "waiting", "the call is owed as before")
    until(lambda: caller.state == "idle", "nobody rings for nobody")
    assert ana.room is None


def test_a_talk_that_is_cut_off_goes_on_with_whoever_is_free(line: Line) -> None:
    """The specialist's telephone died: who stays on the line is rung for, who is done hangs up."""
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.takes()
    caller.waits_for_ring()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
    ben = line.person()
    ana.behaves("reject")
    ana.hangs_up()
    caller.waits_to_hear("stay on the line")
    caller.presses("1")
    ben.takes()
    until(lambda: ben.is_with(caller), "somebody else came")
    assert len(caller.calls()) == 1, "they never left the line"
    caller.hangs_up()
    ben.waits_to_hear("helped")


def test_a_carrier_that_refuses_for_a_while_and_tells_it_backwards(line: Line) -> None:
    """429 to each dial; status callbacks doubled and in another order."""
    line.tolerate(20429)
    ana, caller = line.person(), line.caller()
    line.fault("webhook.duplicate", "voice_status", copies=2)
    line.fault("webhook.reorder", "voice_status", hold=3)
    line.fault("rest.429", "calls", times=1)
    caller.texts("0")
    ana.answers()
    line.fault("rest.429", "calls", times=1)
    ana.presses("1")
    caller.waits_for_ring()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
    caller.hangs_up()
    ana.waits_to_hear("helped")
    ana.presses("1")
    until(lambda: newest(line).state == "done", "the outcome is kept")
    assert len(ana.calls()) == len(caller.calls()) == 1


def test_a_worker_killed_between_the_legs(line: Line) -> None:
    """After the specialist pressed 1, before the caller is dialled: they are dialled once."""
    line.speed(1)
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.answers()
    ana.waits_to_hear("Press 1")
    with line.frozen("worker_callbacks"):
        ana.presses("1")
        until(lambda: newest(line, tables.attempt).leg == "caller", "the leg is planned")
        assert caller.calls() == []
        before = line.kill("worker_callbacks")
        line.comes_back("worker_callbacks", before)
    line.offset(LEASE_OVER)
    caller.waits_for_ring()
    line.settled()
    assert len(caller.calls()) == 1
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
