"""Who is rung for whom: language, longest idle, nobody twice, leases and deadlines."""

from datetime import timedelta

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.service import callbacks, deadlines
from helpline.store import callbacks as promises
from helpline.store import tables
from tests.builders import Scene, everything, promise_of, race
from tests.builders import case_of as _case_of
from tests.builders import place_of as _place_of

MINUTE = timedelta(minutes=1)


def waiting(
    scene: Scene,
    disposition: Disposition = Disposition.SOON,
    *,
    language: str = "en",
    due: int = 60,
) -> int:
    with scene.store.begin() as tx:
        place = _place_of(tx, scene.number(), now=scene.now)
        case = _case_of(tx, place, disposition, scene.now)
        return promise_of(
            tx, place, case, disposition, language=language,
            due_at=scene.now + due * MINUTE, not_before=scene.now, now=scene.now,
        )  # fmt: skip


def test_nobody_free_nobody_waiting(scene: Scene) -> None:
    assert callbacks.match(scene.rt) == 0
    waiting(scene)
    assert callbacks.match(scene.rt) == 0
    scene.staff(available=False)
    scene.staff(role="supervisor")
    assert callbacks.match(scene.rt) == 0
    assert scene.rows(tables.attempt) == []


def test_the_longest_idle_who_speaks_the_language(scene: Scene) -> None:
    scene.staff("Ana", languages=("en",), idle_since=scene.now - 90 * MINUTE)
    late = scene.staff("Bo", languages=("en", "es"), idle_since=scene.now - 10 * MINUTE)
    early = scene.staff("Cy", languages=("es",), idle_since=scene.now - 60 * MINUTE)
    made = waiting(scene, language="es")
    assert callbacks.match(scene.rt) == 1
    row = scene.only(tables.callback, id=made)
    assert (row["state"], row["specialist_id"]) == ("claimed", early.id)
    assert row["lease_until"] == scene.now + scene.rt.protocol.callbacks.lease
    scene.work()
    assert early.rings()
    assert not late.rings()


def test_a_language_nobody_speaks_blocks_nobody(scene: Scene) -> None:
    scene.staff()
    waiting(scene, Disposition.URGENT_15, language="es")
    made = waiting(scene, Disposition.ROUTINE)
    assert callbacks.match(scene.rt) == 1
    assert scene.only(tables.callback, state="claimed")["id"] == made


def test_as_many_as_are_free_the_most_urgent_first(scene: Scene) -> None:
    people = [scene.staff(str(index)) for index in range(2)]
    routine, quarter, hour = (
        waiting(scene, d)
        for d in (Disposition.ROUTINE, Disposition.URGENT_15, Disposition.URGENT_60)
    )
    assert callbacks.match(scene.rt) == 2
    assert callbacks.match(scene.rt) == 0
    states = {row["id"]: row["state"] for row in scene.rows(tables.callback)}
    assert states == {routine: "waiting", quarter: "claimed", hour: "claimed"}
    assert {row["staff_id"] for row in scene.rows(tables.attempt)} == {one.id for one in people}


def test_two_matchers_ring_once(scene: Scene) -> None:
    scene.staff()
    waiting(scene)
    assert sum(race(*[lambda: callbacks.match(scene.rt)] * 2)) <= 2
    scene.only(tables.attempt)


def test_many_matchers_many_callbacks_each_person_once(scene: Scene) -> None:
    for index in range(4):
        scene.staff(str(index))
        waiting(scene)
    waiting(scene)
    race(*[lambda: callbacks.match(scene.rt)] * 4)
    legs = scene.rows(tables.attempt)
    assert len({leg["staff_id"] for leg in legs}) == len(legs) == 4
    assert len({leg["callback_id"] for leg in legs}) == 4


def test_danger_is_never_offered_from_the_queue(scene: Scene) -> None:
    scene.staff()
    waiting(scene, Disposition.CRISIS_LIVE)
    waiting(scene, Disposition.EMERGENCY_NOW)
    assert callbacks.match(scene.rt) == 0


def test_a_specialist_who_goes_silent_loses_it_to_the_next(scene: Scene) -> None:
    ana, bo = scene.staff("Ana", idle_since=scene.now - MINUTE), scene.staff("Bo")
    made = waiting(scene)
    callbacks.match(scene.rt)
    scene.work()
    assert ana.rings()
    scene.clock.advance(59)
    assert deadlines.expire_leases(scene.rt) == 0
    scene.clock.advance(2)
    assert deadlines.expire_leases(scene.rt) == 1
    assert deadlines.expire_leases(scene.rt) == 0
    row = scene.only(tables.callback, id=made)
    assert (row["state"], row["specialist_id"], row["tries"]) == ("waiting", None, 0)
    scene.work()
    assert bo.rings()
    before = everything(scene.store)
    assert ana.presses("1")
    after = everything(scene.store)
    noted = after.pop("audit")[len(before.pop("audit")) :]
    assert before == after, "a key pressed after the lease changes nothing"
    assert [row["action"] for row in noted] == ["came too late"]


def test_a_lone_specialist_who_is_busy_gets_a_pause(scene: Scene) -> None:
    ana = scene.staff()
    waiting(scene)
    callbacks.match(scene.rt)
    scene.work()
    from helpline.service.calls import legs

    pause = scene.rt.protocol.callbacks.pass_pause
    legs.reported(scene.rt, ana.token, ana.leg["sid"], LegState.BUSY)
    assert scene.only(tables.callback)["not_before"] == scene.now + pause
    scene.work()
    scene.guard()
    scene.work()
    assert len(ana.rings()) == 1
    scene.passes(pause.total_seconds() + 1)
    assert len(ana.rings()) == 2


def test_late_is_told_once_and_sorts_higher(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor", available=False)
    made = waiting(scene, Disposition.SOON, due=1)
    assert deadlines.watch(scene.rt) == 0
    scene.clock.advance(61)
    assert sum(race(*[lambda: deadlines.watch(scene.rt)] * 2)) >= 1
    deadlines.watch(scene.rt)
    scene.work()
    assert len(boss.texts_got()) == 1
    assert scene.only(tables.case)["code"] in boss.texts_got()[0]
    assert scene.only(tables.callback, id=made)["rank"] == Disposition.URGENT_60
    with scene.store.read() as tx:
        found = promises.find(tx, made)
    assert found
    assert found.disposition is Disposition.SOON


def test_the_guard_looks_when_somebody_becomes_free(scene: Scene) -> None:
    waiting(scene)
    callbacks.look_if_ready(scene.rt)
    assert scene.rows(tables.outbox) == []
    ana = scene.staff()
    callbacks.look_if_ready(scene.rt)
    callbacks.look_if_ready(scene.rt)
    scene.only(tables.outbox, kind="match")
    scene.work()
    assert ana.rings()
