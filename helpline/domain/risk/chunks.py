"""Chunks: what stands between two spaces, and the words and pauses in it.

Few people write a word that nobody wrote before, so what a chunk says is remembered.
The memory is bounded, and anything that may be a number or an address stays out of it.
"""

import re
from itertools import chain
from typing import Any

from helpline.domain.risk.words import TOKEN, Vocabulary

MOST_REMEMBERED = 20_000
LONGEST_REMEMBERED = 24
_PAUSE = re.compile(r"[,:()]|[.!?;]+")
_PRIVATE = re.compile(r"\d\d\d|@\w+\.")
Pauses = tuple[tuple[int, bool], ...]


class Chunks(dict[str, tuple[str, ...]]):
    """The lexicon's words for each chunk; a chunk that is not known yet is read."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.at_first = {
            word: meant for word, meant in vocabulary.known.items() if TOKEN.fullmatch(word)
        }
        self.pauses_of: dict[str, Pauses] = {}
        self.spans_of: dict[str, tuple[tuple[int, int], ...]] = {}
        super().__init__(self.at_first)

    def __reduce__(self) -> tuple[Any, ...]:
        """Kept without what it learned from texts."""
        return Chunks, (self.vocabulary,)

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        words = tuple(chain.from_iterable(map(self.words_of, TOKEN.findall(chunk))))
        if _may_be_remembered(chunk):
            if len(self) >= len(self.at_first) + MOST_REMEMBERED:
                self.clear()
                self.update(self.at_first)
            self[chunk] = words
        return words

    def words_of(self, token: str) -> tuple[str, ...]:
        """The lexicon's words for one token."""
        return self.vocabulary.known.get(token) or self.vocabulary.repair(token)

    def pauses(self, chunk: str) -> Pauses:
        """How many words of the chunk stand before each pause, and whether a sentence ends."""
        known = self.pauses_of.get(chunk)
        if known is None:
            known = self._hear_pauses(chunk)
            if _may_be_remembered(chunk):
                if len(self.pauses_of) >= MOST_REMEMBERED:
                    self.pauses_of.clear()
                self.pauses_of[chunk] = known
        return known

    def _hear_pauses(self, chunk: str) -> Pauses:
        tokens = [(match.start(), len(self.words_of(match[0]))) for match in TOKEN.finditer(chunk)]
        return tuple(
            (
                sum(words for start, words in tokens if start < mark.start()),
                mark[0] not in ",:()" and not mark[0].startswith(".."),
            )
            for mark in _PAUSE.finditer(chunk)
        )

    def span(self, chunk: str, word: int) -> tuple[int, int]:
        """Where a word of the chunk, which is not a plain word itself, stands in it."""
        spans = self.spans_of.get(chunk)
        if spans is None:
            spans = tuple(
                match.span() for match in TOKEN.finditer(chunk) for _ in self.words_of(match[0])
            )
            if _may_be_remembered(chunk):
                if len(self.spans_of) >= MOST_REMEMBERED:
                    self.spans_of.clear()
                self.spans_of[chunk] = spans
        return spans[word] if word < len(spans) else (0, len(chunk))


def _may_be_remembered(chunk: str) -> bool:
    return len(chunk) <= LONGEST_REMEMBERED and not _PRIVATE.search(chunk)
