"""Whoever asked for a text instead of a voicemail gets it once, after the first missed call."""

from collections.abc import Iterator
from typing import Any

import pytest

from helpline.domain.delivery import LegState
from helpline.store import Store, tables
from tests.builders import Scene
from tests.service.stories import promise, writes
from tests.service.test_second_number import tried, waits

MISSED = "sorry we missed you"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What else a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def missed_texts(scene: Scene, **facts: Any) -> int:
    """How many such texts a caller gets whom two calls did not reach."""
    ana, caller = waits(scene, **facts)
    for _ in range(2):
        tried(scene, ana, LegState.NO_ANSWER)
        scene.work()
    return sum(MISSED in text for text in scene.carrier.texts_to(caller.number))


def test_they_are_texted_once_for_a_promise(scene: Scene) -> None:
    assert missed_texts(scene, answers={"C3": ["3"]}, words={"name": "Sam"}) == 1
    text = next(order.body for order in scene.carrier.texts if MISSED in order.body)
    assert text.startswith("Hi Sam, sorry we missed you. You can call back on +12025550101")


@pytest.mark.parametrize(
    "facts",
    [
        {"answers": {}},
        {"answers": {"C3": ["1"]}},
        {"answers": {"C3": ["2"]}},
        {"answers": {"C3": ["3"], "C2": ["1"]}, "flags": ["DISCREET"]},
        {"answers": {"C3": ["3"], "C2": ["1"]}, "flags": ["SAFE_CONTACT"]},
    ],
    ids=str,
)
def test_nobody_else_is(scene: Scene, facts: dict[str, Any]) -> None:
    assert missed_texts(scene, **facts) == 0


def test_who_wants_no_texts_gets_none(scene: Scene) -> None:
    ana, caller = waits(scene, answers={"C3": ["3"]})
    writes(caller, "STOP")
    tried(scene, ana, LegState.BUSY)
    scene.work()
    assert not [text for text in scene.carrier.texts_to(caller.number) if MISSED in text]
    assert promise(scene)["state"] == "waiting"
    assert len(scene.rows(tables.callback)) == 1
