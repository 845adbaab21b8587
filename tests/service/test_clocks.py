"""Clocks: warned, late, one case per caller, no storm on one telephone, nothing without a clock."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.service import deadlines, escalation
from helpline.service.upkeep import invariants, pulse
from helpline.store import Store, Transaction, cases, conversations, people, tables
from tests.builders import (
    VOICE_NUMBER,
    Phone,
    Scene,
    case_of,
    place_of,
    promise_of,
    race,
    report,
)

CRISIS = "i want to kill myself"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def danger(scene: Scene) -> Phone:
    caller = scene.phone()
    caller.texts(CRISIS, after=0)
    caller.unread_answers = False
    return caller


def promised(scene: Scene, disposition: Disposition, **more: Any) -> int:
    """A promised call, due as `callbacks.yaml` says, warned of as it says."""
    rules = scene.rt.protocol.callbacks
    length = rules.by_disposition[disposition].deadline
    with scene.store.begin() as tx:
        place = place_of(tx, scene.number(), now=scene.now)
        case = case_of(tx, place, disposition, now=scene.now)
        values: dict[str, Any] = {
            "due_at": scene.now + length,
            "warn_at": scene.now + length * rules.warn_share,
            "not_before": scene.now,
            "now": scene.now,
        }
        return promise_of(tx, place, case, disposition, **(values | more))


# --- many callers at once ------------------------------------------------------------------


def test_many_dangers_at_once_ring_a_telephone_once_and_text_it_for_each(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    callers = [scene.phone() for _ in range(6)]
    race(*[lambda caller=caller: caller.texts(CRISIS, after=0) for caller in callers])
    scene.work()
    assert (len(one.rings()), len(one.texts_got())) == (1, 6)
    assert not two.rings()
    scene.clock.advance(60)
    escalation.climb_due(scene.rt)
    scene.work()
    assert (len(two.rings()), len(two.texts_got())) == (1, 6), "every ladder climbs"


def test_whoever_takes_one_page_leaves_the_others_climbing(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    for _ in range(2):
        danger(scene)
    scene.work()
    report(scene, one.rings()[0], LegState.RINGING, LegState.ANSWERED)
    one.presses("1")
    scene.work()
    assert sorted(row["state"] for row in scene.rows(tables.page)) == ["acknowledged", "open"]
    scene.passes(60, step=60)
    assert len(two.rings()) == 1
    scene.passes(120, step=60)
    assert len(one.rings()) == 1, "nobody who talks to a caller is rung"


def test_a_lost_receipt_does_not_keep_a_telephone_silent(scene: Scene) -> None:
    one = scene.staff("One")
    danger(scene)
    scene.work()
    assert len(one.rings()) == 1
    scene.clock.advance(51)
    danger(scene)
    scene.work()
    assert len(one.rings()) == 2


def test_a_page_that_was_taken_is_not_rung_again(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two")
    danger(scene)
    one_code = scene.only(tables.case)["code"]
    one.texts(f"OK {one_code}")
    scene.work()
    assert len(one.rings()) >= 1
    assert two.rings() == [], "checked again just before it was sent"


# --- one case per caller -------------------------------------------------------------------


def test_a_caller_on_two_of_our_lines_is_one_case_and_one_page(scene: Scene) -> None:
    one, caller = scene.staff(), danger(scene)
    caller.line = VOICE_NUMBER
    caller.texts("i am going to do it now", after=1).unread_answers = False
    scene.work()
    assert len(scene.rows(tables.conversation)) == 2
    only = scene.only(tables.case)
    assert scene.only(tables.page)["case_id"] == only["id"]
    assert len(one.rings()) == 1
    newest = scene.rows(tables.conversation)[-1]
    assert only["conversation_id"] == newest["id"], "what is said goes where they wrote last"


def test_two_lines_at_the_same_moment_are_one_case(scene: Scene) -> None:
    scene.staff()
    first, second = scene.phone(), scene.phone()
    second.number, second.line = first.number, VOICE_NUMBER
    race(
        lambda: first.texts(CRISIS, after=0, sid="SM" + "a" * 32),
        lambda: second.texts(CRISIS, after=0, sid="SM" + "b" * 32),
    )
    assert len(scene.rows(tables.case)) == len(scene.rows(tables.page)) == 1
    assert len(scene.rows(tables.callback)) == 1


def test_whoever_holds_the_caller_is_seen_from_both_lines(scene: Scene) -> None:
    ana, caller = scene.staff(), danger(scene)
    with scene.store.begin() as tx:
        cases.hold(tx, scene.only(tables.case)["id"], ana.id, scene.now)
    caller.line = VOICE_NUMBER
    caller.texts("hello, are you there").unread_answers = False
    with scene.store.read() as tx:
        place = conversations.find(tx, caller.number, VOICE_NUMBER)
    assert place.holder_id == ana.id


def test_a_secret_told_to_one_line_is_kept_on_the_other(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    caller.texts("hi").unread_answers = False
    progress = caller.progress
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        progress.flags.append("SAFE_CONTACT")
        conversations.save(
            tx, place, progress.to_json(), wake_at=None, heard_at=scene.now, whatsapp=False
        )
    caller.line = VOICE_NUMBER
    caller.texts("person").unread_answers = False
    scene.passes(300)
    assert scene.only(tables.callback)["not_before"].year == 9999
    assert caller.rings() == []


# --- a lock that is waited for -------------------------------------------------------------


def test_whoever_waited_for_the_lock_sees_what_the_rival_wrote(scene: Scene) -> None:
    ana, _ = scene.staff(), danger(scene)
    case_id = scene.only(tables.case)["id"]
    place_id = scene.only(tables.conversation)["id"]
    seen: list[int | None] = []

    def waits() -> None:
        with scene.store.begin() as tx:
            seen.append(conversations.lock_by_id(tx, place_id).holder_id)

    with scene.store.begin() as tx:
        conversations.lock_by_id(tx, place_id)
        cases.hold(tx, case_id, ana.id, scene.now)
        waiting = _in_thread(waits)
        _until_it_waits(scene, waiting)
    waiting.join(10)
    assert seen == [ana.id]


def _in_thread(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def _until_it_waits(scene: Scene, thread: threading.Thread) -> None:
    """On PostgreSQL the rival is seen to wait for a lock; SQLite waits at BEGIN."""
    if scene.store.engine.dialect.name == "sqlite":
        return
    for _ in range(500):
        with scene.store.read() as tx:
            waits = tx.connection.exec_driver_sql(
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
            ).scalar_one()
        if waits:
            return
        thread.join(0.01)
    raise AssertionError("it never waited")


# --- nearly late, late ---------------------------------------------------------------------


def test_at_70_percent_the_free_and_the_supervisor_are_told_once(scene: Scene) -> None:
    ana, boss = scene.staff(), scene.staff("Boss", role="supervisor")
    promised(scene, Disposition.URGENT_60, not_before=scene.now + timedelta(hours=2))
    scene.clock.advance(41 * 60)
    assert deadlines.warn_early(scene.rt) == 0
    scene.clock.advance(2 * 60)
    assert sum(race(*[lambda: deadlines.warn_early(scene.rt)] * 3)) == 1
    scene.work()
    assert ["due soon" in text for text in (*ana.texts_got(), *boss.texts_got())] == [True, True]


def test_a_late_promise_of_15_minutes_pages_supervisors_until_one_acknowledges(
    scene: Scene,
) -> None:
    ana, boss = scene.staff(available=False), scene.staff("Boss", role="supervisor")
    promised(scene, Disposition.URGENT_15)
    scene.clock.advance(899)
    assert deadlines.watch(scene.rt) == 0
    scene.clock.advance(2)
    deadlines.watch(scene.rt)
    scene.work()
    page = scene.only(tables.page)
    assert (page["kind"], page["state"]) == (int(Disposition.URGENT_15), "open")
    assert len(boss.rings()) == 1
    for again in (2, 3):
        scene.clock.advance(120)
        escalation.climb_due(scene.rt)
        scene.work()
        assert len(boss.rings()) == again
    assert not ana.rings(), "not for everybody: it is no danger"
    assert scene.only(tables.page)["kind"] == int(Disposition.URGENT_15)
    assert scene.only(tables.callback)["disposition"] == int(Disposition.URGENT_15)
    assert "is yours" in boss.texts("OK")[0]
    rung = len(boss.rings())
    scene.clock.advance(120)
    assert escalation.climb_due(scene.rt) == 0
    assert len(boss.rings()) == rung


def test_dangers_close_together_ring_one_handset_one_after_the_other(scene: Scene) -> None:
    ana = scene.staff()
    danger(scene), danger(scene)
    scene.work()
    assert len(ana.rings()) == 1, "not a storm"
    report(scene, ana.rings()[0], LegState.RINGING, LegState.NO_ANSWER)
    scene.work()
    first, second = (scene.only(tables.attempt, token=order.token) for order in ana.rings())
    assert first["page_id"] != second["page_id"], "and none is never rung"
    report(scene, ana.rings()[1], LegState.RINGING, LegState.NO_ANSWER)
    scene.work()
    assert len(ana.rings()) == 2, "the ladder's own repeats come in their time"


def test_danger_after_a_late_promise_climbs_the_ladder_from_its_foot(scene: Scene) -> None:
    ana, boss = scene.staff(), scene.staff("Boss", role="supervisor")
    caller = scene.phone()
    caller.texts("hi").unread_answers = False
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        case = case_of(tx, place, Disposition.URGENT_15)
        escalation.page_supervisor(
            scene.rt, tx, case, Disposition.URGENT_15, "late", scene.now, ring_caller=True
        )
    scene.work()
    assert (len(ana.rings()), len(boss.rings())) == (0, 1)
    caller.texts(CRISIS).unread_answers = False
    scene.work()
    assert len(ana.rings()) == 1
    assert scene.only(tables.page)["kind"] == int(Disposition.CRISIS_LIVE)


def test_one_bad_promise_keeps_no_other_from_being_late(
    quick: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (promised(quick, Disposition.URGENT_60) for _ in range(2))
    quick.clock.advance(3601)
    real = cases.get
    bad_case = quick.only(tables.callback, id=bad)["case_id"]

    def get(tx: Transaction, case_id: int) -> cases.Case:
        if case_id == bad_case:
            raise ValueError("one bad row")
        return real(tx, case_id)

    monkeypatch.setattr(cases, "get", get)
    with capture_logs() as logged:
        assert deadlines.watch(quick.rt) == 1
    assert [line["event"] for line in logged] == ["deadline.failed"]
    assert quick.only(tables.callback, id=good)["late_at"]
    assert quick.only(tables.callback, id=bad)["late_at"] is None, "and it comes back"


# --- a restart in mid-climb ----------------------------------------------------------------


def test_a_guard_that_was_away_goes_on_at_the_right_second(scene: Scene) -> None:
    one, two, boss = scene.staff(), scene.staff(tier=2), scene.staff("Boss", role="supervisor")
    danger(scene)
    scene.work()
    scene.clock.advance(90)
    escalation.climb_due(scene.rt)
    scene.work()
    assert [len(p.rings()) for p in (one, two, boss)] == [1, 1, 0]
    scene.clock.advance(29)
    assert escalation.climb_due(scene.rt) == 0
    scene.clock.advance(1)
    escalation.climb_due(scene.rt)
    scene.work()
    assert [len(p.rings()) for p in (one, two, boss)] == [1, 1, 1], "120 s after the danger"


# --- invariants ----------------------------------------------------------------------------


def test_all_is_well_on_a_quiet_line_and_after_danger(scene: Scene) -> None:
    assert set(invariants.list_broken(scene.rt).values()) == {0}
    scene.staff()
    danger(scene)
    scene.work()
    scene.clock.advance(6)
    assert set(invariants.list_broken(scene.rt).values()) == {0}


def test_what_is_broken_is_counted(scene: Scene) -> None:
    scene.staff()
    danger(scene)
    scene.clock.advance(6)
    found = invariants.list_broken(scene.rt)
    assert found["outbox_unsent"] == len(scene.rows(tables.outbox)) > 1
    assert found["page_unsent"] == 1
    with scene.store.begin() as tx:
        tx.connection.execute(
            tables.outbox.update().values(state="claimed", claimed_until=scene.now)
        )
        tx.connection.execute(
            tables.attempt.update().values(state="unknown", deadline_at=scene.now)
        )
        tx.connection.execute(tables.conversation.update().values(heard_at=scene.now - DAY))
    scene.clock.advance(61)
    found = invariants.list_broken(scene.rt)
    assert found["outbox_past_lease"] == len(scene.rows(tables.outbox))
    assert found["attempt_in_doubt"] == 1
    assert found["inbound_unread"] == 1


def test_clocks_of_processes_that_differ_a_little_are_no_unread_text(scene: Scene) -> None:
    """Two texts at once in two processes: the one that came first may have the later date."""
    danger(scene)
    quick = scene.now - timedelta(milliseconds=3)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.conversation.update().values(heard_at=quick))
    assert invariants.list_broken(scene.rt)["inbound_unread"] == 0


DAY = timedelta(days=1)


def test_an_urgent_case_without_a_clock_is_given_to_a_human(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor")
    callback_id = promised(scene, Disposition.URGENT_60)
    assert invariants.list_broken(scene.rt)["case_without_clock"] == 0
    with scene.store.begin() as tx:
        tx.connection.execute(
            tables.callback.update()
            .where(tables.callback.c.id == callback_id)
            .values(state="exhausted")
        )
    assert invariants.list_broken(scene.rt)["case_without_clock"] == 1
    assert sum(race(*[lambda: invariants.repair(scene.rt)] * 2)) == 1
    assert invariants.list_broken(scene.rt)["case_without_clock"] == 0
    scene.work()
    assert len(boss.rings()) == 1


def test_an_open_page_without_a_next_step_climbs_again(scene: Scene) -> None:
    scene.staff()
    danger(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(next_at=None))
    scene.work()
    scene.clock.advance(120)
    assert escalation.climb_due(scene.rt) == 0
    assert invariants.repair(scene.rt) == 1
    assert escalation.climb_due(scene.rt) == 1


def test_a_leg_lost_while_it_was_asked_for_is_in_doubt(scene: Scene) -> None:
    scene.staff()
    danger(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(
            tables.attempt.update().values(state="sending", deadline_at=scene.now)
        )
    scene.clock.advance(1)
    assert invariants.list_broken(scene.rt)["attempt_stuck_sending"] == 1
    assert invariants.repair(scene.rt) == 1
    assert scene.only(tables.attempt)["state"] == "unknown"


# --- signs of life -------------------------------------------------------------------------


def test_a_silent_kind_of_process_is_told_of_once_and_hourly(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor")
    pulse.beat(scene.rt, "crisis", "crisis-1")
    pulse.beat(scene.rt, "crisis", "crisis-2")
    pulse.beat(scene.rt, "guard", "guard-1")
    scene.clock.advance(20)
    pulse.beat(scene.rt, "crisis", "crisis-2")
    pulse.beat(scene.rt, "guard", "guard-1")
    scene.clock.advance(29)
    assert pulse.watch(scene.rt) == 0, "one of two is alive"
    pulse.beat(scene.rt, "guard", "guard-1")
    scene.clock.advance(2)
    assert pulse.list_silent(scene.rt) == ["crisis"]
    assert sum(race(*[lambda: pulse.watch(scene.rt)] * 3)) == 1
    scene.work()
    assert ["crisis worker" in text for text in boss.texts_got()] == [True]
    scene.clock.advance(3599)
    pulse.beat(scene.rt, "guard", "guard-1")
    assert pulse.watch(scene.rt) == 0
    scene.clock.advance(1)
    assert pulse.watch(scene.rt) == 1
    pulse.beat(scene.rt, "crisis", "crisis-3")
    assert pulse.watch(scene.rt) == 0
    scene.clock.advance(31)
    pulse.beat(scene.rt, "guard", "guard-1")
    assert pulse.watch(scene.rt) == 1, "a new outage is told of at once"


def test_a_worker_notices_a_dead_guard_and_rings_for_the_alarm(scene: Scene) -> None:
    scene.staff("Boss", role="supervisor")
    pulse.beat(scene.rt, "guard", "guard-1")
    scene.clock.advance(31)
    pulse.show_life(scene.rt, "crisis", "crisis-1")
    assert [queue for queue, _ in scene.bell.hinted] == ["crisis"]
    assert "guard" in scene.only(tables.message)["body"]


# --- check, then insert --------------------------------------------------------------------


def test_two_pages_of_one_case_at_once_are_one(scene: Scene) -> None:
    scene.staff()
    with scene.store.begin() as tx:
        case = case_of(tx, place_of(tx), Disposition.CRISIS_LIVE)

    def page_it() -> None:
        with scene.store.begin() as tx:
            escalation.page(scene.rt, tx, case, Disposition.CRISIS_LIVE, "words", True, scene.now)

    race(*[page_it] * 4)
    assert len(scene.rows(tables.page)) == 1


def test_the_same_person_added_twice_at_once_is_one(scene: Scene) -> None:
    def add() -> int:
        with scene.store.begin() as tx:
            return people.add(
                tx,
                name="Ana",
                phone=PhoneNumber("+12025550111"),
                role="specialist",
                languages=("en",),
                tier=1,
                now=scene.now,
            )

    assert len(set(race(*[add] * 4))) == 1
    assert len(scene.rows(tables.staff)) == 1
