"""Hits: rows of the lexicon found in a text, before anything is made of them."""

from bisect import bisect_left
from collections.abc import Iterator

from helpline.domain.risk.lexicon import Rule
from helpline.domain.risk.model import Entry

LONGEST_PHRASE = 24


class Hit:
    """A row found at words first..last; level, tags and what it says may still change."""

    __slots__ = ("first", "last", "level", "lowered", "rule", "says", "tags", "who")

    def __init__(self, rule: Rule, first: int, last: int) -> None:
        self.rule = rule
        self.first = first
        self.last = last
        self.level = rule.level
        self.tags = rule.tags
        self.says = rule.says
        self.who = ""  # not asked yet
        self.lowered = False

    @property
    def key(self) -> tuple[int, int, int]:
        """The row and its place, to know the hit again in a longer text."""
        return self.rule.rank, self.first, self.last


class Findings:
    """What was found in one text: hits, idioms, and remarks that change how hits are read."""

    __slots__ = ("hits", "masks", "remarks", "traits")

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.masks: list[Hit] = []
        self.remarks: dict[str, list[tuple[int, int]]] = {}
        self.traits = 0  # what any of the rows is; a step that none needs is left out

    def note(self, rule: Rule, first: int, last: int, words: list[str]) -> None:
        """Keep a row that was found, unless its neighbours forbid it."""
        if rule.remark:
            if rule.remark in self.remarks:
                self.remarks[rule.remark].append((first, last))
            else:
                self.remarks[rule.remark] = [(first, last)]
        elif rule.plain or not self._forbidden(rule.entry, first, last, words):
            if rule.is_hit:
                self.traits |= rule.traits
                self.hits.append(Hit(rule, first, last))
            elif rule.entry.kind == "mask":
                self.masks.append(Hit(rule, first, last))
            else:
                self.remarks.setdefault(rule.entry.kind, []).append((first, last))

    @staticmethod
    def _forbidden(entry: Entry, first: int, last: int, words: list[str]) -> bool:
        if entry.not_before and last < len(words) and words[last] in entry.not_before:
            return True
        return bool(entry.not_after) and first > 0 and words[first - 1] in entry.not_after

    def remarks_between(self, kind: str, first: int, last: int) -> list[tuple[int, int]]:
        """Remarks of a kind that begin between two words."""
        remarks = self.remarks.get(kind, [])
        return remarks[bisect_left(remarks, (first, 0)) : bisect_left(remarks, (last + 1, 0))]


def first_word(hit: Hit) -> int:
    return hit.first


def around(others: list[Hit], hit: Hit) -> Iterator[Hit]:
    """Those of the others, sorted, that may overlap the hit."""
    at = bisect_left(others, hit.first - LONGEST_PHRASE, key=first_word)
    while at < len(others) and others[at].first < hit.last:
        yield others[at]
        at += 1
