"""The protocol on the telephone: the same engine, keys, speech and silence (PROTOCOL 3.8)."""

import pytest

from helpline.domain.delivery import CarrierCall, LegState
from helpline.domain.disposition import Disposition
from helpline.domain.speech import Ask, Join
from helpline.service.calls import lost_legs, page_leg, triage_leg
from helpline.store import seen, tables
from tests.builders import LINE_NUMBER, Scene
from tests.telephone import VoiceCaller


def ring(scene: Scene, number: str | None = None) -> VoiceCaller:
    return VoiceCaller(scene, number).rings()


def test_the_first_words_are_the_emergency_number_then_nine_and_zero(scene: Scene) -> None:
    scene.staff()
    caller = ring(scene)
    said = caller.words
    numbers = [said.index("9 1 1"), said.index("press 9"), said.index("press 0")]
    assert numbers == sorted(numbers)
    assert said.index("press 0") < 12 * 15, "within twelve seconds of speech"
    assert caller.asked.speech
    assert caller.asked.silence_to_action


def test_keys_walk_the_same_protocol_as_texts(scene: Scene) -> None:
    scene.staff()
    caller = ring(scene).presses("1")
    caller.hears("safety right now")
    caller.presses("2").hears("suicide").presses("3").presses("3")
    assert isinstance(caller.told[0], Ask)
    turns = [row for row in scene.rows(tables.message) if row["sid"].startswith(caller.sid)]
    assert len(turns) == 5, "every turn stands in the caller's timeline"


def test_a_repeated_webhook_gets_the_same_answer_and_changes_nothing(scene: Scene) -> None:
    scene.staff()
    caller = ring(scene)
    first = caller.told
    assert triage_leg.rings(scene.rt, caller.sid, caller.number, LINE_NUMBER) == first
    token = caller.token
    caller.presses("1")
    again = triage_leg.heard(scene.rt, caller.sid, token, digits="1", speech=None, confidence=None)
    assert again == caller.told
    assert len([r for r in scene.rows(tables.message) if r["sid"].startswith(caller.sid)]) == 2


def test_words_of_danger_are_put_through_to_a_person(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    caller = ring(scene).says("i took all my pills and i cant stay awake")
    caller.hears("9 1 1")
    assert caller.waits is not None
    assert caller.waits.start is False, "they hear the numbers until somebody comes"
    scene.work()
    assert len(ana.rings()) == len(ben.rings()) == 1, "rung side by side"
    steps = ana.presses("1")
    join = next(step for step in steps if isinstance(step, Join))
    assert join.conference == caller.waits.conference
    assert join.start
    scene.work()
    assert not scene.carrier.calls_to(caller.number), "nobody rings who is on the line"
    taken = page_leg.answered(scene.rt, ben.token)
    assert "taken" in str(taken) or "colleague" in str(taken)


@pytest.mark.parametrize("words", ["0", "9"])
def test_zero_and_nine_reach_a_person_live(scene: Scene, words: str) -> None:
    ana = scene.staff()
    caller = ring(scene).presses(words)
    assert caller.waits is not None
    scene.work()
    assert len(ana.rings()) == 1


def test_doubtful_danger_is_asked_about_aloud(scene: Scene) -> None:
    scene.staff()
    caller = ring(scene).says("i want to kill myself", 0.5)
    assert caller.waits is None
    caller.hears("suicide")
    caller.presses("1")
    assert scene.rows(tables.page)


def test_what_only_sounds_like_danger_is_asked_about(scene: Scene) -> None:
    scene.staff()
    assert ring(scene).says("i want to kiss myself", 0.95).hears("suicide").waits is None


def test_silence_is_asked_twice_again_and_then_reaches_a_human(scene: Scene) -> None:
    ana = scene.staff()
    caller = ring(scene)
    question = caller.asked.prompts[0]
    for _ in range(2):
        caller.stays_silent()
        assert caller.asked.prompts[0] == question
    caller.stays_silent()
    assert caller.waits is not None
    scene.work()
    assert len(ana.rings()) == 1


def test_hanging_up_half_way_is_a_call_owed(scene: Scene) -> None:
    caller = ring(scene).presses("1").presses("2").presses("3").presses("3")
    caller.hangs_up()
    promise = scene.only(tables.callback)
    assert promise["state"] == "waiting"
    assert promise["disposition"] >= Disposition.ROUTINE


def test_hanging_up_after_danger_is_rung_back_at_once(scene: Scene) -> None:
    ana = scene.staff()
    caller = ring(scene).says("i want to end my life tonight")
    scene.work()
    caller.hangs_up()
    scene.work()
    ana.presses("1")
    scene.work()
    assert len(scene.carrier.calls_to(caller.number)) == 1


def test_hanging_up_on_the_safety_question_after_doubt_pages(scene: Scene) -> None:
    scene.staff()
    ring(scene).says("i want to kill myself", 0.4).hangs_up()
    assert scene.only(tables.page)["kind"] == Disposition.CRISIS_LIVE


def test_the_caller_may_go_on_in_spanish(scene: Scene) -> None:
    scene.staff()
    caller = ring(scene)
    assert "español" in caller.words
    caller.presses("8")
    assert caller.asked.language == "es-US"


def test_a_hidden_number_is_kept_live(scene: Scene) -> None:
    ana = scene.staff()
    caller = VoiceCaller(scene, "anonymous").rings().presses("9")
    assert caller.waits is not None
    scene.work()
    assert isinstance(ana.presses("1")[-1], Join)


def test_a_hang_up_that_nobody_told_us_of_is_found_out(scene: Scene) -> None:
    caller = ring(scene).presses("1").presses("2")
    scene.carrier.log_calls = [
        CarrierCall(caller.sid, LINE_NUMBER, caller.number, LegState.ANSWERED, None)
    ]
    scene.clock.advance(121)
    assert lost_legs.close_lost_calls(scene.rt) == 0, "they are still there"
    scene.carrier.log_calls = [
        CarrierCall(caller.sid, LINE_NUMBER, caller.number, LegState.COMPLETED, None)
    ]
    assert lost_legs.close_lost_calls(scene.rt) == 1
    assert scene.only(tables.callback)["state"] == "waiting"
    assert lost_legs.close_lost_calls(scene.rt) == 0


def test_the_reconciler_knows_a_call_that_was_spoken_with(scene: Scene) -> None:
    caller = ring(scene)
    with scene.store.read() as tx:
        assert caller.sid in seen.list_seen_calls(tx, scene.now)
