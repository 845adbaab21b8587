"""Learning the score's weights from labelled examples: logistic regression, nothing hidden.

Each example is its words and its pairs of neighbours. A third of them is left out at random
each time it is looked at, so that no single word decides; rare pairs are not learnt at all.
The same examples give the same weights.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from helpline.domain.risk.scorer import KINDS, Weights

QUIET = "quiet"
LABELS = (*KINDS, QUIET)

ROUNDS = 12
BACKGROUND = 20_000
STEP = 0.25
LEFT_OUT = 0.35
FORGET = 2e-5
RAREST_WORD, RAREST_PAIR = 2, 3
SMALLEST = 60
"""Thousandths: a weight below this, for every kind, is not worth its line."""

Feature = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What `Scorer` needs, but for its threshold."""

    words: dict[str, Weights]
    pairs: dict[tuple[str, str], Weights]
    base: Weights


def learn(examples: Sequence[tuple[str, Sequence[str]]], everyday: Mapping[str, int]) -> Learnt:
    """Weights from examples: a label of `LABELS`, and the words as the scan sees them.

    `everyday` says how often people write each word at all. Texts drawn from it at random
    count as quiet: a word that stands in the examples by chance is no sign of anything.
    """
    chance = random.Random(1)  # noqa: S311  # nosec B311 - the same weights every time
    lengths = [len(words) for _, words in examples]
    everything = [*examples, *((QUIET, words) for words in _background(lengths, everyday, chance))]
    features = _worth_learning(everything)
    known = {feature: at for at, feature in enumerate(features, 1)}
    seen = [
        (LABELS.index(label), [known[feature] for feature in _features(words) if feature in known])
        for label, words in everything
    ]
    weights = _descend(seen, len(features) + 1, chance)
    rounded = [tuple(round(1000 * value) for value in row) for row in weights]
    words: dict[str, Weights] = {}
    pairs: dict[tuple[str, str], Weights] = {}
    for feature, row in zip(features, rounded[1:], strict=True):
        if max(map(abs, row)) >= SMALLEST:
            one, two, three = row
            if isinstance(feature, str):
                words[feature] = one, two, three
            else:
                pairs[feature] = one, two, three
    one, two, three = rounded[0]
    return Learnt(words, pairs, (one, two, three))


def _background(
    lengths: Sequence[int], everyday: Mapping[str, int], chance: random.Random
) -> Iterator[list[str]]:
    """Texts of everyday words without order, as long as the examples are."""
    words, often = list(everyday), list(accumulate(everyday.values()))
    for _ in range(BACKGROUND if words else 0):
        yield chance.choices(words, cum_weights=often, k=chance.choice(lengths))


def _features(words: Sequence[str]) -> Iterator[Feature]:
    yield from dict.fromkeys(words)
    yield from dict.fromkeys(pairwise(words))


def _worth_learning(examples: Sequence[tuple[str, Sequence[str]]]) -> list[Feature]:
    often = Counter(feature for _, words in examples for feature in _features(words))
    return sorted(
        (
            feature
            for feature, count in often.items()
            if count >= (RAREST_WORD if isinstance(feature, str) else RAREST_PAIR)
        ),
        key=repr,
    )


def _descend(
    seen: list[tuple[int, list[int]]], size: int, chance: random.Random
) -> list[list[float]]:
    """Softmax against ``quiet``, by steps that shrink with what a weight has moved (AdaGrad)."""
    kinds = range(len(KINDS))
    weights = [[0.0] * len(KINDS) for _ in range(size)]
    moved = [[1e-3] * len(KINDS) for _ in range(size)]
    order = list(seen)
    for _ in range(ROUNDS):
        chance.shuffle(order)
        for label, features in order:
            kept = [0, *(at for at in features if chance.random() >= LEFT_OUT)]
            rows = [weights[at] for at in kept]
            scores = [sum(row[kind] for row in rows) for kind in kinds]
            most = max(0.0, *scores)
            shares = [math.exp(score - most) for score in scores]
            whole = sum(shares) + math.exp(-most)
            errors = [share / whole for share in shares]
            if label < len(KINDS):
                errors[label] -= 1
            for at, row in zip(kept, rows, strict=True):
                square = moved[at]
                for kind in kinds:
                    slope = errors[kind] + FORGET * row[kind]
                    square[kind] += slope * slope
                    row[kind] -= STEP * slope / math.sqrt(square[kind])
    return weights
