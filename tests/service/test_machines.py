"""A machine answers a call back: neutral words once, after its greeting, for whoever agreed."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from helpline.domain.delivery import LegState, MachineWatch, TryLater
from helpline.domain.disposition import Disposition
from helpline.domain.speech import Ask, CallStep, HangUp, Join, Pause, Redirect, Say
from helpline.service.calls import answering_machine, caller_leg
from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, VOICE_NUMBER, Phone, Scene, StaffPhone, race, report
from tests.service.stories import CRISIS, PICKED_UP, knows, writes

AGREED = {"C3": ["1"]}
GREETING = "You have reached my voicemail, please leave a message after the tone"
MOVED_TO = "/twilio/voice/caller/message"
DOUBT = ["human", "machine_start", "fax", "unknown", "", None, "machine_end", "MACHINE_END_BEEP",
         "machine_end_beep ", "voicemail"]  # fmt: skip
OVER = ["machine_end_beep", "machine_end_silence", "machine_end_other"]


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


def rung(scene: Scene, before: str = "hi", **facts: Any) -> tuple[StaffPhone, Phone]:
    """A caller asked for a person, somebody took it, the caller's telephone was answered."""
    ana, caller = scene.staff(), scene.phone()
    writes(caller, before)
    knows(scene, caller, **({"answers": AGREED} | facts))
    writes(caller, "person")
    scene.work()
    answers(scene, ana, caller)
    return ana, caller


def answers(scene: Scene, ana: StaffPhone, caller: Phone) -> None:
    """She takes what rings, and something picks up at the caller's."""
    report(scene, ana.rings()[-1], *PICKED_UP)
    assert isinstance(ana.presses("1")[-1], Join)
    scene.work()
    report(scene, caller.rings()[-1], *PICKED_UP)


def verdict(scene: Scene, caller: Phone, said: str | None) -> None:
    answering_machine.heard(scene.rt, caller.rings()[-1].token, said)
    scene.work()


def left(scene: Scene, caller: Phone) -> tuple[CallStep, ...]:
    return answering_machine.words(scene.rt, caller.rings()[-1].token)


def moved(scene: Scene) -> list[str]:
    return [token for _, entrance, token in scene.carrier.moved if entrance == MOVED_TO]


def tried_again(scene: Scene, ana: StaffPhone, caller: Phone) -> None:
    """The attempt failed, its time comes round, and it is made again."""
    rings = len(caller.rings())
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    scene.work()
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    assert promise(scene)["state"] == "waiting"
    scene.clock.advance((promise(scene)["not_before"] - scene.now).total_seconds())
    scene.guard()
    scene.work()
    answers(scene, ana, caller)
    assert len(caller.rings()) == rings + 1


# --- with consent -------------------------------------------------------------------


@pytest.mark.parametrize("said", OVER)
def test_the_end_of_a_greeting_is_followed_by_neutral_words_once(scene: Scene, said: str) -> None:
    ana, caller = rung(scene)
    assert caller.rings()[-1].watch == MachineWatch(
        "/twilio/voice/caller/machine", scene.rt.protocol.telephone.greeting
    )
    for _ in range(3):
        verdict(scene, caller, said)
    assert moved(scene) == [caller.rings()[-1].token]
    words = left(scene, caller)
    assert words == left(scene, caller), "a repeated webhook says the same"
    assert words == (
        Say("Hello, this is a message for you. I am returning your call. Please call me on plus 1 "
            "2 0, 2 5 5, 5 0 1, 0 1 when it suits you. Thank you.", "en-US"),
        HangUp(),
    )  # fmt: skip
    assert caller.leg["result"] == "voicemail left"
    tried_again(scene, ana, caller)
    assert promise(scene)["tries"] == 1
    assert "/twilio/voice/staff/alone" in [entrance for _, entrance, _ in scene.carrier.moved]
    assert len([row for row in scene.rows(tables.audit) if row["action"] == "left voicemail"]) == 1


def test_a_second_machine_of_the_same_promise_is_left_nothing(scene: Scene) -> None:
    ana, caller = rung(scene)
    verdict(scene, caller, "machine_end_beep")
    left(scene, caller)
    tried_again(scene, ana, caller)
    assert caller.rings()[-1].watch is None
    verdict(scene, caller, "machine_end_beep")
    assert len(moved(scene)) == 1
    assert left(scene, caller) == (HangUp(),)


def test_a_machine_that_hung_up_before_the_words_is_left_them_next_time(scene: Scene) -> None:
    ana, caller = rung(scene)
    answering_machine.heard(scene.rt, caller.rings()[-1].token, "machine_end_beep")
    first = caller.rings()[-1].token
    tried_again(scene, ana, caller)
    assert moved(scene) == [], "a leg that is over is not moved"
    assert scene.only(tables.attempt, token=first)["result"] == "not reached"
    assert caller.rings()[-1].watch is not None
    verdict(scene, caller, "machine_end_silence")
    assert isinstance(left(scene, caller)[0], Say)


def test_the_name_they_gave_is_all_that_is_told_of_them(quick: Scene) -> None:
    _, caller = rung(quick, "i need help with ket", words={"name": "Sam"})
    verdict(quick, caller, "machine_end_beep")
    said = left(quick, caller)[0]
    assert isinstance(said, Say)
    assert "message for Sam." in said.text
    for private in ("Harbor", "counselor", "ket", "help", "crisis"):
        assert private not in said.text
    assert quick.rt.line.voice_numbers[0].e164 == VOICE_NUMBER


def test_verdicts_that_come_together_are_one(scene: Scene) -> None:
    _, caller = rung(scene)
    token = caller.rings()[-1].token
    race(*[partial(answering_machine.heard, scene.rt, token, "machine_end_beep")] * 4)
    scene.work()
    assert moved(scene) == [token]
    race(*[partial(answering_machine.words, scene.rt, token)] * 4)
    assert len([row for row in scene.rows(tables.audit) if row["action"] == "left voicemail"]) == 1


def test_a_greeting_is_listened_to_until_it_ends(scene: Scene) -> None:
    _, caller = rung(scene)
    token = caller.rings()[-1].token
    assert isinstance(caller_leg.ready(scene.rt, token, speech=GREETING)[0], Redirect)
    patient = caller_leg.ready(scene.rt, token, speech=GREETING)
    assert patient == (Pause(scene.rt.protocol.telephone.greeting), HangUp())
    verdict(scene, caller, "machine_end_beep")
    assert caller_leg.ready(scene.rt, token, speech="hello")[-1] == HangUp()
    assert isinstance(left(scene, caller)[0], Say)


def test_a_move_that_the_carrier_cannot_do_just_now_is_asked_again(scene: Scene) -> None:
    _, caller = rung(scene)
    scene.carrier.move_script.append(TryLater(timedelta(seconds=1), 20429, "busy"))
    verdict(scene, caller, "machine_end_beep")
    scene.passes(5, step=1)
    assert len(moved(scene)) == 2
    assert isinstance(left(scene, caller)[0], Say)


# --- doubt never speaks ---------------------------------------------------------------


@pytest.mark.parametrize("said", DOUBT)
def test_doubt_says_nothing(quick: Scene, said: str | None) -> None:
    ana, caller = rung(quick)
    verdict(quick, caller, said)
    assert moved(quick) == []
    assert left(quick, caller) == (HangUp(),)
    assert caller.leg["result"] is None
    tried_again(quick, ana, caller)
    assert caller.rings()[-1].watch is not None, "nothing was left yet"


@pytest.mark.parametrize(
    "facts",
    [
        {"answers": {}},
        {"answers": {"C3": ["2"]}},
        {"answers": {"C3": ["3"]}},
        {"flags": ["SAFE_CONTACT"], "answers": AGREED | {"C2": ["1"]}},
        {"flags": ["DISCREET"], "answers": AGREED | {"C2": ["1"]}},
    ],
    ids=str,
)
def test_without_consent_or_in_secret_nothing_is_found_out_or_left(
    quick: Scene, facts: dict[str, Any]
) -> None:
    ana, caller = rung(quick, **facts)
    assert caller.rings()[-1].watch is None
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []
    assert left(quick, caller) == (HangUp(),)
    token = caller.rings()[-1].token
    caller_leg.ready(quick.rt, token, speech=GREETING)
    assert caller_leg.ready(quick.rt, token, speech=GREETING) == (HangUp(),)
    tried_again(quick, ana, caller)


@pytest.mark.parametrize(
    "facts",
    [
        {"flags": ["SAFE_CONTACT"]},
        {"flags": ["DISCREET"]},
        {"hits": {"emergency.violence": 1.0}},
        {"hits": {"emergency.child_in_danger": 1.0}},
    ],
    ids=str,
)
def test_whoever_hides_or_is_near_violence_meanwhile_is_left_nothing(
    quick: Scene, facts: dict[str, Any]
) -> None:
    _, caller = rung(quick)
    assert caller.rings()[-1].watch is not None
    knows(quick, caller, **facts)
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []


def test_whoever_hides_after_the_verdict_is_left_nothing(quick: Scene) -> None:
    _, caller = rung(quick)
    verdict(quick, caller, "machine_end_beep")
    knows(quick, caller, flags=["SAFE_CONTACT"])
    assert left(quick, caller) == (HangUp(),)
    assert caller.leg["result"] == "machine"


def test_whoever_hides_on_another_line_is_left_nothing(quick: Scene) -> None:
    ana, caller = quick.staff(), quick.phone()
    caller.line = "+12025550102"
    writes(caller, "hi")
    knows(quick, caller, flags=["DISCREET"])
    caller.line = LINE_NUMBER
    writes(caller, "hi")
    knows(quick, caller, answers=AGREED | {"C2": ["1"]})
    writes(caller, "person")
    quick.work()
    answers(quick, ana, caller)
    assert caller.rings()[-1].watch is None


def test_danger_is_never_left_on_a_machine(quick: Scene) -> None:
    ana, caller = quick.staff(), quick.phone()
    writes(caller, "hi")
    knows(quick, caller, answers=AGREED)
    writes(caller, CRISIS)
    quick.work()
    answers(quick, ana, caller)
    assert promise(quick)["disposition"] >= Disposition.CRISIS_LIVE
    assert caller.rings()[-1].watch is None
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []


# --- a person wins ----------------------------------------------------------------------


@pytest.mark.parametrize("speech", [None, "hello"])
@pytest.mark.parametrize("state", ["connected", "holding"])
def test_a_person_before_the_verdict_wins(quick: Scene, speech: str | None, state: str) -> None:
    ana, caller = rung(quick)
    if state == "holding":
        report(quick, ana.rings()[-1], LegState.COMPLETED)
    caller_leg.ready(quick.rt, caller.rings()[-1].token, speech=speech)
    assert caller.leg["result"] == state
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []
    assert caller.leg["result"] == state


def test_a_key_after_the_verdict_is_a_person_too(scene: Scene) -> None:
    _, caller = rung(scene)
    token = caller.rings()[-1].token
    answering_machine.heard(scene.rt, token, "machine_end_beep")
    assert isinstance(caller_leg.ready(scene.rt, token)[0], Join)
    scene.work()
    assert moved(scene) == []
    assert caller.leg["result"] == "connected"
    assert isinstance(left(scene, caller)[0], Join), "a move under way leads back to the person"


def test_nobody_knows_such_a_leg(quick: Scene) -> None:
    ana, caller = rung(quick)
    for token in ("nobody", "", ana.token):
        answering_machine.heard(quick.rt, token, "machine_end_beep")
        assert answering_machine.words(quick.rt, token) == (HangUp(),)
    assert moved(quick) == []
    assert caller.leg["result"] is None


@pytest.mark.parametrize("end", [LegState.COMPLETED, LegState.NO_ANSWER, LegState.FAILED])
def test_a_verdict_on_a_leg_that_is_over_does_nothing(quick: Scene, end: LegState) -> None:
    _, caller = rung(quick)
    report(quick, caller.rings()[-1], end)
    tries = promise(quick)["tries"]
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []
    assert promise(quick)["tries"] == tries
    assert caller.leg["result"] == "not reached"


def test_a_verdict_after_everybody_has_left_does_nothing(quick: Scene) -> None:
    """The specialist hung up first, so nothing was settled about the caller's leg."""
    ana, caller = rung(quick)
    report(quick, ana.rings()[-1], LegState.COMPLETED)
    report(quick, caller.rings()[-1], LegState.COMPLETED)
    verdict(quick, caller, "machine_end_beep")
    assert moved(quick) == []
    assert caller.leg["result"] is None


def test_a_voice_connects_when_it_has_become_danger(quick: Scene) -> None:
    _, caller = rung(quick)
    answering_machine.heard(quick.rt, caller.rings()[-1].token, "machine_end_beep")
    writes(caller, CRISIS)
    steps = caller_leg.ready(quick.rt, caller.rings()[-1].token, speech="help me please")
    assert isinstance(steps[-1], Join)
    quick.work()
    assert moved(quick) == []
    assert left(quick, caller) == steps[-1:]


def test_before_the_verdict_a_machine_hears_only_that_there_is_a_call(quick: Scene) -> None:
    _, caller = rung(quick)
    asked = caller_leg.answered(quick.rt, caller.rings()[-1].token)[0]
    assert isinstance(asked, Ask)
    assert [item.text for item in asked.prompts if isinstance(item, Say)] == [
        "Hello, there is a call for you. Press any key, or say hello, to be connected."
    ]
