"""The score: what the words of a text together say of danger, where no row said enough.

It stands behind the rows and can only raise, and only to a question (ADR 0022). Words and
pairs of neighbours have weights, learnt from examples that were written for this project
(`helpline.content.learning`). Their sum, each counted once, is all there is, so each word's
share can be shown.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any, NamedTuple

from helpline.domain.risk.once import once

KINDS = ("suicide", "medical", "violence")
"""What the score may hear: somebody may end or hurt their life, a body is in danger, somebody
may be hurt by another. Examples of anything else are labelled ``quiet``."""

CATEGORY = "score."
"""How categories of the score begin; `KINDS` follow."""

Weights = tuple[int, int, int]
"""Thousandths of a logit against ``quiet``, one for each of `KINDS`."""

Look = Callable[[Any, int], int]

_ALL_KINDS_ALIKE = 1000 * math.log(len(KINDS))
_BITS = 40
"""Room for the sum of one kind: a hundred million words of the heaviest weight."""
_SHORTEST = 3
"""Different words. Less than a sentence is an answer; rows hear what is danger in it."""


class Doubt(NamedTuple):
    """A text that should be asked about: the likeliest kind, and the words that say most."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Scorer:
    """Weights of words and of pairs of neighbours, as the scan sees words."""

    words: Mapping[str, Weights]
    pairs: Mapping[tuple[str, str], Weights]
    base: Weights
    ask_from: int
    """Thousandths of a logit, for danger of any kind against ``quiet``."""
    aside: frozenset[str] = frozenset()
    """Words that say nothing at the beginning and at the end: greetings, laughter."""

    def doubt(self, words: Sequence[str]) -> Doubt | None:
        """What should be asked about; the words are those of `Text.words`."""
        first, last = without_aside(words, self.aside)
        words = words[first:last]
        different = set(words)
        if len(different) < _SHORTEST:
            return None
        of_words, of_pairs = self._looks
        scores = _unpacked(
            _packed(self.base)
            + sum(map(of_words, different, repeat(0)))
            + sum(map(of_pairs, set(pairwise(words)), repeat(0)))
        )
        if max(scores) + _ALL_KINDS_ALIKE < self.ask_from or danger(scores) < self.ask_from:
            return None
        kind = scores.index(max(scores))
        begin, end = self._heaviest(words, kind)
        return Doubt(KINDS[kind], first + begin, first + end)

    @once
    def _looks(self) -> tuple[Look, Look]:
        """All weights of a word or a pair as one number, so that a sum adds all kinds at once."""
        words = {word: _packed(weights) for word, weights in self.words.items()}
        return words.get, {pair: _packed(weights) for pair, weights in self.pairs.items()}.get

    def _heaviest(self, words: Sequence[str], kind: int) -> tuple[int, int]:
        """The stretch of words that weighs most for a kind, from and before which word."""
        best = running = 0.0
        start, stretch = 0, (0, len(words))
        for at, word in enumerate(words):
            weight = self.words.get(word)
            pair = self.pairs.get((words[at - 1], word)) if at > start else None
            if running <= 0:
                running, start, pair = 0.0, at, None
            running += (weight[kind] if weight else 0) + (pair[kind] if pair else 0)
            if running > best:
                best, stretch = running, (start, at + 1)
        return stretch


def _packed(weights: Weights) -> int:
    one, two, three = weights
    return one + (two << _BITS) + (three << 2 * _BITS)


def _unpacked(whole: int) -> Weights:
    half = 1 << _BITS - 1
    whole += half + (half << _BITS)
    field = (1 << _BITS) - 1
    return (whole & field) - half, (whole >> _BITS & field) - half, whole >> 2 * _BITS


def without_aside(words: Sequence[str], aside: frozenset[str]) -> tuple[int, int]:
    """From and before which word there is more than greetings and laughter."""
    first, last = 0, len(words)
    while first < last and words[first] in aside:
        first += 1
    while last > first and words[last - 1] in aside:
        last -= 1
    return first, last


def danger(scores: Sequence[int]) -> float:
    """Thousandths of the logit of danger of any kind, from those of each kind."""
    most = max(scores)
    return most + 1000 * math.log(sum(math.exp((score - most) / 1000) for score in scores))
