"""The guard marks whose time has come; nobody waits for the mark."""

from datetime import timedelta

import pytest

from helpline.service import callbacks, readiness
from helpline.service.upkeep import invariants
from helpline.store import callbacks as promises
from helpline.store import tables
from tests.builders import Scene, case_of, place_of, promise_of

MINUTE = timedelta(minutes=1)


def held(scene: Scene, wait: timedelta) -> int:
    with scene.store.begin() as tx:
        place = place_of(tx, scene.number(), now=scene.now)
        case = case_of(tx, place, now=scene.now)
        return promise_of(
            tx, place, case, due_at=scene.now + 60 * MINUTE, not_before=scene.now + wait,
            now=scene.now,
        )  # fmt: skip


def is_marked(scene: Scene, callback_id: int) -> bool:
    return bool(scene.only(tables.callback, id=callback_id)["ready"])


def test_the_mark_is_set_when_the_time_has_come(scene: Scene) -> None:
    made = held(scene, MINUTE)
    scene.guard()
    assert not is_marked(scene, made)
    scene.clock.advance(60)
    scene.guard()
    assert is_marked(scene, made)


def test_whoever_came_first_is_rung_without_any_mark(scene: Scene) -> None:
    """The guard was dead when the time came: whatever looks at the queue first finds the call."""
    made = held(scene, MINUTE)
    ana = scene.staff()
    assert callbacks.match(scene.rt) == 0
    scene.clock.advance(60)
    assert callbacks.match(scene.rt) == 1
    assert scene.only(tables.callback, id=made)["state"] == "claimed"
    assert not is_marked(scene, made)
    scene.work()
    assert ana.rings()


def test_the_first_round_of_a_guard_that_is_back_has_the_call_placed(scene: Scene) -> None:
    made = held(scene, MINUTE)
    ana = scene.staff()
    scene.clock.advance(120)
    readiness.keep(scene.rt)
    assert is_marked(scene, made)
    scene.work()
    assert ana.rings()


def test_a_guard_that_marks_nobody_is_counted(scene: Scene) -> None:
    held(scene, MINUTE)
    scene.clock.advance(60)
    assert invariants.list_broken(scene.rt)["callback_not_ready"] == 0
    scene.clock.advance(invariants.NOT_READY.total_seconds() + 1)
    assert invariants.list_broken(scene.rt)["callback_not_ready"] == 1
    assert readiness.mark_ready(scene.rt) == 1
    assert invariants.list_broken(scene.rt)["callback_not_ready"] == 0


def test_a_round_writes_nothing_when_nobody_comes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite a transaction that may write keeps everybody else from writing."""
    held(scene, MINUTE)
    monkeypatch.setattr(promises, "release", lambda *_: pytest.fail("nobody's time has come"))
    assert readiness.mark_ready(scene.rt) == 0
