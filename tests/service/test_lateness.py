"""What happens to each promise at 100 % of its time (CONTRACT 3, PROTOCOL 3.1), once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from helpline.domain.disposition import Disposition
from helpline.service import deadlines, escalation
from helpline.store import Store, conversations, tables
from tests.builders import LINE_NUMBER, Scene, case_of, place_of, promise_of, race

EMERGENCY, CRISIS = Disposition.EMERGENCY_NOW, Disposition.CRISIS_LIVE
URGENT_15, URGENT_60 = Disposition.URGENT_15, Disposition.URGENT_60
SOON, ROUTINE = Disposition.SOON, Disposition.ROUTINE


@dataclass(frozen=True)
class Late:
    """Sorted as, paged to supervisors, told to them by text, numbers offered to the caller."""

    disposition: Disposition
    rank: Disposition
    paged: bool
    told: bool
    offered: bool


TABLE = (
    Late(EMERGENCY, rank=EMERGENCY, paged=False, told=True, offered=False),
    Late(CRISIS, rank=CRISIS, paged=False, told=True, offered=False),
    Late(URGENT_15, rank=URGENT_15, paged=True, told=False, offered=True),
    Late(URGENT_60, rank=URGENT_15, paged=True, told=False, offered=False),
    Late(SOON, rank=URGENT_60, paged=False, told=True, offered=False),
    Late(ROUTINE, rank=SOON, paged=False, told=True, offered=False),
)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def promised(scene: Scene, disposition: Disposition) -> str:
    """A call that nobody can make before it is late; the caller's number."""
    number = scene.number()
    length = scene.rt.protocol.callbacks.by_disposition[disposition].deadline
    with scene.store.begin() as tx:
        place = place_of(tx, number, now=scene.now)
        promise_of(
            tx, place, case_of(tx, place, disposition, now=scene.now), disposition,
            due_at=scene.now + length, not_before=scene.now + timedelta(days=30), now=scene.now,
        )  # fmt: skip
    return number


def becomes_late(scene: Scene, disposition: Disposition) -> None:
    length = scene.rt.protocol.callbacks.by_disposition[disposition].deadline
    scene.clock.advance(length.total_seconds())
    assert deadlines.watch(scene.rt) == 0, "not before"
    scene.clock.advance(1)
    assert sum(race(*[lambda: deadlines.watch(scene.rt)] * 2)) == 1
    scene.work()


@pytest.mark.parametrize("late", TABLE, ids=lambda late: late.disposition.name)
def test_each_late_promise(scene: Scene, late: Late) -> None:
    ana, boss = scene.staff(), scene.staff("Boss", role="supervisor")
    number = promised(scene, late.disposition)
    becomes_late(scene, late.disposition)
    row = scene.only(tables.callback)
    assert (row["rank"], row["disposition"]) == (int(late.rank), int(late.disposition))
    kinds = [page["kind"] for page in scene.rows(tables.page)]
    assert kinds == ([int(late.disposition)] if late.paged else [])
    assert (bool(boss.rings()), bool(ana.rings())) == (late.paged, False)
    told = [text for text in boss.texts_got() if "late" in text and "Reply OK" not in text]
    assert bool(told) is late.told
    offered = [text for text in scene.carrier.texts_to(number) if "delayed" in text]
    assert bool(offered) is late.offered
    before = len(boss.texts_got())
    scene.passes(119, step=119)
    assert len(boss.texts_got()) == before, "once"


@pytest.mark.parametrize("disposition", [URGENT_60, URGENT_15])
def test_a_late_urgent_promise_is_paged_until_a_supervisor_acknowledges(
    scene: Scene, disposition: Disposition
) -> None:
    scene.staff()
    boss = scene.staff("Boss", role="supervisor")
    promised(scene, disposition)
    becomes_late(scene, disposition)
    for rings in (2, 3):
        scene.clock.advance(120)
        escalation.climb_due(scene.rt)
        scene.work()
        assert len(boss.rings()) == rings
    assert "is yours" in boss.texts("OK")[0]
    scene.clock.advance(120)
    assert escalation.climb_due(scene.rt) == 0


def test_a_late_promise_of_a_secret_caller_sends_them_nothing(scene: Scene) -> None:
    scene.staff("Boss", role="supervisor")
    number = promised(scene, URGENT_15)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, number, LINE_NUMBER)
        assert place is not None
        conversations.save(
            tx, place, '{"flags":["SAFE_CONTACT"]}', wake_at=None, heard_at=scene.now,
            whatsapp=False,
        )  # fmt: skip
    becomes_late(scene, URGENT_15)
    assert scene.only(tables.page)["kind"] == int(URGENT_15)
    assert scene.carrier.texts_to(number) == []
