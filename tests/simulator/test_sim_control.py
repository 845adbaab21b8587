"""The phones over HTTP: what other processes and the page can do with them."""

from __future__ import annotations

import pytest
import requests

CALLER, ANA = "+12025550145", "+12025550111"


@pytest.fixture
def act(sim):
    def perform(phone, name, **sent):
        answer = requests.post(f"{sim.url}/phones/{phone}/{name}", json=sent, timeout=5)
        return answer.status_code, answer.json()

    return perform


def test_a_phone_speaks_makes_sounds_and_hangs_up(sim, application, act):
    gather = (
        '<Gather input="speech" speechTimeout="auto" timeout="600" actionOnEmptyResult="true" '
        'action="/{}"/>'
    )
    application.on("/twilio/voice", gather.format("one"))
    application.on("/one", gather.format("two"))
    application.on("/two", '<Pause length="180"/>')
    act(CALLER, "call")
    assert act(CALLER, "say", words="no idea", confidence=0.2, wait=5) == (200, {"done": True})
    sim.wait_for(lambda: application.at("/one"))
    assert application.at("/one")[0]["Confidence"] == "0.2"
    assert act(CALLER, "sound", what="gasp", wait=5) == (200, {"done": True})
    assert act(CALLER, "hang_up") == (200, {"done": True})
    sim.phone(CALLER).wait_for_state("idle")
    assert act(CALLER, "sound", what="gasp") == (200, {"done": False})


def test_behaviours_are_set_piece_by_piece(sim, act):
    status, phone = act(ANA, "behaviour", mode="voicemail", beep=False, detected="unknown")
    assert (status, phone["mode"], phone["detected"]) == (200, "voicemail", "unknown")
    act(ANA, "behaviour", answer_after=7)
    kept = sim.phone(ANA).behaviour
    assert (kept.mode, kept.beep, kept.answer_after) == ("voicemail", False, 7)
    status, refused = act(ANA, "behaviour", colour="red")
    assert (status, "unknown: colour" in refused["error"]) == (400, True)


def test_a_script_reaches_the_phone_as_json(sim, application, act):
    application.on("/twilio/voice", '<Gather input="speech" action="/said"/>')
    script = [{"speech": "help", "confidence": 0.7}]
    act(CALLER, "call", keys=script)
    sim.wait_for(lambda: application.at("/said"))
    assert application.at("/said")[0]["Confidence"] == "0.7"


def test_recordings_are_listed_played_and_remembered_when_deleted(sim, application, act, rest):
    application.on("/twilio/voice", '<Record timeout="2" action="/kept"/>')
    application.on("/kept", "<Hangup/>")
    act(CALLER, "call")
    act(CALLER, "say", words="ring me", wait=5)
    sim.wait_for(lambda: application.at("/kept"))
    books = requests.get(f"{sim.url}/control/recordings", timeout=5).json()
    (kept,) = books["kept"]
    assert (kept["words"], books["deleted"]) == ("ring me", [])
    sound = f"{sim.url}/control/recordings/{kept['sid']}.wav"
    assert requests.get(sound, timeout=5).content.startswith(b"RIFF")
    rest("DELETE", f"Recordings/{kept['sid']}.json")
    books = requests.get(f"{sim.url}/control/recordings", timeout=5).json()
    assert books == {"kept": [], "deleted": [kept["sid"]]}
    assert requests.get(sound, timeout=5).status_code == 404
