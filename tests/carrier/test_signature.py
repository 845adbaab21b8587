"""Genuine or not: the cases of RELIABILITY part C."""

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from helpline.carrier.webhook import (
    SignatureCheck,
    raw_target,
)
from tests.carrier.signing import BASE, TOKEN, check, sign

FORM = MultiDict([("From", "+12025550123"), ("Body", " hi é \n"), ("ToZip", ""), ("To", "+1500")])

Form = MultiDict[str, str]


def test_a_genuine_request() -> None:
    signature = sign(BASE + "/twilio/sms", FORM)
    assert signature == RequestValidator(TOKEN).compute_signature(BASE + "/twilio/sms", FORM)
    assert check().accepts("/twilio/sms", FORM, signature)


@pytest.mark.parametrize(
    "target",
    [
        "/twilio/voice?attempt=it%27s",
        "/twilio/voice?a=%2F%7B%C3%A9",
        "/twilio/voice?a=b+c%20d&a=&b",
        "/twilio/voice?",
        "/twilio//voice/",
        "/twilio/voice?a=[1]&b=//x:99999/",
    ],
)
def test_the_address_is_taken_as_received(target: str) -> None:
    assert check().accepts(target, FORM, sign(BASE + target, FORM))
    assert not check().accepts(target + "&", FORM, sign(BASE + target, FORM))


def test_the_default_port_may_or_may_not_be_signed() -> None:
    for base in ("https://line.example", "https://line.example:443", "https://line.example/"):
        for signed in ("https://line.example", "https://line.example:443"):
            assert check(base=base).accepts("/x", FORM, sign(signed + "/x", FORM))
    assert check(base="http://h").accepts("/x", FORM, sign("http://h:80/x", FORM))
    odd = "https://line.example:8443"
    assert check(base=odd).accepts("/x", FORM, sign(odd + "/x", FORM))
    assert not check(base=odd).accepts("/x", FORM, sign(BASE + "/x", FORM))
    assert check(base=BASE + "/app").accepts("/x", FORM, sign(BASE + "/app/x", FORM))


def test_two_tokens_during_a_rotation() -> None:
    signature = sign(BASE + "/x", FORM, "other")
    assert check("other", TOKEN).accepts("/x", FORM, signature)
    assert check(TOKEN, "other").accepts("/x", FORM, signature)
    assert not check(TOKEN).accepts("/x", FORM, signature)
    assert not check(TOKEN, "").accepts("/x", FORM, sign(BASE + "/x", FORM, ""))


@pytest.mark.parametrize("signature", [None, "", " ", "x", "é" * 28, "A" * 28, "A" * 9999, "\x00"])
def test_a_missing_or_foolish_signature(signature: str | None) -> None:
    assert check().accepts("/x", FORM, signature) is False


def test_what_must_not_pass() -> None:
    good = sign(BASE + "/x", FORM)
    changed = FORM.copy()
    changed["Body"] = "hi é"
    assert not check().accepts("/x", changed, good)
    without_empty = MultiDict([(k, v) for k, v in FORM.items(multi=True) if v])
    del without_empty["Body"]
    assert not check().accepts("/x", without_empty, good)
    more = FORM.copy()
    more.add("Body", "kill")
    assert not check().accepts("/x", more, good)
    assert not check().accepts("/X", FORM, good)
    assert not check().accepts("/x/", FORM, good)
    assert not check().accepts("/x", FORM, sign("http://line.example/x", FORM))
    assert not check().accepts("http://evil.example/x", FORM, good)
    assert not check().accepts("", FORM, sign(BASE, FORM))
    assert not SignatureCheck((), BASE).accepts("/x", FORM, good)


def test_repeated_fields_are_signed_with_all_values() -> None:
    repeated = MultiDict([("A", "2"), ("A", "1"), ("A", "2"), ("B", "")])
    assert check().accepts("/x", repeated, sign(BASE + "/x", repeated))


def test_a_get_request_signs_the_address_only() -> None:
    target = "/x?From=%2B1202&City=K%C3%B6ln"
    assert check().accepts(target, MultiDict(), sign(BASE + target, MultiDict()))


def test_a_json_webhook_is_not_ours() -> None:
    target = "/x?bodySHA256=" + "0" * 64
    assert not check().accepts(target, MultiDict(), sign(BASE + target, MultiDict()))


def test_lone_surrogates_do_not_raise() -> None:
    assert not check().accepts("/x", MultiDict([("Body", "\ud800")]), "A" * 28)
    assert not check().accepts("/\ud800", FORM, "A" * 28)


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"RAW_URI": "/sms?b=it%27s+ok", "PATH_INFO": "/other"}, "/sms?b=it%27s+ok"),
        ({"RAW_URI": "//evil.example/x"}, "//evil.example/x"),
        ({"RAW_URI": "/x#part"}, "/x"),
        ({"RAW_URI": "http://evil.example/x", "PATH_INFO": "/x", "QUERY_STRING": "a=%27"},
         "/x?a=%27"),
        ({"PATH_INFO": "/K\u00c3\u00b6ln", "QUERY_STRING": ""}, "/K%C3%B6ln"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/a b'", "QUERY_STRING": "q"}, "/app/a%20b'?q"),
        ({"RAW_URI": "*", "PATH_INFO": ""}, "/"),
        ({}, "/"),
    ],
)  # fmt: skip
def test_raw_target(environ: dict[str, str], target: str) -> None:
    assert raw_target(environ) == target
