"""Another number to be called at: kept, refused, dialled once until it answered as theirs."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from helpline.domain.delivery import CallOrder, LegState
from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.domain.speech import Ask, Join, Say
from helpline.service.calls import answering_machine, caller_leg, outcomes
from helpline.store import Store, second_numbers, tables
from helpline.store import callbacks as promises
from tests.builders import KEYS, LINE_NUMBER, Phone, Scene, StaffPhone, race, report
from tests.service.stories import CRISIS, PICKED_UP, knows, writes
from tests.telephone import VoiceCaller

SECOND = "+12025550188"
OTHER = "+12025550189"
AGREED = {"C3": ["1"]}


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def quick(sqlite_store: Store) -> Iterator[Scene]:
    """The same on SQLite only, for many variants of one thing."""
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


def promise(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.callback)[-1]


def known(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.caller)[0]


def dialled(scene: Scene, caller: Phone) -> list[str]:
    """What was dialled for this caller, in order."""
    return [o.to.e164 for o in scene.carrier.calls if o.to.e164 in {caller.number, SECOND, OTHER}]


def last(scene: Scene) -> CallOrder:
    return scene.carrier.calls[-1]


def waits(scene: Scene, **facts: Any) -> tuple[StaffPhone, Phone]:
    """A caller who asked for a person, which is promised."""
    ana, caller = scene.staff(), scene.phone()
    writes(caller, "hi")
    knows(scene, caller, **facts)
    writes(caller, "person")
    return ana, caller


def tried(scene: Scene, ana: StaffPhone, *states: LegState) -> CallOrder:
    """She takes what is offered when its time has come; how the dial goes that follows."""
    scene.clock.advance(max(0, (promise(scene)["not_before"] - scene.now).total_seconds()))
    scene.guard()
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    assert isinstance(ana.presses("1")[-1], Join)
    scene.work()
    order = last(scene)
    if states:
        report(scene, order, LegState.QUEUED, LegState.RINGING, *states)
        report(scene, ana.rings()[-1], LegState.COMPLETED)
    return order


# --- kept -----------------------------------------------------------------------------


def test_it_is_kept_encrypted_with_the_caller_and_found_by_a_keyed_index(scene: Scene) -> None:
    _, caller = waits(scene)
    writes(caller, "202 555 0188")
    assert any("we have that number" in text for text in caller.answers)
    row = known(scene)
    assert row["second_phone"] == SECOND
    assert row["second_phone_index"] == KEYS.index(SECOND)
    assert row["address"] == caller.number
    with scene.store.read() as tx:
        raw = tx.connection.exec_driver_sql("SELECT second_phone FROM caller").scalar_one()
    assert b"2025550188" not in bytes(raw)
    assert promise(scene)["phone"] == SECOND


def test_another_one_takes_its_place_and_begins_anew(scene: Scene) -> None:
    ana, caller = waits(scene)
    writes(caller, SECOND)
    tried(scene, ana, LegState.NO_ANSWER)
    assert known(scene)["second_tried_at"] is not None
    writes(caller, OTHER)
    assert (known(scene)["second_phone"], known(scene)["second_tried_at"]) == (OTHER, None)
    assert tried(scene, ana).to.e164 == OTHER


def test_the_same_one_again_is_not_dialled_again(quick: Scene) -> None:
    ana, caller = waits(quick)
    writes(caller, SECOND)
    tried(quick, ana, LegState.NO_ANSWER)
    writes(caller, "(202) 555-0188")
    assert tried(quick, ana).to.e164 == caller.number


def test_two_texts_at_once_keep_one_number(scene: Scene) -> None:
    _, caller = waits(scene)
    caller_id = known(scene)["id"]

    def keep(number: str) -> bool:
        with scene.store.begin() as tx:
            return second_numbers.keep(tx, caller_id, PhoneNumber(number))

    assert sum(race(*[partial(keep, SECOND)] * 4)) == 1
    assert known(scene)["second_phone"] == SECOND
    assert caller.number != SECOND


# --- refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("the other one", "could not read a whole number"),
        ("555-0188", "could not read a whole number"),
        ("202 555 0188 or 202 555 0189", "could not read a whole number"),
        ("1-900-555-0199", "not able to call that number"),
        ("+44 906 123 4567", "not able to call that number"),
        ("+881 6 1234 5678", "not able to call that number"),
        ("+7 912 345 67 89", "not able to call that number"),
    ],
)
def test_what_may_not_be_rung_is_refused_with_a_clear_answer(
    quick: Scene, said: str, answer: str
) -> None:
    caller = asked_which_number(quick)
    writes(caller, said)
    assert len(caller.answers) == 1
    assert answer in caller.answers[0]
    assert "SKIP" in caller.answers[0]
    assert known(quick)["second_phone"] is None
    writes(caller, SECOND)
    assert caller.progress.question != "QN"
    quick.work()
    assert caller.progress.words["phone"] == SECOND


def test_a_second_answer_that_cannot_be_taken_reaches_a_human(quick: Scene) -> None:
    caller = asked_which_number(quick)
    writes(caller, "dunno")
    writes(caller, "really dunno")
    assert caller.progress.state == "HUMAN"
    assert promise(quick)["phone"] is None


def test_skip_keeps_the_number_they_write_from(quick: Scene) -> None:
    caller = asked_which_number(quick)
    writes(caller, "skip")
    assert caller.progress.question != "QN"
    assert known(quick)["second_phone"] is None


def test_a_premium_number_sent_by_itself_is_refused(quick: Scene) -> None:
    ana, caller = waits(quick)
    writes(caller, "1 900 555 0199")
    assert any("not able to call" in text for text in caller.answers)
    assert tried(quick, ana).to.e164 == caller.number


def test_the_number_they_write_from_is_no_second_one(quick: Scene) -> None:
    ana, caller = waits(quick)
    writes(caller, caller.number)
    assert known(quick)["second_phone"] is None
    assert tried(quick, ana).to.e164 == caller.number


def asked_which_number(scene: Scene) -> Phone:
    scene.staff()
    caller = scene.phone()
    for said in ("hi", "1", "2", "3", "4", "1", "4", "7", "6", "2"):
        writes(caller, said)
    assert caller.progress.question == "QN"
    return caller


def test_by_telephone_the_number_is_pressed_and_asked_again(quick: Scene) -> None:
    quick.staff()
    caller = VoiceCaller(quick).rings()
    for keys in ("1", "2", "3", "4", "1", "4", "7", "6", "2"):
        caller.presses(keys)
    caller.hears("Which number should we call")
    caller.presses("5550188").hears("not a whole number")
    assert caller.asked.digits > 10, "still listens for a number"
    caller.presses("2025550188")
    assert "whole number" not in caller.words
    assert Phone(quick, caller.number).progress.words["phone"] == SECOND
    caller.hangs_up()
    assert promise(quick)["phone"] == known(quick)["second_phone"] == SECOND


# --- dialled ----------------------------------------------------------------------------


def test_the_chosen_one_is_dialled_once_and_then_the_first(scene: Scene) -> None:
    ana, caller = waits(scene, answers=AGREED)
    writes(caller, SECOND)
    assert tried(scene, ana, LegState.NO_ANSWER).to.e164 == SECOND
    assert tried(scene, ana, LegState.NO_ANSWER).to.e164 == caller.number
    assert dialled(scene, caller) == [SECOND, caller.number]


def test_a_stranger_hears_the_neutral_words_and_no_machine_is_listened_for(scene: Scene) -> None:
    ana, caller = waits(scene, answers=AGREED)
    writes(caller, SECOND)
    order = tried(scene, ana)
    assert order.watch is None
    report(scene, order, *PICKED_UP)
    asked = caller_leg.answered(scene.rt, order.token)[0]
    assert isinstance(asked, Ask)
    assert [item.text for item in asked.prompts if isinstance(item, Say)] == [
        "Hello, there is a call for you. Press any key, or say hello, to be connected."
    ]
    answering_machine.heard(scene.rt, order.token, "machine_end_beep")
    scene.work()
    assert scene.carrier.moved == []


def test_a_key_there_makes_it_theirs(scene: Scene) -> None:
    ana, caller = waits(scene, answers=AGREED)
    writes(caller, SECOND)
    order = tried(scene, ana)
    report(scene, order, *PICKED_UP)
    assert isinstance(caller_leg.ready(scene.rt, order.token)[0], Join)
    assert known(scene)["second_theirs_at"] == scene.now
    # They were cut off: the promise is kept there, and what they agreed to holds there too.
    report(scene, order, LegState.COMPLETED)
    with scene.store.begin() as tx:
        assert promises.give_back(tx, promise(scene)["id"], not_before=scene.now, tried=True)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    again = tried(scene, ana)
    assert again.to.e164 == SECOND
    assert again.watch is not None


def test_a_stranger_there_ends_neither_the_promise_nor_the_case(scene: Scene) -> None:
    ana, caller = waits(scene)
    writes(caller, SECOND)
    order = tried(scene, ana)
    report(scene, order, *PICKED_UP)
    caller_leg.ready(scene.rt, order.token)
    report(scene, order, LegState.COMPLETED)
    outcomes.pressed(scene.rt, ana.token, "6")
    assert promise(scene)["state"] == "waiting"
    assert scene.only(tables.case)["state"] == "open"
    row = known(scene)
    assert (row["second_theirs_at"], row["second_tried_at"]) == (None, scene.now)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert tried(scene, ana).to.e164 == caller.number


def test_a_wrong_person_at_the_first_number_ends_it_as_ever(quick: Scene) -> None:
    ana, caller = waits(quick)
    order = tried(quick, ana)
    report(quick, order, *PICKED_UP)
    caller_leg.ready(quick.rt, order.token)
    report(quick, order, LegState.COMPLETED)
    outcomes.pressed(quick.rt, ana.token, "6")
    assert promise(quick)["state"] == "done"
    assert caller.number == order.to.e164


def test_a_voice_alone_does_not_make_it_theirs(quick: Scene) -> None:
    ana, caller = waits(quick)
    writes(caller, SECOND)
    order = tried(quick, ana)
    report(quick, order, *PICKED_UP)
    caller_leg.ready(quick.rt, order.token, speech="hello")
    assert known(quick)["second_theirs_at"] is None


def test_the_reserve_is_dialled_once_after_the_first_numbers_attempts(scene: Scene) -> None:
    """They gave a second number and then wanted to be called where they write from."""
    boss = scene.staff("Boss", role="supervisor")
    ana, caller = waits(scene, words={"phone": SECOND}, answers={"C1": ["1"]})
    rules = scene.rt.protocol.callbacks
    retries = rules.by_disposition[Disposition(promise(scene)["disposition"])].retries
    times = []
    while promise(scene)["state"] == "waiting":
        tried(scene, ana, LegState.NO_ANSWER)
        times.append(scene.now)
    assert dialled(scene, caller) == [caller.number] * (1 + len(retries)) + [SECOND]
    assert times[-1] - times[-2] == rules.pass_pause
    assert promise(scene)["state"] == "exhausted"
    scene.work()
    assert "another number" in scene.carrier.texts_to(caller.number)[-1]
    assert boss.texts_got()


def test_who_wants_their_own_number_after_all_is_rung_there(quick: Scene) -> None:
    ana, caller = waits(quick)
    writes(caller, SECOND)
    assert promise(quick)["phone"] == SECOND
    knows(quick, caller, answers={"C1": ["1"]})
    writes(caller, "person")
    assert promise(quick)["phone"] is None
    assert tried(quick, ana).to.e164 == caller.number


def test_a_number_sent_after_the_attempts_ended_is_called(scene: Scene) -> None:
    ana, caller = waits(scene)
    while promise(scene)["state"] == "waiting":
        tried(scene, ana, LegState.NO_ANSWER)
    scene.work()
    assert promise(scene)["state"] == "exhausted"
    writes(caller, "202-555-0188", after=3600)
    assert promise(scene)["state"] == "waiting"
    order = tried(scene, ana)
    assert order.to.e164 == SECOND
    assert order.watch is None


@pytest.mark.parametrize("flag", ["SAFE_CONTACT", "DISCREET"])
def test_whoever_hides_is_not_rung_at_the_number_they_did_not_choose(
    quick: Scene, flag: str
) -> None:
    boss = quick.staff("Boss", role="supervisor")
    ana, caller = waits(quick, flags=[flag], answers={"C2": ["1"]})
    writes(caller, SECOND)
    assert tried(quick, ana, LegState.NO_ANSWER).to.e164 == SECOND
    assert promise(quick)["state"] == "exhausted"
    assert dialled(quick, caller) == [SECOND]
    quick.work()
    assert boss.texts_got(), "supervisors decide"


def test_danger_goes_on_at_the_first_number_and_comes_back_to_nobody_twice(quick: Scene) -> None:
    ana, caller = quick.staff(), quick.phone()
    writes(caller, "hi")
    knows(quick, caller, words={"phone": SECOND}, answers={"C1": ["2"]})
    writes(caller, CRISIS)
    quick.work()
    rung = []
    for _ in range(3):
        report(quick, ana.rings()[-1], *PICKED_UP)
        ana.presses("1")
        quick.work()
        rung.append(last(quick).to.e164)
        report(quick, last(quick), LegState.QUEUED, LegState.RINGING, LegState.NO_ANSWER)
        report(quick, ana.rings()[-1], LegState.COMPLETED)
        quick.passes(700)
    assert rung == [SECOND, caller.number, caller.number]


def test_never_two_dials_at_once(scene: Scene) -> None:
    ana, caller = waits(scene)
    writes(caller, SECOND)
    tried(scene, ana)
    report(scene, last(scene), *PICKED_UP)
    writes(caller, OTHER)
    race(*[lambda: ana.presses("1")] * 4)
    scene.work()
    assert dialled(scene, caller) == [SECOND]


def test_who_hides_their_number_is_rung_at_the_only_one_there_is(quick: Scene) -> None:
    ana, caller = quick.staff(), quick.phone("whatsapp:US.12345")
    writes(caller, "hi", after=1)
    knows(quick, caller, words={"phone": SECOND}, answers=AGREED)
    writes(caller, "person")
    for _ in range(2):
        order = tried(quick, ana, LegState.NO_ANSWER)
        assert (order.to.e164, order.watch) == (SECOND, None)
    assert LINE_NUMBER != SECOND
