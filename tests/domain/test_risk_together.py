"""Parts of one message read together: they only raise, and only by what the last part adds."""

from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpline.domain.risk import (
    NOTHING,
    Assessment,
    Level,
    Lexicon,
    assess,
    compile_lexicon,
    parse_entries,
)

FOLDER = Path(__file__).resolve().parents[2] / "config" / "lexicon"
E, C, A = Level.EMERGENCY, Level.CRISIS, Level.ASK
GRAVE = [
    "i took all my pills", "i want to kill myself", "my brother is not breathing", "im suicidal",
    "i cant wake him up", "kms tonight i have the pills", "he has a knife", "no respira",
    "mixed k and xanax hes snoring weird", "on the tracks", "me quiero morir", "i overdosed",
]  # fmt: skip
HARMLESS = [
    "1",
    "2",
    "3",
    "9",
    "0",
    "ok",
    "k thanks",
    "yes",
    "no",
    "skip",
    "hello",
    "sure",
    "thanks",
]


@cache
def lexicon() -> Lexicon:
    entries, problems = parse_entries(
        {
            str(path.relative_to(FOLDER)): yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
            for path in sorted(FOLDER.glob("*/*.yaml"))
        }
    )
    assert problems == []
    return compile_lexicon(entries)


def after(*parts: str, hot: bool = False) -> Assessment:
    """The answer to the last part."""
    return assess(parts[-1], lexicon(), recent=parts[:-1], hot=hot)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("i want to", "kill myself"), C),
        (("i want", "to", "die"), C),
        (("he is not", "breathing"), E),
        (("i took all", "my pills"), E),
        (("kill", "myself"), C),
        (("my brother is on the floor", "cant wake him"), E),
        (("i want to die", "im on the roof"), E),
        (("im on the roof", "i want to die"), E),
        (("i want to die", "took 20 codeine"), E),
        (("i stopped drinking yesterday", "now hes confused and seeing things"), A),
        (("goodbye", "😭"), A),
        (("quiero", "morir"), C),
        (("i want to kill myself. he is not", "breathing"), E),
        (("kill myself. i want to", "die"), C),
    ],
)
def test_parts_mean_more_together(parts: tuple[str, ...], expected: Level) -> None:
    assert after(*parts).level >= expected


@pytest.mark.parametrize("answer", HARMLESS)
@pytest.mark.parametrize("grave", GRAVE)
def test_an_answer_after_danger_is_only_an_answer(grave: str, answer: str) -> None:
    assert assess(grave, lexicon()).level >= A
    assert after(grave, answer).level <= assess(answer, lexicon()).level


def test_the_digit_after_an_emergency_says_nothing() -> None:
    assert after("i took all my pills", "1") == NOTHING
    assert after("i took all my pills", "1", "ok") == NOTHING


@pytest.mark.parametrize("later", ["lol jk", "just kidding", "not really", "haha no"])
def test_words_that_take_back_do_not_ask_again(later: str) -> None:
    """The danger was answered when it came; taking it back finds nothing new."""
    assert after("i want to kill myself", later).level <= assess(later, lexicon()).level


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("i do not", "want to kill myself"), C),
        (("for my essay", "i want to kill myself"), C),
        (("mum will", "kill myself"), C),
        (("years ago", "i overdosed"), E),
        (("suicide squad is on", "i took all my pills"), E),
    ],
)
def test_earlier_words_never_lower(parts: tuple[str, ...], expected: Level) -> None:
    assert after(*parts).level >= expected


def test_parts_in_the_wrong_order_raise_at_the_first() -> None:
    assert after("kill myself").level >= C
    assert after("kill myself", "i want to").level < A


def test_the_span_is_clipped_to_the_text() -> None:
    found = after("he is not", "breathing now")
    worst = max(found.signals, key=lambda signal: signal.level)
    assert "breathing now"[worst.start : worst.end] == "breathing"


def test_a_combination_that_lies_before_counts_once() -> None:
    assert after("i want to die tonight", "ok").level == Level.NONE
    found = after("i want to die", "tonight")
    assert found.level == C
    assert "imminent" in found.tags


@pytest.mark.parametrize("filler", ["we had soup. ", "my phone died. ", "i took the bus. "])
def test_a_long_history(filler: str) -> None:
    history = (filler * 100, "i took all my pills", filler * 100)
    assert after(*history, "1") == NOTHING
    assert after(*history, "i want to die").level >= C
    assert after(filler * 400, "he is not", "breathing").level == E


@settings(max_examples=150)
@given(st.lists(st.sampled_from([*GRAVE, *HARMLESS, "suicide squad", "i", "not"]), max_size=6))
def test_reading_together_never_lowers(parts: list[str]) -> None:
    for text in ("i want to die", "not breathing", "1", "help me"):
        found = after(*parts, text)
        assert found.level >= assess(text, lexicon()).level
        assert found.level == max((s.level for s in found.signals), default=Level.NONE)
