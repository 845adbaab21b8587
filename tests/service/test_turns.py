"""A step of a call is decided without a lock: whoever is quicker meanwhile is not undone."""

from collections.abc import Callable

import pytest

from helpline.domain.disposition import Disposition
from helpline.domain.speech import CallStep
from helpline.service import intake
from helpline.service.calls import triage_leg
from helpline.service.calls.prompts import NOTHING
from helpline.service.intake import IncomingText
from helpline.store import tables
from tests.builders import LINE_NUMBER, Scene
from tests.telephone import VoiceCaller

Steps = tuple[CallStep, ...]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """`meanwhile(act)`: it happens once, after a step was decided and before it is kept."""
    decide = triage_leg._next_question

    def plan(act: Callable[[], object]) -> None:
        rivals = [act]

        def decided(*given: object) -> object:
            asked = decide(*given)  # type: ignore[arg-type]
            if rivals:
                rivals.pop()()
            return asked

        monkeypatch.setattr(triage_leg, "_next_question", decided)

    return plan


def press(caller: VoiceCaller, token: str, digits: str) -> Steps:
    return triage_leg.heard(
        caller.scene.rt, caller.sid, token, digits=digits, speech=None, confidence=None
    )


def turns_of(scene: Scene, caller: VoiceCaller) -> list[str]:
    rows = scene.rows(tables.message)
    return sorted(row["sid"].partition(".")[2] for row in rows if caller.sid in str(row["sid"]))


def test_the_same_ring_twice_at_once_is_one_call(scene: Scene, meanwhile) -> None:
    scene.staff()
    caller = VoiceCaller(scene)
    first: list[Steps] = []
    caller.sid = f"CAdd{1:030x}"

    def ring() -> Steps:
        return triage_leg.rings(scene.rt, caller.sid, caller.number, LINE_NUMBER)

    meanwhile(lambda: first.append(ring()))
    assert ring() == first[0]
    assert len(scene.rows(tables.call)) == 1
    assert len(scene.rows(tables.caller)) == 1
    assert turns_of(scene, caller) == ["0"]


def test_two_rings_of_a_newcomer_at_once_are_two_calls_of_one_caller(
    scene: Scene, meanwhile
) -> None:
    scene.staff()
    one, two = VoiceCaller(scene), VoiceCaller(scene)
    two.number = one.number
    meanwhile(two.rings)
    one.rings()
    assert len(scene.rows(tables.call)) == 2
    assert len(scene.rows(tables.conversation)) == 1
    assert one.presses("1").hears("safety right now")


def test_a_key_delivered_twice_at_once_is_one_step(scene: Scene, meanwhile) -> None:
    scene.staff()
    caller = VoiceCaller(scene).rings()
    token, first = caller.token, []
    meanwhile(lambda: first.append(press(caller, token, "1")))
    assert press(caller, token, "1") == first[0]
    assert turns_of(scene, caller) == ["0", "1"]
    assert scene.only(tables.call)["turn"] == 2


def test_a_text_that_comes_meanwhile_is_not_undone(scene: Scene, meanwhile) -> None:
    scene.staff()
    caller = VoiceCaller(scene).rings()
    text = IncomingText(f"SM{1:032x}", caller.number, LINE_NUMBER, "i want to die tonight")
    meanwhile(lambda: intake.receive(scene.rt, text))
    caller.presses("1")
    assert caller.waits is not None, "the step was taken again, on what the text had left"
    assert turns_of(scene, caller) == ["0", "1"]


def test_what_a_step_owes_is_owed_once(scene: Scene, meanwhile) -> None:
    scene.staff()
    caller = VoiceCaller(scene).rings()
    for key in "123312":
        caller.presses(key)
    assert not scene.rows(tables.callback)
    token, first = caller.hears("Blood in the urine").token, []
    meanwhile(lambda: first.append(press(caller, token, "1")))
    assert press(caller, token, "1") == first[0]
    assert scene.only(tables.callback)["disposition"] == Disposition.URGENT_60


def test_who_hung_up_meanwhile_is_told_nothing(scene: Scene, meanwhile) -> None:
    scene.staff()
    caller = VoiceCaller(scene).rings().presses("1")
    meanwhile(caller.hangs_up)
    told = press(caller, caller.token, "2")
    assert told == NOTHING
    assert scene.only(tables.call)["state"] == "over"
    assert scene.only(tables.callback)["state"] == "waiting"


def test_a_repeated_ring_that_hides_its_number_leaves_nothing_behind(scene: Scene) -> None:
    caller = VoiceCaller(scene).rings()
    known = [len(scene.rows(each)) for each in (tables.caller, tables.conversation)]
    again = triage_leg.rings(scene.rt, caller.sid, "", LINE_NUMBER)
    assert again == triage_leg.rings(scene.rt, caller.sid, caller.number, LINE_NUMBER)
    assert [len(scene.rows(each)) for each in (tables.caller, tables.conversation)] == known
