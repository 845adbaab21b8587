"""Hostile texts for the danger scan, and what no answer to one may be."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from helpline.domain.risk import Assessment

Scan = Callable[[str], Assessment]

LONGEST = 10_000
TIMES_A_TEXT = 70.0
"""What 10,000 characters may cost, in hostile texts of 160; a single one three times that."""
_SEPARATORS = (" ", "", "\n", ". ", ", ", "'", "*", "-", " ... ", "\u200b", "\u00a0", "/", "  ")
_ODD = (
    "\u0336",
    "\u202e",
    "\ufe0f",
    "\U0001f480",
    "\ud83d",
    "\x00",
    "\u0130",
    "\ufb01",
    "\u1d4f",
    "9" * 40,
    "'" * 30,
)


class Texts:
    """Endless texts out of the lexicon's own words, real ones, and every sign there is."""

    def __init__(self, words: Sequence[str], said: Sequence[str], seed: int) -> None:
        self._words, self._said = words, said
        self._chance = random.Random(seed)

    def __iter__(self) -> Iterator[str]:
        while True:
            yield self._text()

    def _text(self) -> str:
        chance = self._chance
        longest = chance.choice((40, 160, 1600, LONGEST))
        parts: list[str] = []
        same = self._part() if chance.random() < 0.2 else None
        separator = chance.choice(_SEPARATORS)
        length = 0
        while length < longest:
            parts.append(part := same or self._part())
            length += len(part) + len(separator) + 1
            if chance.random() < 0.1:
                separator = chance.choice(_SEPARATORS)
        return separator.join(parts)[:longest]

    def _part(self) -> str:
        chance = self._chance
        kind = chance.randrange(7)
        if kind <= 2:
            return " ".join(chance.choices(self._words, k=chance.randrange(1, 6)))
        if kind == 3:
            return chance.choice(self._said)
        if kind == 4:
            return "".join(chr(chance.randrange(0x11_0000)) for _ in range(chance.randrange(1, 20)))
        if kind == 5:
            return chance.choice(_ODD)
        return self._spoilt(chance.choice(self._said))

    def _spoilt(self, text: str) -> str:
        """Letters lost, doubled, swapped for signs: a text that a thumb or a filter went over."""
        chance = self._chance
        signs = list(text)
        for _ in range(max(1, len(signs) // 6)):
            at = chance.randrange(len(signs))
            signs[at] = chance.choice(("", signs[at] * 2, signs[at] * 9, "*", "4", "\u0430", " "))
        return "".join(signs)


def mistake(scan: Scan, text: str) -> str | None:
    """What is wrong with the answer to a text, but for how long it takes."""
    try:
        found = scan(text)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"raised {type(error).__name__}: {error}"
    if scan(text) != found:
        return "another answer the second time"
    for signal in found.signals:
        if not 0 <= signal.start <= signal.end <= len(text):
            return f"a span outside of the text: {signal.start} to {signal.end}"
        if signal.level > found.level:
            return "a signal above the level of the text"
    return None


def slowness(scan: Scan, text: str, a_text: float) -> float:
    """How long a text takes, in what it may take at most; the best of a few tries when slow."""
    may = a_text * TIMES_A_TEXT * max(1.0, 3 * len(text) / LONGEST)
    taken = _seconds(scan, text)
    if taken > may:
        taken = min(_seconds(scan, text) for _ in range(5))
    return taken / may


def _seconds(scan: Scan, text: str) -> float:
    start = time.perf_counter()
    scan(text)
    return time.perf_counter() - start


def seconds_of_a_text(scan: Scan, texts: Iterable[str]) -> float:
    """The mean of the first 160 characters of some texts, each at its best of a few tries."""
    cut = [text[:160] for text in texts]
    return sum(min(_seconds(scan, text) for _ in range(5)) for text in cut) / len(cut)
