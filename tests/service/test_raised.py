"""Outcome 5: what a specialist heard is a floor of case and caller, and floors never fall."""

from collections.abc import Iterator

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.speech import Join
from helpline.service.calls import caller_leg, outcomes
from helpline.store import Store, tables
from tests.builders import Phone, Scene, StaffPhone, report

CRISIS = int(Disposition.CRISIS_LIVE)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def writes(caller: Phone, body: str) -> None:
    caller.read = len(caller.scene.carrier.texts_to(caller.number))
    caller.texts(body).unread_answers = False


def spoken_with(scene: Scene) -> tuple[StaffPhone, Phone]:
    """Ana rang a caller who had not said a word of danger."""
    ana, caller = scene.staff(), scene.phone()
    writes(caller, "hi")
    writes(caller, "person")
    scene.work()
    report(scene, ana.rings()[-1], LegState.ANSWERED)
    assert isinstance(ana.presses("1")[-1], Join)
    scene.work()
    report(scene, caller.rings()[-1], LegState.ANSWERED)
    caller_leg.ready(scene.rt, caller.rings()[-1].token)
    assert not caller.progress.disposition.is_danger
    return ana, caller


@pytest.mark.parametrize("road", ["key", "text"])
def test_the_floor_of_case_and_caller_rises_and_stays(scene: Scene, road: str) -> None:
    ana, caller = spoken_with(scene)
    code = scene.only(tables.case)["code"]
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    if road == "key":
        outcomes.pressed(scene.rt, ana.token, "5")
    else:
        ana.texts(f"DONE {code} 5 they have a rope")
    for body in (None, "no", "STOP", "thanks, all good now", "hi"):
        if body is not None:
            writes(caller, body)
        assert caller.progress.floor == Disposition.CRISIS_LIVE.name
        work = scene.only(tables.case)
        assert (work["disposition"], work["state"]) == (CRISIS, "open")
    live = scene.only(tables.callback, state="waiting")
    assert live["disposition"] == CRISIS
    assert scene.only(tables.page, state="open")["kind"] == CRISIS


def test_raising_leaves_the_callers_own_clocks_alone(scene: Scene) -> None:
    ana, caller = spoken_with(scene)
    before = scene.only(tables.conversation)
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    scene.clock.advance(30)
    outcomes.pressed(scene.rt, ana.token, "5")
    after = scene.only(tables.conversation)
    assert (after["wake_at"], after["heard_at"]) == (before["wake_at"], before["heard_at"])
    assert after["version"] > before["version"], "a text being decided is decided again"


def test_an_emergency_is_not_made_less_by_it(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    writes(caller, "i took all my pills and cant stay awake")
    scene.work()
    code = scene.only(tables.case)["code"]
    ana.texts(f"OK {code}")
    ana.texts(f"DONE {code} 5")
    emergency = Disposition.EMERGENCY_NOW
    assert caller.progress.floor == emergency.name
    assert scene.only(tables.case)["disposition"] == int(emergency)
    assert scene.only(tables.page, state="open")["kind"] == int(emergency)
