"""The score behind the rows: what it adds up, what it shows, and what it may not do."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.domain.risk import Level, assess
from helpline.domain.risk.scorer import KINDS, Doubt, Scorer, danger
from tests.phone import protocol

SCORER = Scorer(
    words={
        "flurble": (2000, 0, 0),
        "wobble": (0, 2000, 0),
        "snarl": (0, 0, 2500),
        "harmless": (-1500, -1500, -1500),
    },
    pairs={
        ("flurble", "gently"): (1500, 0, 0),
        ("wobble", "badly"): (0, 600, 0),
        ("indeed", "so"): (0, 600, 0),
    },
    base=(-3000, -3000, -3000),
    ask_from=0,
)
ROWS = replace(protocol().lexicon, scorer=None)
LEXICON = replace(ROWS, scorer=SCORER)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("will flurble gently soon", Doubt("suicide", 1, 3)),
        ("will flurble soon gently", None),
        ("he did wobble badly", None),
        ("he did wobble badly indeed so", Doubt("medical", 2, 6)),
        ("he did wobble badly indeed harmless", None),
        ("wobble and wobble he did", None),
        ("flurble wobble and snarl", Doubt("violence", 3, 4)),
        ("nothing of that kind", None),
        ("flurble gently", None),
        ("", None),
    ],
)
def test_weights_of_words_and_neighbours_add_up_each_once(text: str, doubt: Doubt | None) -> None:
    scorer = replace(SCORER, ask_from=-500) if doubt and "and snarl" in text else SCORER
    assert scorer.doubt(text.split()) == doubt


def test_kinds_count_together_against_quiet() -> None:
    assert danger([0, -99_000, -99_000]) == pytest.approx(0)
    assert danger([0, 0, -99_000]) == pytest.approx(693, abs=1)


@given(
    st.lists(st.tuples(*[st.integers(-30_000, 30_000)] * 3), min_size=3, max_size=40),
    st.tuples(*[st.integers(-30_000, 30_000)] * 3),
)
def test_the_sum_of_all_kinds_at_once_is_the_sum_of_each(
    weights: list[tuple[int, int, int]], base: tuple[int, int, int]
) -> None:
    words = {f"w{number}": weight for number, weight in enumerate(weights)}
    of_each = [sum(kind) for kind in zip(base, *weights, strict=True)]
    asks = Scorer(words, {}, base, math.floor(danger(of_each)))
    doubt = asks.doubt(list(words))
    assert doubt is not None
    assert doubt.kind == KINDS[of_each.index(max(of_each))]
    assert replace(asks, ask_from=math.ceil(danger(of_each)) + 1).doubt(list(words)) is None


@given(st.lists(st.sampled_from([*SCORER.words, "gently", "so"]), max_size=12))
def test_the_stretch_stands_in_the_text(words: list[str]) -> None:
    doubt = SCORER.doubt(words)
    if doubt is not None:
        assert 0 <= doubt.first < doubt.last <= len(words)


def test_greetings_and_laughter_are_put_aside() -> None:
    scorer = replace(SCORER, aside=frozenset({"hi", "harmless"}))
    greeted = ["hi", "hi", "will", "flurble", "gently", "harmless"]
    assert scorer.doubt(greeted) == Doubt("suicide", 3, 5)
    assert scorer.doubt(["hi", "hi", "harmless"]) is None
    assert scorer.doubt(["will", "flurble", "harmless", "gently"]) is None


def test_what_two_messages_say_together_is_doubted_once() -> None:
    first, second = "i will now flurble", "gently and then no more"
    assert assess(first, LEXICON).level < Level.ASK
    assert assess(second, LEXICON).level < Level.ASK
    found = assess(second, LEXICON, recent=(first,))
    (signal,) = [signal for signal in found.signals if signal.level is Level.ASK]
    assert second[signal.start : signal.end] == "gently"
    asked = "i will flurble gently now"
    assert assess("and i mean that", LEXICON, recent=(asked,)).level < Level.ASK


def test_a_doubt_is_a_question_with_its_reason() -> None:
    text = "Well, i WILL flurble gently soon"
    found = assess(text, LEXICON)
    assert found.level is Level.ASK
    assert found.only_scored
    assert found.suicide_family
    (signal,) = [signal for signal in found.signals if signal.level is Level.ASK]
    assert (signal.category, signal.who, text[signal.start : signal.end]) == (
        "score.suicide", "self", "flurble gently",
    )  # fmt: skip
    assert found.without_score() == assess(text, ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "i want to kill myself, flurble gently",
        "he took all his pills and flurble gently",
        "sometimes i think about death flurble gently",
    ],
)
def test_where_rows_say_as_much_the_score_says_nothing(text: str) -> None:
    assert assess(text, ROWS).level >= Level.ASK
    assert assess(text, LEXICON) == assess(text, ROWS)


@given(st.text(max_size=60))
def test_it_only_raises_and_only_to_a_question(text: str) -> None:
    rows, both = assess(text, ROWS).level, assess(text, LEXICON).level
    assert both in {rows, max(rows, Level.ASK)}


def test_words_of_an_idiom_weigh_nothing() -> None:
    words = {"phone": (9000, 0, 0), "died": (9000, 0, 0)}
    lexicon = replace(LEXICON, scorer=replace(SCORER, words=words))
    assert assess("sorry my phone died again", lexicon).level < Level.ASK
    assert assess("sorry my phone again", lexicon).level is Level.ASK
