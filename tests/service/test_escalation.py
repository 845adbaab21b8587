"""Paged until a human acknowledges: the ladder, one winner, and nothing endless but the page."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from helpline.domain.delivery import LegState, TryLater
from helpline.domain.speech import HangUp, Join, Say
from helpline.service import escalation, reopening
from helpline.service.calls import page_leg
from helpline.store import Store, cases, outbox, tables
from tests.builders import Phone, Scene, StaffPhone, everything, race, report

CRISIS = "i want to kill myself"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def danger(scene: Scene, body: str = CRISIS) -> Phone:
    caller = scene.phone()
    caller.texts(body, after=0)
    caller.unread_answers = False
    scene.work()
    return caller


def page(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.page)[-1]


def rung(*people: StaffPhone) -> list[int]:
    return [len(person.rings()) for person in people]


def crew(scene: Scene) -> tuple[StaffPhone, StaffPhone, StaffPhone]:
    return scene.staff("One"), scene.staff("Two", tier=2), scene.staff("Boss", role="supervisor")


def tells_the_caller(scene: Scene, caller: Phone) -> list[str]:
    return [text for text in scene.carrier.texts_to(caller.number) if "delayed" in text]


def test_the_ladder_climbs_at_60_120_180_and_then_every_120(scene: Scene) -> None:
    one, two, boss = crew(scene)
    caller = danger(scene)
    assert rung(one, two, boss) == [1, 0, 0]
    seen: dict[int, tuple[int, ...]] = {}
    for second in range(1, 431):
        scene.clock.advance(1)
        escalation.climb_due(scene.rt)
        scene.work()
        now = tuple(rung(one, two, boss))
        if second == 1 or now != seen[max(seen)]:
            seen[second] = now
    assert seen == {
        1: (1, 0, 0),
        60: (1, 1, 0),
        120: (1, 1, 1),
        180: (2, 2, 2),
        300: (3, 3, 3),
        420: (4, 4, 4),
    }
    assert [len(person.texts_got()) for person in (one, two, boss)] == [4, 4, 4]
    assert len(tells_the_caller(scene, caller)) == 1


def test_the_caller_is_told_the_truth_at_120_once(scene: Scene) -> None:
    crew(scene)
    caller = danger(scene)
    scene.passes(119, step=7)
    assert tells_the_caller(scene, caller) == []
    scene.passes(2, step=1)
    told = tells_the_caller(scene, caller)
    assert len(told) == 1
    assert "988" in told[0] or "911" in told[0]


def test_tiers_with_nobody_are_skipped_at_once(scene: Scene) -> None:
    scene.staff("Away", available=False)
    two = scene.staff("Two", tier=2)
    danger(scene)
    assert len(two.rings()) == 1


def test_with_nobody_but_an_away_supervisor_she_is_paged_at_once(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor", available=False)
    caller = danger(scene)
    assert len(boss.rings()) == 1
    told = scene.carrier.texts_to(caller.number)
    assert len(told) == 1
    assert "988" in told[0]


def test_with_nobody_at_all_the_page_stays_open_and_whoever_comes_is_paged(scene: Scene) -> None:
    danger(scene)
    assert page(scene)["state"] == "open"
    scene.passes(300)
    late = scene.staff("Late")
    scene.passes(130)
    assert late.rings()


def test_two_guards_climb_once(scene: Scene) -> None:
    _, two, _ = crew(scene)
    danger(scene)
    scene.clock.advance(60)
    race(*[lambda: escalation.climb_due(scene.rt)] * 3)
    scene.work()
    assert len(two.rings()) == len(two.texts_got()) == 1


def test_a_busy_phone_takes_the_next_step_at_once(scene: Scene) -> None:
    one, two, _ = crew(scene)
    danger(scene)
    report(scene, one.rings()[0], LegState.BUSY)
    scene.guard()
    scene.work()
    assert len(two.rings()) == 1


def test_busy_phones_at_the_end_of_the_ladder_do_not_page_in_a_circle(scene: Scene) -> None:
    """Every 120 seconds, not as fast as a busy tone comes back."""
    boss = scene.staff("Boss", role="supervisor")
    danger(scene)
    for _ in range(20):
        if boss.leg["state"] != "busy":
            report(scene, boss.rings()[-1], LegState.BUSY)
        scene.clock.advance(1)
        scene.guard()
        scene.work()
    assert len(boss.texts_got()) <= 3, "paged again and again within seconds"


def test_the_one_who_is_in_danger_is_not_paged_about_it(scene: Scene) -> None:
    ana, bo = scene.staff("Ana"), scene.staff("Bo")
    ana.texts(CRISIS)
    scene.work()
    scene.passes(400)
    assert bo.rings()
    assert not ana.rings()


# --- acknowledging --------------------------------------------------------------------


def test_one_acknowledges_and_is_joined_to_the_caller(scene: Scene) -> None:
    one, two, _ = crew(scene)
    caller = danger(scene)
    steps = one.presses("1")
    assert isinstance(steps[-1], Join)
    again = one.presses("1")
    assert again == steps
    scene.work()
    assert len(caller.rings()) == 1
    rung = scene.only(tables.outbox, kind="leg", row_id=caller.leg["id"])
    assert rung["priority"] == outbox.CRISIS
    row = page(scene)
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", one.id)
    assert scene.only(tables.case)["holder_id"] == one.id
    scene.passes(500)
    assert not two.rings()


def test_two_at_the_same_moment_one_has_it_and_the_other_is_told(scene: Scene) -> None:
    for _ in range(3):
        one, two = scene.staff("One"), scene.staff("Two")
        caller = danger(scene)
        first, second = race(partial(one.presses, "1"), partial(two.presses, "1"))
        joins = [isinstance(steps[-1], Join) for steps in (first, second)]
        assert sorted(joins) == [False, True]
        loser = second if joins[0] else first
        assert isinstance(loser[0], Say)
        assert isinstance(loser[-1], HangUp)
        scene.work()
        assert len(caller.rings()) == 1
        with scene.store.begin() as tx:
            tx.connection.execute(tables.staff.update().values(presence="away"))


def test_a_key_and_a_text_at_the_same_moment(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two")
    danger(scene)
    steps, answer = race(lambda: one.presses("1"), lambda: two.texts("OK"))
    taken_by = page(scene)["acknowledged_by"]
    assert taken_by in {one.id, two.id}
    assert isinstance(steps[-1], Join) is (taken_by == one.id)
    assert answer


@pytest.mark.parametrize("key", ["2", None, "9"])
def test_any_other_key_is_no_acknowledgement(scene: Scene, key: str | None) -> None:
    one, two, _ = crew(scene)
    danger(scene)
    assert isinstance(one.presses(key)[-1], HangUp)
    assert page(scene)["state"] == "open"
    scene.passes(61)
    assert two.rings()


def test_a_voicemail_that_answers_is_no_acknowledgement(scene: Scene) -> None:
    one, two, _ = crew(scene)
    danger(scene)
    report(scene, one.rings()[0], LegState.ANSWERED, LegState.COMPLETED)
    assert page(scene)["state"] == "open"
    scene.passes(61)
    assert two.rings()


def test_phones_not_rung_yet_are_free_again_after_the_acknowledgement(scene: Scene) -> None:
    """Her ring waited at the carrier's limit when a colleague took the page."""
    from datetime import timedelta

    from helpline.store import people

    one, two = scene.staff("One"), scene.staff("Two")
    scene.carrier.call_script.extend([TryLater(timedelta(seconds=5), 20429, "busy")] * 2)
    danger(scene)
    one.texts("OK")
    scene.work()
    scene.passes(60)
    with scene.store.read() as tx:
        free = {person.id for person in people.list_free(tx)}
    assert two.id in free, "a leg that will never ring keeps her from every callback"


def test_ok_by_text_rings_that_person_then_the_caller(scene: Scene) -> None:
    one, two, _ = crew(scene)
    caller = danger(scene)
    code = scene.only(tables.case)["code"]
    assert code in "".join(two.texts(f"OK {code}"))
    assert "".join(one.texts("OK")) != ""
    scene.work()
    assert len(two.rings()) == 1
    assert isinstance(two.presses("1")[-1], Join)
    scene.work()
    assert len(caller.rings()) == 1
    assert page(scene)["acknowledged_by"] == two.id


def test_violence_is_acknowledged_without_a_ring(scene: Scene) -> None:
    one = scene.staff()
    caller = danger(scene, "my boyfriend is going to kill me he has a knife")
    steps = one.presses("1")
    assert isinstance(steps[-1], HangUp)
    scene.work()
    scene.passes(300)
    assert not caller.rings()


def test_no_outcome_opens_the_page_again(scene: Scene) -> None:
    one, _, _ = crew(scene)
    danger(scene, "my boyfriend is going to kill me he has a knife")
    one.presses("1")
    scene.clock.advance(599)
    assert reopening.reopen_without_outcome(scene.rt) == 0
    scene.clock.advance(2)
    race(*[lambda: reopening.reopen_without_outcome(scene.rt)] * 2)
    scene.work()
    assert len(scene.rows(tables.page)) == 2
    assert page(scene)["state"] == "open"
    assert page(scene)["ring_caller"] is False
    assert len(one.rings()) == 2


def test_new_danger_while_held_rings_the_holder_then_the_second_tier(scene: Scene) -> None:
    one, two, _ = crew(scene)
    caller = danger(scene)
    one.presses("1")
    with scene.store.begin() as tx:
        cases.hold(tx, scene.only(tables.case)["id"], one.id, scene.now)
    scene.work()
    before = rung(one, two)
    caller.read = len(scene.carrier.texts_to(caller.number))
    caller.texts("i am going to do it now, i took all my pills")
    caller.unread_answers = False
    scene.work()
    assert rung(one, two) == [before[0] + 1, before[1]]
    scene.passes(60)
    assert len(two.rings()) == before[1] + 1


def test_a_danger_call_that_nobody_answers_is_paged_again(scene: Scene) -> None:
    one, _, _ = crew(scene)
    caller = danger(scene)
    one.presses("1")
    scene.work()
    report(scene, caller.rings()[0], LegState.NO_ANSWER)
    assert scene.only(tables.callback)["state"] == "waiting"
    report(scene, one.rings()[0], LegState.COMPLETED)
    scene.passes(90)
    assert len(one.rings()) >= 2
    assert page(scene)["state"] == "open"


def test_repeated_receipts_of_a_page_change_nothing(scene: Scene) -> None:
    one, _, _ = crew(scene)
    danger(scene)
    report(scene, one.rings()[0], LegState.RINGING, LegState.NO_ANSWER)
    stored = everything(scene.store)
    report(scene, one.rings()[0], LegState.RINGING, LegState.NO_ANSWER, LegState.BUSY)
    assert everything(scene.store) == stored
    assert page_leg.answered(scene.rt, one.token)
    assert everything(scene.store) == stored


def test_an_acknowledgement_while_the_caller_texts_more_danger(scene: Scene) -> None:
    """Page, case, callback and conversation are taken in one order, or one of the two breaks."""
    for _ in range(4):
        one = scene.staff("One")
        caller = danger(scene)
        caller.read = len(scene.carrier.texts_to(caller.number))
        steps, _ = race(
            partial(one.presses, "1"),
            partial(caller.texts, "i took all my pills", after=0),
        )
        assert steps
        caller.unread_answers = False
        with scene.store.begin() as tx:
            tx.connection.execute(tables.staff.update().values(presence="away"))


def test_no_reminder_is_texted_while_an_earlier_page_has_not_left(scene: Scene) -> None:
    """An hour without a carrier is not an hour of reminders afterwards."""
    ana = scene.staff("Ana")
    danger(scene)
    for _ in range(600):
        scene.clock.advance(1)
        escalation.climb_due(scene.rt)
    unsent = [row for row in scene.rows(tables.message) if row["staff_id"] == ana.id]
    assert len(unsent) == 2, "at once and with everybody"
    scene.work()
    scene.clock.advance(120)
    escalation.climb_due(scene.rt)
    scene.work()
    assert len(ana.texts_got()) == 3, "it has left: reminders go on"
