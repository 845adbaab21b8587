"""Every path once more, in Spanish words: each word does what its digit does, and leads as far."""

from collections import deque

import pytest

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.protocol import Question
from tests.domain.test_triage_model import (
    MOST_ANSWERS,
    has_human,
    key_of,
    open_question,
    say,
    where,
)
from tests.phone import messages, page_of, protocol
from tests.spanish import spoken_answers

Key = tuple[object, ...]


def answers_to(question: Question, language: str) -> list[tuple[str, str]]:
    """What is written, and the digit it stands for; who asked for English at C5 sends digits."""
    if language != "es":
        return [(digit, digit) for digit in question.answers] or [("skip", "skip")]
    if question.saves == "phone":
        return [("+1 202 555 0143", "+1 202 555 0143"), ("saltar", "SKIP")]
    if question.choose == "words":
        return [("Guadalajara", "Guadalajara"), ("saltar", "SKIP")]
    return [(words, digit) for digit, words in spoken_answers(protocol(), question).items()]


def walk(staffed: bool) -> tuple[dict[Key, Progress], dict[Key, set[Key]]]:
    """All that can be reached by answers in Spanish words; each is held against its digit."""
    places: dict[Key, Progress] = {}
    onward: dict[Key, set[Key]] = {}
    start = say(Progress(), "hola", staffed=staffed).progress
    assert start.language == "es"
    todo = deque([start])
    while todo:
        progress = todo.popleft()
        key = key_of(progress, False)
        if key in places:
            continue
        places[key], onward[key] = progress, set()
        question = open_question(progress)
        for words, digit in answers_to(question, progress.language) if question else ():
            step = say(progress, words, staffed=staffed)
            by_digit = say(progress, digit, staffed=staffed)
            place = f"{words!r} for {digit} at {where(progress)}"
            assert step.progress.language == by_digit.progress.language, place
            assert messages(step.effects) == messages(by_digit.effects), place
            assert step.progress.disposition >= by_digit.progress.disposition, place
            assert (page_of(step.effects) is None) <= (page_of(by_digit.effects) is None), place
            onward[key].add(key_of(step.progress, False))
            todo.append(step.progress)
    return places, onward


@pytest.mark.parametrize("staffed", [True, False], ids=["staffed", "nobody"])
def test_every_path_of_spanish_words_ends_in_a_disposition(staffed: bool) -> None:
    places, onward = walk(staffed)
    longest: dict[Key, int] = {}

    def answers_until_end(key: Key, path: frozenset[Key]) -> int:
        progress = places[key]
        state = protocol().states[progress.state or ""]
        if state.kind in {"wait", "end"}:
            assert progress.disposition >= Disposition.INFO or has_human(progress), where(progress)
            return 0
        assert key not in path, f"a circle of answers at {where(progress)}"
        if key not in longest:
            assert onward[key], f"no way on from {where(progress)}"
            longest[key] = 1 + max(answers_until_end(next_, path | {key}) for next_ in onward[key])
        return longest[key]

    assert 10 < answers_until_end(next(iter(places)), frozenset()) <= MOST_ANSWERS
    english = {p.state for p in places.values() if p.language != "es"}
    assert english <= {"QUEUED", "CALLBACK", "CLOSED"}, "only C5 may ask for English"


def test_the_walk_asks_every_question_of_the_three_paths() -> None:
    places, _ = walk(staffed=True)
    asked = {progress.question for progress in places.values()}
    beside = {"KW_START", "SQC", "K3", "EV", "F1", "SQ1R"}  # reached by other words, or off duty
    every = {q.message for state in protocol().states.values() for q in state.questions}
    assert every - beside <= asked
