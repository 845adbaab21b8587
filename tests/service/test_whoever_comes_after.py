"""The same person twice, whoever comes after, and whoever has gone: nobody is left alone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.speech import Join
from helpline.service import shift
from helpline.service.calls import caller_leg, outcomes
from helpline.store import Store, pages, people, tables
from tests.builders import Scene, report
from tests.service.stories import (
    CRISIS,
    PICKED_UP,
    case,
    danger,
    page,
    promise,
    talks,
    wants_a_person,
    writes,
)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def test_whoever_comes_in_by_a_second_ring_has_not_left_with_the_first(scene: Scene) -> None:
    ana, caller = scene.staff(), danger(scene)
    first = ana.rings()[-1]
    report(scene, first, *PICKED_UP)
    ana.presses("1")
    scene.work()
    writes(caller, "i took all the pills")
    scene.work()
    second = ana.rings()[-1]
    assert second.token != first.token, "new danger rings the holder, who talks"
    report(scene, second, *PICKED_UP)
    assert isinstance(ana.presses("1")[-1], Join)
    report(scene, first, LegState.COMPLETED)
    assert (promise(scene)["state"], promise(scene)["specialist_id"]) == ("talking", ana.id)
    assert page(scene)["state"] == "acknowledged"
    assert len(caller.rings()) == 1


def test_new_danger_of_their_own_caller_rings_a_colleague_who_talks_to_them(scene: Scene) -> None:
    """They are with the caller, so they must hear of it first (CONTRACT 2)."""
    ana, ben = scene.staff(), scene.staff("Ben")
    with scene.store.begin() as tx:
        people.set_presence(tx, ben.id, available=False)
    caller = wants_a_person(scene)
    scene.work()
    talks(scene, ana, caller)
    rung = len(ana.rings())
    writes(caller, CRISIS)
    scene.work()
    assert len(ana.rings()) == rung + 1


def test_a_call_whose_specialist_has_hung_up_is_for_whoever_comes(scene: Scene) -> None:
    ana, ben, caller = scene.staff(), scene.staff("Ben", tier=2), danger(scene)
    talks(scene, ana, caller)
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    writes(caller, "i took all the pills")
    scene.passes(60)
    report(scene, ben.rings()[-1], *PICKED_UP)
    assert isinstance(ben.presses("1")[-1], Join)
    row = promise(scene)
    assert (row["state"], row["specialist_id"]) == ("talking", ben.id)
    assert row["lease_until"] > scene.now + timedelta(hours=2)  # type: ignore[operator]
    scene.work()
    report(scene, caller.rings()[-1], *PICKED_UP)
    caller_leg.ready(scene.rt, caller.rings()[-1].token)
    outcomes.pressed(scene.rt, ben.token, "1")
    assert case(scene)["state"] == "closed", "Ben's outcome counts"


def test_a_colleague_who_still_talks_keeps_the_call(scene: Scene) -> None:
    ana, ben, caller = scene.staff(), scene.staff("Ben", tier=2), danger(scene)
    talks(scene, ana, caller)
    writes(caller, "i took all the pills")
    scene.passes(60)
    report(scene, ben.rings()[-1], *PICKED_UP)
    assert isinstance(ben.presses("1")[-1], Join), "both are in"
    assert promise(scene)["specialist_id"] == ana.id


def test_a_lost_receipt_of_the_specialist_does_not_hide_the_case_for_hours(scene: Scene) -> None:
    ana, caller = scene.staff(), danger(scene)
    talks(scene, ana, caller)
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    scene.passes(660)
    assert page(scene)["reason"] == pages.NO_OUTCOME
    assert page(scene)["state"] == "open"


def test_new_danger_does_not_wait_for_a_holder_who_works_here_no_longer(scene: Scene) -> None:
    ana, ben, caller = scene.staff(), scene.staff("Ben"), danger(scene)
    ana.texts("OK")
    with scene.store.begin() as tx:
        people.disable(tx, ana.id, scene.now)
    scene.work()
    rung = len(ben.rings())
    report(scene, ben.rings()[-1], LegState.NO_ANSWER)
    writes(caller, "i took all the pills")
    scene.work()
    assert len(ben.rings()) == rung + 1


def test_a_page_about_themselves_hides_no_other_from_staff(scene: Scene) -> None:
    ana = scene.staff()
    scene.staff("Ben")
    ana.texts(CRISIS)
    scene.clock.advance(1)
    scene.work()
    danger(scene)
    with scene.store.begin() as tx:
        found = pages.find_most_urgent(tx, ana.id)
        assert found is not None
        assert people.find_author(tx, found.case_id) is None
        person = people.get(tx, ana.id)
        for leg in scene.rows(tables.attempt):
            if leg["staff_id"] == ana.id:
                tx.connection.execute(tables.attempt.update().values(state="no-answer"))
        wish, _ = shift.ring_next(scene.rt, tx, person, scene.now)
    assert wish is shift.Wish.RINGS
    assert "is yours" in ana.texts("OK")[0]
