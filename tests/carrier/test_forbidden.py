"""Numbers that no request ever goes to."""

import pytest

from helpline.domain.delivery import (
    Accepted,
    Refused,
)
from helpline.domain.phone import PhoneNumber
from helpline.domain.refusals import FORBIDDEN
from tests.carrier.standin import Server, call, make_carrier, text


@pytest.mark.parametrize(
    "number",
    [
        "+1911",
        "+1988",
        "+44999",
        "+1741741",
        "+19005551234",
        "+19005550100",
        "+12029761234",
        "+449098790000",
        "+44909123456",
        "+448712345678",
        "+881612345678",
        "+870773111632",
        "+88213300655",
        "+883510012345678",
        "+18765550123",
        "+33612345678",
        "+999",
        "911",
        "",
        "+1202555012x",
        "+12025550123,+12025550124",
        "sip:a@b.example",
        "+१२०२५५५०१२३",
    ],
)
def test_forbidden_numbers_never_reach_the_wire(server: Server, number: str) -> None:
    carrier, to = make_carrier(server.url), PhoneNumber(number)
    for outcome in (
        carrier.send_text(text(to=to)),
        carrier.send_text(text(to=to, whatsapp=True)),
        carrier.place_call(call(to=to)),
    ):
        assert isinstance(outcome, Refused)
        assert outcome.code == FORBIDDEN
        assert outcome.reason
    assert server.asked == []


def test_numbers_of_the_country_packs_are_never_dialled(server: Server) -> None:
    never = frozenset({"8002738255", "+12025550199"})
    carrier = make_carrier(server.url, never_dial=never)
    for number in ("+18002738255", "+12025550199"):
        assert isinstance(carrier.place_call(call(to=PhoneNumber(number))), Refused)
    assert server.asked == []


@pytest.mark.parametrize(
    "number",
    ["+15005550006", "+15005550001", "+12025550111", "+447700900123", "+14165550123",
     "+18005551234"],
)  # fmt: skip
def test_ordinary_numbers_are_rung(server: Server, number: str) -> None:
    outcome = make_carrier(server.url).place_call(call(to=PhoneNumber(number)))
    assert isinstance(outcome, Accepted)
