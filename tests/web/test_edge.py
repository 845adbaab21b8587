"""Guards, refusals and our own failures at the edge."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from werkzeug.datastructures import MultiDict

from helpline.metrics import metrics
from helpline.runtime import SpoolBroken
from helpline.store import Store, tables
from helpline.web.edge import edge
from tests.builders import LINE_NUMBER, Scene, everything
from tests.carrier.signing import TOKEN, sign
from tests.web.signed import BASE, FORM, client_of, post

SID = "SM" + "3" * 32


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


def text(body: str = "i want to kill myself", **more: str) -> MultiDict[str, str]:
    fields = {"MessageSid": SID, "From": "+12025560777", "To": LINE_NUMBER, "Body": body}
    return MultiDict(fields | more)


def refused() -> float:
    return float(metrics().signature_failures._value.get())


@pytest.mark.parametrize(
    "signature",
    ["", "x", "\u00e9" * 10, "A" * 28, "A" * 5000, sign(BASE + "/twilio/voice", text())],
)
@pytest.mark.parametrize("route", ["/twilio/sms", "/twilio/voice", "/twilio/voice/page/choice"])
def test_not_signed_is_refused_counted_and_leaves_nothing(
    scene: Scene, client: FlaskClient, signature: str, route: str
) -> None:
    if signature == sign(BASE + "/twilio/voice", text()) and route == "/twilio/voice":
        signature = sign(BASE + "/twilio/sms", text())
    before = refused()
    answer = post(client, route, text(), signature=signature)
    assert answer.status_code == 403
    assert b"Response" not in answer.data
    assert refused() == before + 1
    assert not any(everything(scene.store).values())
    no_header = client.post(route, data=dict(text()))
    assert no_header.status_code == 403


def test_both_tokens_of_a_rotation_and_no_other(scene: Scene) -> None:
    client = client_of(scene.rt, "new-token", "old-token")
    for token, status in (("new-token", 200), ("old-token", 200), (TOKEN, 403)):
        assert post(client, "/twilio/sms", text(), token=token).status_code == status


@pytest.mark.parametrize("target", ["/twilio/sms?b=it%27s", "/twilio/sms?x=%7B%2F%C3%A9&y=a+b"])
def test_escapes_in_the_address_are_signed_as_sent(client: FlaskClient, target: str) -> None:
    assert post(client, target, text()).status_code == 200
    decoded = sign(BASE + "/twilio/sms?b=it's", text())
    assert post(client, target, text(), signature=decoded).status_code == 403


def test_a_foreign_absolute_address_is_not_believed(client: FlaskClient) -> None:
    answer = client.post(
        "/twilio/sms",
        data=dict(text()),
        headers={"X-Twilio-Signature": sign("https://evil.example/twilio/sms", text()),
                 "Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        environ_overrides={"RAW_URI": "https://evil.example/twilio/sms"},
    )  # fmt: skip
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_other_bodies_are_refused_though_the_address_is_signed(
    scene: Scene, client: FlaskClient, kind: str
) -> None:
    """Such a body is not part of the signature: anybody may have written it."""
    answer = client.post(
        "/twilio/sms",
        data=json.dumps(dict(text())),
        content_type=kind,
        headers={"X-Twilio-Signature": sign(BASE + "/twilio/sms", MultiDict())},
        environ_overrides={"RAW_URI": "/twilio/sms"},
    )
    assert answer.status_code in {403, 415}
    assert not scene.rows(tables.message)


def test_an_oversized_form_is_refused_without_a_crash(scene: Scene, client: FlaskClient) -> None:
    for route in ("/twilio/sms", "/twilio/voice", "/twilio/sms/status", "/twilio/fallback"):
        big = post(client, route, text("x" * 300_000))
        assert big.status_code in {403, 413}, (route, big.status_code)
        many = MultiDict([(f"f{index}", "x") for index in range(2000)])
        assert post(client, route, many).status_code < 500
    assert not scene.rows(tables.page)


def test_get_on_what_is_posted(client: FlaskClient) -> None:
    rules = [
        rule for rule in client.application.url_map.iter_rules() if "POST" in (rule.methods or ())
    ]
    assert len(rules) > 10
    for rule in rules:
        if "GET" not in (rule.methods or ()):
            assert client.get(rule.rule).status_code == 405, rule.rule
            assert client.put(rule.rule).status_code == 405
    assert client.get("/nothing").status_code == 404


def test_the_fallback_speaks_and_writes(client: FlaskClient) -> None:
    written = post(client, "/twilio/fallback", text())
    assert b"<Message>" in written.data
    assert b"911" in written.data
    spoken = post(client, "/twilio/fallback", MultiDict({"CallSid": "CA" + "1" * 32}))
    assert b"<Say" in spoken.data
    signed = sign(BASE + "/twilio/fallback", MultiDict())
    got = client.get("/twilio/fallback", headers={"X-Twilio-Signature": signed})
    assert got.status_code == 200
    assert client.get("/twilio/fallback").status_code == 200, "nothing in it is secret"


def test_health(scene: Scene, client: FlaskClient) -> None:
    assert client.get("/live").json == {"live": True}
    ready = client.get("/ready")
    assert ready.status_code == 200
    assert any("no supervisor" in item for item in ready.json["degraded"])  # type: ignore[index]
    post(client, "/twilio/sms", text())
    told = client.get("/metrics")
    assert told.status_code == 200
    assert "+1202" not in told.text
    assert "kill" not in told.text
    assert "webhook" in told.text


def breaks(*_: Any, **__: Any) -> Any:
    raise OperationalError("SELECT secret +12025560777", {}, Exception("the database is away"))


@pytest.mark.parametrize("route", ["/twilio/sms", "/twilio/voice"])
def test_without_database_and_spool_503_and_the_safe_words_are_answered(
    scene: Scene, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    def broken(*_: Any) -> None:
        raise SpoolBroken("OSError")

    for name in ("append", "keep", "probe"):
        monkeypatch.setattr(type(scene.rt.spool), name, broken)
    for name in ("begin", "read", "glance", "swift"):
        monkeypatch.setattr(type(scene.store), name, breaks)
    with capture_logs() as logged:
        answer = post(client, route, text(CallSid="CA" + "1" * 32 if "voice" in route else ""))
    assert answer.status_code == 503
    assert [entry["event"] for entry in logged] == ["database.away", "webhook.broken"]
    root = ElementTree.fromstring(answer.data)  # noqa: S314 - our own answer
    spoken = ElementTree.tostring(root, "unicode")
    assert ("Say" if "voice" in route else "Message") in spoken
    assert "911" in spoken.replace(" ", "")
    assert "12025560777" not in spoken
    ready = client.get("/ready")
    assert ready.status_code == 503
    assert ready.json["ready"] is False  # type: ignore[index]
    assert client.get("/live").status_code == 200


@pytest.mark.parametrize(
    "route", ["/twilio/sms/status", "/twilio/voice/status", "/twilio/voice/page"]
)
def test_any_webhook_that_finds_the_database_away_says_so_to_the_next_text(
    scene: Scene, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """A text must not wait behind receipts that each wait for a database that hangs."""
    for name in ("begin", "read", "glance", "swift"):
        monkeypatch.setattr(type(scene.store), name, breaks)
    form = MultiDict({"MessageSid": SID, "MessageStatus": "delivered", "CallSid": "CA" + "1" * 32,
                      "CallStatus": "completed"})  # fmt: skip
    answer = post(client, f"{route}?attempt=abc", form)
    assert answer.status_code == 503
    with client.application.app_context():
        assert edge().outage.away


def test_a_repeated_ring_is_one_call(scene: Scene, client: FlaskClient) -> None:
    ring = MultiDict({"CallSid": "CA" + "7" * 32, "From": "+12025560778", "To": LINE_NUMBER,
                      "CallStatus": "ringing"})  # fmt: skip
    first = post(client, "/twilio/voice", ring)
    begun = scene.only(tables.call)
    scene.clock.advance(2)
    again = post(client, "/twilio/voice", ring)
    assert again.data == first.data
    assert scene.only(tables.call) == begun
    ended = ring.copy()
    ended["CallStatus"] = "completed"
    for _ in range(2):
        assert post(client, "/twilio/voice/status", ended).status_code == 204
    scene.only(tables.callback)
    scene.only(tables.case)


def test_a_ring_in_danger_keeps_the_clock_of_silence(scene: Scene, client: FlaskClient) -> None:
    """Who texted words of danger and rings is still asked and paged about when silent."""
    post(client, "/twilio/sms", text())
    wakes = scene.only(tables.conversation)["wake_at"]
    assert wakes
    ring = MultiDict({"CallSid": "CA" + "8" * 32, "From": "+12025560777", "To": LINE_NUMBER})
    post(client, "/twilio/voice", ring)
    assert scene.only(tables.conversation)["wake_at"] == wakes


def test_no_form_at_all_is_answered(client: FlaskClient) -> None:
    answer = client.post(
        "/twilio/sms", data=b"", content_type=FORM,
        headers={"X-Twilio-Signature": sign(BASE + "/twilio/sms", MultiDict())},
        environ_overrides={"RAW_URI": "/twilio/sms"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert b"<Message>" in answer.data
