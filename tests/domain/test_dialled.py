"""What the keys of a telephone mean as a number, and which numbers are never rung."""

import pytest

from helpline.domain.forbidden import Forbidden, dialled
from helpline.domain.phone import PhoneNumber

HERE = frozenset({"US", "GB"})
NEVER = frozenset({"911", "112", "999", "8002738255"})


@pytest.mark.parametrize(
    ("digits", "country", "e164"),
    [
        ("2025550188", "US", "+12025550188"),
        ("12025550188", "US", "+12025550188"),
        ("0012025550188", "US", "+12025550188"),
        ("00442079460958", "US", "+442079460958"),
        ("02079460958", "GB", "+442079460958"),
        ("0012025550188", "GB", "+12025550188"),
    ],
)
def test_a_number_as_people_type_it(digits: str, country: str, e164: str) -> None:
    assert dialled(digits, country, HERE, NEVER) == PhoneNumber(e164)


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("911", Forbidden.EMERGENCY),
        ("112", Forbidden.EMERGENCY),
        ("8002738255", Forbidden.EMERGENCY),
        ("18002738255", Forbidden.EMERGENCY),
        ("988", Forbidden.SHORT),
        ("741741", Forbidden.SHORT),
        ("", Forbidden.SHORT),
        ("2025550", Forbidden.NOT_A_NUMBER),
        ("*2025550188", Forbidden.NOT_A_NUMBER),
        ("２０２５５５０１８８*", Forbidden.NOT_A_NUMBER),
        ("00000000000000", Forbidden.NOT_A_NUMBER),
        ("9005550100", Forbidden.PREMIUM),
        ("00881612345678", Forbidden.SATELLITE),
        ("0033612345678", Forbidden.COUNTRY),
        ("8765550123", Forbidden.COUNTRY),
    ],
)
def test_what_is_never_rung(digits: str, why: Forbidden) -> None:
    assert dialled(digits, "US", HERE, NEVER) is why
