"""What a carrier knows about telephone numbers and texts, without a number library.

Only shape and a few well-known plans are checked: enough to catch an application that
dials something no telephone has.
"""

from __future__ import annotations

import math
import re

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SHORT = re.compile(r"\+?\d{3,6}")
_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
_PREMIUM = re.compile(r"\+1(900|976)\d{7}|\+881\d+|\+882\d+|\+979\d+")
_LENGTHS = {
    "+34": {9},
    "+44": {9, 10},
    "+33": {9},
    "+49": set(range(7, 13)),
    "+61": {9},
    "+52": {10},
}
_COUNTRIES = {
    "+1": "US",
    "+34": "ES",
    "+44": "GB",
    "+33": "FR",
    "+49": "DE",
    "+61": "AU",
    "+52": "MX",
    "+55": "BR",
    "+91": "IN",
    "+353": "IE",
}
EMERGENCY = frozenset(
    {"911", "112", "999", "000", "988", "933", "110", "118", "119", "061", "091", "15", "111"}
)

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = set("^{}\\[~]|€\f")


def is_emergency(number: str) -> bool:
    """Whether these digits summon the police, an ambulance or a crisis centre."""
    digits = number.lstrip("+")
    return digits in EMERGENCY or digits in {"1911", "1112", "1988", "44999", "1933"}


def is_short_code(number: str) -> bool:
    return bool(_SHORT.fullmatch(number)) and not is_emergency(number)


def is_premium(number: str) -> bool:
    """Premium-rate and satellite prefixes that accounts are not allowed to reach."""
    return bool(_PREMIUM.fullmatch(number))


def is_possible(number: str) -> bool:
    """Whether a telephone could have this E.164 number."""
    if not _E164.fullmatch(number):
        return False
    if number.startswith("+1"):
        return bool(_NANP.fullmatch(number)) and number[3:5] != "11"
    for prefix, lengths in _LENGTHS.items():
        if number.startswith(prefix):
            return len(number) - len(prefix) in lengths
    return True


def country_of(number: str) -> str:
    """Two-letter country by calling code, empty where this table does not know it."""
    for length in (4, 3, 2):
        if number[:length] in _COUNTRIES:
            return _COUNTRIES[number[:length]]
    return ""


def segments_of(body: str) -> int:
    """How many SMS segments a text takes.

    160 or 153 septets in the GSM alphabet, 70 or 67 UTF-16 units otherwise
    (https://www.twilio.com/docs/glossary/what-sms-character-limit).
    """
    if all(c in _GSM or c in _GSM_EXTENDED for c in body):
        units, single, several = sum(2 if c in _GSM_EXTENDED else 1 for c in body), 160, 153
    else:
        units, single, several = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= single else math.ceil(units / several)
