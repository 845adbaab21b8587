"""Folding: a matching copy of a text in plain lower-case ASCII.

The copy is what the lexicon sees; people always see the original. `fold` also
says what became of each character, which leads back from the copy.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from anyascii import anyascii

HOMOGLYPHS = {
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "һ": "h", "і": "i", "ї": "i",
    "ј": "j", "к": "k", "ӏ": "l", "м": "m", "н": "h", "о": "o", "р": "p", "ѕ": "s", "т": "t",
    "у": "y", "х": "x", "ѵ": "v", "ԝ": "w", "г": "r", "п": "n", "А": "a", "В": "b", "С": "c",
    "Е": "e", "Н": "h", "І": "i", "Ј": "j", "К": "k", "М": "m", "О": "o", "Р": "p", "Ѕ": "s",
    "Т": "t", "У": "y", "Х": "x", "α": "a", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v",
    "ο": "o", "ρ": "p", "σ": "o", "τ": "t", "υ": "u", "χ": "x", "Α": "a", "Β": "b", "Ε": "e",
    "Ζ": "z", "Η": "h", "Ι": "i", "Κ": "k", "Μ": "m", "Ν": "n", "Ο": "o", "Ρ": "p", "Τ": "t",
    "Υ": "y", "Χ": "x", "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʟ": "l", "ⅼ": "l", "օ": "o",
    "ѐ": "e", "ѝ": "n", "ϲ": "c", "ϳ": "j",
}  # fmt: skip
_MARKS = {
    **dict.fromkeys("‘’‚‛`´ʼʹ′＇", "'"),
    **dict.fromkeys("“”„‟«»″＂", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("¿¡。！？…", "."),
    **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "),
    **dict.fromkeys("\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("、，", ","),
}
_HEX_TO_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopvwxtrs")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ENCLOSED_LETTERS = range(0x1F100, 0x1F200)


def _plain(char: str) -> str:
    """The character without accents and width, if that leaves ASCII."""
    if char in _MARKS:
        return _MARKS[char]
    if char in HOMOGLYPHS:
        return HOMOGLYPHS[char]
    spread = unicodedata.normalize("NFKD", char)
    plain = "".join(c for c in spread if unicodedata.category(c)[0] != "M")
    if plain in HOMOGLYPHS:
        return HOMOGLYPHS[plain]
    return plain.lower() if plain.isascii() else ""


def _one_to_one() -> dict[int, int]:
    """Characters that fold to exactly one, so that offsets stay the same."""
    table = {code: code for code in range(128)}
    for code in chain(range(0xA0, 0x590), range(0x1E00, 0x2000), range(0xFF01, 0xFF5F)):
        plain = _plain(chr(code))
        if len(plain) == 1 and unicodedata.category(chr(code)) not in {"Cf", "Mn", "Lm", "Sk"}:
            table[code] = ord(plain)
    table.update((ord(char), ord(mark)) for char, mark in _MARKS.items())
    table.update((ord(char), ord(letter)) for char, letter in HOMOGLYPHS.items())
    return table


_ONE_TO_ONE = _one_to_one()


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    if char.isascii():
        return char.lower() if char.isprintable() or char in "\t\n\r" else ""
    code, category = ord(char), unicodedata.category(char)
    if category in {"Cf", "Mn", "Me", "Mc", "Cc"} or 0x1F3FB <= code <= 0x1F3FF:
        return ""
    plain = _plain(char)
    if plain:
        return plain
    if code < 0x2000 or code in _ENCLOSED_LETTERS:
        return anyascii(char).lower()
    if category in {"So", "Sm", "Cn", "Sk"}:
        return f" {symbol_word(char)} "
    return " "


def symbol_word(char: str) -> str:
    """The word that stands for an emoji in the matching copy."""
    return f"q{ord(char):x}q".translate(_HEX_TO_LETTERS)


def fold(text: str) -> tuple[str, Sequence[str] | None]:
    """The matching copy and, unless offsets are unchanged, what each character became in it."""
    copy = text if text.isascii() else text.translate(_ONE_TO_ONE)
    if copy.isascii() and (copy.isprintable() or not _CONTROL.search(copy)):
        return copy.lower(), None
    pieces = list(map(_fold_character, text))
    return "".join(pieces), pieces
