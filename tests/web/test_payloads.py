"""Webhooks that carriers really sent, whole, torn and hostile: a valid answer, never a 5xx."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, Scene, everything
from tests.web.signed import ROUTES_BY_KIND, client_of, post

DATA = Path(os.environ.get("HELPLINE_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
FILES = sorted((DATA / "payloads").glob("[a-z]*.json"))
REASON = f"no payloads at {DATA}: set HELPLINE_TEST_DATA"
pytestmark = pytest.mark.skipif(not FILES, reason=REASON)

HOSTILE = {
    "long": ["x" * 10_240],
    "nul": ["a\0b\0"],
    "surrogate": ["\ud800\udfff \udcff"],
    "huge number": ["9" * 40],
    "negative": ["-1"],
    "not a number": ["NaN"],
    "markup": ["</Message><Dial>+19005550000</Dial>&<![CDATA["],
    "repeated": ["one", "two", "one"],
    "lines": ["a\r\nX-Injected: 1\r\n\r\n<b>"],
    "empty": [""],
}
CALLBACKS = "status", "recording", "transcription", "amd", "conference"


@pytest.fixture
def scene(sqlite_store: Store) -> Iterator[Scene]:
    made = Scene(sqlite_store)
    made.staff()
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


def read(path: Path) -> tuple[str, MultiDict[str, str]]:
    payload = json.loads(path.read_text())
    return payload["kind"], MultiDict([(name, value) for name, value in payload["params"]])


def check(scene: Scene, route: str, form: MultiDict[str, str], answer: Any) -> None:
    assert answer.status_code in {200, 204}, (route, answer.status_code, answer.data)
    if answer.status_code == 204:
        assert not answer.data
        return
    assert answer.content_type.startswith("text/xml")
    root = ElementTree.fromstring(answer.data)  # noqa: S314 - our own answer
    assert root.tag == "Response"
    if route == "/twilio/sms":
        assert {child.tag for child in root} <= {"Message"}
        answered = form.get("OptOutType", "").upper() in {"STOP", "HELP", "START"}
        opted_out = any(row["opted_out_at"] for row in scene.rows(tables.conversation))
        assert len(root) or answered or opted_out, form
        for message in root:
            assert len(message.text or "") <= 1600
    else:
        assert "Dial" not in {child.tag for child in root}


def whole(scene: Scene) -> None:
    """Nothing is half there: each inbound text has its conversation, each row its parents."""
    rows = everything(scene.store)
    conversations = {row["id"] for row in rows["conversation"]}
    callers = {row["id"] for row in rows["caller"]}
    assert {row["conversation_id"] for row in rows["message"] if row["inbound"]} == conversations
    assert {row["caller_id"] for row in rows["conversation"]} == callers
    cases = {row["id"] for row in rows["case"]}
    assert {row["case_id"] for row in rows["callback"]} <= cases
    done = {(row["kind"], row["row_id"]) for row in rows["outbox"]}
    for row in rows["attempt"]:
        assert ("leg", row["id"]) in done
    for row in rows["message"]:
        assert row["inbound"] or ("text", row["id"]) in done


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_it_was_recorded_once_and_twice(scene: Scene, client: FlaskClient, path: Path) -> None:
    kind, form = read(path)
    route = ROUTES_BY_KIND(kind)
    first = post(client, route, form)
    check(scene, route, form, first)
    stored = {name: len(rows) for name, rows in everything(scene.store).items()}
    second = post(client, route, form)
    assert second.data == first.data
    if route == "/twilio/sms":
        assert {name: len(rows) for name, rows in everything(scene.store).items()} == stored
        whole(scene)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_field_missing_empty_and_hostile(
    scene: Scene, client: FlaskClient, path: Path
) -> None:
    kind, form = read(path)
    route = ROUTES_BY_KIND(kind)
    for name in form:
        torn = MultiDict([item for item in form.items(multi=True) if item[0] != name])
        check(scene, route, torn, post(client, route, torn))
        for values in HOSTILE.values():
            bad = torn.copy()
            bad.setlist(name, values)
            check(scene, route, bad, post(client, route, bad))
    if route == "/twilio/sms":
        whole(scene)
    scene.work()


def test_every_route_takes_every_payload(scene: Scene, client: FlaskClient) -> None:
    for path in FILES:
        _, form = read(path)
        for route in VOICE_STEPS:
            for query in ("", "?attempt=", "?attempt=nobody", "?attempt=" + "x" * 300):
                answer = post(client, route + query, form)
                assert answer.status_code in {200, 204}, (route, answer.data)
    scene.work()


VOICE_STEPS = [
    f"/twilio/voice/{step}"
    for step in (
        "staff", "staff/choice", "staff/after", "staff/alone", "staff/outcome", "page",
        "page/choice", "caller", "caller/ready", "caller/after", "status",
    )
]  # fmt: skip


def test_an_unknown_line_is_still_answered(scene: Scene, client: FlaskClient) -> None:
    form = MultiDict(
        {"MessageSid": "SM" + "1" * 32, "From": "+12025560999", "To": "+19995550000", "Body": "hi"}
    )
    answer = post(client, "/twilio/sms", form)
    check(scene, "/twilio/sms", form, answer)
    assert LINE_NUMBER not in answer.text


def test_receipts_for_live_legs_and_texts_with_clashing_ids(
    scene: Scene, client: FlaskClient
) -> None:
    """The carrier's ids are unique with us; a wrong one is no reason to fail."""
    caller = scene.phone()
    form = MultiDict({"MessageSid": "SM" + "2" * 32, "From": caller.number, "To": LINE_NUMBER,
                      "Body": "i want to kill myself"})  # fmt: skip
    post(client, "/twilio/sms", form)
    scene.work()
    token = scene.rows(tables.attempt)[0]["token"]
    text = scene.only(tables.message, inbound=False)
    for sid in ("SM" + "2" * 32, text["sid"], "CA" + "0" * 32, ""):
        for route, state in (("sms/status", "MessageStatus"), ("voice/status", "CallStatus")):
            body = MultiDict({"MessageSid": sid, "CallSid": sid, state: "ringing"})
            body.add("MessageStatus" if state == "CallStatus" else "CallStatus", "sent")
            for one in (token, text["token"]):
                answer = post(client, f"/twilio/{route}?attempt={one}", body)
                assert answer.status_code == 204
