"""Names: what findings are called in conditions, as bits of a whole number.

"Is any of these there?" is then one operation, however many names a row or a text has.
"""

from collections.abc import Iterable

_HOT = ("lex.A", "lex.B", "hot")
HISTORY, PERSON, FIRST_PERSON = 1, 2, 4  # bits that the scan itself gives or asks about
HOT = 8 | 16 | 32
_FIXED = ("history", "person", "first_person", *_HOT)


class Names:
    """A bit for each name that some condition asks for."""

    def __init__(self, asked_for: Iterable[str]) -> None:
        names = dict.fromkeys((*_FIXED, *sorted(asked_for)))
        self._bits = {name: 1 << place for place, name in enumerate(names)}

    def bits(self, names: Iterable[str]) -> int:
        """The bits of these names together; a name that nothing asks for has none."""
        together = 0
        for name in names:
            together |= self._bits.get(name, 0)
        return together
