"""What `/ready` calls degraded, and what silences the outside watch."""

from datetime import timedelta

from helpline.service.upkeep import health
from helpline.store import journal, outbox
from tests.builders import Scene


def well(scene: Scene) -> Scene:
    """A line with nothing to complain of."""
    scene.staff(role="supervisor")
    with scene.store.begin() as tx:
        journal.beat(tx, "guard", scene.now)
        journal.sign(
            tx, by="N", role="R", covers=f"protocol@{scene.rt.protocol.hash}", now=scene.now
        )
    return scene


def names(scene: Scene) -> list[str]:
    return [name for name, _ in health.list_reasons(scene.rt)]


def test_a_line_that_is_well(scene: Scene) -> None:
    assert health.list_degraded(well(scene).rt) == []
    assert health.list_risks(scene.rt) == []


def test_a_new_line_says_everything_that_is_missing(quick: Scene) -> None:
    assert names(quick) == ["NoSupervisor", "NoStaff", "NotSignedOff", "GuardDead"]


def test_without_redis_the_line_says_so(quick: Scene) -> None:
    well(quick).bell.broken = True
    assert health.list_degraded(quick.rt) == [health.REASONS["RedisAway"]]


def test_work_that_waits_and_a_silent_guard(quick: Scene) -> None:
    with well(quick).store.begin() as tx:
        outbox.put(tx, key="m", kind="match", row_id=0, queue="callbacks", priority=1,
                   due_at=quick.now, now=quick.now)  # fmt: skip
    quick.clock.advance(5)
    assert names(quick) == []
    quick.clock.advance(1)
    assert names(quick) == ["OutboxOld"]
    quick.clock.advance(10)
    assert names(quick) == ["OutboxOld", "GuardDead"]
    assert health.is_guard_silent(quick.rt)


def test_what_the_spool_holds_is_told_with_its_count(quick: Scene) -> None:
    for text in ("one", "two"):
        well(quick).rt.spool.append(text)
    assert "2 requests wait in the spool" in health.list_degraded(quick.rt)[0]
    assert health.list_risks(quick.rt) == ["SpoolNotEmpty"]


def test_a_missing_sign_off_does_not_wake_the_outside_watch(quick: Scene) -> None:
    quick.staff(role="supervisor")
    with quick.store.begin() as tx:
        journal.beat(tx, "guard", quick.now)
    assert names(quick) == ["NotSignedOff"]
    assert health.list_risks(quick.rt) == []


def test_without_the_database_the_spool_decides(quick: Scene) -> None:
    assert health.can_spool(quick.rt)
    assert health.list_without_database(True) == [health.REASONS["DatabaseAway"]]
    assert health.list_without_database(False) == [health.REASONS["NothingKept"]]
    assert timedelta(seconds=15) == health.BEAT_LATE
