"""Nobody is told more options in one breath than they can hold (PROTOCOL 3.8)."""

import pytest

from helpline.domain.messages import halves
from helpline.domain.speech import Pause, Say
from helpline.store import tables
from tests.builders import Scene
from tests.phone import protocol
from tests.telephone import VoiceCaller

TO_SUBSTANCES = "1233"
"""The keys that lead from the first ring to question L1."""


def asked_for_substances(scene: Scene, first: str = "") -> VoiceCaller:
    scene.staff()
    caller = VoiceCaller(scene).rings()
    for key in first + TO_SUBSTANCES:
        caller.presses(key)
    return caller


def heard(caller: VoiceCaller) -> list[str]:
    """The prompts of the open question, a pause as three dots."""
    return [item.text if isinstance(item, Say) else "..." for item in caller.asked.prompts]


@pytest.mark.parametrize(
    ("first", "before", "after"),
    [("", "sleeping pills 3.", "Opioids 4."), ("8", "dormir, 3.", "Opioides, 4.")],
)
def test_a_long_question_is_read_in_two_halves(
    scene: Scene, first: str, before: str, after: str
) -> None:
    caller = asked_for_substances(scene, first)
    *_, one, pause, two = heard(caller)
    assert one.endswith(before)
    assert pause == "..."
    assert two.startswith(after)
    between = next(item for item in caller.asked.prompts if isinstance(item, Pause))
    assert between.length == scene.rt.protocol.telephone.between_halves


def test_both_halves_are_one_prompt_that_any_key_interrupts(scene: Scene) -> None:
    caller = asked_for_substances(scene)
    assert [type(step).__name__ for step in caller.told] == ["Ask"]
    assert caller.asked.digits > 1
    assert caller.asked.speech
    # Two of the first half, one of the second, whenever they are pressed.
    caller.presses("145").hears("last use")


@pytest.mark.parametrize("answer", ["1", "4", "6", "14"])
def test_every_key_counts_in_either_half(quick: Scene, answer: str) -> None:
    asked_for_substances(quick).presses(answer).hears("last use")


def test_an_answer_may_be_spoken_in_either_half(quick: Scene) -> None:
    asked_for_substances(quick).says("ketamine and opioids").hears("last use")


@pytest.mark.parametrize("keys", ["*", "1*"])
def test_a_star_reads_both_halves_again(quick: Scene, keys: str) -> None:
    caller = asked_for_substances(quick)
    first, token = heard(caller), caller.token
    assert "..." in first
    caller.presses(keys)
    assert heard(caller) == first
    assert caller.token == token, "nothing was answered"


def test_silence_reads_both_halves_again(quick: Scene) -> None:
    caller = asked_for_substances(quick)
    first = heard(caller)[-3:]
    assert heard(caller.stays_silent())[-3:] == first


def test_the_timeline_holds_what_was_asked(quick: Scene) -> None:
    caller = asked_for_substances(quick)
    turns = [row for row in quick.rows(tables.message) if row["sid"] == f"{caller.sid}.4"]
    assert "Ketamine 1." in turns[0]["answer"]
    assert "None 6." in turns[0]["answer"]


def test_the_questions_of_the_protocol_have_halves() -> None:
    for language in ("en", "es"):
        spoken = protocol().messages[language]
        for key in ("L1", "L3", "L4", "R5"):
            assert len(halves(spoken[key].voice or "")) == 2, (language, key)
        assert len(halves(spoken["S2"].voice or "")) == 1
