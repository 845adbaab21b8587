"""The webhooks of whoever is asked into a call: what they answer is what the carrier performs."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.simulator.twiml import parse
from helpline.store import Store
from tests.builders import Scene, StaffPhone, everything, report
from tests.service.stories import PICKED_UP, talks, wants_a_person
from tests.web.signed import client_of, post
from tests.web.test_payloads import HOSTILE

STAFF = ("/twilio/voice/staff/keys", "/twilio/voice/staff/key", "/twilio/voice/staff/number",
         "/twilio/voice/staff/number/typed")  # fmt: skip
GUESTS = ("/twilio/voice/staff/number/choice", "/twilio/voice/peer", "/twilio/voice/peer/choice",
          "/twilio/voice/third", "/twilio/voice/third/ready",
          "/twilio/voice/third/after")  # fmt: skip
RELATIVE = "+12025550188"


@pytest.fixture
def scene(sqlite_store: Store) -> Iterator[Scene]:
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


@pytest.fixture
def ana(scene: Scene) -> StaffPhone:
    person, caller = scene.staff("Ana"), wants_a_person(scene)
    scene.work()
    talks(scene, person, caller)
    return person


def told(client: FlaskClient, path: str, token: str, digits: str | None = None) -> str:
    """What a leg is told, which the carrier must be able to perform."""
    fields = {"AccountSid": "AC" + "1" * 32, "CallSid": "CA" + "2" * 32}
    if digits is not None:
        fields["Digits"] = digits
    answer = post(client, f"{path}?attempt={token}", MultiDict(fields))
    assert answer.status_code == 200
    document = parse(answer.data, answer.content_type, "voice")
    assert document.problems == ()
    return str(answer.text)


def onward(twiml: str, path: str) -> str:
    """The token in the address of the next step."""
    assert f"{path}?attempt=" in twiml
    return twiml.partition(f"{path}?attempt=")[2][:24]


def test_from_the_star_to_three_in_a_room(
    scene: Scene, client: FlaskClient, ana: StaffPhone
) -> None:
    ben = scene.staff("Ben")
    assert "/twilio/voice/staff/keys" in told(client, "/twilio/voice/staff/after", ana.token)
    assert "Press 1 to go back" in told(client, STAFF[0], ana.token)
    back = told(client, STAFF[1], ana.token, "2")
    assert 'hangupOnStar="true"' in back
    assert 'endConferenceOnExit="false"' in back
    scene.work()
    report(scene, ben.rings()[-1], *PICKED_UP)
    assert "A colleague asks you" in told(client, "/twilio/voice/peer", ben.token)
    joined = told(client, "/twilio/voice/peer/choice", ben.token, "1")
    assert f"/twilio/voice/staff/after?attempt={ben.token}" in joined
    assert 'hangupOnStar="true"' in joined
    third = told(client, STAFF[1], ana.token, "3")
    assert "/twilio/voice/staff/number" in third
    asked = told(client, STAFF[2], ana.token)
    assert 'numDigits="18"' in asked
    assert "finishOnKey" not in asked, "the hash key ends it, as always"
    check = told(client, STAFF[3], ana.token, "2025550188")
    token = onward(check, "/twilio/voice/staff/number/choice")
    told(client, "/twilio/voice/staff/number/choice", token, "1")
    scene.work()
    order = scene.carrier.calls_to(RELATIVE)[-1]
    report(scene, order, *PICKED_UP)
    assert "asks you to join" in told(client, "/twilio/voice/third", order.token)
    into = told(client, "/twilio/voice/third/ready", order.token, "1")
    assert "hangupOnStar" not in into
    assert f"/twilio/voice/third/after?attempt={order.token}" in into
    assert "Hangup" in told(client, "/twilio/voice/third/after", order.token)


@pytest.mark.parametrize("path", STAFF + GUESTS)
def test_hostile_keys_and_tokens_change_nothing_for_strangers(
    scene: Scene, client: FlaskClient, ana: StaffPhone, path: str
) -> None:
    before = everything(scene.store)
    for hostile in (value for values in HOSTILE.values() for value in values):
        told(client, path, "nobody", hostile)
        fields = MultiDict({"CallSid": "CA1", "Digits": "2", "attempt": hostile})
        assert post(client, path, fields).status_code == 200
    assert everything(scene.store) == before


@pytest.mark.parametrize("path", STAFF)
def test_hostile_keys_of_staff_lead_back_to_the_caller(
    scene: Scene, client: FlaskClient, ana: StaffPhone, path: str
) -> None:
    for hostile in (value for values in HOSTILE.values() for value in values):
        assert "<Conference" in told(client, path, ana.token, hostile)
    assert scene.work() == 0


@pytest.mark.parametrize("path", STAFF + GUESTS)
def test_nobody_but_the_carrier_is_answered(client: FlaskClient, path: str) -> None:
    assert post(client, path, MultiDict({"Digits": "1"}), signature="no").status_code == 403
