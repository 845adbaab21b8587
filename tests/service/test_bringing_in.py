"""A specialist asks somebody into the call by key: a colleague, another number; and who stays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from helpline.domain.delivery import CallOrder, LegState, Refused
from helpline.domain.protocol import Facility
from helpline.domain.speech import Ask, CallStep, HangUp, Join, Redirect, Say
from helpline.service.calls import (
    dialling,
    guest_leg,
    legs,
    lost_legs,
    outcomes,
    page_leg,
    staff_leg,
    switchboard,
)
from helpline.store import Store, attempts, tables
from tests.builders import VOICE_NUMBER, Phone, Scene, StaffPhone, everything, race, report
from tests.service.stories import PICKED_UP, danger, knows, talks, wants_a_person

RELATIVE = "+12025550188"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts the caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def quick(sqlite_store: Store) -> Iterator[Scene]:
    """The same on SQLite only, for many variants of one thing."""
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


def words(steps: tuple[CallStep, ...]) -> str:
    spoken = [
        item.text
        for step in steps
        for item in (step.prompts if isinstance(step, Ask) else (step,))
        if isinstance(item, Say)
    ]
    return " ".join(spoken)


def promise(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.callback)[-1]


def in_a_talk(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana, caller = scene.staff("Ana"), wants_a_person(scene)
    scene.work()
    talks(scene, ana, caller)
    return ana, caller


def room(scene: Scene) -> str:
    return str(promise(scene)["token"])


def is_back(scene: Scene, steps: tuple[CallStep, ...]) -> bool:
    last = steps[-1]
    return isinstance(last, Join) and last.conference == room(scene)


def steps_out(scene: Scene, token: str) -> tuple[CallStep, ...]:
    """``*``: the leg leaves the room, and hears the keys."""
    steps = staff_leg.after(scene.rt, token)
    assert isinstance(steps[-1], Redirect)
    assert steps[-1].path == f"/twilio/voice/staff/keys?attempt={token}"
    return switchboard.keys(scene.rt, token)


def presses(scene: Scene, token: str, digits: str | None) -> tuple[CallStep, ...]:
    steps_out(scene, token)
    return switchboard.chosen(scene.rt, token, digits)


def colleague_rung(scene: Scene) -> tuple[StaffPhone, Phone, StaffPhone]:
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    assert is_back(scene, presses(scene, ana.token, "2"))
    scene.work()
    return ana, caller, ben


def comes(scene: Scene, colleague: StaffPhone) -> tuple[CallStep, ...]:
    report(scene, colleague.rings()[-1], *PICKED_UP)
    steps = guest_leg.colleague_chosen(scene.rt, colleague.token, "1")
    assert is_back(scene, steps)
    return steps


def three_in_a_room(scene: Scene) -> tuple[StaffPhone, Phone, StaffPhone]:
    ana, caller, ben = colleague_rung(scene)
    comes(scene, ben)
    return ana, caller, ben


def hangs_up(scene: Scene, phone: StaffPhone | Phone) -> None:
    report(scene, phone.rings()[-1], LegState.COMPLETED)
    scene.work()


def types(scene: Scene, token: str, digits: str) -> tuple[CallStep, ...]:
    steps = presses(scene, token, "3")
    assert isinstance(steps[-1], Redirect)
    asked = dialling.asked(scene.rt, token)
    assert "Type the number" in words(asked)
    return dialling.typed(scene.rt, token, digits)


def asked_token(steps: tuple[CallStep, ...]) -> str:
    assert isinstance(steps[0], Ask)
    return steps[0].action.partition("attempt=")[2]


def third_rung(scene: Scene, digits: str = "2025550188") -> tuple[StaffPhone, Phone, CallOrder]:
    ana, caller = in_a_talk(scene)
    check = types(scene, ana.token, digits)
    assert is_back(scene, dialling.confirmed(scene.rt, asked_token(check), "1"))
    scene.work()
    return ana, caller, scene.carrier.calls_to(RELATIVE)[-1]


def third_joins(scene: Scene, order: CallOrder) -> None:
    report(scene, order, *PICKED_UP)
    steps = guest_leg.third_ready(scene.rt, order.token, "5")
    assert is_back(scene, steps)


# --- the key * -------------------------------------------------------------------------


def test_staff_leave_the_room_by_star_and_the_caller_does_not(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    joined = ana.presses("1")[-1]
    assert isinstance(joined, Join)
    assert joined.leave_on_star
    assert not joined.end_on_exit
    leg = scene.only(tables.attempt, token=caller.rings()[0].token)
    assert leg["leg"] == "caller"
    keys = steps_out(scene, ana.token)
    for said in ("1 to go back", "2", "3", "4"):
        assert said in words(keys)


@pytest.mark.parametrize("key", [None, "", "1", "5", "9", "*", "hello"])
def test_silence_and_every_other_key_go_back_to_the_caller(quick: Scene, key: str | None) -> None:
    ana, _ = in_a_talk(quick)
    keys = steps_out(quick, ana.token)
    assert isinstance(keys[0], Ask)
    assert keys[0].silence_to_action
    assert is_back(quick, keys), "also where nothing is told to the action"
    assert is_back(quick, switchboard.chosen(quick.rt, ana.token, key))
    assert promise(quick)["state"] == "talking"


def test_star_while_the_caller_is_still_being_rung_changes_nothing(scene: Scene) -> None:
    ana, caller = scene.staff("Ana"), wants_a_person(scene)
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    ana.presses("1")
    scene.work()
    before = everything(scene.store)
    assert is_back(scene, staff_leg.after(scene.rt, ana.token))
    assert everything(scene.store) == before
    assert len(caller.rings()) == 1


def test_after_the_caller_hung_up_every_key_asks_for_the_outcome(scene: Scene) -> None:
    """The carrier told of the end only after the keys were offered."""
    ana, caller = in_a_talk(scene)
    scene.staff("Ben")
    steps_out(scene, ana.token)
    hangs_up(scene, caller)
    for key in (None, "1", "2", "3", "4"):
        steps = switchboard.chosen(scene.rt, ana.token, key)
        assert "5 raise to crisis" in words(steps), key
    assert "5 raise to crisis" in words(switchboard.keys(scene.rt, ana.token))
    assert "5 raise to crisis" in words(dialling.asked(scene.rt, ana.token))
    assert "5 raise to crisis" in words(dialling.typed(scene.rt, ana.token, "2025550188"))
    assert len(scene.carrier.calls) == 2


def test_who_went_back_into_a_room_that_had_ended_is_taken_out_of_it(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    presses(scene, ana.token, "1")
    hangs_up(scene, caller)
    sid = scene.only(tables.attempt, token=ana.token)["sid"]
    assert scene.carrier.moved == [(sid, "/twilio/voice/staff/alone", ana.token)]
    assert "5 raise to crisis" in words(staff_leg.alone(scene.rt, ana.token))


def test_it_is_over_the_outcome_is_asked_and_ends_the_call(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    assert "5 raise to crisis" in words(presses(scene, ana.token, "4"))
    assert scene.carrier.ended == []
    for _ in range(2):
        assert isinstance(outcomes.pressed(scene.rt, ana.token, "1")[-1], HangUp)
    scene.work()
    theirs = scene.only(tables.attempt, token=caller.rings()[0].token)
    assert scene.carrier.ended == [theirs["sid"]]
    assert promise(scene)["state"] == "done"


def test_an_outcome_told_by_text_during_the_call_leaves_the_keys_as_they_are(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    code = scene.only(tables.case)["code"]
    ana.texts(f"DONE {code} 1")
    assert promise(scene)["state"] == "done"
    assert is_back(scene, presses(scene, ana.token, "2"))
    scene.work()
    comes(scene, ben)
    assert is_back(scene, presses(scene, ana.token, None)), "nobody leaves the caller by accident"
    hangs_up(scene, ben)
    assert "call is over" in words(presses(scene, ana.token, "4"))
    scene.work()
    theirs = scene.only(tables.attempt, token=caller.rings()[0].token)
    assert scene.carrier.ended == [theirs["sid"]]


# --- a colleague -----------------------------------------------------------------------


def test_the_colleague_hears_that_one_asks_and_joins_by_key(scene: Scene) -> None:
    ana, caller, ben = colleague_rung(scene)
    order = ben.rings()[-1]
    assert order.entrance == "/twilio/voice/peer"
    heard = words(guest_leg.colleague_answered(scene.rt, order.token))
    assert "Press 1 to join" in heard
    assert not any(word in heard.lower() for word in ("soon", "routine", caller.number[-4:]))
    comes(scene, ben)
    assert promise(scene)["specialist_id"] == ana.id, "whoever asked has it still"
    leg = scene.only(tables.attempt, token=order.token)
    assert (leg["leg"], leg["result"]) == ("peer", "taken")


def test_when_the_first_leaves_the_colleague_has_the_case_and_the_outcome(scene: Scene) -> None:
    ana, caller, ben = three_in_a_room(scene)
    hangs_up(scene, ana)
    assert (promise(scene)["state"], promise(scene)["specialist_id"]) == ("talking", ben.id)
    assert "yours now" in ben.texts_got()[-1]
    handed = [row for row in scene.rows(tables.audit) if row["action"] == "handed over"]
    assert [(row["actor"], row["detail"]) for row in handed] == [
        (f"staff:{ana.id}", {"staff": ben.id})
    ]
    hangs_up(scene, caller)
    assert "5 raise to crisis" in words(staff_leg.after(scene.rt, ben.token))
    outcomes.pressed(scene.rt, ana.token, "6")
    assert promise(scene)["state"] == "talking", "it is not the first one's any more"
    outcomes.pressed(scene.rt, ben.token, "1")
    assert promise(scene)["state"] == "done"


def test_when_the_colleague_leaves_the_first_keeps_the_case(scene: Scene) -> None:
    ana, caller, ben = three_in_a_room(scene)
    hangs_up(scene, ben)
    assert (promise(scene)["state"], promise(scene)["specialist_id"]) == ("talking", ana.id)
    assert not ana.texts_got(), "they heard the colleague leave"
    hangs_up(scene, caller)
    outcomes.pressed(scene.rt, ana.token, "1")
    assert promise(scene)["state"] == "done"


def test_leaving_by_key_hands_over_and_asks_for_no_outcome(scene: Scene) -> None:
    ana, _, ben = three_in_a_room(scene)
    steps = presses(scene, ana.token, "4")
    assert "colleague stays" in words(steps)
    assert isinstance(steps[-1], HangUp)
    assert promise(scene)["specialist_id"] == ben.id
    assert scene.carrier.ended == []


def test_the_colleague_leaves_by_key_and_owes_nothing(scene: Scene) -> None:
    ana, _, ben = three_in_a_room(scene)
    assert "colleague stays" in words(presses(scene, ben.token, "4"))
    assert promise(scene)["specialist_id"] == ana.id


def test_the_holder_of_a_page_gives_the_case_to_whoever_stays(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    talks(scene, ana, caller)
    ben = scene.staff("Ben", tier=2)
    assert scene.only(tables.case)["holder_id"] == ana.id
    presses(scene, ana.token, "2")
    scene.work()
    assert [order.entrance for order in ben.rings()] == ["/twilio/voice/peer"]
    comes(scene, ben)
    hangs_up(scene, ana)
    assert scene.only(tables.case)["holder_id"] == ben.id
    assert promise(scene)["specialist_id"] == ben.id


def test_nobody_is_free(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    scene.staff("Away", available=False)
    scene.staff("Chief", role="supervisor")
    scene.staff("Maria", languages=("es",))
    steps = presses(scene, ana.token, "2")
    assert "No colleague is free" in words(steps)
    assert is_back(scene, steps)
    assert scene.work() == 0


def test_a_colleague_on_a_call_is_not_rung_nor_one_in_this_room_for_another(scene: Scene) -> None:
    ana, _, ben = three_in_a_room(scene)
    wants_a_person(scene)
    scene.work()
    scene.guard()
    scene.work()
    assert len(ben.rings()) == len(ana.rings()) == 1
    danger(scene)
    assert len(ben.rings()) == len(ana.rings()) == 1


def test_whoever_did_not_come_is_not_asked_again(scene: Scene) -> None:
    ana, _, ben = colleague_rung(scene)
    report(scene, ben.rings()[-1], *PICKED_UP)
    steps = guest_leg.colleague_chosen(scene.rt, ben.token, "2")
    assert isinstance(steps[-1], HangUp)
    hangs_up(scene, ben)
    assert "does not join" in ana.texts_got()[-1]
    dan = scene.staff("Dan")
    assert "being rung" in words(presses(scene, ana.token, "2"))
    scene.work()
    assert (len(ben.rings()), len(dan.rings())) == (1, 1)


@pytest.mark.parametrize(
    "how",
    [
        (LegState.RINGING, LegState.NO_ANSWER),
        (LegState.RINGING, LegState.ANSWERED, LegState.COMPLETED),
        (LegState.BUSY,),
        (LegState.FAILED,),
    ],
)
def test_a_colleague_who_does_not_press_a_key_never_joins(
    scene: Scene, how: tuple[LegState, ...]
) -> None:
    """No answer, a voicemail, a busy line."""
    ana, caller, ben = colleague_rung(scene)
    report(scene, ben.rings()[-1], *how)
    scene.work()
    assert sum("does not join" in text for text in ana.texts_got()) == 1
    assert (promise(scene)["state"], promise(scene)["specialist_id"]) == ("talking", ana.id)
    assert len(caller.rings()) == 1
    missed = how[-1] in (LegState.NO_ANSWER, LegState.COMPLETED)
    assert scene.only(tables.staff, id=ben.id)["presence"] == ("away" if missed else "available")


def test_the_carrier_refuses_the_colleague(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    scene.staff("Ben")
    scene.carrier.call_script.append(Refused(13224, "no such number"))
    presses(scene, ana.token, "2")
    scene.work()
    assert "does not join" in ana.texts_got()[-1]


def test_two_specialists_ask_for_the_same_colleague_at_once(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    cy, caller = scene.staff("Cy"), wants_a_person(scene)
    scene.work()
    talks(scene, cy, caller)
    ben = scene.staff("Ben")
    told = race(
        lambda: switchboard.chosen(scene.rt, ana.token, "2"),
        lambda: switchboard.chosen(scene.rt, cy.token, "2"),
    )
    assert sorted("No colleague" in words(steps) for steps in told) == [False, True]
    scene.work()
    assert len(ben.rings()) == 1


@pytest.mark.parametrize("asked", ["peer", "third"])
def test_nobody_is_rung_for_a_caller_who_has_gone_just_then(scene: Scene, asked: str) -> None:
    """Asked once more just before the ring leaves."""
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    if asked == "peer":
        presses(scene, ana.token, "2")
    else:
        check = types(scene, ana.token, "2025550188")
        dialling.confirmed(scene.rt, asked_token(check), "1")
    with scene.store.begin() as tx:
        attempts.move(tx, caller.leg["id"], LegState.COMPLETED, scene.now)
    scene.work()
    assert (ben.rings(), scene.carrier.calls_to(RELATIVE)) == ([], [])


def test_only_one_colleague_at_a_time_and_two_presses_ring_once(scene: Scene) -> None:
    ana, _, ben = colleague_rung(scene)
    dan = scene.staff("Dan")
    before = everything(scene.store)
    assert "being rung" in words(switchboard.chosen(scene.rt, ana.token, "2"))
    assert everything(scene.store) == before
    comes(scene, ben)
    assert "is in the call" in words(presses(scene, ana.token, "2"))
    scene.work()
    assert (len(ben.rings()), dan.rings()) == (1, [])


def test_whoever_took_over_may_ask_the_next_one_in(scene: Scene) -> None:
    ana, _, ben = three_in_a_room(scene)
    hangs_up(scene, ana)
    dan = scene.staff("Dan")
    with_ben = presses(scene, ben.token, "2")
    assert "being rung" in words(with_ben)
    scene.work()
    assert len(ana.rings() + dan.rings()) == 2, "Ana may come back, or Dan comes"


def test_the_first_hangs_up_while_the_colleague_is_rung_who_then_finds_the_caller(
    scene: Scene,
) -> None:
    ana, _, ben = colleague_rung(scene)
    hangs_up(scene, ana)
    comes(scene, ben)
    assert promise(scene)["specialist_id"] == ben.id


def test_the_caller_hangs_up_while_the_colleague_is_rung(scene: Scene) -> None:
    ana, caller, ben = colleague_rung(scene)
    hangs_up(scene, caller)
    sid = scene.only(tables.attempt, token=ben.token)["sid"]
    assert sid in scene.carrier.ended
    late = guest_leg.colleague_chosen(scene.rt, ben.token, "1")
    assert isinstance(late[-1], HangUp)
    assert isinstance(guest_leg.colleague_answered(scene.rt, ben.token)[-1], HangUp)
    report(scene, ben.rings()[-1], LegState.NO_ANSWER)
    scene.work()
    assert scene.only(tables.staff, id=ben.id)["presence"] == "available", "they missed nothing"
    assert not ana.texts_got()
    assert promise(scene)["specialist_id"] == ana.id


def test_with_both_in_the_room_the_caller_hangs_up_and_only_the_first_owes(scene: Scene) -> None:
    ana, caller, ben = three_in_a_room(scene)
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    assert "5 raise to crisis" in words(staff_leg.after(scene.rt, ana.token))
    assert "raise to crisis" not in words(staff_leg.after(scene.rt, ben.token))
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert promise(scene)["specialist_id"] == ana.id, "there is no caller to hand over"


def test_a_colleague_joins_twice_and_it_is_once(scene: Scene) -> None:
    _, _, ben = colleague_rung(scene)
    first = comes(scene, ben)
    before = everything(scene.store)
    assert guest_leg.colleague_chosen(scene.rt, ben.token, "1") == first
    report(scene, ben.rings()[-1], LegState.RINGING, LegState.ANSWERED)
    assert everything(scene.store) == before


# --- another number --------------------------------------------------------------------


def test_a_number_is_said_again_asked_about_and_rung_from_ours(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    check = types(scene, ana.token, "2025550188")
    assert "plus 1, 2 0 2, 5 5 5, 0 1 8 8." in words(check)
    assert "agreed to be called" in words(check)
    scene.work()
    assert scene.carrier.calls_to(RELATIVE) == [], "nothing before the second key"
    steps = dialling.confirmed(scene.rt, asked_token(check), "1")
    assert is_back(scene, steps)
    scene.work()
    order = scene.carrier.calls_to(RELATIVE)[-1]
    assert (order.sender.e164, order.entrance) == (VOICE_NUMBER, "/twilio/voice/third")
    before = everything(scene.store)
    assert dialling.confirmed(scene.rt, asked_token(check), "1") == steps
    assert everything(scene.store) == before
    scene.work()
    assert len(scene.carrier.calls_to(RELATIVE)) == 1


def test_the_third_hears_nothing_private_and_joins_by_key_only(scene: Scene) -> None:
    _, _, order = third_rung(scene)
    report(scene, order, *PICKED_UP)
    heard = guest_leg.third_answered(scene.rt, order.token)
    assert isinstance(heard[0], Ask)
    assert not heard[0].speech, "a voicemail's greeting is no answer"
    assert not any(word in words(heard).lower() for word in ("harbor", "ketamine", "help", "drug"))
    assert guest_leg.third_ready(scene.rt, order.token, "") == (HangUp(),)
    third_joins(scene, order)
    before = everything(scene.store)
    third_joins(scene, order)
    assert everything(scene.store) == before


def test_the_third_is_spoken_to_in_the_language_of_the_caller(quick: Scene) -> None:
    _, caller, order = third_rung(quick)
    knows(quick, caller, language="es")
    heard = guest_leg.third_answered(quick.rt, order.token)
    assert isinstance(heard[0], Ask)
    assert heard[0].prompts[0].language == "es-US"  # type: ignore[union-attr]
    assert "llamada" in words(heard)


def test_the_third_never_came(scene: Scene) -> None:
    ana, _, order = third_rung(scene)
    report(scene, order, *PICKED_UP, LegState.COMPLETED)
    scene.work()
    assert "nobody joined" in ana.texts_got()[-1]
    assert promise(scene)["state"] == "talking"
    check = types(scene, ana.token, "2025550188")
    dialling.confirmed(scene.rt, asked_token(check), "1")
    scene.work()
    assert len(scene.carrier.calls_to(RELATIVE)) == 2, "it may be tried again"


def test_one_other_number_at_a_time(scene: Scene) -> None:
    ana, _, order = third_rung(scene)
    third_joins(scene, order)
    presses(scene, ana.token, "3")
    steps = dialling.asked(scene.rt, ana.token)
    assert "one at a time" in words(steps)
    assert is_back(scene, steps)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("911", "Emergency and short numbers"),
        ("988", "Emergency and short numbers"),
        ("112", "Emergency and short numbers"),
        ("202555", "Emergency and short numbers"),
        ("20255501", "not a telephone number"),
        ("00000000000", "not a telephone number"),
        ("2025550188*", "not a telephone number"),
        ("19005550100", "cannot be rung"),
        ("00870773111632", "cannot be rung"),
        ("00818012345678", "cannot be rung"),
        ("8765550123", "cannot be rung"),
        ("2025550101", "caller's, ours"),
    ],
)
def test_numbers_that_are_never_rung(quick: Scene, typed: str, said: str) -> None:
    ana, _ = in_a_talk(quick)
    steps = types(quick, ana.token, typed)
    assert said in words(steps)
    assert "Type the number" in words(steps), "and may be typed again"
    assert is_back(quick, steps), "silence goes back to the caller"
    assert quick.work() == 0
    assert len(quick.rows(tables.attempt)) == 2


def test_the_caller_and_staff_are_not_rung_as_another_number(quick: Scene) -> None:
    ana, caller = in_a_talk(quick)
    ben = quick.staff("Ben")
    for number in (caller.number, ben.number, ana.number):
        assert "caller's, ours" in words(types(quick, ana.token, number.removeprefix("+1")))


@pytest.mark.parametrize("typed", ["2025550188", "12025550188", "0012025550188"])
def test_a_number_may_be_typed_as_people_do(quick: Scene, typed: str) -> None:
    third_rung(quick, typed)
    assert len(quick.carrier.calls_to(RELATIVE)) == 1


@pytest.mark.parametrize("key", [None, "", "2", "0"])
def test_what_is_not_confirmed_is_never_rung(quick: Scene, key: str | None) -> None:
    ana, _ = in_a_talk(quick)
    check = types(quick, ana.token, "2025550188")
    assert is_back(quick, dialling.confirmed(quick.rt, asked_token(check), key))
    assert is_back(quick, dialling.confirmed(quick.rt, asked_token(check), "1")), "too late"
    quick.passes(600)
    assert quick.carrier.calls_to(RELATIVE) == []
    assert quick.only(tables.attempt, leg="third")["state"] == "canceled"


def test_a_number_typed_before_hanging_up_is_never_rung(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    check = types(scene, ana.token, "2025550188")
    hangs_up(scene, ana)
    assert scene.only(tables.attempt, leg="third")["state"] == "canceled"
    dialling.confirmed(scene.rt, asked_token(check), "1")
    scene.work()
    assert scene.carrier.calls_to(RELATIVE) == []


def test_a_number_typed_twice_is_one_leg_and_the_last_one_typed_counts(scene: Scene) -> None:
    ana, _ = in_a_talk(scene)
    check = types(scene, ana.token, "2025550188")
    assert dialling.typed(scene.rt, ana.token, "2025550188") == check
    other = dialling.typed(scene.rt, ana.token, "2025550189")
    dialling.confirmed(scene.rt, asked_token(check), "1")
    scene.work()
    assert scene.carrier.calls_to(RELATIVE) == []
    dialling.confirmed(scene.rt, asked_token(other), "1")
    states = [row["state"] for row in scene.rows(tables.attempt) if row["leg"] == "third"]
    assert len(states) == 2


def test_the_specialist_leaves_and_the_third_stays_with_the_caller(scene: Scene) -> None:
    """A warm hand-over to a facility: the outcome is told, the talk goes on."""
    ana, caller, order = third_rung(scene)
    third_joins(scene, order)
    assert "5 raise to crisis" in words(presses(scene, ana.token, "4"))
    outcomes.pressed(scene.rt, ana.token, "1")
    hangs_up(scene, ana)
    assert promise(scene)["state"] == "done"
    assert scene.carrier.ended == [], "the caller is not alone"
    hangs_up(scene, caller)
    assert promise(scene)["state"] == "done"


def test_the_caller_hangs_up_and_the_third_is_not_rung_on(scene: Scene) -> None:
    ana, caller, order = third_rung(scene)
    report(scene, order, LegState.RINGING)
    hangs_up(scene, caller)
    assert scene.only(tables.attempt, token=order.token)["sid"] in scene.carrier.ended
    assert guest_leg.third_answered(scene.rt, order.token) == (HangUp(),)
    assert guest_leg.third_ready(scene.rt, order.token, "1") == (HangUp(),)
    report(scene, order, LegState.CANCELED)
    assert "nobody joined" not in " ".join(ana.texts_got())


def test_a_confirmed_number_is_not_rung_when_the_caller_has_gone(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    check = types(scene, ana.token, "2025550188")
    dialling.confirmed(scene.rt, asked_token(check), "1")
    hangs_up(scene, caller)
    assert scene.carrier.calls_to(RELATIVE) == []


def test_the_end_of_a_third_leg_that_nobody_told_is_found_out(scene: Scene) -> None:
    _, _, order = third_rung(scene)
    scene.clock.advance(600)
    assert lost_legs.close_lost_rings(scene.rt) >= 1
    scene.work()
    assert scene.only(tables.attempt, token=order.token)["state"] == "failed"


def test_a_facility_has_a_key(quick: Scene) -> None:
    clinic = Facility("Harbor clinic", RELATIVE, ("US",))
    far = Facility("Far away", "+442079460000", ("GB",))
    quick.rt = replace(quick.rt, protocol=replace(quick.rt.protocol, facilities=(far, clinic)))
    ana, _ = in_a_talk(quick)
    presses(quick, ana.token, "3")
    asked = words(dialling.asked(quick.rt, ana.token))
    assert "For Harbor clinic type 1" in asked
    assert "Far away" not in asked
    check = dialling.typed(quick.rt, ana.token, "1")
    assert "Harbor clinic" in words(check)
    dialling.confirmed(quick.rt, asked_token(check), "1")
    quick.work()
    assert len(quick.carrier.calls_to(RELATIVE)) == 1


def test_no_number_that_was_typed_stands_anywhere_in_the_open(scene: Scene) -> None:
    third_rung(scene)
    assert scene.only(tables.attempt, leg="third")["phone"] == RELATIVE, "sealed, opened here"
    others = {name: rows for name, rows in everything(scene.store).items() if name != "attempt"}
    assert "5550188" not in str(others)


# --- whoever it is ---------------------------------------------------------------------


def test_unknown_and_wrong_tokens_hang_up(scene: Scene) -> None:
    ana, caller, order = third_rung(scene)
    told: list[Callable[..., tuple[CallStep, ...]]] = [
        switchboard.keys, dialling.asked, guest_leg.colleague_answered, guest_leg.third_answered,
        guest_leg.third_after,
    ]  # fmt: skip
    pressed: list[Callable[..., tuple[CallStep, ...]]] = [
        switchboard.chosen, dialling.typed, dialling.confirmed, guest_leg.colleague_chosen,
        guest_leg.third_ready,
    ]  # fmt: skip
    before = everything(scene.store)
    callers = caller.rings()[-1].token
    for token in ("", "nobody", "x" * 200, callers):
        assert [step(scene.rt, token) for step in told] == [(HangUp(),)] * 5
        assert [step(scene.rt, token, "2") for step in pressed] == [(HangUp(),)] * 5
    for step in (switchboard.chosen, dialling.typed, guest_leg.colleague_chosen):
        assert step(scene.rt, order.token, "2") == (HangUp(),)
    assert guest_leg.third_ready(scene.rt, ana.token, "1") == (HangUp(),)
    assert guest_leg.colleague_chosen(scene.rt, ana.token, "1") == (HangUp(),)
    assert everything(scene.store) == before


@pytest.mark.parametrize(
    ("key", "action"),
    [("1", "went back"), ("2", "found no colleague"), ("3", "asked for a number"), ("4", "left")],
)
def test_every_key_is_noted_under_their_name(quick: Scene, key: str, action: str) -> None:
    ana, _ = in_a_talk(quick)
    presses(quick, ana.token, key)
    last = quick.rows(tables.audit)[-1]
    assert (last["action"], last["actor"]) == (action, f"staff:{ana.id}")


def test_whoever_came_by_a_page_has_the_same_keys(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    talks(scene, ana, caller)
    assert ana.rings()[-1].entrance == "/twilio/voice/page"
    joined = page_leg.chosen(scene.rt, ana.token, "1")[-1]
    assert isinstance(joined, Join)
    assert joined.leave_on_star
    assert "1 to go back" in words(steps_out(scene, ana.token))


def test_a_leg_that_is_lost_is_handed_over_too(scene: Scene) -> None:
    """The carrier never told that the first hung up; the guard asks it."""
    ana, _, ben = three_in_a_room(scene)
    with scene.store.begin() as tx:
        found = legs.lock(tx, ana.token)
        assert found is not None
        legs.given_up(scene.rt, tx, found, scene.now)
    assert promise(scene)["specialist_id"] == ben.id
