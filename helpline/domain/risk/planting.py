"""Planting: the tree of phrases, and the forms that are found inside other words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from helpline.domain.risk.folding import fold
from helpline.domain.risk.lexicon import JoinedSearch, Node, Pattern, Rule
from helpline.domain.risk.words import collapse

SHORTEST_JOINED = 6


class _Plant:
    """A place in the growing tree."""

    __slots__ = ("after", "rules", "slots")

    def __init__(self) -> None:
        self.after: dict[str, _Plant] = {}
        self.rules: tuple[Rule, ...] = ()
        self.slots = 0

    def grown(self, parts: "_Parts") -> Node:
        after = {word: plant.grown(parts) for word, plant in self.after.items()}
        if not self.rules and not self.slots:
            return after, None
        return after, (self.rules, self.slots, *parts[self.slots])


class _Parts(dict[int, tuple[int, tuple[Pattern, ...]]]):
    """By the slots of a place: those that open a template, and the templates tried there."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        super().__init__()
        self.openings = 0
        self.tried = defaultdict[int, list[Pattern]](list)
        for pattern in patterns:
            self.openings |= pattern.slots[0]
            self.tried[pattern.rarest].append(pattern)

    def __missing__(self, slots: int) -> tuple[int, tuple[Pattern, ...]]:
        tried = tuple(chain.from_iterable(self.tried.get(slot, ()) for slot in _each(slots)))
        part = self[slots] = (self.openings & slots, tried)
        return part


def _each(bits: int) -> Iterator[int]:
    """Every bit by itself."""
    while bits:
        lowest = bits & -bits
        yield lowest
        bits ^= lowest


class Tree:
    """Phrases by their words; each ends in a row or in the slots of templates."""

    def __init__(self) -> None:
        self.root = _Plant()

    def plant_rule(self, words: Iterable[str], rule: Rule) -> None:
        """Let a phrase end in a row."""
        place = self._place(words)
        if rule not in place.rules:
            place.rules = (*place.rules, rule)

    def plant_slot(self, words: Iterable[str], slot: int) -> None:
        """Let a phrase end in a slot."""
        self._place(words).slots |= slot

    def _place(self, words: Iterable[str]) -> _Plant:
        plant = self.root
        for word in words:
            after = plant.after.get(word)
            if after is None:
                after = plant.after[word] = _Plant()
            plant = after
        return plant

    def grown(self, patterns: Iterable[Pattern]) -> Mapping[str, Node]:
        """The finished tree."""
        return self.root.grown(_Parts(patterns))[0]


class JoinedForms:
    """Danger words written together (killmyself) or apart (k i l l)."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Rule, bool]] = {}

    def add(self, phrase: str, words: tuple[str, ...], rule: Rule) -> None:
        """Add the forms of a phrase; a form of single letters only counts inside a word."""
        for form in ("".join(words), re.sub(r"[^a-z0-9]", "", fold(phrase)[0])):
            if len(form) >= SHORTEST_JOINED:
                self.found[form] = (rule, True)
                self.found.setdefault(collapse(form), (rule, False))

    def searchable(self) -> JoinedSearch | None:
        """One search for all forms, or nothing."""
        forms = tuple((form, *self.found[form]) for form in sorted(self.found))
        return JoinedSearch(forms) if forms else None
