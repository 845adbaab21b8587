"""Each class of number that is never rung or texted, by its reason."""

import pytest

from helpline.domain.forbidden import why_forbidden

US = frozenset({"US"})


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+1911", "an emergency number or a short code"),
        ("+44999", "an emergency number or a short code"),
        ("+1988", "an emergency number or a short code"),
        ("+1741741", "an emergency number or a short code"),
        ("+1211", "an emergency number or a short code"),
        ("+19005550100", "a premium number"),
        ("+12029761234", "a premium number"),
        ("+870773111632", "a satellite number"),
        ("+881612345678", "a satellite number"),
        ("+88213300655", "a satellite number"),
        ("+883510012345678", "a satellite number"),
        ("+18765550123", "a country that is not configured"),
        ("+447700900123", "a country that is not configured"),
        ("+33612345678", "a country that is not configured"),
        ("12025550123", "not a telephone number"),
        ("+12025550123;ext=1", "not a telephone number"),
    ],
)
def test_each_class_has_its_reason(number: str, why: str) -> None:
    assert why_forbidden(number, US, frozenset()) == why


def test_a_number_that_a_country_pack_forbids() -> None:
    never = frozenset({"8002738255"})
    assert why_forbidden("+18002738255", US, never) == "an emergency number"
    assert why_forbidden("+18002738255", US, frozenset()) is None


def test_premium_numbers_stay_forbidden_where_their_country_is_configured() -> None:
    for number in ("+449098790000", "+448712345678"):
        assert why_forbidden(number, frozenset({"GB"}), frozenset()) == "a premium number"
    assert why_forbidden("+447700900123", frozenset({"GB"}), frozenset()) is None
