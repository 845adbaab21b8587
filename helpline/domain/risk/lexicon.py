"""The compiled lexicon: what the scan walks through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2

from helpline.domain.risk.chunks import Chunks
from helpline.domain.risk.model import Entry, Level
from helpline.domain.risk.scorer import Scorer

# What some row of a text is, so that a whole step of the scan can be left out when none is.
COVERS, CONDITIONAL, ABOUT_PERSON = 1, 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row, ready for the scan; names are bits (see `names`)."""

    entry: Entry
    level: Level
    raised: Level
    lone: Level | None
    rank: int
    traits: int
    says: int  # its category and tags
    says_gravely: int  # its family, when it is ASK or more
    says_raised: int  # the tags it gains when it is raised
    needs: int
    raise_with: int
    blocks_masks: bool
    plain: bool
    mention: bool  # of a topic: counts only so often
    combines: bool
    all_of: tuple[int, ...]  # of a combination: one of each; the first opens it
    opening: int  # of a combination: without one of these it cannot be complete
    wanted: int  # of a combination: everything it may be made of
    category: str
    tags: frozenset[str]
    is_hit: bool
    remark: str  # the kind of a remark that no neighbour forbids
    weighty: bool  # more than a topic, at least when it is raised
    lowerable: bool  # by negation and the like, at any level
    passing: bool  # not worth telling unless it was raised


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A template; its slots are word lists, each with a bit of its own."""

    number: int
    rule: Rule
    slots: tuple[int, ...]
    all_slots: int
    rarest: int  # the slot whose words the fewest templates have; looked at only where it stands
    last_slot: int
    within: int
    reach: int  # from where it opens to its rarest slot there are at most so many words
    not_between: frozenset[str]


# What ends at a place in the tree of phrases: rows, slots, those of the slots that open a
# template, and the templates whose rarest slot is one of them.
End = tuple[tuple[Rule, ...], int, int, tuple[Pattern, ...]]

# A place in the tree of phrases: what may follow, and what ends here. Both are bare
# tuples, because the scan unpacks one for nearly every word of a text.
Node = tuple[Mapping[str, "Node"], End | None]


# Letters that a phrase makes when it is written together, its row, and whether they only count
# as whole words.
Form = tuple[str, Rule, bool]


class JoinedSearch:
    """Looks for all forms at once, in time linear in the text."""

    def __init__(self, forms: tuple[Form, ...]) -> None:
        self.forms = forms
        options = re2.Options()
        options.literal = True
        options.max_mem = 64 << 20
        self._set = re2.Set.SearchSet(options)
        for letters, _, _ in forms:
            self._set.Add(letters)
        self._set.Compile()

    def __reduce__(self) -> tuple[Any, ...]:
        """Kept as its forms: a set of RE2 cannot be."""
        return JoinedSearch, (self.forms,)

    def within(self, together: str) -> list[Form]:
        """The forms that stand in these letters."""
        return [self.forms[number] for number in self._set.Match(together.encode()) or ()]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The compiled lexicon, shared by everything that scans; only `chunks` learns."""

    rules: tuple[Rule, ...]
    roots: Mapping[str, Node]
    chunks: Chunks
    fillers: frozenset[str]
    courtesies: frozenset[str]  # a text of nothing else completes none before it
    number_words: frozenset[str]
    numbers: frozenset[str]
    loose: frozenset[str]
    joined: JoinedSearch | None
    combinations: tuple[Rule, ...]
    scorer: Scorer | None = None
