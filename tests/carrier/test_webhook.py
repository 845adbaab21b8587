"""Every recorded payload, whole and broken, is read without an error."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.datastructures import MultiDict

from helpline.carrier.webhook import (
    SHORT,
    WORDS,
    CallEvent,
    InboundText,
    TextReceipt,
    parse_call,
    parse_receipt,
    parse_text,
)
from tests.carrier.signing import BASE, check, sign

DATA = Path(os.environ.get("HELPLINE_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
PAYLOADS = sorted(p for p in (DATA / "payloads").glob("*.json") if not p.name.startswith("_"))


Form = MultiDict[str, str]

HOSTILE = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "x" * 10_000,
    "9" * 400,
    "-1",
    "1e9",
    "NaN",
    "²",
    "٣",
    "0x10",
    "../../etc",
    "'; DROP TABLE caller;--",
    "<Response/>",
    "\r\nX: y",
    "whatsapp:",
    "😀" * 500,
]


def load(path: Path) -> tuple[str, str, list[tuple[str, str]]]:
    payload = json.loads(path.read_text())
    return payload["kind"], payload["method"], [(k, v) for k, v in payload["params"]]


def parsed(form: Any, args: Any) -> tuple[InboundText, TextReceipt, CallEvent]:
    """All three parsers read everything: a webhook may arrive at the wrong address."""
    results = parse_text(form), parse_receipt(form, args), parse_call(form, args)
    for result in results:
        assert_storable(result)
    return results


def assert_storable(result: Any) -> None:
    hash(result)
    assert 3 <= len(result.sid) <= 64
    for each in fields(result):
        value = getattr(result, each.name)
        if isinstance(value, str):
            value.encode("utf-8")
            assert "\x00" not in value
            longest = WORDS if each.name in ("body", "speech", "transcript") else SHORT
            assert len(value) <= longest
        if isinstance(value, int):
            assert 0 <= value < 10**9
        if isinstance(value, float):
            assert 0 <= value <= 1


if not PAYLOADS:
    REASON = f"no payloads at {DATA}: set HELPLINE_TEST_DATA"
    pytestmark_payloads = pytest.mark.skip(reason=REASON)
else:
    pytestmark_payloads = pytest.mark.parametrize("path", PAYLOADS, ids=lambda p: p.stem)


@pytestmark_payloads
def test_recorded_payloads(path: Path) -> None:
    kind, _, params = load(path)
    form = MultiDict(params)
    text, receipt, call = parsed(form, MultiDict([("attempt", "t1")]))
    if kind.startswith(("sms.inbound", "whatsapp.inbound")):
        assert text.sid == form["MessageSid"]
        assert text.body == form.get("Body", "")
        assert text.sender == form["From"].removeprefix("whatsapp:")
        assert text.whatsapp == form["To"].startswith("whatsapp:")
        assert text.media_count == int(form["NumMedia"])
        assert text.opt_out_type == form.get("OptOutType")
    elif kind.endswith(".status") and "MessageSid" in form:
        assert receipt.sid == form["MessageSid"]
        assert receipt.status == form["MessageStatus"]
        assert receipt.error_code == (int(form["ErrorCode"]) if "ErrorCode" in form else None)
        assert receipt.token == "t1"
    else:
        assert call.sid == form["CallSid"]
        assert call.status == form.get("CallStatus", "")
        assert call.digits == form.get("Digits")
        assert call.speech == form.get("SpeechResult")
        assert call.dial_status == form.get("DialCallStatus")
        assert call.answered_by == form.get("AnsweredBy")
        assert call.transcript == form.get("TranscriptionText")
        assert call.token == "t1"


@pytestmark_payloads
def test_recorded_payloads_are_accepted_when_signed(path: Path) -> None:
    _, method, params = load(path)
    if method == "GET":
        query = "&".join(f"{quote(k)}={quote(v)}" for k, v in params)
        target, form = f"/x?{query}", Form()
    else:
        target, form = "/x", Form(params)
    assert check().accepts(target, form, sign(BASE + target, form))


@pytestmark_payloads
def test_recorded_payloads_with_each_field_missing_empty_or_hostile(path: Path) -> None:
    _, _, params = load(path)
    for index, (name, value) in enumerate(params):
        rest = params[:index] + params[index + 1 :]
        parsed(MultiDict(rest), MultiDict())
        for hostile in HOSTILE:
            form = MultiDict([*rest, (name, hostile)])
            parsed(form, MultiDict([("attempt", hostile)]))
            parsed(MultiDict([*rest, (name, hostile), (name, value)]), MultiDict())


def test_nothing_at_all() -> None:
    text, receipt, call = parsed(MultiDict(), MultiDict())
    assert (text.sender, text.body, text.media_count, text.whatsapp) == ("", "", 0, False)
    assert (receipt.status, receipt.error_code, receipt.token) == ("", None, None)
    assert (call.digits, call.confidence, call.duration, call.token) == (None, None, None, None)


def test_the_sid_falls_back() -> None:
    form = MultiDict([("SmsSid", "SM" + "1" * 32), ("Body", "x")])
    assert parse_text(form).sid == "SM" + "1" * 32
    form["SmsMessageSid"] = "SM" + "2" * 32
    assert parse_text(form).sid == "SM" + "2" * 32
    form["MessageSid"] = "'; --"
    assert parse_text(form).sid == "SM" + "2" * 32


def test_without_a_sid_a_repeat_is_the_same_and_another_text_is_not() -> None:
    first = MultiDict([("From", "+1"), ("Body", "hi"), ("Body", "you")])
    again = MultiDict([("Body", "you"), ("From", "+1"), ("Body", "hi")])
    other = MultiDict([("From", "+1"), ("Body", "hiyou")])
    assert parse_text(first).sid == parse_text(again).sid
    assert parse_text(first).sid != parse_text(other).sid
    assert parse_text(MultiDict([("a", "bc")])).sid != parse_text(MultiDict([("ab", "c")])).sid


def test_words_survive_cleaning() -> None:
    assert parse_text(MultiDict([("Body", "ki\x00ll\x0b me\ud800 \n ok")])).body == "kill me� \n ok"
    long = parse_text(MultiDict([("Body", "x" * (WORDS + 5))]))
    assert (len(long.body), long.cut) == (WORDS, True)
    whole = parse_text(MultiDict([("Body", "x" * WORDS)]))
    assert (len(whole.body), whole.cut) == (WORDS, False)


def test_a_second_body_cannot_hide_danger() -> None:
    assert parse_text(MultiDict([("Body", "hi"), ("Body", "I took it all")])).body == (
        "hi\nI took it all"
    )
    assert parse_text(MultiDict([("Body", "hi"), ("Body", "hi")])).body == "hi"


def test_media_keys_opt_out() -> None:
    form = MultiDict([("MediaUrl0", "a"), ("MediaUrl1", "b"), ("OptOutType", "stop")])
    assert (parse_text(form).media_count, parse_text(form).opt_out_type) == (2, "STOP")
    assert parse_text(MultiDict([("OptOutType", "MAYBE")])).opt_out_type is None
    call = parse_call(MultiDict([("Digits", "1 2#*x"), ("Confidence", "0.91")]), MultiDict())
    assert (call.digits, call.confidence) == ("12#*", 0.91)
    assert parse_call(MultiDict([("Confidence", "7")]), MultiDict()).confidence is None


def test_a_printed_event_shows_neither_number_nor_words() -> None:
    spoken = dict.fromkeys(("Body", "SpeechResult", "TranscriptionText", "ProfileName"), "wordy")
    secrets = spoken | {"From": "+12025550123", "To": "+15005550006", "Digits": "8675309"}
    form = MultiDict(secrets)
    shown = repr((parse_text(form), parse_call(form, MultiDict())))
    assert not [value for value in secrets.values() if value in shown]
