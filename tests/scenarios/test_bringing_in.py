"""Three in a room: a colleague who takes over, and a relative who is asked in."""

import pytest
from sqlalchemy import select

from helpline.store import tables
from tests.scenarios.running import LINE, Line
from tests.scenarios.telephone import Telephone, until

pytestmark = pytest.mark.redis


def in_a_talk(line: Line, ana: Telephone) -> Telephone:
    caller = line.caller()
    caller.texts("0")
    ana.waits_for_ring()
    ana.takes()
    caller.waits_for_ring()
    caller.answers()
    caller.presses("5")
    until(lambda: ana.is_with(caller), "they are connected")
    return caller


def newest(line: Line) -> tuple[str, int | None]:
    columns = select(tables.callback.c.state, tables.callback.c.specialist_id)
    row = line.rows(columns.order_by(tables.callback.c.id.desc()).limit(1))[0]
    return row.state, row.specialist_id


def test_a_colleague_comes_in_and_takes_over(either_line: Line) -> None:
    line = either_line
    ana = line.person()
    caller = in_a_talk(line, ana)
    ben = line.person()
    ana.presses("*")
    ana.waits_to_hear("The caller waits")
    assert caller.room, "the caller does not leave the room"
    ana.presses("2")
    until(lambda: ana.is_with(caller), "she is back at once")
    ben.waits_for_ring()
    assert caller.number not in ben.heard
    ben.answers()
    ben.waits_to_hear("A colleague asks you")
    assert not ben.is_with(caller), "nobody joins without a key"
    ben.presses("1")
    until(lambda: ben.is_with(caller) and ana.is_with(caller), "three in one room")
    ana.hangs_up()
    until(lambda: newest(line) == ("talking", ben.staff_id), "the colleague has the case")
    ben.waits_for_text("yours now")
    assert ben.is_with(caller)
    caller.hangs_up()
    ben.waits_to_hear("raise to crisis")
    ben.presses("1")
    ben.waits_to_hear("Recorded")
    until(lambda: newest(line) == ("done", ben.staff_id), "the outcome is told")
    until(lambda: ben.state == ana.state == "idle", "everybody has hung up")
    assert [len(phone.calls()) for phone in (ana, ben, caller)] == [1, 1, 1]


def test_a_relative_is_asked_in_and_everybody_leaves_with_the_caller(line: Line) -> None:
    ana = line.person()
    caller = in_a_talk(line, ana)
    relative = line.caller()
    ana.presses("*")
    ana.waits_to_hear("The caller waits")
    ana.presses("3")
    ana.waits_to_hear("Type the number")
    ana.presses(relative.number.removeprefix("+1") + "#")
    ana.waits_to_hear("agreed to be called")
    assert relative.state == "idle"
    ana.presses("1")
    until(lambda: ana.is_with(caller), "she is back")
    relative.waits_for_ring()
    assert relative.look()["other"] == LINE, "nobody's own number is shown"
    relative.answers()
    relative.waits_to_hear("asks you to join")
    relative.presses("1")
    until(lambda: relative.is_with(caller) and ana.is_with(caller), "three in one room")
    caller.hangs_up()
    until(lambda: relative.state == "idle", "the call is over for the relative")
    ana.waits_to_hear("raise to crisis")
    ana.presses("1")
    until(lambda: newest(line)[0] == "done", "the outcome is told")
