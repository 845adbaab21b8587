"""A text as the scan sees it: words of the lexicon, pauses, and the way back."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, compress, count
from operator import not_

from helpline.domain.risk.chunks import Chunks
from helpline.domain.risk.folding import fold
from helpline.domain.risk.once import once

_CHUNK = re.compile(r"\S+")
_NT_STEMS = frozenset({"can", "don", "won", "isn", "doesn", "didn", "couldn", "wouldn", "ain"})


class Text:
    """One text, folded and cut into words; everything else waits until it is asked for."""

    def __init__(self, text: str, known: Chunks) -> None:
        copy, self.pieces = fold(text)
        self.copy = copy.replace("\n", ";") if "\n" in copy else copy
        self.known = known
        self.chunks = self.copy.split()
        self.said = list(map(known.__getitem__, self.chunks))
        self.words = list(chain.from_iterable(self.said))
        if "t" in self.words:
            self._join_negations()

    def _join_negations(self) -> None:
        """ "can t" with the apostrophe lost to a space."""
        words = self.words
        for at in range(1, len(words)):
            if words[at] == "t" and words[at - 1] in _NT_STEMS:
                stem = self.known.vocabulary.known.get(words[at - 1] + "t")
                words[at] = "not"
                if stem and len(stem) == 2:
                    words[at - 1] = stem[0]

    @once
    def different_words(self) -> frozenset[str]:
        """The words of the text, each once."""
        return frozenset(self.words)

    @once
    def starts(self) -> Sequence[int]:
        """The number of the first word of each chunk."""
        return list(accumulate(map(len, self.said), initial=0))

    @once
    def pauses(self) -> tuple[list[int], list[int]]:
        """The words before which somebody pauses, and those that begin a sentence."""
        soft: list[int] = []
        hard: list[int] = []
        chunks = self.chunks
        for number in compress(count(), map(not_, map(str.isalnum, chunks))):
            for words, ends in self.known.pauses(chunks[number]):
                word = self.starts[number] + words
                soft.append(word)
                if ends:
                    hard.append(word)
        return soft, hard

    def new_sentence(self, first: int, last: int) -> bool:
        """Does a sentence end between word `first` and word `last`?"""
        hard = self.pauses[1]
        return bisect_right(hard, first) != bisect_right(hard, last)

    def new_clause(self, first: int, last: int) -> bool:
        """Does a clause end between word `first` and word `last`?"""
        soft = self.pauses[0]
        return bisect_right(soft, first) != bisect_right(soft, last)

    @once
    def places(self) -> Sequence[int]:
        """Where each chunk begins in the copy, less one for each chunk before it."""
        copy, chunks = self.copy, self.chunks
        places = list(accumulate(map(len, chunks), initial=0))
        if places[-1] + len(chunks) == len(copy) + 1 and chunks and copy.startswith(chunks[0]):
            return places
        return [match.start() - number for number, match in enumerate(_CHUNK.finditer(copy))]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the words first..last stand in the original, in code points."""
        start, end = self._place(first)
        if last - first > 1:
            end = self._place(last - 1)[1]
        if self.pieces is None:
            return start, end
        ends = self.piece_ends
        return bisect_right(ends, start), bisect_right(ends, end - 1) + 1

    @once
    def piece_ends(self) -> Sequence[int]:
        """Where in the copy each character of the original ends."""
        return list(accumulate(map(len, self.pieces or ())))

    def _place(self, word: int) -> tuple[int, int]:
        starts = self.starts
        number = bisect_right(starts, word) - 1
        chunk, place = self.chunks[number], self.places[number] + number
        if chunk.isalnum():
            return place, place + len(chunk)
        start, end = self.known.span(chunk, word - starts[number])
        return place + start, place + end
