"""Phrases: how the lexicon's files write words, and how the scan will see them."""

import re
from collections.abc import Iterable, Iterator

from helpline.domain.risk.folding import fold
from helpline.domain.risk.model import Entry, Slot
from helpline.domain.risk.words import NUMBER, TOKEN

_NUMBER_SLOT = "<number>"
_LIST = re.compile(r"<(\w+)>")
_PIECES = re.compile(r"[a-z0-9]+")


class Phrases:
    """Spellings and word lists of all files; what is wrong is added to `reasons`."""

    def __init__(self, entries: Iterable[Entry], reasons: list[str]) -> None:
        self.reasons = reasons
        self.meanings: dict[str, tuple[str, ...]] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self.read: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            if entry.kind == "spelling":
                meant = tuple(entry.meaning.split())
                for phrase in entry.phrases:
                    self.meanings.setdefault(phrase.lower(), meant)
            elif entry.kind == "list":
                self.lists[entry.id] = (*self.lists.get(entry.id, ()), *entry.phrases)

    def words(self, phrase: str) -> tuple[str, ...]:
        """The words of a phrase, as the scan will see them; many phrases stand in many slots."""
        known = self.read.get(phrase)
        if known is None:
            known = self.read[phrase] = self._words(phrase)
        return known

    def _words(self, phrase: str) -> tuple[str, ...]:
        words: list[str] = []
        for part in phrase.split(_NUMBER_SLOT):
            for token in TOKEN.findall(fold(part)[0]):
                bare = token.replace("'", "")
                meant = self.meanings.get(token) or self.meanings.get(bare)
                words.extend(meant or _PIECES.findall(bare))
            words.append(NUMBER)
        return tuple(words[:-1])

    def first_words(self, phrases: Iterable[str]) -> frozenset[str]:
        """The first word of each phrase."""
        return frozenset(words[0] for phrase in phrases if (words := self.words(phrase)))

    def spelt_out(self, entry: Entry) -> Iterator[str]:
        """Phrases with word lists in them, once for each word of the lists."""
        waiting = list(entry.phrases)
        while waiting:
            phrase = waiting.pop(0)
            named = _LIST.search(phrase.replace(_NUMBER_SLOT, ""))
            if not named:
                yield phrase
            else:
                listed = self.listed(named[1], entry.source)
                waiting.extend(phrase.replace(named[0], word) for word in listed)

    def of_slot(self, slot: Slot, source: str) -> Iterator[str]:
        """The phrases of one place of a template."""
        yield from slot.words
        for name in slot.lists:
            yield from self.listed(name, source)

    def listed(self, name: str, source: str) -> tuple[str, ...]:
        """The words of a list."""
        if name not in self.lists:
            self.reasons.append(f"{source}: there is no word list {name!r}")
        return self.lists.get(name, ())
