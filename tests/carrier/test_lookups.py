"""The carrier's log: found, or surely not readable, but never silently empty."""

from datetime import UTC, datetime
from typing import Any

import pytest

from helpline.carrier.client import Account, ListingFailed
from helpline.domain.delivery import (
    LegState,
)
from tests.carrier.standin import CALLER, LINE, SINCE, Asked, Reply, Server, make_carrier, reply


def a_call(sid: str, start: str | None, status: str = "completed") -> dict[str, Any]:
    return {
        "sid": sid,
        "to": "+12025550123",
        "from": "+15005550006",
        "status": status,
        "start_time": start,
        "date_created": "Sun, 22 Nov 2026 12:30:00 +0000",
    }


def page(kind: str, rows: list[dict[str, Any]], more: str | None = None) -> dict[str, Any]:
    return {kind: rows, "next_page_uri": more, "page": 0, "page_size": 100, "uri": "/x"}


def test_calls_are_listed_over_pages_with_those_that_still_wait(server: Server) -> None:
    def answer(asked: Asked) -> Reply:
        if "StartTime>" not in asked.query and "Page" not in asked.query:
            return reply(200, page("calls", [a_call("CA3", None, "queued")]))
        if "Page" in asked.query:
            old = a_call("CA0", "Sun, 22 Nov 2026 11:59:59 +0000")
            again = a_call("CA1", "Sun, 22 Nov 2026 12:00:00 +0000")
            return reply(200, page("calls", [again, old]))
        more = "/2010-04-01/Accounts/ACmain/Calls.json?Page=1&PageToken=x"
        first = a_call("CA1", "Sun, 22 Nov 2026 12:00:00 +0000")
        second = a_call("CA2", "Sun, 22 Nov 2026 13:00:00 +0000", "in-progress")
        return reply(200, page("calls", [second, first], more))

    server.answer = answer
    calls = make_carrier(server.url).list_calls(CALLER, SINCE)
    assert [(c.sid, c.state) for c in calls] == [
        ("CA2", LegState.ANSWERED),
        ("CA1", LegState.COMPLETED),
        ("CA3", LegState.QUEUED),
    ]
    assert calls[0].started_at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert calls[2].started_at is None
    assert server.asked[0].query["To"] == ["+12025550123"]
    assert server.asked[0].query["StartTime>"] == ["2026-11-21T00:00:00Z"]


def test_texts_are_listed_from_both_accounts(server: Server) -> None:
    def row(sid: str, **changes: Any) -> dict[str, Any]:
        base = {
            "sid": sid,
            "to": "+15005550006",
            "from": "+12025550123",
            "body": "hi",
            "direction": "inbound",
            "status": "received",
            "date_sent": "Sun, 22 Nov 2026 12:00:01 +0000",
            "date_created": "Sun, 22 Nov 2026 12:00:01 +0000",
        }
        return base | changes

    def answer(asked: Asked) -> Reply:
        if "ACcrisis" in asked.path:
            return reply(200, page("messages", []))
        rows = [row("SM1"), row("SM2", direction="outbound-api", status="queued", date_sent=None)]
        return reply(200, page("messages", rows))

    server.answer = answer
    carrier = make_carrier(server.url, crisis_account=Account("ACcrisis", "x"))
    first, second = carrier.list_texts(LINE, SINCE)
    assert (first.sid, first.inbound, first.body, first.sender) == ("SM1", True, "hi", CALLER.e164)
    assert (second.inbound, second.sent_at, str(second.state)) == (False, None, "queued")
    assert {asked.path.split("/")[3] for asked in server.asked} == {"ACmain", "ACcrisis"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"calls": [7], "messages": [7]}', b"<x>"])
def test_a_log_that_cannot_be_read_is_not_an_empty_one(server: Server, body: bytes) -> None:
    server.answer = lambda _: (200, {}, body)
    carrier = make_carrier(server.url)
    for look in (carrier.list_calls, carrier.list_texts):
        with pytest.raises(ListingFailed):
            look(CALLER, SINCE)


def test_look_ups_fail_loudly(server: Server) -> None:
    carrier = make_carrier(server.url)
    for answer in (lambda _: reply(500, {}), lambda _: None, lambda _: reply(401, {"code": 20003})):
        server.answer = answer
        with pytest.raises(ConnectionError):
            carrier.list_calls(CALLER, SINCE)


def test_a_call_is_found_whichever_account_placed_it(server: Server) -> None:
    def answer(asked: Asked) -> Reply:
        if "ACmain" in asked.path:
            return reply(404, {"code": 20404, "status": 404, "message": "not found"})
        return reply(200, a_call("CA7", None, "no-answer"))

    server.answer = answer
    carrier = make_carrier(server.url, crisis_account=Account("ACcrisis", "x"))
    found = carrier.find_call("CA7")
    assert found is not None
    assert (found.sid, found.state) == ("CA7", LegState.NO_ANSWER)
    assert [asked.path.rsplit("/", 1)[-1] for asked in server.asked] == ["CA7.json"] * 2


def test_a_call_that_no_account_knows_is_not_found(server: Server) -> None:
    server.answer = lambda _: reply(404, {"code": 20404, "status": 404, "message": "not found"})
    carrier = make_carrier(server.url)
    assert carrier.find_call("CA7") is None
    assert carrier.find_call("CA7/../Messages") is None
    assert len(server.asked) == 1, "what is no id is never asked for"


@pytest.mark.parametrize(
    "answer", [reply(500, {}), None, reply(401, {"code": 20003}), (200, {}, b"<x>")]
)
def test_a_call_that_cannot_be_looked_up_is_not_called_unknown(
    server: Server, answer: Reply | None
) -> None:
    server.answer = lambda _: answer
    with pytest.raises(ListingFailed):
        make_carrier(server.url).find_call("CA7")
