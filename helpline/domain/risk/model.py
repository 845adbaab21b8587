"""What the danger scan is made of and what it answers."""

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

from helpline.domain.risk.once import once


class Level(enum.IntEnum):
    """How much danger a text shows; the order is the order of urgency."""

    NONE = 0
    WATCH = 1
    ASK = 2
    CRISIS = 3
    EMERGENCY = 4


NONE, WATCH, ASK, CRISIS, EMERGENCY = Level

SEVERITIES: dict[str, Level] = {
    "E": Level.EMERGENCY,
    "C": Level.CRISIS,
    "L": Level.ASK,
    "W": Level.WATCH,
    "T": Level.NONE,
    "M": Level.NONE,
}


_SCORED = "score."
_OF_SUICIDE = ("lex.A", "lex.S1", f"{_SCORED}suicide")


class Signal(NamedTuple):
    """One thing that was found; offsets are code points of the original text."""

    category: str
    tags: frozenset[str]
    level: Level
    start: int
    end: int
    who: str  # "self" | "other" | "nobody"
    when: str  # "now" | "past" | "future" | "unknown"


@dataclass(frozen=True)
class Assessment:
    """The answer of the scan for one text."""

    level: Level
    signals: tuple[Signal, ...]

    @once
    def categories(self) -> frozenset[str]:
        """Categories of everything that was found, topics included."""
        return frozenset([signal.category for signal in self.signals])

    @once
    def tags(self) -> frozenset[str]:
        """Meaning tags of everything that was found."""
        return frozenset[str]().union(*[signal.tags for signal in self.signals])

    @property
    def about_other(self) -> bool:
        """Is somebody other than the writer in danger?"""
        return any(signal.who == "other" and signal.level >= Level.ASK for signal in self.signals)

    @property
    def suicide_family(self) -> bool:
        """Did anything of ASK or more belong to the suicide categories?"""
        return any(
            signal.level >= Level.ASK and signal.category.startswith(_OF_SUICIDE)
            for signal in self.signals
        )

    @property
    def only_scored(self) -> bool:
        """Is the score alone why this should be asked about?"""
        return self.level is Level.ASK and all(
            signal.category.startswith(_SCORED)
            for signal in self.signals
            if signal.level >= Level.ASK
        )

    def without_score(self) -> "Assessment":
        """What the rows alone found."""
        left = tuple(s for s in self.signals if not s.category.startswith(_SCORED))
        return Assessment(max((s.level for s in left), default=Level.NONE), left)

    @property
    def path_hint(self) -> str | None:
        """Which path the words point to: "other", "rx", "self" or nothing."""
        for path in ("other", "rx", "self"):
            if f"path_{path}" in self.tags:
                return path
        return None


NOTHING = Assessment(Level.NONE, ())


class Slot(NamedTuple):
    """One place of a template: any of these words, or of these word lists."""

    words: tuple[str, ...]
    lists: tuple[str, ...] = ()


class Template(NamedTuple):
    """Slots in this order, at most `within` other words between first and last."""

    slots: tuple[Slot, ...]
    within: int
    not_between: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the lexicon, as plain data.

    `kind` says what a row does. "hit" rows find something. "mask" rows name an
    idiom. "negation", "pseudo_negation", "contrast", "joke", "quote", "forward",
    "past_old", "past_recent", "past_days", "past_day" and "present" rows change how a hit is
    read. "list" rows are words for templates, "filler" words may stand inside a
    phrase, "spelling" rows say what a word means, "correct" rows name words whose
    misspellings count and "real_word" rows words that are no misspelling,
    "combination" rows turn several findings into one.
    """

    id: str
    category: str
    severity: str
    language: str
    phrases: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()
    tags: frozenset[str] = frozenset()
    comment: str = ""
    source: str = ""
    kind: str = "hit"
    meaning: str = ""
    needs: frozenset[str] = frozenset()
    raise_to: str = ""
    raise_with: frozenset[str] = frozenset()
    raise_tags: frozenset[str] = frozenset()
    alone: str = ""
    not_before: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    covers: bool = False
    all_of: tuple[frozenset[str], ...] = ()
    rows_of: str = ""
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in the lexicon's files."""

    document: str
    path: str
    message: str


@dataclass
class LexiconError(Exception):
    """The lexicon cannot be used; every reason is listed."""

    reasons: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "\n".join(self.reasons)
