"""The carrier's verdict on who answered, over signed webhooks: whole, torn and hostile."""

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.store import Store, tables
from tests.builders import Phone, Scene, everything
from tests.service.test_machines import rung
from tests.web.signed import client_of, post
from tests.web.test_payloads import DATA, HOSTILE, REASON

VERDICT = "/twilio/voice/caller/machine"
WORDS = "/twilio/voice/caller/message"
PAYLOAD = DATA / "payloads" / "amd_async_machine_start.json"


@pytest.fixture
def scene(sqlite_store: Store) -> Iterator[Scene]:
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


@pytest.fixture
def caller(scene: Scene) -> Phone:
    return rung(scene)[1]


def form(caller: Phone, said: str) -> MultiDict[str, str]:
    return MultiDict(
        {"AccountSid": "AC" + "1" * 32, "CallSid": caller.leg["sid"], "AnsweredBy": said,
         "MachineDetectionDuration": "4200"}
    )  # fmt: skip


def at(path: str, caller: Phone) -> str:
    return f"{path}?attempt={caller.rings()[-1].token}"


def test_a_verdict_moves_the_leg_to_the_neutral_words(
    scene: Scene, client: FlaskClient, caller: Phone
) -> None:
    for _ in range(2):
        answer = post(client, at(VERDICT, caller), form(caller, "machine_end_beep"))
        assert (answer.status_code, answer.data) == (204, b"")
    scene.work()
    assert [entrance for _, entrance, _ in scene.carrier.moved] == [WORDS]
    first = post(client, at(WORDS, caller), form(caller, ""))
    assert first.text.count("I am returning your call") == 1
    assert first.text.endswith("<Hangup/></Response>")
    assert post(client, at(WORDS, caller), form(caller, "")).data == first.data


def test_a_forged_verdict_is_refused_and_does_nothing(
    scene: Scene, client: FlaskClient, caller: Phone
) -> None:
    stored = everything(scene.store)
    said = form(caller, "machine_end_beep")
    for path in (VERDICT, WORDS):
        assert post(client, at(path, caller), said, signature="x").status_code == 403
        assert post(client, at(path, caller), said, token="0" * 32).status_code == 403
    assert everything(scene.store) == stored


@pytest.mark.parametrize("query", ["", "?attempt=", "?attempt=nobody", "?attempt=" + "x" * 300])
def test_an_unknown_leg_does_nothing(
    scene: Scene, client: FlaskClient, caller: Phone, query: str
) -> None:
    stored = everything(scene.store)
    said = form(caller, "machine_end_beep")
    assert post(client, VERDICT + query, said).status_code == 204
    assert "<Say" not in post(client, WORDS + query, said).text
    assert everything(scene.store) == stored


@pytest.mark.skipif(not PAYLOAD.exists(), reason=REASON)
def test_the_recorded_verdict_with_each_field_missing_empty_and_hostile(
    scene: Scene, client: FlaskClient, caller: Phone
) -> None:
    """The leg is known by our own name for it, so what else is missing changes nothing."""
    recorded = json.loads(PAYLOAD.read_text())["params"]
    whole = MultiDict([(name, value) for name, value in recorded])
    for name in whole:
        for values in ([], *HOSTILE.values()):
            torn = whole.copy()
            torn.setlist(name, values)
            assert post(client, at(VERDICT, caller), torn).status_code == 204
    scene.work()
    assert scene.carrier.moved == [], "a machine that still speaks, or no word at all"
    assert not [row for row in scene.rows(tables.attempt) if row["result"] == "machine"]
