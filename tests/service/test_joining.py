"""Whoever takes a page by text is rung, and the page climbs on when that ring joins nobody."""

from collections.abc import Iterator
from typing import Any

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.speech import Join
from helpline.service.calls import legs
from helpline.store import Store, tables
from tests.builders import Phone, Scene, StaffPhone, everything, report

CRISIS = "i want to kill myself"
MISSED = (LegState.QUEUED, LegState.RINGING, LegState.NO_ANSWER)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def danger(scene: Scene) -> Phone:
    caller = scene.phone()
    caller.texts(CRISIS, after=0).unread_answers = False
    scene.work()
    return caller


def taken_by_text(scene: Scene, person: StaffPhone) -> None:
    """Their first ring was missed; OK came after it, and rings them again."""
    report(scene, person.rings()[-1], *MISSED)
    assert "Your phone rings now" in person.texts("OK")[0]
    scene.work()
    assert page(scene)["state"] == "acknowledged"
    assert scene.only(tables.case)["holder_id"] == person.id


def page(scene: Scene) -> dict[str, Any]:
    return scene.only(tables.page)


def presence(scene: Scene, person: StaffPhone) -> str:
    found: str = scene.only(tables.staff, id=person.id)["presence"]
    return found


def test_a_joining_ring_that_is_missed_pages_the_next_at_once(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    opened_at = page(scene)["opened_at"]
    taken_by_text(scene, one)
    scene.clock.advance(20)
    report(scene, one.rings()[-1], *MISSED)
    scene.work()
    assert len(two.rings()) == len(two.texts_got()) == 1, "not at 60 seconds, and not at 10 minutes"
    assert (page(scene)["state"], page(scene)["acknowledged_by"]) == ("open", None)
    assert page(scene)["opened_at"] == opened_at, "the danger is as old as it was"
    assert scene.only(tables.case)["holder_id"] is None
    assert presence(scene, one) == "away"
    assert "you missed a call" in one.texts_got()[-1]
    assert isinstance(two.presses("1")[-1], Join)


@pytest.mark.parametrize("state", [LegState.BUSY, LegState.FAILED])
def test_a_joining_ring_that_cannot_ring_climbs_too_but_nobody_missed_it(
    scene: Scene, state: LegState
) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    taken_by_text(scene, one)
    report(scene, one.rings()[-1], state)
    scene.work()
    assert len(two.rings()) == 1
    assert page(scene)["state"] == "open"
    assert presence(scene, one) == "available"


def test_the_carrier_refuses_the_joining_ring(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    taken_by_text(scene, one)
    leg = one.leg
    with scene.store.begin() as tx:
        found = legs.lock(tx, leg["token"])
        assert found is not None
        legs.refused(scene.rt, tx, found, scene.now, 13224)
    scene.work()
    assert len(two.rings()) == 1


def test_whoever_passes_on_the_joining_ring_gives_the_page_back(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    taken_by_text(scene, one)
    report(scene, one.rings()[-1], LegState.ANSWERED)
    one.presses("2")
    report(scene, one.rings()[-1], LegState.COMPLETED)
    scene.work()
    assert len(two.rings()) == 1
    assert presence(scene, one) == "available", "they were there"


def test_colleagues_who_were_told_that_it_is_taken_are_told_again(scene: Scene) -> None:
    one, other = scene.staff("One"), scene.staff("Other")
    danger(scene)
    report(scene, other.rings()[-1], *MISSED)
    taken_by_text(scene, one)
    before = len(other.texts_got())
    report(scene, one.rings()[-1], *MISSED)
    scene.work()
    assert (len(other.rings()), len(other.texts_got())) == (2, before + 1)


def test_told_twice_it_climbs_once(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    taken_by_text(scene, one)
    report(scene, one.rings()[-1], *MISSED)
    scene.work()
    before = everything(scene.store)
    report(scene, one.rings()[-1], LegState.NO_ANSWER, LegState.COMPLETED)
    assert everything(scene.store) == before
    assert len(two.rings()) == 1


def test_whoever_texts_the_caller_has_not_left_them(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    taken_by_text(scene, one)
    code = scene.only(tables.case)["code"]
    one.texts(f"SAY {code} I am with you, tell me more")
    report(scene, one.rings()[-1], *MISSED)
    scene.work()
    assert page(scene)["state"] == "acknowledged"
    assert (two.rings(), presence(scene, one)) == ([], "available")


def test_a_ring_of_before_ends_after_they_came_in_by_another(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    danger(scene)
    old = one.rings()[-1]
    scene.clock.advance(51)
    one.texts("OK")
    scene.work()
    assert len(one.rings()) == 2, "the first has stopped ringing, whatever its receipts say"
    one.presses("1")
    report(scene, old, *MISSED)
    scene.work()
    assert page(scene)["state"] == "acknowledged"
    assert not two.rings()


def test_with_nobody_else_everybody_is_paged_again_and_the_same_person_may_take_it(
    scene: Scene,
) -> None:
    one = scene.staff("One")
    danger(scene)
    taken_by_text(scene, one)
    report(scene, one.rings()[-1], *MISSED)
    scene.work()
    assert page(scene)["state"] == "open"
    assert len(one.rings()) == 3
    assert isinstance(one.presses("1")[-1], Join)
