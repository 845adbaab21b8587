"""A ring may put somebody in danger: what was told since it was asked for counts."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.speech import HangUp
from helpline.service import callbacks, shift
from helpline.service.calls import doorstep
from helpline.store import Store, conversations, people, tables
from helpline.store import callbacks as promises
from tests.builders import LINE_NUMBER, Scene, report
from tests.service.stories import (
    OTHER_LINE,
    PICKED_UP,
    danger,
    knows,
    page,
    promise,
    wants_a_person,
    writes,
)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def test_a_page_opened_again_follows_what_was_told_since(scene: Scene) -> None:
    ana, caller = scene.staff(), danger(scene)
    report(scene, ana.rings()[-1], *PICKED_UP)
    ana.presses("1")
    scene.work()
    knows(scene, caller, hits={"emergency.violence": 1.0})
    report(scene, caller.rings()[-1], LegState.NO_ANSWER)
    assert (page(scene)["state"], page(scene)["ring_caller"]) == ("open", False)


def test_nobody_near_violence_is_rung_for_a_page_that_knew_nothing_of_it(scene: Scene) -> None:
    ana, caller = scene.staff(), danger(scene)
    report(scene, ana.rings()[-1], *PICKED_UP)
    knows(scene, caller, hits={"emergency.violence": 1.0})
    assert isinstance(ana.presses("1")[-1], HangUp)
    scene.work()
    assert not caller.rings()
    assert page(scene)["state"] == "acknowledged"
    assert "ring may" in ana.texts("OK")[0]


def test_a_specialist_who_is_being_rung_does_not_ring_a_caller_who_hides(scene: Scene) -> None:
    ana = scene.staff()
    caller = wants_a_person(scene)
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    knows(scene, caller, flags=["SAFE_CONTACT"])
    assert isinstance(ana.presses("1")[-1], HangUp)
    scene.work()
    assert not caller.rings()
    assert (promise(scene)["state"], promise(scene)["not_before"]) == ("waiting", callbacks.HELD)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert promise(scene)["not_before"] == callbacks.HELD
    scene.passes(300)
    assert not caller.rings()
    assert not [text for text in ana.texts_got() if "AWAY" in text.upper()]


@pytest.mark.parametrize("pressed", [False, True])
def test_what_rings_stops_when_the_caller_says_that_it_may_hurt(
    scene: Scene, pressed: bool
) -> None:
    ana = scene.staff()
    caller = wants_a_person(scene)
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    if pressed:
        ana.presses("1")
        scene.work()
        report(scene, caller.rings()[-1], LegState.QUEUED, LegState.RINGING)
    writes(caller, "he is here and he will kill me, he hits me")
    assert promise(scene)["not_before"] == callbacks.HELD
    assert promise(scene)["state"] == "waiting"
    scene.work()
    sids = {leg["sid"] for leg in scene.rows(tables.attempt) if leg["page_id"] is None}
    assert sids <= set(scene.carrier.ended)


def test_what_became_danger_or_hid_meanwhile_is_not_claimed(scene: Scene) -> None:
    """The matcher read it as it was before the caller's text."""
    ana = scene.staff()
    wants_a_person(scene)
    lease = scene.now + timedelta(minutes=1)
    changes: tuple[dict[str, object], ...] = (
        {"disposition": int(Disposition.CRISIS_LIVE)},
        {"text_only": True},
        {"not_before": callbacks.HELD},
    )
    for later in changes:
        with scene.store.begin() as tx:
            before = promise(scene)
            tx.connection.execute(tables.callback.update().values(**later))
            assert not promises.claim(tx, before["id"], ana.id, lease)  # type: ignore[arg-type]
            unchanged = {name: before[name] for name in later}
            tx.connection.execute(tables.callback.update().values(**unchanged))


@pytest.mark.parametrize("asked", [False, True])
def test_the_conversation_is_locked_before_the_person_who_is_offered_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """A text of danger locks its conversation, then everybody whom it pages."""
    ana = scene.staff()
    wants_a_person(scene)
    locked: list[str] = []
    for module, name in ((people, "_lock_idle"), (conversations, "lock_by_id")):
        real = getattr(module, name)

        def noted(*args: object, _name: str = name, _real: Callable[..., object] = real) -> object:
            locked.append(_name)
            return _real(*args)

        monkeypatch.setattr(module, name, noted)
    if asked:
        with scene.store.begin() as tx:
            shift.ring_next(scene.rt, tx, people.get(tx, ana.id), scene.now)
    else:
        callbacks.match(scene.rt)
    assert locked[:2] == ["lock_by_id", "_lock_idle"]
    assert promise(scene)["state"] == "claimed"


RINGING_IN = pytest.mark.parametrize(
    "told",
    [
        {"hits": {"emergency.violence": 1.0}},
        {"hits": {"emergency.child_in_danger": 1.0}},
        {"flags": ["SAFE_CONTACT"]},
        {"flags": ["DISCREET"]},
    ],
)


@RINGING_IN
def test_ringing_in_is_no_wish_to_be_rung_where_a_ring_may_hurt(
    scene: Scene, told: dict[str, object]
) -> None:
    """They hung up because they had to, perhaps: whoever hears it ring may be the danger."""
    scene.staff()
    caller = scene.phone()
    writes(caller, "hi")
    knows(scene, caller, **told)
    said = doorstep.rings(scene.rt, "CA" + "2" * 32, caller.number, LINE_NUMBER)
    assert "call this number back" not in str(said)
    assert promise(scene)["not_before"] == callbacks.HELD
    scene.passes(7200, step=120)
    assert not caller.rings()


@RINGING_IN
def test_nor_on_another_of_our_lines(scene: Scene, told: dict[str, object]) -> None:
    scene.staff()
    caller = scene.phone()
    writes(caller, "hi")
    knows(scene, caller, **told)
    doorstep.rings(scene.rt, "CA" + "2" * 32, caller.number, OTHER_LINE)
    assert promise(scene)["not_before"] == callbacks.HELD
    scene.passes(7200, step=120)
    assert not caller.rings()


def test_who_said_that_a_ring_is_safe_is_rung_after_ringing_in(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    writes(caller, "hi")
    knows(scene, caller, hits={"emergency.violence": 1.0}, answers={"EV": ["1"]})
    doorstep.rings(scene.rt, "CA" + "2" * 32, caller.number, LINE_NUMBER)
    assert promise(scene)["not_before"] != callbacks.HELD
