"""Dialled numbers: several at once or in turn, whispers, progress, detection, outside lines."""

from __future__ import annotations

import pytest

LINE, CALLER, ANA, BEN = "+12025550100", "+12025550145", "+12025550111", "+12025550112"
OUTSIDE = "+12025550188"


@pytest.fixture
def caller(sim):
    return sim.phone(CALLER)


def numbers(*nouns, **attributes):
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<Dial action="/dialled"{given}>{"".join(nouns)}</Dial>'


def number(phone, **attributes):
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<Number{given}>{phone}</Number>"


def dialled(sim, application):
    sim.wait_for(lambda: application.at("/dialled"))
    return application.at("/dialled")[0]


def test_an_outside_line_answers_after_a_while_and_talks(sim, application, caller):
    application.on("/twilio/voice", numbers(number(OUTSIDE), callerId=LINE))
    outside = sim.phone(OUTSIDE, "Crisis line")
    outside.on_ring("talks", answer_after=8)
    caller.call()
    caller.wait_to_hear("This is the crisis line")
    assert caller.say("please help me")
    outside.wait_to_hear("please help me")
    caller.wait_for(lambda phone: len(phone.heard("speech")) >= 2)
    caller.hang_up()
    outside.wait_for_state("idle")
    assert dialled(sim, application)["DialBridged"] == "true"
    assert sim.violations == []


def test_an_outside_line_can_be_rung_by_rest_into_a_conference(sim, application, caller, rest):
    application.on("/twilio/voice", "<Dial><Conference>c</Conference></Dial>")
    application.on("/voice", "<Dial><Conference>c</Conference></Dial>")
    sim.phone(OUTSIDE).on_ring("talks", greeting="Line of hope.", talks_every=2)
    caller.call()
    rest.ring(OUTSIDE, application.url + "/voice")
    caller.wait_to_hear("Line of hope")


def test_the_first_to_answer_wins_and_the_others_stop_ringing(sim, application, caller):
    progress = {
        "statusCallback": "/child",
        "statusCallbackEvent": "initiated ringing answered completed",
    }
    application.on(
        "/twilio/voice",
        numbers(number(ANA, **progress), number(BEN, **progress), callerId=LINE, timeout="600"),
    )
    ana, ben = sim.phone(ANA), sim.phone(BEN)
    caller.call()
    ana.wait_for_ring()
    ben.wait_for_ring()
    assert ben.answer()
    ana.wait_for_state("idle")
    assert caller.say("who is it")
    ben.wait_to_hear("who is it")
    ben.hang_up()
    form = dialled(sim, application)
    sim.wait_for(lambda: len(application.at("/child")) == 7)
    by_phone = {
        phone: [one["CallStatus"] for one in application.at("/child") if one["To"] == phone]
        for phone in (ANA, BEN)
    }
    assert by_phone == {
        ANA: ["initiated", "ringing", "canceled"],
        BEN: ["initiated", "ringing", "in-progress", "completed"],
    }
    bens = next(one for one in application.at("/child") if one["To"] == BEN)
    assert (form["DialCallStatus"], form["DialCallSid"], form["DialBridged"]) == (
        "completed",
        bens["CallSid"],
        "true",
    )
    assert bens["ParentCallSid"] == form["CallSid"]
    assert int(form["DialCallDuration"]) >= 0


def test_nobody_answers(sim, application, caller):
    application.on("/twilio/voice", numbers(number(ANA), number(BEN), timeout="5"))
    caller.call()
    form = dialled(sim, application)
    assert (form["DialCallStatus"], form["DialBridged"]) == ("no-answer", "false")
    assert "DialCallDuration" not in form


def test_one_after_the_other(sim, application, caller):
    application.on(
        "/twilio/voice", numbers(number(ANA), number(BEN), sequential="true", timeout="600")
    )
    ana, ben = sim.phone(ANA), sim.phone(BEN)
    caller.call()
    ana.wait_for_ring()
    assert [call.to for call in sim.carrier.calls.values()] == [LINE, ANA]
    ana.hang_up()
    ben.wait_for_ring()
    assert ana.state == "idle"
    assert ben.answer()
    ben.hang_up()
    assert dialled(sim, application)["DialCallStatus"] == "completed"


def test_a_whisper_is_heard_by_the_dialled_only_and_may_refuse(sim, application, caller):
    application.on("/twilio/voice", numbers(number(ANA, url="/whisper"), timeout="600"))
    application.on(
        "/whisper",
        "<Gather numDigits='1' action='/accept' timeout='5'><Say>Press 1.</Say></Gather><Hangup/>",
    )
    application.on("/accept", lambda form: "" if form["Digits"] == "1" else "<Hangup/>")
    ana = sim.phone(ANA)
    ana.on_ring("answer", keys=[("2", "press 1")])
    caller.call()
    ana.wait_to_hear("Press 1")
    assert dialled(sim, application)["DialBridged"] == "false"
    assert caller.heard("say") == []
    caller.wait_for_state("idle")
    ana.on_ring("answer", keys=[("1", "press 1")])
    caller.call()
    assert caller.say("thank you")
    ana.wait_to_hear("thank you")
    assert sim.violations == []


def test_a_whisper_may_not_dial(sim, application, caller):
    application.on("/twilio/voice", numbers(number(ANA, url="/whisper")))
    application.on("/whisper", f"<Dial>{BEN}</Dial>")
    sim.phone(ANA).on_ring("answer")
    caller.call()
    sim.wait_for(lambda: sim.violations)
    assert "<Dial> is not allowed" in sim.violations[0].message


def test_detection_of_a_dialled_number_is_told_in_the_background(sim, application, caller):
    noun = number(ANA, machineDetection="Enable", amdStatusCallback="/amd", sendDigits="1w2")
    application.on("/twilio/voice", numbers(noun))
    ana = sim.phone(ANA)
    ana.on_ring("voicemail", talk_for=60)
    caller.call()
    caller.wait_to_hear("You have reached my voicemail")
    sim.wait_for(lambda: application.at("/amd"))
    assert application.at("/amd")[0]["AnsweredBy"] == "machine_start"
    assert "tones 1w2" in ana.heard("sound")


def test_queues_are_valid_but_not_performed(sim, application, caller):
    application.on(
        "/twilio/voice", "<Enqueue>a</Enqueue><Dial><Queue>a</Queue></Dial><Say>On.</Say>"
    )
    caller.call()
    caller.wait_to_hear("On.")
    assert ["not performed" in one.message for one in sim.violations] == [True, True]
