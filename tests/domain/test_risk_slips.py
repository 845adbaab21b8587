"""Slips of the thumb: repaired into words of the lexicon, and only when nobody means the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.content.everyday import everyday_words
from helpline.domain.risk import Level
from helpline.domain.risk.words import build_slips, is_one_slip, one_edit_away
from tests.phone import heard, protocol

WORDS = st.text("abcde", min_size=1, max_size=6)


@given(WORDS, WORDS)
def test_one_slip_is_what_it_says(token: str, word: str) -> None:
    """Held against the other way to say it, which keeps the first letter."""
    if token[0] == word[0] and token != word:
        assert is_one_slip(token, word) == (token in one_edit_away(word))
    assert is_one_slip(token, word) == is_one_slip(word, token)


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("i swalowed the whoel bottle of tablts", Level.ASK),
        ("she is uncoscious and not breathng", Level.EMERGENCY),
        ("no puedo respriar", Level.ASK),
        ("i want to hagn mysefl", Level.CRISIS),
    ],
)
def test_danger_with_slips_is_heard(text: str, at_least: Level) -> None:
    assert heard(text).level >= at_least


@pytest.mark.parametrize(
    "text",
    ["the hanger fell of the rail", "berth 12 on the ferry", "a pile of pillows", "kelly said"],
)
def test_words_that_people_mean_stay_what_they_are(text: str) -> None:
    assert heard(text).level < Level.ASK


def test_no_everyday_word_is_taken_for_a_slip() -> None:
    slips = protocol().lexicon.chunks.vocabulary.slips
    assert len(slips.words) > 5000
    assert [word for word in everyday_words() if slips.meant(word)] == []


def test_the_likeliest_word_is_meant() -> None:
    words = ["pillow", "pillar", "willow"]
    assert build_slips(words, (), {"pillar": 9, "pillow": 5}).meant("pillaw") == "pillar"
    assert build_slips(words, {"pillow"}, {"pillar": 9}).meant("pillaw") == "pillow"
    assert build_slips(words, (), {"pillar": 9, "pillaw": 1}).meant("pillaw") is None
    assert build_slips(words, (), {"pillar": 9}).meant("aillow") is None, (
        "the first letter is right"
    )
    assert build_slips(words, (), {}).meant("pillaw") is None, "nobody can tell a slip"
