"""The guard's duties: one bad row or a hung carrier stops nothing else, lost legs are ended."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpline.domain.delivery import CallOrder, CarrierCall, LegState, TextOrder
from helpline.service import dispatch, escalation, reopening, silence
from helpline.service.calls import lost_legs
from helpline.store import people, tables
from tests.builders import Phone, Scene, StaffPhone, everything
from workers import guard
from workers.guard import TakeOver

CRISIS = "i want to kill myself"


def fails_once(real: Callable[..., Any]) -> Callable[..., Any]:
    """The first call fails, as one bad row would make it."""
    calls: list[object] = []

    def act(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise ValueError("one bad row")
        return real(*args, **more)

    return act


def until(what: Callable[[], bool]) -> None:
    """Wait for other threads, five seconds at most."""
    end = time.monotonic() + 5
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


# --- one bad row -------------------------------------------------------------------------


def test_one_bad_conversation_does_not_silence_the_others(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        quick.phone().texts("hi").expects_words("Harbor")
    with quick.store.begin() as tx:
        tx.connection.execute(tables.conversation.update().values(wake_at=quick.now))
    monkeypatch.setattr(silence, "wake", fails_once(silence.wake))
    with capture_logs() as logged:
        assert silence.wake_due(quick.rt) == 2
    assert [line["event"] for line in logged] == ["silence.failed"]
    waits = [row for row in quick.rows(tables.conversation) if row["wake_at"] == quick.now]
    assert [row["id"] for row in waits] == [logged[0]["conversation_id"]]
    assert silence.wake_due(quick.rt) == 1
    quick.work()
    for phone in quick.phones:
        phone.read = len(quick.carrier.texts_to(phone.number))


def test_one_bad_page_does_not_stop_the_other_ladders(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.staff()
    quick.staff(tier=2)
    for _ in range(2):
        quick.phone().texts(CRISIS, after=0).expects_words("988")
    quick.clock.advance(300)
    monkeypatch.setattr(escalation, "climb", fails_once(escalation.climb))
    with capture_logs() as logged:
        assert escalation.climb_due(quick.rt) == 1
    bad = logged[0]["page_id"]
    assert logged[0]["event"] == "climb.failed"
    assert quick.only(tables.page, id=bad)["step"] == 1
    escalation.climb_due(quick.rt)
    assert quick.only(tables.page, id=bad)["step"] > 1, "it comes back"


def test_one_bad_page_does_not_keep_the_others_closed(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.staff()
    for _ in range(2):
        quick.phone().texts(CRISIS, after=0).expects_words("988")
    with quick.store.begin() as tx:
        tx.connection.execute(
            tables.page.update().values(state="acknowledged", acknowledged_at=quick.now)
        )
    quick.clock.advance(hours=1)
    monkeypatch.setattr(escalation, "page", fails_once(escalation.page))
    with capture_logs() as logged:
        assert reopening.reopen_without_outcome(quick.rt) == 1
    assert logged[0]["event"] == "reopen.failed"
    failed = quick.only(tables.page, id=logged[0]["page_id"])
    assert failed["state"] == "acknowledged", "all of it was rolled back"
    assert reopening.reopen_without_outcome(quick.rt) == 1
    assert len([row for row in quick.rows(tables.page) if row["state"] == "open"]) == 2


# --- a hung carrier ----------------------------------------------------------------------


def test_a_hung_carrier_holds_up_neither_the_round_nor_the_other_threads(quick: Scene) -> None:
    crew = [quick.staff() for _ in range(10)]
    quick.phone().texts(CRISIS).expects_words("988")
    quick.clock.advance(1)
    carrier_hangs, first = threading.Event(), threading.Lock()

    def hang(_order: TextOrder | CallOrder) -> None:
        if first.acquire(blocking=False):
            carrier_hangs.wait(10)

    quick.carrier.during = hang
    take_over = TakeOver()
    try:
        take_over(quick.rt)
        assert escalation.climb_due(quick.rt) == 0, "and the ladder is free"
        until(lambda: len([r for r in quick.rows(tables.outbox) if r["state"] == "done"]) == 19)
        take_over(quick.rt)
    finally:
        carrier_hangs.set()
        take_over.close()
    assert [len(person.rings()) for person in crew] == [1] * 10
    assert [len(person.texts_got()) for person in crew] == [1] * 10


def test_what_waits_in_the_pool_is_not_handed_to_it_twice(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "AT_ONCE", 4)
    for _ in range(5):
        quick.staff()
    quick.phone().texts(CRISIS).expects_words("988")
    quick.clock.advance(1)
    free, started = threading.Event(), list[int]()

    def wait(_rt: object, outbox_id: int) -> bool:
        started.append(outbox_id)
        return free.wait(10)

    monkeypatch.setattr(dispatch, "take_over", wait)
    take_over = TakeOver()
    try:
        take_over(quick.rt)
        take_over(quick.rt)
        until(lambda: len(started) == guard.AT_ONCE)
        free.set()
        until(lambda: len(started) == 10)
    finally:
        free.set()
        take_over.close()
    assert len(set(started)) == len(started) == 10


def test_every_duty_has_a_thread_of_its_own_and_one_that_fails_stops_no_other(
    quick: Scene,
) -> None:
    stop, worked = threading.Event(), threading.Event()

    def broken(_rt: object) -> None:
        raise ValueError("a bug")

    duties = {"broken": (broken, 0.01), "sound": (lambda _rt: worked.set(), 0.01)}
    running = threading.Thread(target=guard._run, args=(quick.rt, stop, duties))
    with capture_logs() as logged:
        running.start()
        assert worked.wait(5)
        until(lambda: len(logged) > 1)
        stop.set()
        running.join(5)
    assert {line["component"] for line in logged} == {"broken"}
    assert {"ladder", "silence", "leases", "deadlines", "outcomes"} <= set(guard.DUTIES)


# --- lost legs ---------------------------------------------------------------------------


def rung(scene: Scene) -> tuple[StaffPhone, Phone]:
    """A specialist is rung for a callback."""
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    scene.work()
    assert ana.leg["state"] == "queued"
    caller.read = len(scene.carrier.texts_to(caller.number))
    return ana, caller


def carrier_says(scene: Scene, state: LegState) -> None:
    scene.carrier.log_calls = [
        CarrierCall(call.sid, call.to, call.sender, state, None) for call in scene.carrier.log_calls
    ]


def is_free(scene: Scene, person: StaffPhone) -> bool:
    with scene.store.read() as tx:
        return person.id in {found.id for found in people.list_free(tx)}


def test_a_leg_whose_last_receipt_was_lost_is_ended_as_the_carrier_says(scene: Scene) -> None:
    ana, _ = rung(scene)
    carrier_says(scene, LegState.BUSY)
    scene.clock.advance(60)
    assert lost_legs.close_lost_rings(scene.rt) == 0
    assert scene.carrier.looked_up == 0, "its receipt may still come"
    scene.clock.advance(75)
    assert not is_free(scene, ana)
    assert lost_legs.close_lost_rings(scene.rt) == 1
    assert scene.only(tables.attempt)["state"] == "busy"
    assert scene.only(tables.callback)["state"] == "waiting"
    assert is_free(scene, ana)
    assert lost_legs.close_lost_rings(scene.rt) == 0


def test_a_leg_that_the_carrier_does_not_know_has_failed(scene: Scene) -> None:
    ana, _ = rung(scene)
    scene.carrier.log_calls = []
    scene.clock.advance(135)
    assert lost_legs.close_lost_rings(scene.rt) == 1
    assert scene.only(tables.attempt)["state"] == "failed"
    assert is_free(scene, ana)


def test_a_leg_that_waits_at_the_carrier_fails_after_five_minutes(scene: Scene) -> None:
    rung(scene)
    carrier_says(scene, LegState.RINGING)
    scene.clock.advance(300)
    assert lost_legs.close_lost_rings(scene.rt) == 0
    scene.clock.advance(15)
    assert lost_legs.close_lost_rings(scene.rt) == 1
    assert scene.only(tables.attempt)["state"] == "failed"


def test_a_leg_that_talks_is_left_alone(scene: Scene) -> None:
    rung(scene)
    carrier_says(scene, LegState.ANSWERED)
    scene.clock.advance(3600)
    assert lost_legs.close_lost_rings(scene.rt) == 0
    assert scene.only(tables.attempt)["state"] == "queued"


def answered(scene: Scene) -> StaffPhone:
    """The specialist and the caller have picked up, and every later receipt is lost."""
    ana, caller = rung(scene)
    ana.presses("1")
    scene.work()
    caller.read = len(scene.carrier.texts_to(caller.number))
    with scene.store.begin() as tx:
        tx.connection.execute(
            tables.attempt.update().values(state="answered", answered_at=scene.now)
        )
    return ana


def test_a_talk_whose_end_was_never_told_keeps_nobody_from_being_rung(scene: Scene) -> None:
    ana = answered(scene)
    carrier_says(scene, LegState.COMPLETED)
    scene.clock.advance(minutes=2)
    assert lost_legs.close_lost_talks(scene.rt) == 0, "its receipt may still come"
    assert not is_free(scene, ana)
    scene.clock.advance(seconds=1)
    assert lost_legs.close_lost_talks(scene.rt) == 2
    assert {row["state"] for row in scene.rows(tables.attempt)} == {"completed"}
    assert lost_legs.close_lost_talks(scene.rt) == 0


def test_a_talk_that_goes_on_at_the_carrier_goes_on(scene: Scene) -> None:
    answered(scene)
    carrier_says(scene, LegState.ANSWERED)
    scene.clock.advance(hours=5)
    assert lost_legs.close_lost_talks(scene.rt) == 0
    assert {row["state"] for row in scene.rows(tables.attempt)} == {"answered"}


def test_a_talk_is_looked_up_also_after_a_night_without_the_line(scene: Scene) -> None:
    answered(scene)
    carrier_says(scene, LegState.COMPLETED)
    scene.clock.advance(hours=30)
    assert lost_legs.close_lost_talks(scene.rt) == 2


def test_an_unreadable_log_ends_no_leg(scene: Scene) -> None:
    rung(scene)
    scene.carrier.log_away = True
    scene.clock.advance(600)
    stored = everything(scene.store)
    assert lost_legs.close_lost_rings(scene.rt) == 0
    assert everything(scene.store) == stored


def test_one_bad_leg_does_not_keep_the_others_open(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung(quick)
    quick.phone().texts(CRISIS).expects_words("988")
    quick.work()
    count = len(quick.rows(tables.attempt))
    assert count > 1
    quick.carrier.log_calls = []
    quick.clock.advance(135)
    monkeypatch.setattr(people, "get", fails_once(people.get))
    with capture_logs() as logged:
        assert lost_legs.close_lost_rings(quick.rt) == count - 1
    assert [line["event"] for line in logged] == ["lost_leg.failed"]
