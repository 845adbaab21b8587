"""What the engine owes becomes rows; what is urgent is never dropped by the machine."""

import pytest

from helpline.domain.disposition import Disposition
from helpline.domain.effects import CancelCallback, CloseCase, OptIn, OptOut
from helpline.domain.progress import Progress
from helpline.domain.triage import Step
from helpline.service import steps
from helpline.service.steps import Decision
from helpline.store import conversations, tables
from tests.builders import Scene, case_of, everything, place_of, promise_of

NUMBER = "+12025560321"


def carry_out(scene: Scene, *effects: object) -> None:
    with scene.store.begin() as tx:
        place = conversations.lock(tx, NUMBER, place_of(tx, NUMBER).line)
        assert place
        step = Step(Progress(), effects, None)  # type: ignore[arg-type]
        assert steps.carry_out(scene.rt, tx, place, Decision(Progress(), step, ()), scene.now) == ()


def booked(scene: Scene, disposition: Disposition) -> None:
    with scene.store.begin() as tx:
        place = place_of(tx, NUMBER)
        promise_of(tx, place, case_of(tx, place, disposition), disposition)


@pytest.mark.parametrize("disposition", [d for d in Disposition if d >= Disposition.ROUTINE])
def test_the_machine_drops_only_what_is_not_urgent(scene: Scene, disposition: Disposition) -> None:
    booked(scene, disposition)
    carry_out(scene, CancelCallback(), CloseCase())
    dropped = not disposition.is_urgent
    assert scene.only(tables.callback)["state"] == ("canceled" if dropped else "waiting")
    assert scene.only(tables.case)["state"] == ("closed" if dropped else "open")
    stored = everything(scene.store)
    carry_out(scene, CancelCallback(), CloseCase())
    assert everything(scene.store) == stored


def test_a_call_that_is_being_made_is_not_dropped(scene: Scene) -> None:
    booked(scene, Disposition.SOON)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.callback.update().values(state="talking"))
    carry_out(scene, CancelCallback())
    assert scene.only(tables.callback)["state"] == "talking"


def test_out_and_in_again(scene: Scene) -> None:
    carry_out(scene, OptOut())
    assert scene.only(tables.conversation)["opted_out_at"] == scene.now
    carry_out(scene, OptIn())
    assert scene.only(tables.conversation)["opted_out_at"] is None
