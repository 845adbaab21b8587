"""How fast we may ask the carrier: token buckets, and pauses between tries. Pure.

A bucket is one moment: when its next token is due if nobody waits. Taking tokens moves it
forward, so a place in the line is given once and nobody has to ask again and again.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

_STEPS = 256
_MIXER = 2_654_435_761


class Lane(StrEnum):
    """Who stands in which line. HURRIED does not wait behind ORDINARY."""

    HURRIED = "hurried"
    ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` tokens on the average; after a pause `burst` at once."""

    per_second: int
    burst: int

    def cost(self, tokens: int) -> timedelta:
        """How far taking so many tokens moves the bucket."""
        return timedelta(milliseconds=-(-1000 * tokens // self.per_second))

    @property
    def saved(self) -> timedelta:
        """How far behind now a bucket may stay: the tokens that a pause saves up."""
        return self.cost(self.burst - 1)


@dataclass(frozen=True, slots=True)
class Draw:
    """Tokens that one request takes from one bucket."""

    bucket: str
    rate: Rate
    tokens: int


@dataclass(frozen=True, slots=True)
class RetryRules:
    """Pauses between tries of one request, and how many tries there are."""

    pauses: tuple[timedelta, ...]
    most: int
    crisis_within: timedelta

    def pause(self, tries: int, seed: int) -> timedelta:
        """After so many tries; up to a quarter longer, by `seed`: what failed together parts."""
        pause = self.pauses[min(max(tries, 1), len(self.pauses)) - 1]
        spread = ((seed * _MIXER + tries) >> 8) % _STEPS
        return pause + pause * spread / (4 * _STEPS)
