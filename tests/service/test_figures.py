"""The figures of /metrics, read from rows that a story left."""

from datetime import timedelta

import pytest

from helpline.domain.delivery import Refused, TryLater
from helpline.domain.disposition import Disposition
from helpline.runtime import BellBroken
from helpline.service import dispatch
from helpline.service.upkeep import figures
from helpline.store import journal, outbox, pages
from helpline.store import tables as t
from tests.builders import Scene, case_of, place_of, promise_of, rows, staff_of
from tests.fakes import AFTERNOON

SECOND = timedelta(seconds=1)


def read(scene: Scene) -> dict[str, dict[tuple[str, ...], float]]:
    return {figure.name: dict(figure.values) for figure in figures.from_rows(scene.rt)}


def page_of(scene: Scene, number: str, *, age: float, sent: float | None, taken: float | None,
            by: int | None = None) -> None:  # fmt: skip
    """A page whose danger was `age` seconds ago, sent and acknowledged so long after it."""
    opened_at = scene.now - age * SECOND
    with scene.store.begin() as tx:
        place = place_of(tx, number)
        page_id = pages.open_page(
            tx,
            case_id=case_of(tx, place, Disposition.CRISIS_LIVE).id,
            kind=Disposition.CRISIS_LIVE,
            reason="test",
            ring_caller=True,
            next_at=opened_at,
            now=opened_at,
        )
        assert page_id is not None
        if sent is not None:
            pages.mark_sent(tx, page_id, opened_at + sent * SECOND)
        if taken is not None and by is not None:
            pages.acknowledge(tx, page_id, by, opened_at + taken * SECOND)


def test_a_quiet_line(scene: Scene) -> None:
    found = read(scene)
    assert found["page_oldest_seconds"] == {(): 0.0}
    assert found["pages_open"] == {
        ("under_60s",): 0.0, ("under_180s",): 0.0, ("over_180s",): 0.0,
    }  # fmt: skip
    assert found["outbox_waiting"] == {("crisis",): 0.0, ("callbacks",): 0.0, ("default",): 0.0}
    assert found["page_seconds"] == {}
    assert found["staff"][("supervisor", "available")] == 0.0


def test_danger_to_page_and_page_to_human_by_tier(scene: Scene) -> None:
    with scene.store.begin() as tx:
        first = staff_of(tx, "+12025569001")
        boss = staff_of(tx, "+12025569002", role="supervisor")
    page_of(scene, "+12025560001", age=100, sent=0.2, taken=30, by=first)
    page_of(scene, "+12025560002", age=200, sent=1.5, taken=150, by=boss)
    page_of(scene, "+12025560003", age=190, sent=0.3, taken=None)
    page_of(scene, "+12025560004", age=7300, sent=9.0, taken=20, by=first)
    found = read(scene)
    assert found["page_seconds"] == {("p50",): 0.3, ("p99",): 1.5, ("max",): 1.5}
    assert found["pages_sent"] == {(): 3.0}
    assert found["pages_slow"] == {(): 1.0}
    assert found["page_acknowledged_seconds"][("tier1", "max")] == 30.0
    assert found["page_acknowledged_seconds"][("supervisor", "p50")] == 150.0
    assert found["pages_acknowledged"] == {("tier1",): 1.0, ("supervisor",): 1.0}
    assert found["pages_open"][("over_180s",)] == 1.0
    assert found["page_oldest_seconds"] == {(): 190.0}


def test_the_wait_for_a_callback_counts_from_the_asking(scene: Scene) -> None:
    with scene.store.begin() as tx:
        place = place_of(tx, "+12025560001")
        done = promise_of(tx, place, disposition=Disposition.URGENT_60)
        case_id = case_of(tx, place).id
        for seconds, result in ((40, "not reached"), (300, "connected"), (400, "connected")):
            tx.connection.execute(
                t.attempt.insert().values(
                    token=f"leg{seconds}", leg="caller", case_id=case_id, callback_id=done,
                    state="completed", result=result, created_at=AFTERNOON,
                    answered_at=AFTERNOON + seconds * SECOND,
                )
            )  # fmt: skip
        tx.connection.execute(t.callback.update().values(state="done"))
        promise_of(
            tx, place_of(tx, "+12025560002"), disposition=Disposition.SOON,
            due_at=AFTERNOON + 100 * SECOND,
        )  # fmt: skip
    scene.clock.advance(500)
    found = read(scene)
    assert found["callback_wait_seconds"][("URGENT_60", "max")] == 300.0
    assert found["callbacks_connected"] == {("URGENT_60",): 1.0}
    assert found["callbacks_waiting"][("SOON",)] == 1.0
    assert found["callback_oldest_seconds"][("SOON",)] == 500.0
    assert found["callback_late_seconds"][("SOON",)] == 400.0
    assert found["callback_late_seconds"][("URGENT_60",)] == 0.0
    scene.clock.advance(3600)
    assert read(scene)["callbacks_connected"] == {}


def test_what_waits_and_what_the_carrier_said(scene: Scene) -> None:
    ana = scene.staff()
    phone = scene.phone()
    phone.texts("I want to kill myself", after=0)
    phone.unread_answers = False
    scene.clock.advance(7)
    waiting = read(scene)
    assert waiting["outbox_waiting"][("crisis",)] >= 2.0
    assert waiting["outbox_oldest_seconds"][("crisis",)] == 7.0
    scene.carrier.text_script.append(Refused(21610, "opted out"))
    scene.carrier.call_script.append(TryLater(60 * SECOND, 503, "away"))
    for row in sorted(rows(scene.store, t.outbox), key=lambda row: row["id"]):
        if row["queue"] == "crisis":
            dispatch.take_over(scene.rt, row["id"])
    found = read(scene)
    assert found["carrier_requests"][("text", "refused", "21xxx")] == 1.0
    assert found["carrier_retrying"] == {("leg", "5xx"): 1.0}
    assert found["guard_takeovers"] == {(): 2.0}
    assert found["staff_opted_out"] == {(): 1.0}
    assert len(ana.rings()) == 1
    phone.read = len(scene.carrier.texts_to(phone.number))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("21610 opted out", "21xxx"),
        ("30006 landline", "30xxx"),
        ("429 slow down", "429"),
        ("500 broken", "5xx"),
        ("0 log unreadable", "none"),
        ("gave up: time-out", "none"),
        ("canceled", "none"),
        (None, "none"),
    ],
)
def test_codes_are_told_by_class(error: str | None, code: str) -> None:
    assert figures._code_class(error) == code


def test_signs_of_life_and_staff(scene: Scene) -> None:
    scene.staff()
    scene.staff("Ben", available=False)
    with scene.store.begin() as tx:
        journal.beat(tx, "guard", scene.now - 20 * SECOND)
    found = read(scene)
    assert found["heartbeat_seconds"] == {("guard",): 20.0}
    assert found["staff"][("specialist", "available")] == 1.0
    assert found["staff"][("specialist", "away")] == 1.0


def test_queues_and_spool(quick: Scene) -> None:
    assert next(iter(figures.from_bell(quick.rt))).values[("crisis",)] == 0.0
    quick.bell.broken = True
    with pytest.raises(BellBroken):
        figures.from_bell(quick.rt)
    quick.rt.spool.append("a record")
    found = {figure.name: figure.values[()] for figure in figures.from_spool(quick.rt)}
    assert found == {"spool_waiting": 1.0, "spool_aside": 0.0, "spool_unreadable": 0.0}
    skew = figures.clock_skew(quick.rt, quick.now - 3 * SECOND)
    assert skew.values == {(): 3.0}


def test_queues_are_those_of_the_bell() -> None:
    from helpline import bell

    assert figures.QUEUES == bell.QUEUES


def test_quantiles_by_nearest_rank() -> None:
    assert figures.quantiles([]) == {}
    assert figures.quantiles([3.0]) == {"p50": 3.0, "p99": 3.0, "max": 3.0}
    hundred = [float(n) for n in range(1, 101)]
    assert figures.quantiles(hundred) == {"p50": 50.0, "p99": 99.0, "max": 100.0}


def test_an_effect_that_waits_for_its_time_is_not_late(scene: Scene) -> None:
    with scene.store.begin() as tx:
        outbox.put(
            tx, key="later", kind="match", row_id=0, queue="callbacks", priority=1,
            due_at=scene.now + 60 * SECOND, now=scene.now,
        )  # fmt: skip
    assert read(scene)["outbox_waiting"][("callbacks",)] == 0.0
