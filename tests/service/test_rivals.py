"""Without Redis, without the database, with rivals: what is owed is done, and done once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.outage import DirectPage
from helpline.domain.phone import PhoneNumber
from helpline.domain.speech import Join
from helpline.service import dispatch
from helpline.service.outage import direct
from helpline.service.sending import tries
from helpline.store import Contended, Store, outbox, tables
from tests.builders import LINE_NUMBER, Scene
from tests.service.stories import promise, wants_a_person


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def test_call_backs_go_on_without_redis(scene: Scene) -> None:
    """No worker takes a ring: what is half a minute late is done by the guard in line."""
    ana = scene.staff()
    caller = wants_a_person(scene)
    scene.bell.broken = True
    scene.clock.advance(25)
    assert dispatch.carry_on_in_line(scene.rt) == 0
    scene.clock.advance(6)
    assert dispatch.carry_on_in_line(scene.rt)
    scene.clock.advance(31)
    assert dispatch.carry_on_in_line(scene.rt)
    assert len(ana.rings()) == 1
    scene.clock.advance(40)
    scene.guard()
    assert promise(scene)["state"] == "claimed", "the lease begins with the ring"
    assert isinstance(ana.presses("1")[-1], Join)
    scene.clock.advance(31)
    assert dispatch.carry_on_in_line(scene.rt)
    assert len(caller.rings()) == 1
    left = [row["queue"] for row in scene.rows(tables.outbox) if row["state"] == "new"]
    assert "callbacks" not in left


def test_the_guard_takes_only_some_in_one_round(scene: Scene) -> None:
    with scene.store.begin() as tx:
        for number in range(30):
            outbox.put(
                tx, key=f"match-{number}", kind="match", row_id=0, queue="callbacks",
                priority=outbox.URGENT, due_at=scene.now, now=scene.now,
            )  # fmt: skip
    scene.clock.advance(31)
    assert dispatch.carry_on_in_line(scene.rt) == 20
    assert dispatch.carry_on_in_line(scene.rt) == 10


def test_what_the_carrier_said_of_a_ring_survives_a_rival(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = scene.staff()
    wants_a_person(scene)
    settle, rivals = tries.settle, iter([1, 2])

    def contended(*args: object) -> object:
        if next(rivals, None):
            raise Contended("a rival has the row")
        return settle(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(tries, "settle", contended)
    scene.work()
    assert len(ana.rings()) == 1
    assert ana.leg["sid"]
    assert ana.leg["state"] == LegState.QUEUED


def test_pages_without_the_database_leave_from_the_numbers_for_staff(scene: Scene) -> None:
    crisis = (PhoneNumber("+12025550120"), PhoneNumber("+12025550121"))
    rt = replace(scene.rt, line=replace(scene.rt.line, crisis_numbers=crisis))
    ana = scene.staff()
    direct.remember_on_call(rt)
    direct.open_page(
        rt,
        DirectPage(
            key="a1b2",
            caller="+12025560199",
            line=LINE_NUMBER,
            reason="danger",
            whatsapp=False,
            language="en",
            country="US",
            kind=Disposition.CRISIS_LIVE,
            ring_caller=True,
            opened_at=scene.now,
            next_at=scene.now,
        ),
    )
    assert direct.climb_due(rt) == 1
    assert {order.sender for order in ana.rings()} <= set(crisis)
    texts = [order for order in scene.carrier.texts if order.to.e164 == ana.number]
    assert {order.sender for order in texts} <= set(crisis)
    assert ana.rings()
    assert texts
