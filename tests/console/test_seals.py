"""The record of acts is sealed: whoever changes it later is found out."""

import pytest
from sqlalchemy import Executable, delete, insert, update

from helpline.service.staff import Desk
from helpline.service.upkeep import sealing
from helpline.service.upkeep.sealing import Sealer
from helpline.store import journal, seals
from helpline.store.tables import audit, seal
from tests.builders import Scene


def note(scene: Scene, count: int = 3) -> None:
    with scene.store.begin() as tx:
        for number in range(count):
            journal.note(tx, "did", "case", number, now=scene.now, actor="staff:1", code=number)


def desk(scene: Scene) -> Desk:
    return Desk(scene.store, scene.clock, frozenset())


def sealed(scene: Scene, rounds: int = 2) -> None:
    """Entries under several seals, and one too young for any."""
    for _ in range(rounds):
        guard = Sealer()
        note(scene)
        guard(scene.rt)
        scene.clock.advance(31)
        assert guard(scene.rt)
    note(scene, 1)


def test_what_nobody_touched_is_as_it_was(scene: Scene) -> None:
    sealed(scene)
    found = sealing.verify(desk(scene))
    assert (found.seals, found.entries, found.unsealed, found.broken_at) == (2, 6, 1, None)
    assert len(found.newest) == 64


def test_nothing_young_is_sealed(scene: Scene) -> None:
    guard = Sealer()
    note(scene)
    assert not guard(scene.rt)
    scene.clock.advance(10)
    assert not guard(scene.rt)
    assert scene.rows(seal) == []


def first(scene: Scene) -> int:
    return int(scene.rows(audit)[0]["id"])


@pytest.mark.parametrize(
    "how", ["changed", "removed", "slipped in", "seal changed", "seal removed"]
)
def test_every_change_shows(scene: Scene, how: str) -> None:
    sealed(scene)
    start = first(scene)
    row = {"at": scene.now, "actor": "staff:1", "action": "did", "subject": "case",
           "subject_id": 1, "detail": {}}  # fmt: skip
    one = audit.c.id == start + 1
    changes: dict[str, list[Executable]] = {
        "changed": [update(audit).where(one).values(actor="staff:9")],
        "removed": [delete(audit).where(one)],
        "slipped in": [delete(audit).where(one), insert(audit).values(id=start + 1, **row)],
        "seal changed": [update(seal).values(digest="0" * 64)],
        "seal removed": [delete(seal).where(seal.c.id == scene.rows(seal)[0]["id"])],
    }
    with scene.store.begin() as tx:
        for change in changes[how]:
            tx.connection.execute(change)
    assert sealing.verify(desk(scene)).broken_at is not None


def test_two_guards_seal_once(scene: Scene) -> None:
    note(scene)
    one, two = Sealer(), Sealer()
    one(scene.rt)
    two(scene.rt)
    scene.clock.advance(31)
    assert [one(scene.rt), two(scene.rt)] == [True, False]
    assert sealing.verify(desk(scene)).broken_at is None


def test_a_long_record_is_sealed_in_pieces(quick: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "BATCH", 2)
    note(quick, 5)
    guard = Sealer()
    guard(quick.rt)
    for _ in range(3):
        quick.clock.advance(31)
        guard(quick.rt)
    found = sealing.verify(desk(quick))
    assert (found.seals, found.entries) == (3, 5)
