"""Calls: gathers, conferences, dialled numbers, status callbacks, updates of live calls."""

from __future__ import annotations

import pytest
from flask import Response

LINE, CALLER, ANA, BEN = "+12025550100", "+12025550145", "+12025550111", "+12025550112"
MENU = (
    '<Gather numDigits="1" timeout="5" action="/choice"><Say>To talk press 1.</Say></Gather>'
    "<Say>Goodbye.</Say>"
)
ROOM = (
    '<Dial action="/left"><Conference beep="false" statusCallback="/room" '
    'statusCallbackEvent="start end join leave">case-7</Conference></Dial>'
)


@pytest.fixture
def caller(sim):
    return sim.phone(CALLER)


def over(sim, phone):
    """The last call of a phone once it has ended."""
    phone.wait_for_state("idle")
    return next(line["words"] for line in reversed(phone.transcript) if line["kind"] == "state")


def test_a_caller_presses_a_key(sim, application, caller):
    application.on("/twilio/voice", MENU)
    application.on("/choice", lambda form: f"<Say>You pressed {form['Digits']}.</Say>")
    caller.call()
    assert caller.press("1")
    caller.wait_to_hear("You pressed 1")
    assert over(sim, caller) == "call ended (completed)"
    (first,) = application.at("/twilio/voice")
    assert (first["CallStatus"], first["Direction"], first["From"]) == (
        "ringing",
        "inbound",
        CALLER,
    )
    (choice,) = application.at("/choice")
    assert choice["CallStatus"] == "in-progress"
    assert choice["msg"] == "Gather End"
    sim.wait_for(lambda: application.at("/twilio/voice/status"))
    (ended,) = application.at("/twilio/voice/status")
    assert ended["CallStatus"] == "completed"
    assert int(ended["CallDuration"]) >= 0
    assert sim.violations == []


def test_silence_falls_through_a_gather(sim, application, caller):
    application.on("/twilio/voice", MENU)
    caller.call()
    caller.wait_to_hear("Goodbye")
    assert application.at("/choice") == []


def test_silence_reaches_the_action_when_asked_to(sim, application, caller):
    application.on(
        "/twilio/voice",
        MENU.replace("<Gather ", '<Gather input="dtmf speech" actionOnEmptyResult="true" '),
    )
    caller.call()
    sim.wait_for(lambda: application.at("/choice"))
    (form,) = application.at("/choice")
    assert form["Digits"] == form["SpeechResult"] == ""


def test_speech_looks_like_recognised_speech(sim, application, caller):
    gather = '<Gather input="speech" action="/said" language="en-US"{}/>'
    application.on("/twilio/voice", gather.format(""))
    application.on("/said", gather.format(' profanityFilter="false"').replace("/said", "/again"))
    application.on("/again", "<Hangup/>")
    caller.call()
    assert caller.say("i feel like shit", 0.81)
    sim.wait_for(lambda: application.at("/said"))
    assert caller.say("i feel like shit")
    sim.wait_for(lambda: application.at("/again"))
    assert application.at("/said")[0]["SpeechResult"] == "I feel like s***."
    assert application.at("/said")[0]["Confidence"] == "0.81"
    assert application.at("/again")[0]["SpeechResult"] == "I feel like shit."
    assert "Digits" not in application.at("/again")[0]


@pytest.mark.parametrize(
    ("finish", "keys", "digits"), [("#", "42#9", "42"), ("*", "4#2*", "4#2"), ("", "12#", "12#")]
)
def test_digits_end_with_a_key_or_with_silence(sim, application, caller, finish, keys, digits):
    application.on(
        "/twilio/voice", f'<Gather finishOnKey="{finish}" timeout="2" action="/choice"/>'
    )
    caller.call()
    caller.press(keys)
    sim.wait_for(lambda: application.at("/choice"))
    assert application.at("/choice")[0]["Digits"] == digits


def test_keys_nobody_listens_to_are_lost(sim, application, caller):
    application.on("/twilio/voice", '<Pause length="60"/>')
    caller.call()
    caller.wait_for_state("in-call")
    assert not caller.press("1", wait=0)
    caller.hang_up()


def test_without_barge_in_the_prompt_is_heard_first(simulate, application):
    sim = simulate(time_scale=10)
    application.on(
        "/twilio/voice",
        '<Gather bargeIn="false" numDigits="1" action="/choice"><Pause length="2"/></Gather>',
    )
    caller = sim.phone(CALLER)
    caller.call()
    caller.wait_for_state("in-call")
    assert not caller.press("1", wait=0)
    assert caller.press("2")
    sim.wait_for(lambda: application.at("/choice"))
    assert application.at("/choice")[0]["Digits"] == "2"


def test_two_phones_talk_in_a_conference(sim, application, caller):
    application.on("/twilio/voice", ROOM)
    application.on("/left", "<Say>How was it?</Say>")
    ana = sim.phone(ANA)
    caller.call()
    caller.wait_for(lambda phone: any("nobody yet" in words for words in phone.heard("with")))
    ana.call()
    assert ana.say("hello, this is Ana")
    caller.wait_to_hear("hello, this is Ana")
    assert caller.heard("beep") == []
    ana.hang_up()
    caller.wait_for(lambda phone: any(ANA in w and "left" in w for w in phone.heard("with")))
    caller.hang_up()
    sim.wait_for(lambda: len(application.at("/room")) == 6)
    events = [form["StatusCallbackEvent"] for form in application.at("/room")]
    assert events == [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]
    assert [form["SequenceNumber"] for form in application.at("/room")] == list("123456")
    assert {form["FriendlyName"] for form in application.at("/room")} == {"case-7"}
    assert sim.violations == []


def test_end_on_exit_sends_the_others_to_their_action(sim, application, caller):
    ends = {CALLER: "false", ANA: "true"}
    application.on(
        "/twilio/voice",
        lambda form: ROOM.replace("beep=", f'endConferenceOnExit="{ends[form["From"]]}" beep='),
    )
    application.on("/left", "<Say>Back in the menu.</Say>")
    ana = sim.phone(ANA)
    caller.call()
    ana.call()
    caller.wait_for(lambda phone: phone.is_heard("speech"))
    ana.hang_up()
    caller.wait_to_hear("Back in the menu")
    sim.wait_for(lambda: len(application.at("/left")) == 2)
    statuses = {
        form["From"]: (form["CallStatus"], form["DialCallStatus"])
        for form in application.at("/left")
    }
    assert statuses == {CALLER: ("in-progress", "completed"), ANA: ("completed", "completed")}


def test_a_conference_waits_for_whoever_may_start_it(sim, application, caller):
    noun = '<Dial><Conference startConferenceOnEnter="{}" waitUrl="/wait">w</Conference></Dial>'
    starts = {CALLER: "false", BEN: "false", ANA: "true"}
    application.on("/twilio/voice", lambda form: noun.format(starts[form["From"]]))
    application.on("/wait", "<Say>Somebody will be with you.</Say>")
    ana, ben = sim.phone(ANA), sim.phone(BEN)
    caller.call()
    caller.wait_to_hear("Somebody will be with you")
    ben.call()
    ben.wait_for(lambda phone: phone.heard("with"))
    assert not caller.is_heard("speech")
    ana.call()
    caller.wait_for(lambda phone: phone.is_heard("speech"))


def test_the_time_limit_ends_a_dial(sim, application, caller):
    application.on(
        "/twilio/voice",
        '<Dial timeLimit="3"><Conference>t</Conference></Dial><Say>Time is up.</Say>',
    )
    caller.call()
    caller.wait_to_hear("Time is up")


DIAL = (
    '<Dial callerId="+12025550100" timeout="6" action="/dialled">'
    "<Number>+12025550111</Number></Dial>"
)


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("no-answer", "no-answer"),
        ("busy", "busy"),
        ("reject", "busy"),
        ("failed", "failed"),
        ("manual", "no-answer"),
    ],
)
def test_dialled_numbers_that_do_not_answer(sim, application, caller, mode, status):
    application.on("/twilio/voice", DIAL)
    sim.phone(ANA).on_ring(mode)
    caller.call()
    sim.wait_for(lambda: application.at("/dialled"))
    (form,) = application.at("/dialled")
    assert (form["DialCallStatus"], form["DialBridged"]) == (status, "false")
    assert form["DialCallSid"] != form["CallSid"]


def test_a_dialled_number_answers_and_talks(sim, application, caller):
    application.on("/twilio/voice", DIAL)
    ana = sim.phone(ANA)
    caller.call()
    assert ana.wait_for_ring() == LINE
    assert ana.answer()
    assert caller.say("is anybody there")
    ana.wait_to_hear("is anybody there")
    ana.hang_up()
    sim.wait_for(lambda: application.at("/dialled"))
    assert application.at("/dialled")[0]["DialCallStatus"] == "completed"


def test_the_first_of_several_numbers_wins(sim, application, caller):
    numbers = f'<Number>{ANA}</Number><Number url="/whisper">{BEN}</Number>'
    application.on("/twilio/voice", f'<Dial timeout="600">{numbers}</Dial>')
    application.on("/whisper", "<Say>A call from the line.</Say>")
    ana, ben = sim.phone(ANA), sim.phone(BEN)
    caller.call()
    ana.wait_for_ring()
    assert ben.answer()
    ben.wait_to_hear("A call from the line")
    ana.wait_for_state("idle")
    assert ana.heard("state")[-1] == "call ended (canceled)"
    caller.wait_for(lambda phone: phone.is_heard("speech"))
    caller.hang_up()
    ben.wait_for_state("idle")


def test_machines_never_dial_emergency_numbers_or_foreign_caller_ids(sim, application, caller):
    application.on(
        "/twilio/voice",
        '<Dial>911</Dial><Dial callerId="+12025550199">+12025550111</Dial><Say>Done.</Say>',
    )
    caller.call()
    caller.wait_to_hear("Done")
    assert [violation.code for violation in sim.violations] == [13224, 13214]


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("answer", ["initiated", "ringing", "in-progress", "completed"]),
        ("no-answer", ["initiated", "ringing", "no-answer"]),
        ("busy", ["initiated", "ringing", "busy"]),
        ("failed", ["initiated", "ringing", "failed"]),
    ],
)
def test_status_callbacks_of_an_outgoing_call(sim, application, rest, mode, statuses):
    application.on("/voice", "<Hangup/>")
    sim.phone(ANA).on_ring(mode)
    events = ["initiated", "ringing", "answered", "completed"]
    sid = rest.ring(
        ANA,
        application.url + "/voice",
        Timeout="5",
        StatusCallback=application.url + "/progress",
        StatusCallbackEvent=events,
    ).json()["sid"]
    sim.wait_for(lambda: len(application.at("/progress")) == len(statuses))
    told = application.at("/progress")
    assert [form["CallStatus"] for form in told] == statuses
    assert [form["SequenceNumber"] for form in told] == [str(n) for n in range(len(statuses))]
    assert {form["CallSid"] for form in told} == {sid}
    assert rest("GET", f"Calls/{sid}.json").json()["status"] == statuses[-1]


def test_only_the_end_is_told_unless_more_is_subscribed(sim, application, rest):
    application.on("/voice", "<Hangup/>")
    sim.phone(ANA).on_ring("answer")
    rest.ring(ANA, application.url + "/voice", StatusCallback=application.url + "/progress")
    sim.wait_for(lambda: application.at("/progress"))
    sim.phone(ANA).wait_for_state("idle")
    assert [form["CallStatus"] for form in application.at("/progress")] == ["completed"]


def test_a_scripted_specialist_presses_keys_in_turn(sim, application, rest):
    application.on("/voice", MENU)
    application.on(
        "/choice",
        lambda form: MENU.replace("To talk", "To close") if form["Digits"] == "1" else "<Hangup/>",
    )
    ana = sim.phone(ANA)
    ana.on_ring("answer", keys=[("6", "to close"), ("1", "to talk")])
    rest.ring(ANA, application.url + "/voice")
    sim.wait_for(lambda: len(application.at("/choice")) == 2)
    assert [form["Digits"] for form in application.at("/choice")] == ["1", "6"]


def test_a_voicemail_answers_speaks_and_presses_nothing(sim, application, rest):
    application.on("/voice", MENU.replace("<Gather ", '<Gather input="dtmf speech" '))
    sim.phone(ANA).on_ring("voicemail", talk_for=10)
    rest.ring(ANA, application.url + "/voice", MachineDetection="Enable")
    sim.wait_for(lambda: application.at("/voice"))
    assert application.at("/voice")[0]["AnsweredBy"] == "machine_start"
    sim.phone(ANA).wait_for_state("idle")
    assert all("Digits" not in form for form in application.at("/choice"))


def test_a_phone_in_use_is_busy(sim, application, rest):
    application.on("/voice", '<Pause length="100"/>')
    ana = sim.phone(ANA)
    ana.on_ring("answer")
    rest.ring(ANA, application.url + "/voice")
    ana.wait_for_state("in-call")
    second = rest.ring(ANA, application.url + "/voice").json()["sid"]
    sim.wait_for(lambda: rest("GET", f"Calls/{second}.json").json()["status"] == "busy")


def test_a_live_call_is_redirected_and_completed(sim, application, rest, caller):
    application.on("/twilio/voice", '<Pause length="100"/>')
    application.on("/moved", '<Say>Somewhere else.</Say><Pause length="100"/>')
    sid = caller.call()
    caller.wait_for_state("in-call")
    assert rest("POST", f"Calls/{sid}.json", {"Url": application.url + "/moved"}).status_code == 200
    caller.wait_to_hear("Somewhere else")
    twiml = '<Response><Say>Inline.</Say><Pause length="100"/></Response>'
    assert rest("POST", f"Calls/{sid}.json", {"Twiml": twiml}).status_code == 200
    caller.wait_to_hear("Inline")
    assert rest("POST", f"Calls/{sid}.json", {"Status": "completed"}).status_code == 200
    assert over(sim, caller) == "call ended (completed)"
    assert rest("POST", f"Calls/{sid}.json", {"Status": "completed"}).json()["code"] == 21220
    assert sim.violations == []


def test_rejected_calls_are_never_connected(sim, application, caller):
    application.on("/twilio/voice", '<Reject reason="busy"/>')
    caller.call()
    assert over(sim, caller) == "call ended (busy)"
    assert "connected" not in caller.heard("state")


def test_a_broken_voice_webhook_uses_the_fallback(sim, application, caller):
    application.on("/twilio/voice", lambda form: Response(status=502))
    application.on("/twilio/fallback", "<Say>Call 988.</Say>")
    caller.call()
    caller.wait_to_hear("Call 988")
    (form,) = application.at("/twilio/fallback")
    assert (form["ErrorCode"], form["CallSid"]) == (
        "11200",
        application.at("/twilio/voice")[0]["CallSid"],
    )


def test_an_answer_cut_off_by_a_death_is_no_answer(sim, application, caller):
    """Not a document that the carrier would refuse."""

    def dies(form):
        begun = iter([b"<Response>"])
        return Response(begun, headers={"Content-Length": "500"}, content_type="text/xml")

    application.on("/twilio/voice", dies)
    application.on("/twilio/fallback", "<Say>Call 988.</Say>")
    caller.call()
    caller.wait_to_hear("Call 988")
    (form,) = application.at("/twilio/fallback")
    assert form["ErrorCode"] == "11205"
    assert sim.errors[0]["code"] == 11205


def test_an_unreachable_application_is_heard_as_an_error(simulate):
    sim = simulate(webhook_base_url="http://127.0.0.1:9")
    caller = sim.phone(CALLER)
    caller.call()
    caller.wait_to_hear("application error")
    assert [error["code"] for error in sim.errors][:2] == [11205, 11205]


def test_a_message_is_recorded_and_transcribed(sim, application, caller):
    application.on(
        "/twilio/voice", '<Record action="/kept" timeout="2" transcribeCallback="/words"/>'
    )
    application.on("/kept", "<Hangup/>")
    caller.call()
    assert caller.say("please ring me tomorrow")
    sim.wait_for(lambda: application.at("/kept") and application.at("/words"))
    assert application.at("/kept")[0]["RecordingSid"].startswith("RE")
    assert application.at("/words")[0]["TranscriptionText"] == "please ring me tomorrow"


def test_withheld_numbers_and_webhooks_elsewhere(sim, application, caller):
    application.on("/twilio/voice", "<Redirect>https://elsewhere.example/x</Redirect>")
    caller.call(caller_id="anonymous")
    over(sim, caller)
    assert application.at("/twilio/voice")[0]["From"] == "anonymous"
    assert [violation.code for violation in sim.violations] == [11210]


def test_calls_per_second_queue_the_second_call(simulate, rest_of, application):
    sim = simulate(time_scale=5, calls_per_second=0.2)
    rest = rest_of(sim)
    first, second = (rest.ring(phone, application.url + "/voice").json() for phone in (ANA, BEN))
    assert (first["queue_time"], int(second["queue_time"]) > 1000) == ("0", True)
    sim.phone(BEN).wait_for_ring()


def test_a_call_canceled_in_the_queue_never_rings(simulate, rest_of, application):
    sim = simulate(calls_per_second=0.2)
    rest = rest_of(sim)
    rest.ring(BEN, application.url + "/voice")
    sid = rest.ring(ANA, application.url + "/voice").json()["sid"]
    assert rest("POST", f"Calls/{sid}.json", {"Status": "canceled"}).status_code == 200
    sim.wait_for(lambda: rest("GET", f"Calls/{sid}.json").json()["status"] == "canceled")
    assert all("ringing" not in words for words in sim.phone(ANA).heard("state"))


def test_an_outgoing_call_is_canceled_while_it_rings(sim, application, rest):
    sid = rest.ring(
        ANA, application.url + "/voice", StatusCallback=application.url + "/progress"
    ).json()["sid"]
    sim.phone(ANA).wait_for_ring()
    assert (
        rest("POST", f"Calls/{sid}.json", {"Url": application.url + "/x"}).json()["code"] == 21220
    )
    assert rest("POST", f"Calls/{sid}.json", {"Status": "canceled"}).status_code == 200
    sim.wait_for(lambda: application.at("/progress"))
    assert application.at("/progress")[0]["CallStatus"] == "canceled"
    assert application.at("/voice") == []
    assert sim.phone(ANA).state == "idle"
