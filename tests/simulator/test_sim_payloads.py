"""What our carrier sends has the fields that the real one was seen to send, and no others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("HELPLINE_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
FILES = sorted((DATA / "payloads").glob("[a-z]*.json"))
REASON = f"no payloads at {DATA}: set HELPLINE_TEST_DATA"
pytestmark = pytest.mark.skipif(not FILES, reason=REASON)

CALLER, ANA, TEXTER = "+12025550145", "+12025550111", "+12025550123"
FORWARDED = {"ForwardedFrom", "CalledVia"}
"""Only on calls that another telephone has forwarded; nobody forwards here."""
BY_API = {"RecordingTrack"}
"""Only on recordings that the REST API has started."""
SINCE = {
    # Documented after these payloads were recorded, or only sent for some events.
    *("CallSidEndingConference", "ReasonConferenceEnded", "ParticipantLabel"),
    *("ParticipantCallStatus", "ReasonParticipantLeft", "DialBridged"),
}

ROOM = (
    '<Dial><Conference statusCallback="/room" statusCallbackEvent="start end join leave">r'
    "</Conference></Dial>"
)
RECORD = (
    '<Record timeout="3" action="/kept" transcribeCallback="/words" '
    'recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"/>'
)
STORIES = {
    # what the caller's call does, and what they do on it
    "digits": ('<Gather numDigits="1" action="/next"/>', lambda phone: phone.press("1")),
    "speech": ('<Gather input="speech" action="/next"/>', lambda phone: phone.say("banana")),
    "record": (RECORD, lambda phone: phone.say("it is me again, ring me")),
    "room": (ROOM, lambda phone: None),
}


def payloads(*kinds):
    found = [json.loads(file.read_text()) for file in FILES]
    return [pytest.param(one, id=one["name"]) for one in found if one["kind"] in kinds]


def names(payload):
    return {name for name, _ in payload["params"]}


@pytest.fixture
def play(sim, application):
    def tell(story, wanted):
        document, act = STORIES[story]
        application.on("/twilio/voice", document)
        caller = sim.phone(CALLER)
        caller.call()
        act(caller)
        return sim.wait_for(lambda: application.at(wanted))

    return tell


@pytest.mark.parametrize("payload", payloads("voice.gather"))
def test_gathers(play, payload):
    story = "speech" if "SpeechResult" in names(payload) else "digits"
    (form,) = play(story, "/next")
    assert set(form) == names(payload) - FORWARDED


@pytest.mark.parametrize("payload", payloads("recording.status"))
def test_recordings(sim, application, play, payload):
    play("record", "/kept")
    wanted = dict(payload["params"])
    sim.wait_for(lambda: len(application.at("/recording")) == 2)
    (form,) = (
        one
        for one in application.at("/recording")
        if one["RecordingStatus"] == wanted["RecordingStatus"]
    )
    assert set(form) == names(payload) - BY_API


@pytest.mark.parametrize("payload", payloads("transcription"))
def test_transcriptions(play, payload):
    (form,) = play("record", "/words")
    assert set(form) == names(payload) - FORWARDED
    assert form["TranscriptionType"] == dict(payload["params"])["TranscriptionType"]


@pytest.mark.parametrize("payload", payloads("conference.status"))
def test_conferences(sim, application, play, payload):
    event = dict(payload["params"])["StatusCallbackEvent"]
    play("room", "/room")
    ana = sim.phone(ANA)
    ana.call()
    sim.wait_for(lambda: len(application.at("/room")) == 3)
    ana.hang_up()
    sim.phone(CALLER).hang_up()
    sim.wait_for(lambda: len(application.at("/room")) == 6)
    form = next(one for one in application.at("/room") if one["StatusCallbackEvent"] == event)
    assert set(form) - SINCE == names(payload)


@pytest.mark.parametrize("payload", payloads("voice.dial"))
def test_dials(sim, application, payload):
    application.on("/twilio/voice", f'<Dial record="true" action="/dialled">{ANA}</Dial>')
    wanted, caller, ana = dict(payload["params"]), sim.phone(CALLER), sim.phone(ANA)
    ana.on_ring("answer" if wanted["DialCallStatus"] == "completed" else "no-answer")
    caller.call()
    if "RecordingUrl" in wanted:
        assert caller.say("hello")
        ana.hang_up()
    (form,) = sim.wait_for(lambda: application.at("/dialled"))
    assert set(form) - SINCE == names(payload) - SINCE
    assert form["DialCallStatus"] == wanted["DialCallStatus"]


@pytest.mark.parametrize("payload", payloads("voice.inbound", "voice.status"))
def test_calls_from_outside(sim, application, play, payload):
    play("digits", "/next")
    inbound = payload["kind"] == "voice.inbound"
    path = "/twilio/voice" if inbound else "/twilio/voice/status"
    form, *_ = sim.wait_for(lambda: application.at(path))
    assert set(form) == names(payload)
    assert form.get("SequenceNumber") == (None if inbound else "0")


@pytest.mark.parametrize("payload", payloads("voice.status.amd"))
def test_calls_that_the_line_makes(sim, application, rest, payload):
    sim.phone(ANA).on_ring("answer")
    events = ["initiated", "ringing", "answered", "completed"]
    ring = {"MachineDetection": "Enable", "StatusCallback": application.url + "/progress"}
    rest.ring(ANA, application.url + "/voice", StatusCallbackEvent=events, **ring)
    sim.wait_for(lambda: len(application.at("/progress")) == 4)
    form, wanted = application.at("/progress")[-1], dict(payload["params"])
    assert set(form) == names(payload)
    for name in ("CallStatus", "SequenceNumber", "AnsweredBy", "CallbackSource", "Direction"):
        assert form[name] == wanted[name]


@pytest.mark.parametrize("payload", payloads("voice.amd"))
def test_detections(sim, application, rest, payload):
    application.on("/voice", '<Pause length="120"/>')
    sim.phone(ANA).on_ring("voicemail", talk_for=120)
    ring = {"MachineDetection": "Enable", "AsyncAmd": "true"}
    rest.ring(
        ANA, application.url + "/voice", **ring, AsyncAmdStatusCallback=application.url + "/amd"
    )
    (form,) = sim.wait_for(lambda: application.at("/amd"))
    assert set(form) == names(payload)
    assert form["AnsweredBy"] == dict(payload["params"])["AnsweredBy"]


DESCRIPTION = DATA / "twilio" / "twilio_api_v2010.json"


@pytest.mark.skipif(not DESCRIPTION.exists(), reason=f"no {DESCRIPTION}: set HELPLINE_TEST_DATA")
def test_rest_answers_have_the_fields_of_the_published_description(sim, application, rest):
    room = '<Conference record="record-from-start">r</Conference>'
    application.on("/twilio/voice", f"<Dial>{room}</Dial>")
    caller, ana = sim.phone(CALLER), sim.phone(ANA)
    caller.call()
    ana.call()
    assert caller.say("hello")
    sid = rest("GET", "Conferences.json").json()["conferences"][0]["sid"]
    shown = {
        "conference": rest("GET", f"Conferences/{sid}.json").json(),
        "conference.participant": rest("GET", f"Conferences/{sid}/Participants.json").json()[
            "participants"
        ][0],
        "call": rest("GET", "Calls.json").json()["calls"][0],
        "message": rest.text(TEXTER).json(),
    }
    caller.hang_up()
    ana.hang_up()
    sim.wait_for(lambda: sim.carrier.recordings.list_kept())
    shown["recording"] = rest("GET", "Recordings.json").json()["recordings"][0]
    schemas = json.loads(DESCRIPTION.read_text())["components"]["schemas"]
    for name, answer in shown.items():
        described = set(schemas[f"api.v2010.account.{name}"]["properties"])
        assert set(answer) == described, name


def test_every_recorded_voice_payload_has_a_twin_above():
    kinds = {json.loads(file.read_text())["kind"] for file in FILES}
    assert {kind for kind in kinds if not kind.startswith(("sms", "whatsapp"))} == {
        *("conference.status", "recording.status", "transcription"),
        *("voice.amd", "voice.dial", "voice.gather", "voice.inbound"),
        *("voice.status", "voice.status.amd"),
    }
