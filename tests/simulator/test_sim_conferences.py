"""Conferences: waiting, who starts and ends them, labels, hold, mute, the REST side."""

from __future__ import annotations

import pytest

CALLER, ANA, BEN = "+12025550145", "+12025550111", "+12025550112"
EVENTS = "start end join leave mute hold modify speaker"


def room(name="case-7", **attributes):
    shown = {"beep": "false", "statusCallback": "/room", "statusCallbackEvent": EVENTS}
    given = "".join(f' {key}="{value}"' for key, value in {**shown, **attributes}.items())
    return f'<Dial action="/left"><Conference{given}>{name}</Conference></Dial>'


@pytest.fixture
def people(sim):
    return sim.phone(CALLER), sim.phone(ANA), sim.phone(BEN)


def events(application):
    return [form["StatusCallbackEvent"] for form in application.at("/room")]


def talking(sim, application, people, **attributes):
    """Caller and Ana in one room; returns its sid."""
    caller, ana, _ = people
    labels = {CALLER: "caller", ANA: "specialist"}
    application.on(
        "/twilio/voice", lambda form: room(participantLabel=labels[form["From"]], **attributes)
    )
    caller.call()
    caller.wait_for(lambda phone: phone.heard("with"))
    ana.call()
    ana.wait_for(lambda phone: phone.is_heard("speech"))
    return sim.wait_for(lambda: next(iter(sim.carrier.rooms), ""))


def test_the_wait_document_is_played_again_and_again(sim, application, people):
    caller, ana, _ = people
    application.on("/twilio/voice", room(startConferenceOnEnter="true", waitUrl="/hold?turn=1"))
    rounds = {"1": "First words.", "2": "Still here."}
    application.on(
        "/hold",
        lambda form: f"<Say>{rounds[form['turn']]}</Say><Redirect>/hold?turn=2</Redirect>",
    )
    caller.call()
    caller.wait_for(lambda phone: phone.heard("say").count("Still here.") >= 2)
    assert caller.heard("say")[:2] == ["First words.", "Still here."]
    ana.call()
    caller.wait_for(lambda phone: phone.is_heard("speech"))
    asked = len(application.at("/hold"))
    assert ana.say("hello")
    caller.wait_to_hear("hello")
    assert len(application.at("/hold")) == asked
    assert sim.violations == []


def test_a_wait_document_with_a_gather_is_a_mistake_and_silence(sim, application, people):
    caller, *_ = people
    application.on("/twilio/voice", room(waitUrl="/hold"))
    application.on("/hold", "<Gather><Say>Press 0.</Say></Gather>")
    caller.call()
    sim.wait_for(lambda: sim.violations)
    assert "<Gather> is not allowed" in sim.violations[0].message
    assert caller.heard("say") == []
    assert caller.state == "in-call"


def test_a_wait_address_that_fails_leaves_the_caller_waiting(sim, application, people):
    caller, ana, _ = people
    application.on("/twilio/voice", room(waitUrl="http://127.0.0.1:9/hold"))
    caller.call()
    sim.wait_for(lambda: sim.errors)
    ana.call()
    caller.wait_for(lambda phone: phone.is_heard("speech"))


def test_music_sounds_where_nothing_else_is_asked_for(sim, application, people):
    caller, *_ = people
    application.on("/twilio/voice", room())
    caller.call()
    caller.wait_for(lambda phone: phone.heard("sound") == ["hold music"])


def test_labels_and_speakers_are_told(sim, application, people):
    talking(sim, application, people)
    caller, ana, _ = people
    assert ana.say("I am Ana")
    caller.wait_to_hear("I am Ana")
    sim.wait_for(lambda: "participant-speech-stop" in events(application))
    told = {form["StatusCallbackEvent"]: form for form in application.at("/room")}
    assert told["participant-speech-start"]["ParticipantLabel"] == "specialist"
    assert events(application)[:3] == ["participant-join", "participant-join", "conference-start"]


def test_only_what_was_subscribed_is_told(sim, application, people):
    talking(sim, application, people, statusCallbackEvent="leave")
    people[1].hang_up()
    people[0].hang_up()
    sim.wait_for(lambda: len(events(application)) == 2)
    assert events(application) == ["participant-leave", "participant-leave"]


def test_hold_and_mute_by_rest(sim, application, people, rest):
    sid = talking(sim, application, people)
    caller, ana, _ = people
    listed = rest("GET", f"Conferences/{sid}/Participants.json").json()["participants"]
    assert [one["label"] for one in listed] == ["caller", "specialist"]
    one = f"Conferences/{sid}/Participants/{listed[0]['call_sid']}.json"
    assert rest("POST", one, {"Hold": "true"}).json()["hold"] is True
    assert not ana.say("can you hear me", wait=0)
    assert not caller.say("hello?", wait=0)
    assert rest("POST", one, {"Hold": "false"}).json()["hold"] is False
    labelled = f"Conferences/{sid}/Participants/specialist.json"
    assert rest("POST", labelled, {"Muted": "true", "EndConferenceOnExit": "true"}).json()["muted"]
    assert not ana.say("muted", wait=0)
    assert caller.say("I hear nothing")
    sim.wait_for(lambda: "participant-modify" in events(application))
    changes = [name for name in events(application) if "speech" not in name][3:]
    assert changes == [
        "participant-hold",
        "participant-unhold",
        "participant-mute",
        "participant-modify",
    ]
    ana.hang_up()
    sim.wait_for(lambda: "conference-end" in events(application))
    assert rest("POST", labelled, {"Muted": "true"}).status_code == 404
    assert rest("POST", labelled, {"Coaching": "true"}).json()["code"] == 20001


def test_a_removed_participant_goes_on_behind_the_dial(sim, application, people, rest):
    sid = talking(sim, application, people)
    application.on("/left", "<Say>You are out.</Say><Pause length='60'/>")
    assert rest("DELETE", f"Conferences/{sid}/Participants/caller.json").status_code == 204
    people[0].wait_to_hear("You are out")
    assert people[0].state == "in-call"
    assert application.at("/left")[0]["DialCallStatus"] == "completed"


def test_the_account_ends_a_conference(sim, application, people, rest):
    sid = talking(sim, application, people)
    application.on("/left", "<Pause length='60'/>")
    live = rest("GET", "Conferences.json", params={"FriendlyName": "case-7"}).json()["conferences"]
    assert [(one["sid"], one["status"]) for one in live] == [(sid, "in-progress")]
    ended = rest("POST", f"Conferences/{sid}.json", {"Status": "completed"})
    assert ended.json()["status"] == "completed"
    sim.wait_for(lambda: len(application.at("/left")) == 2)
    sim.wait_for(lambda: "conference-end" in events(application))
    last = application.at("/room")[-1]
    assert last["ReasonConferenceEnded"] == "conference-ended-via-api"
    assert rest("GET", f"Conferences/{sid}.json").json()["status"] == "completed"


def test_one_more_than_fit_are_not_let_in(sim, application, people):
    talking(sim, application, people, maxParticipants="2")
    application.on("/twilio/voice", room(maxParticipants="2"))
    ben = people[2]
    ben.call()
    sim.wait_for(lambda: [error["code"] for error in sim.errors] == [13223])
    assert not ben.is_heard("speech")


def test_a_leg_is_redirected_out_of_a_conference(sim, application, people, rest):
    talking(sim, application, people)
    caller, _, _ = people
    sid = sim.carrier.phone(CALLER).leg.call.sid
    application.on("/moved", "<Say>Another room.</Say><Pause length='60'/>")
    assert rest("POST", f"Calls/{sid}.json", {"Url": application.url + "/moved"}).status_code == 200
    caller.wait_to_hear("Another room")
    sim.wait_for(lambda: "participant-leave" in events(application))
    assert application.at("/left") == []
