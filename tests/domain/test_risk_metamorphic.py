"""The same words written otherwise mean the same: how much less is heard, in points of a hundred.

Each rewriting is done to every text of danger in `tests/risk/people`, and what is then heard
(ASK or more) is held against what was heard before. A slip in every long word is the one that
costs more than two points: some slips make another word (breath, berth), which nobody can tell.
"""

import random
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from helpline.content.everyday import everyday_words
from helpline.domain.risk import Level, assess
from tests.phone import protocol

PEOPLE = Path(__file__).parents[1] / "risk/people"
LEET = str.maketrans("aeios", "43105")
ONE_SLIP_IN_EVERY_WORD = 3.0
ANY_OTHER = 2.0


@cache
def texts() -> tuple[str, ...]:
    rows = [
        row
        for name in ("danger", "spanish")
        for row in yaml.safe_load((PEOPLE / f"{name}.yaml").read_text("utf-8"))
    ]
    return tuple(row["text"] for row in rows if "at_least" in row)


def heard(text: str, *recent: str) -> bool:
    return assess(text, protocol().lexicon, recent=recent).level >= Level.ASK


def in_two(text: str) -> bool:
    words = text.split()
    first, second = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    return heard(first) or heard(second, first)


def each_word(text: str, at_least: int, change: Callable[[str], str]) -> str:
    return re.sub(rf"[A-Za-z]{{{at_least},}}", lambda found: change(found[0]), text)


def slip(word: str, chance: random.Random) -> str:
    """One letter swapped, lost or doubled; a word that is misspelt already stays as it is."""
    if word.lower() not in everyday_words():
        return word
    at = chance.randrange(1, len(word) - 2)
    head, letter, tail = word[:at], word[at], word[at + 1 :]
    return chance.choice(
        [head + tail[0] + letter + tail[1:], head + tail, head + letter * 2 + tail]
    )


def stretched(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at] * 3 + word[at:]


def without_accents(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


REWRITTEN: dict[str, Callable[[str, random.Random], str]] = {
    "upper case": lambda text, _: text.upper(),
    "lower case": lambda text, _: text.lower(),
    "no apostrophes": lambda text, _: re.sub("['\u2019]", "", text),
    "curly apostrophes": lambda text, _: text.replace("'", "\u2019"),
    "an emoji after it": lambda text, _: f"{text} \U0001f64f",
    "an emoji before it": lambda text, _: f"\U0001f600 {text}",
    "digits for letters": lambda text, _: each_word(text, 4, lambda w: w.translate(LEET)),
    "stretched letters": lambda text, c: each_word(text, 4, lambda w: stretched(w, c)),
    "polite words before it": lambda text, _: f"hi there, can you please help, {text}",
    "lol after it": lambda text, _: f"{text} lol",
    "no accents": lambda text, _: without_accents(text),
}


def points_lost(now: int) -> float:
    return 100 * (sum(map(heard, texts())) - now) / len(texts())


@pytest.mark.parametrize("rewriting", REWRITTEN)
def test_other_spellings_are_heard_as_well(rewriting: str) -> None:
    chance = random.Random(rewriting)
    now = sum(heard(REWRITTEN[rewriting](text, chance)) for text in texts())
    assert points_lost(now) <= ANY_OTHER


def test_a_text_in_two_messages_is_heard_as_well() -> None:
    assert points_lost(sum(map(in_two, texts()))) <= ANY_OTHER


def test_a_slip_in_every_long_word_leaves_most_of_it() -> None:
    chance = random.Random("slips")
    now = sum(heard(each_word(text, 5, lambda w: slip(w, chance))) for text in texts())
    assert points_lost(now) <= ONE_SLIP_IN_EVERY_WORD
