"""Words for a caller: which wording, in which language, with which numbers.

`render` gives a text, `spoken` gives what a voice says. Both are pure; every
wording comes from the protocol, nothing is composed.
"""

import re
import unicodedata
from collections.abc import Mapping

from helpline.domain.countries import local_words
from helpline.domain.protocol import Country, Message, Protocol

LONGEST: Mapping[str, str] = {
    "ORG": "x" * 12,
    "URL": "x" * 20,
    "NUM": "x" * 14,
    "NAME": "x" * 20,
    "ROLE": "treatment specialist",
    "WHEN": "tomorrow morning",
    "CALLER": "x" * 14,
    "MIN": "60 minutes",
    "CODE": "1234",
    "KIND": "EMERGENCY",
    "DISPOSITION": "emergency now",
    "MINUTES": "999",
    "PROCESS": "callbacks worker",
    "NOTE": "x" * 200,
}
"""The longest value that each placeholder may take; settings and services keep to it."""

COUNTRY_PLACEHOLDERS = frozenset({"EMG", "CRISIS", "POISON", "MEDLINE"})
PLACEHOLDERS = COUNTRY_PLACEHOLDERS | frozenset(LONGEST)
PLACEHOLDER = re.compile(r"\{(\w+)\}")

HALF = "\n"
"""Stands between the halves of a spoken wording."""

_NUMBERS = COUNTRY_PLACEHOLDERS | {"NUM", "CALLER", "CODE"}
_CALL_OR_TEXT = {
    "en": re.compile(r"\b([Cc]all) or text (?=\{CRISIS\})"),
    "es": re.compile(r"\b([Ll]lame) o escriba (?=(?:al )?\{CRISIS\})"),
}
_SENTENCE_OPENS = re.compile(r"(?:^|[.?!]\s)$")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_NOBODY = {"en": "you", "es": "usted"}
_PLUS = {"en": "plus", "es": "más"}
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")


class MessageError(LookupError):
    """A wording, or a value that it needs, does not exist."""


def render(
    protocol: Protocol,
    key: str,
    *,
    language: str,
    country: Country,
    staffed: bool,
    values: Mapping[str, str],
) -> str:
    """The text of a message.

    Raises:
        MessageError: no such message, it is only spoken, or a value is missing.
    """
    wording, said_in = _wording(protocol, key, language, country, staffed, spoken=False)
    return _fill(wording, _values(country, said_in, values), said_in)


def spoken(
    protocol: Protocol,
    key: str,
    *,
    language: str,
    country: Country,
    staffed: bool,
    values: Mapping[str, str],
) -> str:
    """The same message for a voice, with numbers digit by digit.

    Raises:
        MessageError: no such message, or a value is missing.
    """
    wording, said_in = _wording(protocol, key, language, country, staffed, spoken=True)
    said = {
        name: digit_by_digit(value, said_in) if name in _NUMBERS else value
        for name, value in _values(country, said_in, values).items()
        if f"{{{name}}}" in wording
    }
    return _fill(wording, said, said_in)


def halves(spoken_words: str) -> tuple[str, ...]:
    """A spoken wording as it is read: at once, or in two halves with a pause between them."""
    return tuple(spoken_words.split(HALF))


def find_message(protocol: Protocol, key: str, language: str) -> Message | None:
    """The message in this language, else in English, else None."""
    for known in (language, "en"):
        message = protocol.messages.get(known, {}).get(key)
        if message is not None:
            return message
    return None


def localise(text: str, language: str, country: Country) -> str:
    """The wording as this country says it, placeholders still in place."""
    for old, new in local_words(country, language).replace:
        text = text.replace(old, new)
    if not country.crisis_text and language in _CALL_OR_TEXT:
        text = _CALL_OR_TEXT[language].sub(r"\1 ", text)
    if country.poison is None and "{POISON}" in text:
        kept = (part for part in _SENTENCE_END.split(text) if "{POISON}" not in part)
        text = " ".join(kept)
    return text


def country_values(country: Country, language: str) -> dict[str, str]:
    """What EMG, CRISIS, MEDLINE and POISON are in this country and language."""
    values = {"EMG": country.emergency, "CRISIS": country.crisis, "MEDLINE": country.medline}
    if country.poison is not None:
        values["POISON"] = country.poison
    return values | dict(local_words(country, language).values)


def digit_by_digit(text: str, language: str = "en") -> str:
    """A number as it is spoken: ``116 123`` becomes ``1 1 6, 1 2 3``; words stay."""
    plus = _PLUS.get(language, _PLUS["en"])
    return re.sub(r"\+?\d[\d\s.\-()]*\d|\d", lambda number: _speak_number(number[0], plus), text)


def _speak_number(number: str, plus: str) -> str:
    groups: list[str] = []
    for group in re.findall(r"\d+", number):
        while len(group) > 4:
            groups.append(group[:3])
            group = group[3:]
        groups.append(group)
    return (f"{plus} " if number.startswith("+") else "") + ", ".join(
        " ".join(group) for group in groups
    )


def gsm7_length(text: str) -> int | None:
    """Septets of a text (extension characters count two), None when it is not GSM-7."""
    total = 0
    for char in text:
        if char in _GSM7:
            total += 1
        elif char in _GSM7_EXTENDED:
            total += 2
        else:
            return None
    return total


def segments(text: str) -> int:
    """How many SMS a text takes: 160 then 153 septets, or 70 then 67 UTF-16 units."""
    septets = gsm7_length(text)
    if septets is not None:
        sizes = [2 if char in _GSM7_EXTENDED else 1 for char in text]
        return _parts(sizes, single=160, part=153)
    return _parts([1 if ord(char) < 0x10000 else 2 for char in text], single=70, part=67)


def _parts(sizes: list[int], single: int, part: int) -> int:
    if sum(sizes) <= single:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts


def _wording(
    protocol: Protocol, key: str, language: str, country: Country, staffed: bool, *, spoken: bool
) -> tuple[str, str]:
    """The wording and the language it is in; the off-duty one when nobody can be reached."""
    message = find_message(protocol, key, language)
    if message is None:
        raise MessageError(f"there is no message {key}")
    if message.promises_person and not staffed:
        if message.off_duty is None:
            raise MessageError(f"{key} promises a person and has no off-duty wording")
        key = message.off_duty
    for known in dict.fromkeys((language, "en")):
        text = _text(protocol, key, known, country, spoken=spoken)
        if text is not None:
            return localise(text, known, country), known
    raise MessageError(f"{key} has no {'spoken' if spoken else 'written'} wording")


def _text(
    protocol: Protocol, key: str, language: str, country: Country, *, spoken: bool
) -> str | None:
    own = local_words(country, language).messages.get(key)
    common = protocol.messages.get(language, {}).get(key)
    wordings = [message for message in (own, common) if message is not None]
    if spoken:
        voices = [message.voice for message in wordings if message.voice is not None]
        if voices:
            return voices[0]
    return next((message.sms for message in wordings if message.sms is not None), None)


def _values(country: Country, language: str, values: Mapping[str, str]) -> dict[str, str]:
    given = {name: value for name, value in values.items() if name not in COUNTRY_PLACEHOLDERS}
    given["NAME"] = _clean_name(given.get("NAME", ""))
    return country_values(country, language) | given


def _clean_name(name: str) -> str:
    """A caller's own words: one short line, in the plain alphabet when that is possible."""
    printable = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    plain = "".join(
        char if gsm7_length(char) == 1 else unicodedata.normalize("NFKD", char)[0]
        for char in printable
    )
    return plain[: len(LONGEST["NAME"])].strip()


def _fill(wording: str, values: Mapping[str, str], language: str) -> str:
    if not values.get("NAME"):
        wording = wording.replace(" {NAME},", ",")
    nobody = _NOBODY.get(language, _NOBODY["en"])

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name == "NAME":
            return values.get("NAME") or nobody
        if name not in values:
            raise MessageError(f"no value for {{{name}}}")
        value = values[name]
        opens = name in COUNTRY_PLACEHOLDERS and _SENTENCE_OPENS.search(wording[: match.start()])
        return value[:1].upper() + value[1:] if opens else value

    return PLACEHOLDER.sub(fill, wording)
