"""The words that people write in our languages, and how often."""

from collections import Counter
from collections.abc import Mapping
from functools import cache

from spellchecker import SpellChecker

from helpline.domain.answers import plain

LANGUAGES = ("en", "es")
OFTEN = 200
"""Times that the library's texts hold a word; the rarer ones are mostly slips themselves."""


@cache
def everyday_words() -> Mapping[str, int]:
    """Folded as texts are, from the word counts of pyspellchecker (MIT)."""
    counts: Counter[str] = Counter()
    for language in LANGUAGES:
        for word, times in SpellChecker(language=language).word_frequency.dictionary.items():
            if times >= OFTEN:
                counts[plain(word)] += times
    return counts
