"""Telephone numbers: read, compared, masked; never printed in full by accident."""

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

WITHHELD = frozenset(
    {
        "anonymous",
        "+266696687",
        "266696687",
        "+7378742883",
        "+8656696",
        "+86282452253",
        "restricted",
    }
)


class NotAPhoneNumber(ValueError):
    """The text is not a possible telephone number."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """An E.164 number. `str` and `repr` are masked; `e164` is the number itself."""

    e164: str

    def __str__(self) -> str:
        return f"{self.e164[:2]}…{self.e164[-2:]}"

    __repr__ = __str__

    @property
    def country(self) -> str | None:
        """ISO code of the number's country, None when its calling code is shared or unknown."""
        return _country(self.e164)


def parse_phone(text: str, region: str | None = None) -> PhoneNumber:
    """Read a possible number (CONTRACT 1), with or without the carrier's ``whatsapp:``.

    Raises:
        NotAPhoneNumber: withheld, a WhatsApp user id, or not a possible number.
    """
    e164 = _normalise(text.strip().removeprefix("whatsapp:"), region)
    if e164 is None:
        raise NotAPhoneNumber("not a possible telephone number")
    return PhoneNumber(e164)


def find_phone(text: str, region: str | None = None) -> PhoneNumber | None:
    """Like `parse_phone`, None when it is not one."""
    e164 = _normalise(text.strip().removeprefix("whatsapp:"), region)
    return None if e164 is None else PhoneNumber(e164)


def find_phone_in(text: str, region: str | None = None) -> PhoneNumber | None:
    """The one whole number in a sentence, with its area code; None for none or several."""
    found = {
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for match in phonenumbers.PhoneNumberMatcher(
            text, region, leniency=phonenumbers.Leniency.POSSIBLE, max_tries=50
        )
        if phonenumbers.is_possible_number_with_reason(match.number)
        is phonenumbers.ValidationResult.IS_POSSIBLE
    }
    return PhoneNumber(found.pop()) if len(found) == 1 else None


def written(phone: PhoneNumber) -> str:
    """The whole number in the groups in which people write it; for whoever typed it."""
    number = phonenumbers.parse(phone.e164)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


_parse = lru_cache(maxsize=4096)(phonenumbers.parse)
"""Who rings or texts is asked for their number, their country and their time zone."""


@lru_cache(maxsize=4096)
def _normalise(text: str, region: str | None) -> str | None:
    if text.lower() in WITHHELD:
        return None
    try:
        number = _parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def _country(e164: str) -> str | None:
    number = _parse(e164)
    region = phonenumbers.region_code_for_number(number)
    if region and region != "001":
        return str(region)
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, ())
    return str(regions[0]) if regions and regions[0] != "001" else None


@lru_cache(maxsize=4096)
def time_zone(phone: PhoneNumber) -> str | None:
    """The zone's name (IANA); None when the number may be in several, as mobiles often are."""
    zones = timezone.time_zones_for_number(_parse(phone.e164))
    return str(zones[0]) if len(zones) == 1 and zones[0] != timezone.UNKNOWN_TIMEZONE else None
