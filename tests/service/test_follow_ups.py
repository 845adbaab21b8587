"""Asked how they are as agreed: only when it is safe, civil and wanted (PROTOCOL 3.3)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.service import appointments, followups
from helpline.store import Store, conversations, tables
from tests.builders import Phone, Scene, case_of, race

DAY = timedelta(days=1)
WATCHED: dict[str, Any] = {
    "path": "self",
    "flags": ["WITHDRAWAL_WATCH"],
    "floor": Disposition.SOON.name,
    "answers": {"C1": ["1"]},
}
URGENT: dict[str, Any] = {"floor": Disposition.URGENT_60.name}


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What else the caller gets is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def planned(scene: Scene, **known: Any) -> Phone:
    """A caller who stands so when the call is promised, and whose case is over afterwards."""
    caller = scene.phone()
    caller.texts("hi", after=0).unread_answers = False
    progress = Progress(state="CLOSED", **known)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        case = case_of(tx, place, progress.disposition)
        conversations.save(
            tx, place, progress.to_json(), wake_at=None, heard_at=scene.now, whatsapp=False
        )
        for _ in range(2):
            followups.plan(scene.rt, tx, place, case, progress, scene.now)
    return caller


def plan(scene: Scene) -> list[tuple[str, timedelta]]:
    return [(row["kind"], row["due_at"] - scene.now) for row in scene.rows(tables.follow_up)]


def test_the_weeks_after_ketamine_are_watched_with_consent(scene: Scene) -> None:
    planned(scene, **WATCHED)
    assert plan(scene) == [("WATCH_CHECK", DAY * days) for days in (1, 3, 7, 14, 28)]


@pytest.mark.parametrize("consent", [{}, {"C1": ["4"]}])
def test_nobody_is_watched_without_consent(quick: Scene, consent: dict[str, list[str]]) -> None:
    planned(quick, **(WATCHED | {"answers": consent}))
    assert plan(quick) == []


def test_urgent_callers_are_asked_three_times_unless_they_want_no_contact(quick: Scene) -> None:
    planned(quick, **URGENT)
    assert plan(quick) == [("FOLLOWUP", DAY * days) for days in (1, 3, 7)]
    planned(quick, **URGENT, answers={"C1": ["4"]})
    assert len(plan(quick)) == 3


def test_in_secret_only_in_the_window_that_is_safe(quick: Scene) -> None:
    planned(quick, **URGENT, flags=["SAFE_CONTACT"])
    planned(quick, **URGENT, flags=["DISCREET"], answers={"C2": ["1"]})
    planned(quick, **URGENT, hits={"emergency.violence": 1.0})
    assert plan(quick) == []
    planned(quick, **URGENT, flags=["SAFE_CONTACT"], answers={"C2": ["4"]})
    assert [after for _, after in plan(quick)] == [DAY * days + timedelta(hours=4)
                                                   for days in (1, 3, 7)]  # fmt: skip


def test_it_is_asked_once_and_the_answer_goes_through_the_engine(scene: Scene) -> None:
    ana, caller = scene.staff(), planned(scene, **WATCHED)
    scene.clock.advance(days=1, seconds=-1)
    assert appointments.keep_due(scene.rt) == 0
    scene.clock.advance(1)
    assert sum(race(*[lambda: appointments.keep_due(scene.rt)] * 3)) == 1
    scene.work()
    caller.is_texted("first week off ketamine")
    assert caller.progress.state == "WATCH_CHECK"
    caller.texts("1").unread_answers = False
    scene.work()
    assert ana.rings(), "yes to thoughts of suicide pages"


def test_at_night_it_waits_for_the_morning(scene: Scene) -> None:
    scene.clock.advance(hours=10)  # eleven at night in New York
    caller = planned(scene, **URGENT)
    row = scene.rows(tables.follow_up)[0]
    assert (row["due_at"] - scene.now) == timedelta(hours=33)
    scene.clock.advance(hours=24)
    assert appointments.keep_due(scene.rt) == 0
    scene.clock.advance(hours=9)
    assert appointments.keep_due(scene.rt) == 1
    scene.work()
    assert len(scene.carrier.texts_to(caller.number)) == 1


def test_a_guard_that_was_away_asks_on_the_next_day_at_the_same_hour(scene: Scene) -> None:
    planned(scene, **URGENT)
    due = scene.rows(tables.follow_up)[0]["due_at"]
    scene.clock.advance(days=1, hours=2)
    assert appointments.keep_due(scene.rt) == 0
    assert scene.rows(tables.follow_up)[0]["due_at"] == due + DAY


def test_whoever_said_stop_is_not_asked(scene: Scene) -> None:
    caller = planned(scene, **URGENT)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        conversations.opt(tx, place.conversation_id, scene.now)
    scene.clock.advance(days=1)
    assert appointments.keep_due(scene.rt) == 0
    assert scene.rows(tables.follow_up)[0]["state"] == "canceled"


def test_a_human_or_a_promised_call_comes_first(scene: Scene) -> None:
    caller = planned(scene, **URGENT)
    scene.clock.advance(days=1)
    caller.texts("person", after=0).unread_answers = False
    asked = scene.carrier.texts_to(caller.number)
    assert appointments.keep_due(scene.rt) == 0
    assert scene.carrier.texts_to(caller.number) == asked
    assert {row["state"] for row in scene.rows(tables.follow_up)} == {"planned"}
