"""The carrier's log of what came in, read from the simulator by Twilio's own client."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from helpline.carrier import inbound_log
from helpline.carrier.client import Account, ListingFailed, TwilioCarrier
from helpline.domain.phone import PhoneNumber
from helpline.simulator import Simulator, SimulatorSettings, create_simulator

ACCOUNT, TOKEN = "AC" + "5" * 32, "token-of-tests"
LINE, OTHER = PhoneNumber("+12025550100"), PhoneNumber("+12025550109")
AGO = timedelta(minutes=30)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    settings = SimulatorSettings(
        ACCOUNT, TOKEN, "http://127.0.0.1:1", (LINE.e164, OTHER.e164), time_scale=50
    )
    with create_simulator(settings) as made:
        yield made


def carrier(sim: Simulator, token: str = TOKEN) -> TwilioCarrier:
    return TwilioCarrier(Account(ACCOUNT, token), sim.url, "https://x.example", frozenset({"US"}))


def texts(sim: Simulator, count: int) -> list[str]:
    """So many texts, a second apart, half an hour ago; nobody answers the webhook."""
    now = datetime.now(UTC)
    sids = []
    for number in range(count):
        sid = sim.phone("+12025550123").texts(f"text {number}").sid
        message = sim.carrier.messages[sid]
        message.created_at = message.sent_at = now - AGO + timedelta(seconds=number)
        sids.append(sid)
    return sids


def test_every_page_is_read_and_the_oldest_comes_first(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_log, "PAGE", 3)
    sids = texts(sim, 8)
    since = datetime.now(UTC) - timedelta(hours=1)
    found = carrier(sim).list_inbound_texts(LINE, since)
    assert [text.sid for text in found] == sids
    assert found[0].body == "text 0"
    assert found[0].inbound
    later = carrier(sim).list_inbound_texts(LINE, datetime.now(UTC) - AGO + timedelta(seconds=5))
    assert [text.sid for text in later] == sids[-3:] or [text.sid for text in later] == sids[-2:]
    assert carrier(sim).list_inbound_texts(OTHER, since) == ()


def test_what_we_sent_is_not_among_it(sim: Simulator) -> None:
    client = carrier(sim)
    texts(sim, 1)
    sim.phone(LINE.e164)
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [text.inbound for text in client.list_inbound_texts(LINE, since)] == [True]


def test_inbound_calls_are_listed(sim: Simulator) -> None:
    sim.phone("+12025550145").call()
    (call,) = carrier(sim).list_inbound_calls(LINE, datetime.now(UTC) - timedelta(hours=1))
    assert call.sender == "+12025550145"


def test_a_log_that_cannot_be_read_is_not_an_empty_one(sim: Simulator) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(ListingFailed):
        carrier(sim, "another-token").list_inbound_texts(LINE, since)
    with pytest.raises(ListingFailed):
        carrier(sim, "another-token").list_inbound_calls(LINE, since)


def test_a_page_that_fails_now_and_then_does_not_cost_the_whole_log(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_log, "PAGE", 1)
    sids = texts(sim, 4)
    since = datetime.now(UTC) - timedelta(hours=1)
    sim.faults.add("rest.500", on="messages", times=inbound_log.TRIES - 1)
    assert [text.sid for text in carrier(sim).list_inbound_texts(LINE, since)] == sids
