"""A whole call back: offered, taken, connected, its outcome, and every way it can go wrong."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.speech import Ask, HangUp, Join, Say
from helpline.service.calls import caller_leg, legs, outcomes, page_leg, staff_leg
from helpline.store import Store, tables
from tests.builders import Phone, Scene, StaffPhone, everything, race, report

RINGS = (LegState.QUEUED, LegState.RINGING)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def asks_for_a_person(scene: Scene) -> Phone:
    caller = scene.phone()
    caller.texts("hi")
    caller.unread_answers = False
    caller.texts("person")
    caller.unread_answers = False
    return caller


def offered(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana = scene.staff()
    caller = asks_for_a_person(scene)
    scene.work()
    report(scene, ana.rings()[-1], *RINGS, LegState.ANSWERED)
    return ana, caller


def taken(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana, caller = offered(scene)
    assert isinstance(ana.presses("1")[-1], Join)
    scene.work()
    return ana, caller


def connected(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana, caller = taken(scene)
    report(scene, caller.rings()[-1], *RINGS, LegState.ANSWERED)
    steps = caller_leg.ready(scene.rt, caller.rings()[-1].token)
    assert isinstance(steps[0], Join)
    return ana, caller


def over(scene: Scene, caller: Phone, ana: StaffPhone) -> None:
    """The caller hangs up, the conference ends, she is asked what came of it."""
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    assert isinstance(staff_leg.after(scene.rt, ana.token)[0], Ask)


def promise(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.callback)[-1]


def caller_legs(scene: Scene) -> list[dict[str, Any]]:
    return [row for row in scene.rows(tables.attempt) if row["leg"] == "caller"]


def words(steps: tuple[object, ...]) -> str:
    said = [step for step in steps if isinstance(step, Say)]
    said += [
        p for step in steps if isinstance(step, Ask) for p in step.prompts if isinstance(p, Say)
    ]
    return " ".join(item.text for item in said)


# --- taking ------------------------------------------------------------------------


def test_before_one_is_pressed_only_that_a_caller_waits(scene: Scene) -> None:
    ana, caller = offered(scene)
    said = words(staff_leg.answered(scene.rt, ana.token))
    assert "caller" in said.lower()
    assert caller.number not in said
    assert "person" not in said.lower().split()


def test_one_takes_it_and_rings_the_caller_once(scene: Scene) -> None:
    ana, caller = offered(scene)
    first = ana.presses("1")
    again = ana.presses("1")
    assert first == again
    assert isinstance(first[-1], Join)
    scene.work()
    assert len(caller.rings()) == len(caller_legs(scene)) == 1
    assert caller.rings()[0].entrance == "/twilio/voice/caller"
    row = promise(scene)
    assert (row["state"], row["specialist_id"]) == ("talking", ana.id)


def test_one_pressed_many_times_at_once_rings_once(scene: Scene) -> None:
    ana, caller = offered(scene)
    answers = race(*[lambda: ana.presses("1")] * 4)
    scene.work()
    assert len(caller.rings()) == 1
    assert any(isinstance(steps[-1], Join) for steps in answers)


@pytest.mark.parametrize("key", ["2", None, "9", "0", "11", "#", "*"])
def test_any_other_key_passes(scene: Scene, key: str | None) -> None:
    ana, caller = offered(scene)
    assert isinstance(ana.presses(key)[-1], HangUp)
    stored = promise(scene)
    assert stored["state"] == "waiting"
    assert stored["not_before"] == scene.now + scene.rt.protocol.callbacks.pass_pause
    ana.presses(key)
    assert promise(scene) == stored
    scene.work()
    assert not caller.rings()
    assert isinstance(ana.presses("1")[-1], HangUp), "too late"


@pytest.mark.parametrize(
    "end",
    [LegState.COMPLETED, LegState.BUSY, LegState.NO_ANSWER, LegState.FAILED, LegState.CANCELED],
)
def test_no_key_voicemail_busy_no_answer_pass_to_the_next(scene: Scene, end: LegState) -> None:
    ana = scene.staff(idle_since=scene.now - timedelta(hours=1))
    bo = scene.staff("Bo")
    asks_for_a_person(scene)
    scene.work()
    report(scene, ana.rings()[0], *RINGS, end)
    assert promise(scene)["state"] == "waiting"
    stored = everything(scene.store)
    report(scene, ana.rings()[0], end, LegState.RINGING, end)
    assert everything(scene.store) == stored
    scene.work()
    assert len(bo.rings()) == 1
    assert promise(scene)["tries"] == 0


def test_unknown_and_hostile_tokens_hang_up(scene: Scene) -> None:
    offered(scene)
    stored = everything(scene.store)
    for token in ("", "nobody", "x" * 200):
        for step in (
            staff_leg.answered, page_leg.answered, staff_leg.alone, staff_leg.after,
            caller_leg.answered, caller_leg.ready, caller_leg.after,
        ):  # fmt: skip
            assert step(scene.rt, token) == (HangUp(),)
        for choose in (staff_leg.chosen, page_leg.chosen, outcomes.pressed):
            assert choose(scene.rt, token, "1") == (HangUp(),)
        legs.reported(scene.rt, token, "CA1", LegState.COMPLETED)
    assert everything(scene.store) == stored


# --- the caller ------------------------------------------------------------------------


def test_the_caller_hears_nothing_private_and_is_connected_by_key_or_voice(scene: Scene) -> None:
    ana, caller = taken(scene)
    token = caller.rings()[0].token
    steps = caller_leg.answered(scene.rt, token)
    assert isinstance(steps[0], Ask)
    assert steps[0].speech
    assert "ketamine" not in words(steps).lower()
    first = caller_leg.ready(scene.rt, token)
    assert caller_leg.ready(scene.rt, token) == first
    assert isinstance(first[0], Join)
    assert first[0].conference == ana.presses("1")[-1].conference  # type: ignore[union-attr]
    assert caller_legs(scene)[0]["result"] == "connected"


@pytest.mark.parametrize(
    "end", [LegState.BUSY, LegState.NO_ANSWER, LegState.FAILED, LegState.COMPLETED]
)
def test_a_caller_not_reached_is_tried_again_later(scene: Scene, end: LegState) -> None:
    ana, caller = taken(scene)
    asked = promise(scene)["asked_at"]
    report(scene, caller.rings()[0], *RINGS, end)
    row = promise(scene)
    assert (row["state"], row["tries"], row["asked_at"]) == ("waiting", 1, asked)
    retries = scene.rt.protocol.callbacks.by_disposition[Disposition(row["disposition"])].retries
    assert row["not_before"] == scene.now + retries[0]
    stored = everything(scene.store)
    report(scene, caller.rings()[0], end, LegState.ANSWERED, end)
    assert everything(scene.store) == stored
    scene.work()
    assert [move[1] for move in scene.carrier.moved] == ["/twilio/voice/staff/alone"]
    assert "reach" in words(staff_leg.alone(scene.rt, ana.token)).lower()
    assert staff_leg.after(scene.rt, ana.token) == (HangUp(),)


def test_the_retries_end_with_a_text_and_the_supervisors_list(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor")
    ana, caller = taken(scene)
    policy = scene.rt.protocol.callbacks.by_disposition[Disposition(promise(scene)["disposition"])]
    first_at, at = scene.now, []
    for _ in range(1 + len(policy.retries)):
        at.append(scene.now - first_at)
        report(scene, caller.rings()[-1], *RINGS, LegState.NO_ANSWER)
        report(scene, ana.rings()[-1], LegState.COMPLETED)
        if promise(scene)["state"] != "waiting":
            break
        scene.clock.advance((promise(scene)["not_before"] - scene.now).total_seconds())
        scene.guard()
        scene.work()
        ana.presses("1")
        scene.work()
    assert at == [timedelta(0), *policy.retries]
    assert promise(scene)["state"] == "exhausted"
    scene.work()
    assert scene.carrier.texts_to(caller.number)[-1]
    code = scene.only(tables.case)["code"]
    assert [text for text in boss.texts_got() if code in text]
    assert len(caller.rings()) == 1 + len(policy.retries)


def test_a_specialist_who_hangs_up_before_the_caller_answers(scene: Scene) -> None:
    ana, caller = taken(scene)
    report(scene, ana.rings()[0], LegState.COMPLETED)
    assert promise(scene)["state"] == "waiting"
    assert promise(scene)["tries"] == 0
    report(scene, caller.rings()[0], *RINGS, LegState.ANSWERED)
    steps = caller_leg.ready(scene.rt, caller.rings()[0].token)
    assert isinstance(steps[-1], Join), "nobody who picked up is hung up on"
    scene.guard()
    scene.work()
    ana.presses("1")
    scene.work()
    assert len(caller.rings()) == 1
    assert caller_legs(scene)[0]["result"] == "connected"


def test_a_caller_who_hangs_up_while_holding_is_called_again(scene: Scene) -> None:
    ana, caller = taken(scene)
    report(scene, ana.rings()[0], LegState.COMPLETED)
    caller_leg.ready(scene.rt, caller.rings()[0].token)
    report(scene, caller.rings()[0], LegState.COMPLETED)
    assert promise(scene)["state"] == "waiting"
    scene.guard()
    scene.work()
    ana.presses("1")
    scene.work()
    assert len(caller.rings()) == 2


# --- outcomes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "state", "case_open", "paged"),
    [
        ("1", "done", False, False),
        ("2", "waiting", True, False),
        ("3", "waiting", True, False),
        ("4", "done", False, False),
        ("5", "waiting", True, True),
        ("6", "done", False, False),
    ],
)
def test_each_outcome_once(
    scene: Scene, key: str, state: str, case_open: bool, paged: bool
) -> None:
    ana, caller = connected(scene)
    over(scene, caller, ana)
    assert isinstance(outcomes.pressed(scene.rt, ana.token, key)[-1], HangUp)
    assert promise(scene)["state"] == state
    assert (scene.only(tables.case)["state"] == "open") is case_open
    assert bool(scene.rows(tables.page)) is paged
    stored = everything(scene.store)
    for again in ("1", key, "5"):
        outcomes.pressed(scene.rt, ana.token, again)
        assert everything(scene.store) == stored


def test_a_wrong_key_asks_again(scene: Scene) -> None:
    ana, caller = connected(scene)
    over(scene, caller, ana)
    for key in (None, "7", "0", "12", "#"):
        assert isinstance(outcomes.pressed(scene.rt, ana.token, key)[0], Ask)
    assert promise(scene)["state"] == "talking"


def test_after_call_again_the_next_round_is_a_round_of_its_own(scene: Scene) -> None:
    """Spoken to once is not spoken to now: the promise must not end with the first call."""
    ana, caller = connected(scene)
    over(scene, caller, ana)
    outcomes.pressed(scene.rt, ana.token, "2")
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    scene.clock.advance((promise(scene)["not_before"] - scene.now).total_seconds())
    scene.guard()
    scene.work()
    ana.presses("1")
    scene.work()
    assert len(caller.rings()) == 2
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert promise(scene)["state"] == "waiting"
    scene.passes(900)
    assert promise(scene)["state"] != "done"


def test_no_outcome_is_noted_and_ends_the_round(scene: Scene) -> None:
    ana, caller = connected(scene)
    over(scene, caller, ana)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert promise(scene)["state"] == "talking"
    scene.passes(660)
    row = promise(scene)
    assert (row["state"], row["result"]) == ("done", "no outcome")
    assert scene.only(tables.case)["state"] == "open"


def test_after_a_call_the_next_text_starts_afresh(scene: Scene) -> None:
    ana, caller = connected(scene)
    over(scene, caller, ana)
    outcomes.pressed(scene.rt, ana.token, "1")
    scene.work()
    assert caller.progress.state == "CLOSED"
    caller.read = len(scene.carrier.texts_to(caller.number))
    caller.texts("hi").expects_words("Harbor")
    assert caller.progress.case > 0
    assert caller.progress.answers == {}


# --- together with texts -------------------------------------------------------------------


def test_a_text_while_the_specialist_presses_one_breaks_neither(scene: Scene) -> None:
    """Both take the conversation and the callback: in one order, or they wait for each other."""
    for _ in range(3):
        ana, caller = offered(scene)
        caller.read = len(scene.carrier.texts_to(caller.number))
        steps, _ = race(
            partial(ana.presses, "1"),
            partial(caller.texts, "i want to kill myself", after=0),
        )
        caller.unread_answers = False
        assert steps
        scene.work()
        with scene.store.begin() as tx:
            tx.connection.execute(tables.staff.update().values(presence="away"))
