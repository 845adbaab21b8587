"""Texts, calls and changes on the wire, and what each answer means."""

import json
import threading
from datetime import timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from helpline.carrier.client import Account
from helpline.carrier.outcomes import LONGEST_PAUSE, OPERATOR_PAUSE, read_answer
from helpline.domain.delivery import (
    Accepted,
    MachineWatch,
    Refused,
    TryLater,
    Unknown,
)
from helpline.domain.phone import PhoneNumber
from tests.carrier.standin import (
    PUBLIC,
    SINCE,
    TOKEN,
    Asked,
    Reply,
    Server,
    call,
    make_carrier,
    reply,
    text,
)


def test_a_text_on_the_wire(server: Server) -> None:
    assert make_carrier(server.url).send_text(text()) == Accepted("SM" + "0" * 32)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/2010-04-01/Accounts/ACmain/Messages.json")
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.form == {
        "To": ["+12025550123"],
        "From": ["+15005550006"],
        "Body": ["hi é"],
        "StatusCallback": [f"{PUBLIC}/twilio/sms/status?attempt={TOKEN}"],
    }


def test_a_call_on_the_wire(server: Server) -> None:
    server.answer = lambda _: reply(201, {"sid": "CA1"})
    assert make_carrier(server.url).place_call(call()) == Accepted("CA1")
    assert server.asked[0].path == "/2010-04-01/Accounts/ACmain/Calls.json"
    assert server.asked[0].form == {
        "To": ["+12025550123"],
        "From": ["+15005550006"],
        "Url": [f"{PUBLIC}/twilio/voice/page?attempt={TOKEN}"],
        "Method": ["POST"],
        "StatusCallback": [f"{PUBLIC}/twilio/voice/status?attempt={TOKEN}"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "StatusCallbackMethod": ["POST"],
        "Timeout": ["25"],
    }


def test_a_call_that_listens_for_a_machine(server: Server) -> None:
    """In the background, and told to our own webhook by the leg's opaque name alone."""
    server.answer = lambda _: reply(201, {"sid": "CA1"})
    watch = MachineWatch("/twilio/voice/caller/machine", timedelta(seconds=30))
    assert make_carrier(server.url).place_call(call(watch=watch)) == Accepted("CA1")
    listening = {name: value for name, value in server.asked[0].form.items() if name[:6] in
                 {"Machin", "AsyncA"}}  # fmt: skip
    assert listening == {
        "MachineDetection": ["DetectMessageEnd"],
        "MachineDetectionTimeout": ["30"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": [f"{PUBLIC}/twilio/voice/caller/machine?attempt={TOKEN}"],
        "AsyncAmdStatusCallbackMethod": ["POST"],
    }


def test_whatsapp_and_messaging_service(server: Server) -> None:
    carrier = make_carrier(server.url, messaging_service_sid="MG1")
    carrier.send_text(text(whatsapp=True))
    carrier.send_text(text(sender=PhoneNumber("")))
    whatsapp, service = server.asked
    assert whatsapp.form["To"] == ["whatsapp:+12025550123"]
    assert whatsapp.form["From"] == ["whatsapp:+15005550006"]
    assert "MessagingServiceSid" not in whatsapp.form
    assert service.form["MessagingServiceSid"] == ["MG1"]
    assert "From" not in service.form


@pytest.mark.parametrize(
    ("sender", "account"), [("+12025550102", "ACcrisis"), ("+15005550006", "ACmain")]
)
def test_orders_go_through_the_account_that_owns_their_sender(
    server: Server, sender: str, account: str
) -> None:
    """A crisis text to a caller leaves from the number the caller knows, so from its account."""
    carrier = make_carrier(
        server.url,
        crisis_account=Account("ACcrisis", "other"),
        crisis_numbers=frozenset({PhoneNumber("+12025550102")}),
    )
    carrier.send_text(text(sender=PhoneNumber(sender)))
    carrier.place_call(call(sender=PhoneNumber(sender)))
    assert [asked.path for asked in server.asked] == [
        f"/2010-04-01/Accounts/{account}/Messages.json",
        f"/2010-04-01/Accounts/{account}/Calls.json",
    ]


@pytest.mark.parametrize(
    ("line", "account"), [("+12025550102", "ACcrisis"), ("+15005550006", "ACmain")]
)
def test_the_log_of_a_number_is_read_from_the_account_that_owns_it(
    server: Server, line: str, account: str
) -> None:
    carrier = make_carrier(
        server.url,
        crisis_account=Account("ACcrisis", "other"),
        crisis_numbers=frozenset({PhoneNumber("+12025550102")}),
    )
    server.answer = lambda _: reply(200, {"rows": [], "next_page_uri": None})
    carrier.list_inbound_texts(PhoneNumber(line), SINCE)
    carrier.list_inbound_calls(PhoneNumber(line), SINCE)
    paths = {asked.path.partition("?")[0] for asked in server.asked}
    assert paths == {
        f"/2010-04-01/Accounts/{account}/Messages.json",
        f"/2010-04-01/Accounts/{account}/Calls.json",
    }


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, 20429, TryLater),
        (400, 20429, TryLater),
        (400, 30001, TryLater),
        (500, 20500, Unknown),
        (503, None, Unknown),
        (408, None, Unknown),
        (400, 21610, Refused),
        (400, 21211, Refused),
        (400, 21214, Refused),
        (400, 21614, Refused),
        (400, 21635, Refused),
        (400, 30006, Refused),
        (400, 99999, Refused),
        (422, None, Refused),
        (401, 20003, TryLater),
        (403, None, TryLater),
        (404, 20404, TryLater),
        (400, 21606, TryLater),
        (302, None, TryLater),
    ],
)
def test_outcomes(server: Server, status: int, code: int | None, kind: type) -> None:
    said = {"code": code, "message": "The 'To' number +12025550123 is not valid", "status": status}
    server.answer = lambda _: reply(status, said, Location="http://127.0.0.1:1/")
    for outcome in (
        make_carrier(server.url).send_text(text()),
        make_carrier(server.url).place_call(call()),
    ):
        assert isinstance(outcome, kind)
        assert "+1202" not in repr(outcome)
        if isinstance(outcome, Refused):
            assert outcome.code == (code or 0)
            assert outcome.opted_out == (code == 21610)
    assert len(server.asked) == 2


def test_a_refused_account_waits_for_the_operator(server: Server) -> None:
    server.answer = lambda _: reply(401, {"code": 20003})
    outcome = make_carrier(server.url).send_text(text())
    assert isinstance(outcome, TryLater)
    assert outcome.after == OPERATOR_PAUSE
    assert "token" in outcome.reason


def retry_after(header: str, _asked: Asked) -> Reply:
    return reply(429, {}, Retry_After=header)


def test_retry_after_is_honoured_within_reason(server: Server) -> None:
    pauses = {"7": 7.0, "0": 1.0, "nonsense": 1.0, "nan": 1.0, "-3": 1.0, "99999": 900.0}
    for header, seconds in pauses.items():
        server.answer = partial(retry_after, header)
        outcome = make_carrier(server.url).send_text(text())
        assert isinstance(outcome, TryLater)
        assert outcome.after.total_seconds() == seconds


def test_retry_after_as_a_date() -> None:
    header = {"Retry-After": format_datetime(SINCE + timedelta(seconds=30), usegmt=True)}
    assert read_answer(429, "", header, SINCE).retry_after == timedelta(seconds=30)
    late = {"retry-after": format_datetime(SINCE + timedelta(days=30), usegmt=True)}
    assert read_answer(429, "", late, SINCE).retry_after == LONGEST_PAUSE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sid": 7}', b'{"sid": ""}', b"\xff"])
def test_a_yes_without_a_sid_is_unknown(server: Server, body: bytes) -> None:
    server.answer = lambda _: (201, {}, body)
    assert isinstance(make_carrier(server.url).send_text(text()), Unknown)


def test_a_connection_closed_after_the_request_is_unknown(server: Server) -> None:
    server.answer = lambda _: None
    assert isinstance(make_carrier(server.url).send_text(text()), Unknown)
    assert len(server.asked) == 1


def test_a_kept_connection_closed_after_the_request_is_unknown_too(server: Server) -> None:
    carrier = make_carrier(server.url)
    assert isinstance(carrier.send_text(text()), Accepted)
    server.answer = lambda _: None
    assert isinstance(carrier.send_text(text()), Unknown)
    assert len(server.asked) == 2


def test_hanging_up(server: Server) -> None:
    server.answer = lambda _: reply(200, {"sid": "CA7"})
    carrier = make_carrier(server.url)
    assert carrier.end_call("CA7") == Accepted("CA7")
    assert server.asked[0].path == "/2010-04-01/Accounts/ACmain/Calls/CA7.json"
    assert server.asked[0].form == {"Status": ["completed"]}
    server.answer = lambda _: reply(400, {"code": 21220})
    assert carrier.end_call("CA7") == Accepted("CA7")
    server.answer = lambda _: reply(500, {})
    assert isinstance(carrier.end_call("CA7"), TryLater)
    server.answer = lambda _: None
    assert isinstance(carrier.end_call("CA7"), TryLater)
    asked = len(server.asked)
    assert isinstance(carrier.end_call("../Messages"), Refused)
    assert len(server.asked) == asked


def test_redirecting_a_leg(server: Server) -> None:
    server.answer = lambda _: reply(200, {"sid": "CA7"})
    carrier = make_carrier(server.url)
    assert carrier.redirect_call("CA7", "/twilio/voice/staff/alone", TOKEN) == Accepted("CA7")
    assert server.asked[0].path == "/2010-04-01/Accounts/ACmain/Calls/CA7.json"
    url = f"{PUBLIC}/twilio/voice/staff/alone?attempt={TOKEN}"
    assert server.asked[0].form == {"Url": [url], "Method": ["POST"]}
    server.answer = lambda _: reply(400, {"code": 21220})
    assert carrier.redirect_call("CA7", "/x", TOKEN) == Refused(
        21220, "the call is not in progress"
    )
    server.answer = lambda _: reply(502, {})
    assert isinstance(carrier.redirect_call("CA7", "/x", TOKEN), TryLater)


def test_hanging_up_looks_in_both_accounts(server: Server) -> None:
    server.answer = lambda asked: (
        reply(404, {"code": 20404}) if "ACmain" in asked.path else reply(200, {"sid": "CA7"})
    )
    carrier = make_carrier(server.url, crisis_account=Account("ACcrisis", "x"))
    assert carrier.end_call("CA7") == Accepted("CA7")
    server.answer = lambda _: reply(404, {"code": 20404})
    assert isinstance(carrier.end_call("CA7"), Refused)


def test_many_threads_share_one_carrier(server: Server) -> None:
    server.answer = lambda asked: reply(201, {"sid": "SM" + asked.form["Body"][0]})
    carrier = make_carrier(server.url, timeout=4.0)
    found: dict[int, object] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: carrier.send_text(text(body=str(n)))}))
        for n in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: Accepted(f"SM{n}") for n in range(24)}


def test_the_token_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Account("AC1", "secret"))


def test_fields_are_those_of_twilio(server: Server) -> None:
    """Every field sent is one that Twilio's own OpenAPI description knows."""
    import os
    from pathlib import Path

    root = Path(
        os.environ.get("HELPLINE_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data"
    )
    described = root / "twilio" / "twilio_api_v2010.json"
    if not described.exists():
        pytest.skip("Twilio's OpenAPI description is not beside the project")
    paths = json.loads(described.read_text())["paths"]
    carrier = make_carrier(server.url)
    carrier.send_text(text())
    carrier.place_call(call())
    for asked in server.asked:
        path = asked.path.replace("ACmain", "{AccountSid}")
        body = paths[path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
        assert set(asked.form) <= set(body["schema"]["properties"])
