"""Numbers that no automatic call or text ever goes to (CONTRACT 3)."""

import re
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType

from helpline.domain.phone import PhoneNumber, find_phone

SATELLITE = ("+870", "+881", "+882", "+883")
"""Inmarsat, the satellite networks, and the global networks behind them."""

PREMIUM = ("+1900", "+1976", "+449", "+4487", "+49900", "+49137", "+3389", "+34803", "+34806",
           "+34807", "+34905", "+39899", "+61190")  # fmt: skip
"""Premium ranges whole, because `phonenumbers` names only valid numbers premium."""

SHORTEST = 7
"""Digits of a national number; fewer is an emergency number or a short code."""


class Forbidden(StrEnum):
    """Why a number is not dialled."""

    NOT_A_NUMBER = "not a telephone number"
    EMERGENCY = "an emergency number"
    SHORT = "an emergency number or a short code"
    SATELLITE = "a satellite number"
    PREMIUM = "a premium number"
    COUNTRY = "a country that is not configured"


_DIGITS = re.compile(r"\+[0-9]{1,15}")
_LOCAL_PREMIUM = re.compile(r"\+1[0-9]{3}976")
_PREMIUM_TYPES = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST)


def why_forbidden(
    e164: str, countries: frozenset[str], never_dial: frozenset[str]
) -> Forbidden | None:
    """Why this number must not be rung or texted, None when it may be.

    Args:
        e164: the number, ``+`` and digits.
        countries: ISO codes we may reach; staff numbers' countries belong in it.
        never_dial: numbers never dialled, as the country packs write them ("911").
    """
    if not _DIGITS.fullmatch(e164):
        return Forbidden.NOT_A_NUMBER
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return Forbidden.NOT_A_NUMBER
    national = phonenumbers.national_significant_number(number)
    if e164 in never_dial or national in never_dial or e164[1:] in never_dial:
        return Forbidden.EMERGENCY
    if len(national) < SHORTEST:
        return Forbidden.SHORT
    if e164.startswith(SATELLITE):
        return Forbidden.SATELLITE
    if _LOCAL_PREMIUM.match(e164):
        return Forbidden.PREMIUM
    if e164.startswith(PREMIUM) or phonenumbers.number_type(number) in _PREMIUM_TYPES:
        return Forbidden.PREMIUM
    return None if _regions(number) & countries else Forbidden.COUNTRY


def _regions(number: phonenumbers.PhoneNumber) -> frozenset[str]:
    """The country, or where the number alone cannot tell, every country of its code.

    North America is the exception: an unassigned number there counts as the United
    States, or one configured country would open the Caribbean's expensive ones.
    """
    region = phonenumbers.region_code_for_number(number)
    if region:
        return frozenset({str(region)})
    shared = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    return frozenset(str(code) for code in (shared[:1] if number.country_code == 1 else shared))


def _lacks_area(phone: PhoneNumber) -> bool:
    """Is it complete only for a telephone of the same town?"""
    found = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(phone.e164))
    return bool(found == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY)


def dialled(
    digits: str, country: str, countries: frozenset[str], never_dial: frozenset[str]
) -> PhoneNumber | Forbidden:
    """The number that these keys mean in this country, or why it must not be rung.

    Two noughts begin a number with its country code, in every country.
    """
    if digits in never_dial:
        return Forbidden.EMERGENCY
    if len(digits) < SHORTEST:
        return Forbidden.SHORT
    typed = f"+{digits[2:]}" if digits.startswith("00") else digits
    phone = find_phone(typed, country) if digits.isdecimal() else None
    if phone is None or _lacks_area(phone):
        return Forbidden.NOT_A_NUMBER
    return why_forbidden(phone.e164, countries, never_dial) or phone
