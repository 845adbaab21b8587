"""Words: from the matching copy to the words that the lexicon knows.

Nearly every word of a text is either known as it stands or of no interest. What
is left (stretched, masked, misspelt or run-together words) is repaired here, and
only into words of the lexicon.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase

NUMBER = "qnumberq"
TOKEN = re.compile(r"[a-z0-9$@](?:[a-z0-9'*@$!#|_+]*[a-z0-9])?")

_LETTERS = re.compile(r"[a-z]+")
_PIECE = re.compile(r"[a-z0-9]+")
_DOUBLED = re.compile(r"([a-z])\1")
_STRETCHED = re.compile(r"([a-z])\1\1")
_RUN = re.compile(r"([a-z])\1+")
_COUNTED = re.compile(r"(\d+)([a-z]{1,12})")
_WILD = re.compile(r"[*#_]")
_LEET = tuple(
    str.maketrans("0134578@$!|+9", f"o{one}eastbas{bang}{one}tg")
    for one, bang in (("i", "i"), ("l", "l"), ("i", "l"), ("l", "i"))
)
_LONGEST_REPAIR = 24
_MOST_RUNS = 4
_SHORTEST_SLIP, _LONGEST_SLIP = 4, 18
"""Letters of a word and of a slip for it. The shortest are near to many others, and count
only when two letters are swapped."""


def collapse(word: str) -> str:
    """The word with every run of one letter made single."""
    return _RUN.sub(r"\1", word)


def one_edit_away(word: str) -> set[str]:
    """Every string one slip of the thumb away; the first letter stays."""
    edits = set[str]()
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        edits.update(head + letter + tail for letter in ascii_lowercase)
        if tail:
            edits.add(head + tail[1:])
            edits.update(head + letter + tail[1:] for letter in ascii_lowercase)
        if len(tail) > 1:
            edits.add(head + tail[1] + tail[0] + tail[2:])
    edits.discard(word)
    return edits


def _deletions(word: str, depth: int) -> set[str]:
    shorter = {word}
    for _ in range(depth):
        shorter |= {w[:at] + w[at + 1 :] for w in shorter for at in range(1, len(w))}
    return shorter


def is_one_slip(token: str, word: str) -> bool:
    """Is the token the word with one letter too many, too few, wrong, or two swapped?"""
    if len(token) != len(word):
        long, short = (token, word) if len(token) > len(word) else (word, token)
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    wrong = [at for at, (a, b) in enumerate(zip(token, word, strict=True)) if a != b]
    if len(wrong) == 2:
        first, last = wrong
        return last == first + 1 and token[first] == word[last] and token[last] == word[first]
    return len(wrong) == 1


@dataclass(frozen=True, slots=True)
class Slips:
    """Words of the lexicon by what is left of them without one letter, likeliest first.

    A token that people write anyway (`everyday`) is no slip of anything.
    """

    words: tuple[str, ...]
    by_rest: Mapping[str, tuple[int, ...]]
    everyday: Collection[str]

    def meant(self, token: str) -> str | None:
        """The likeliest word that the token is one slip away from; the first letter is right."""
        if not _SHORTEST_SLIP <= len(token) <= _LONGEST_SLIP or token in self.everyday:
            return None
        near = {at for rest in _deletions(token, 1) for at in self.by_rest.get(rest, ())}
        for word in (self.words[at] for at in sorted(near)):
            if is_one_slip(token, word) and (
                len(word) > _SHORTEST_SLIP or sorted(word) == sorted(token)
            ):
                return word
        return None


def build_slips(
    words: Iterable[str], strong: Collection[str], everyday: Mapping[str, int]
) -> Slips:
    """Prepare the words that a slip may hide: strong ones first, then those written often.

    Without `everyday` words nobody can tell a slip from a word, and none is looked for.
    """
    long = [w for w in words if w.isalpha() and _SHORTEST_SLIP <= len(w) <= _LONGEST_SLIP]
    ranked = sorted(long, key=lambda w: (w not in strong, -everyday.get(w, 0), w))
    by_rest: dict[str, tuple[int, ...]] = {}
    for at, word in enumerate(ranked if everyday else ()):
        for rest in _deletions(word, 1):
            by_rest[rest] = (*by_rest.get(rest, ()), at)
    return Slips(tuple(ranked), by_rest, frozenset(everyday))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every word of the lexicon and the ways back to it."""

    known: Mapping[str, tuple[str, ...]]
    strong: frozenset[str]
    stretched: Mapping[str, tuple[str, ...]]
    stretched_strong: Mapping[str, tuple[str, ...]]
    two_edits: Mapping[str, str]
    two_edit_starts: frozenset[str]
    real: frozenset[str]
    by_shape: Mapping[tuple[int, str, str], tuple[str, ...]]
    slips: Slips

    def repair(self, token: str) -> tuple[str, ...]:
        """The lexicon's words for a token that is not one of them."""
        if token.isalpha():
            if len(token) < 8 and not _DOUBLED.search(token):
                return self._slip(token) or (token,)
            repaired = self._unstretch(token) or self._near(token) or self._slip(token)
            return repaired or self._shorten(token)
        if token.isdigit():
            return (NUMBER,)
        return self._unmask(token)

    def _unstretch(self, token: str) -> tuple[str, ...] | None:
        if not _DOUBLED.search(token) or token in self.real:
            return None
        short = collapse(token)
        if len(token) - len(short) == 1:
            return self.stretched_strong.get(short)
        for choice in product((2, 1), repeat=min(len(_RUN.findall(token)), _MOST_RUNS)):
            lengths = iter(choice)
            plain = _RUN.sub(lambda run: run[1] * next(lengths, 1), token)  # noqa: B023
            if plain in self.known:
                return self.known[plain]
        return self.stretched.get(short)

    def _shorten(self, token: str) -> tuple[str, ...]:
        if not _STRETCHED.search(token):
            return (token,)
        short = collapse(token)
        return self._slip(short) or (short,)

    def _near(self, token: str) -> tuple[str, ...] | None:
        """A long, high-value word with two slips in it."""
        if not 8 <= len(token) <= 18 or token[:1] not in self.two_edit_starts:
            return None
        if token in self.real:
            return None
        for shorter in _deletions(token, 1):
            meant = self.two_edits.get(shorter)
            if meant is not None and abs(len(meant) - len(token)) <= 2:
                return (meant,)
        return None

    def _slip(self, token: str) -> tuple[str, ...] | None:
        if token in self.real:
            return None
        meant = self.slips.meant(token)
        return None if meant is None else self.known[meant]

    def _unmask(self, token: str) -> tuple[str, ...]:
        bare = token.replace("'", "")
        if bare != token:
            known = self.known.get(bare)
            if known is not None:
                return known
            head, _, tail = token.rpartition("'")
            if tail == "s" and head in self.known:
                return self.known[head]
            if bare.isalpha():
                return self.repair(bare)
        if len(bare) <= _LONGEST_REPAIR:
            meant = self._unleet(bare) or self._unstar(bare)
            if meant is not None:
                return meant
        words: list[str] = []
        for piece in _PIECE.findall(bare):
            counted = _COUNTED.fullmatch(piece)
            if counted:
                words.append(NUMBER)
                words.extend(self.known.get(counted[2], (counted[2],)))
            elif piece.isdigit():
                words.append(NUMBER)
            else:
                words.extend(self.known.get(piece, (piece,)))
        return tuple(words) or (token,)

    def _unleet(self, token: str) -> tuple[str, ...] | None:
        if not _LETTERS.search(token):
            return None
        counted = _COUNTED.fullmatch(token)
        if counted and (len(counted[1]) > 1 or len(token) < 4):
            return None
        for table in _LEET:
            plain = token.translate(table)
            if plain.isalpha():
                meant = self.known.get(plain)
                if meant is not None and (plain in self.strong or not counted):
                    return meant
                if len(plain) > 4:
                    meant = self.stretched_strong.get(collapse(plain)) or self._near(plain)
                    meant = meant or self._slip(plain)
                    if meant is not None:
                        return meant
        return None

    def _unstar(self, token: str) -> tuple[str, ...] | None:
        """A word with letters starred out; a star may also stand for nothing."""
        if not _WILD.search(token):
            return None
        shown = token.translate(_LEET[0])
        letters = sum(map(str.isalpha, shown))
        if letters < 2:
            return None
        dropped = _WILD.sub("", shown)
        if letters >= (2 if len(shown) == 3 else len(shown) / 2):
            for word in self.by_shape.get((len(shown), shown[0], shown[-1]), ()):
                if all(a in {b, "*", "#", "_"} for a, b in zip(shown, word, strict=True)):
                    return self.known[word]
        return self.known.get(dropped) if len(dropped) > 3 else None


def _stretched(
    known: Mapping[str, tuple[str, ...]], strong: frozenset[str], near: Mapping[str, object]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Words by their form without doubled letters: all of them, and the strong ones."""
    every: dict[str, tuple[str, ...]] = {}
    weighty: dict[str, tuple[str, ...]] = {}
    for word in sorted(known, key=lambda w: (w in strong, w not in near)):
        short = collapse(word)
        if len(word) < 2 or not word.isalpha() or (short != word and short in known):
            continue
        every[short] = known[word]
        if word in strong and len(word) > 2:
            weighty[short] = known[word]
    return every, weighty


def _shapes(words: Iterable[str]) -> dict[tuple[int, str, str], tuple[str, ...]]:
    """Words by length, first and last letter, to find one with stars in it."""
    shapes: dict[tuple[int, str, str], tuple[str, ...]] = {}
    for word in sorted(words):
        if 3 <= len(word) <= _LONGEST_REPAIR:
            shape = (len(word), word[0], word[-1])
            shapes[shape] = (*shapes.get(shape, ()), word)
    return shapes


def build_vocabulary(
    words: Iterable[str],
    strong: Iterable[str],
    meanings: Mapping[str, tuple[str, ...]],
    correct: Iterable[str],
    real: frozenset[str],
    everyday: Mapping[str, int],
) -> Vocabulary:
    """Prepare every way back to the lexicon's words."""
    written = sorted(set(words))
    known = {word: (word,) for word in written} | dict(meanings)
    strong_words = frozenset(word for word in strong if word.isalpha())
    near: dict[str, tuple[str, ...]] = {}
    two_edits: dict[str, str] = {}
    for word in correct:
        for slip in one_edit_away(word) if len(word) > 4 else ():
            if slip not in known and slip not in real:
                near[slip] = known.get(word, (word,))
        if len(word) >= 9:
            two_edits.update(dict.fromkeys(_deletions(word, 1), word))
    known |= near
    stretched, stretched_strong = _stretched(known, strong_words, near)
    return Vocabulary(
        known=known,
        strong=strong_words,
        stretched=stretched,
        stretched_strong=stretched_strong,
        two_edits=two_edits,
        two_edit_starts=frozenset(word[0] for word in two_edits.values()),
        real=real,
        by_shape=_shapes(strong_words & known.keys()),
        slips=build_slips(written, strong_words, everyday),
    )
