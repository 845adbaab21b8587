"""Somebody waits on the line: everybody is rung in seconds, then the outside line (3.6 item 1)."""

from datetime import timedelta

import pytest

from helpline.domain.speech import Join, Pause, Redirect
from helpline.service import escalation
from helpline.service.calls import page_leg, waiting_room
from helpline.store import tables
from tests.builders import Scene
from tests.telephone import VoiceCaller

CRISIS_LINE = "+18002738255"
DANGER = "i am going to kill myself tonight"


def tick(scene: Scene, seconds: float) -> None:
    scene.clock.advance(seconds)
    escalation.climb_due(scene.rt)
    scene.work()


def test_both_pools_silent_and_the_outside_line_is_rung_into_the_call(scene: Scene) -> None:
    ana = scene.staff()
    ben = scene.staff("Ben", tier=2)
    boss = scene.staff("Boss", role="supervisor", tier=3)
    caller = VoiceCaller(scene).rings().says(DANGER)
    scene.work()
    assert (len(ana.rings()), len(ben.rings()), len(boss.rings())) == (1, 0, 0)
    tick(scene, 19)
    assert not ben.rings()
    tick(scene, 1)
    tick(scene, 0.2)
    assert (len(ben.rings()), len(boss.rings())) == (1, 1)
    assert not scene.carrier.calls_to(CRISIS_LINE)
    tick(scene, 20)
    (rung,) = scene.carrier.calls_to(CRISIS_LINE)
    steps = waiting_room.outside(scene.rt, rung.token)
    join = steps[-1]
    assert isinstance(join, Join)
    assert caller.waits is not None
    assert join.conference == caller.waits.conference
    assert scene.only(tables.page)["state"] == "open", "our people are rung on"


def test_the_first_of_three_to_press_one_has_the_call(scene: Scene) -> None:
    people = [scene.staff(name) for name in ("Ana", "Ben", "Cleo")]
    caller = VoiceCaller(scene).rings().says(DANGER)
    scene.work()
    joined = people[1].presses("1")[-1]
    assert isinstance(joined, Join)
    assert caller.waits is not None
    assert joined.conference == caller.waits.conference
    for late in (people[0], people[2]):
        assert page_leg.chosen(scene.rt, late.token, "1") == page_leg.answered(scene.rt, late.token)


def test_a_voicemail_never_wins(scene: Scene) -> None:
    ana = scene.staff()
    VoiceCaller(scene).rings().presses("9")
    scene.work()
    page_leg.answered(scene.rt, ana.token)
    ana.presses(None)
    assert scene.only(tables.page)["state"] == "open"


@pytest.mark.parametrize("hangs_up", [False, True])
def test_nobody_comes_to_who_pressed_zero(scene: Scene, hangs_up: bool) -> None:
    ana = scene.staff()
    caller = VoiceCaller(scene).rings().presses("0")
    scene.work()
    if hangs_up:
        caller.hangs_up()
    else:
        for _ in range(4):
            tick(scene, 20)
        assert len(scene.carrier.moved) == 1, "their place in the queue is offered"
    assert scene.only(tables.page)["state"] == "closed"
    assert scene.only(tables.callback)["state"] == "waiting"
    assert ana.rings()


def test_nobody_on_duty_means_the_outside_line_at_once(scene: Scene) -> None:
    scene.staff("Boss", role="supervisor", tier=3)
    VoiceCaller(scene).rings().says(DANGER).hears("offline")
    scene.work()
    assert len(scene.carrier.calls_to(CRISIS_LINE)) == 1


def test_the_hold_words_name_the_numbers_every_fifteen_seconds(scene: Scene) -> None:
    scene.staff()
    caller = VoiceCaller(scene).rings().says(DANGER)
    assert caller.waits is not None
    assert caller.waits.wait is not None
    say, *after = waiting_room.hold(scene.rt, caller.waits.wait.partition("attempt=")[2])
    assert "9 1 1" in str(say)
    again = Redirect(caller.waits.wait.replace("/first", ""))
    assert after == [Pause(timedelta(seconds=15)), again]


def test_a_page_that_climbs_already_climbs_in_seconds_once_they_ring(scene: Scene) -> None:
    ana = scene.staff()
    ben = scene.staff("Ben", tier=2)
    phone = scene.phone()
    phone.texts("i am going to kill myself tonight").expects_words("988")
    scene.work()
    assert len(ana.rings()) == 1
    caller = VoiceCaller(scene, phone.number).rings()
    assert caller.waits is not None
    scene.work()
    tick(scene, 20)
    assert ben.rings()
    scene.phones.clear()
