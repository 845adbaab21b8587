"""A caller hangs up: at any moment the line is told once that the call is completed."""

from __future__ import annotations

import pytest

LINE, CALLER, ANA = "+12025550100", "+12025550145", "+12025550111"

MOMENTS = [
    # what the caller is in the middle of, what they have heard by then, what else is told
    ("a Say", "<Say>I will now talk for a long while.</Say>" * 60, "a long while", ""),
    ("a Pause", "<Say>One moment.</Say><Pause length='120'/>", "One moment", ""),
    ("a Play", "<Say>Music.</Say>" + "<Play>/m.mp3</Play>" * 60, "Music", ""),
    (
        "a Gather's prompt",
        f"<Gather action='/next'><Say>Press 1.</Say>{'<Pause/>' * 60}</Gather>",
        "Press 1",
        "",
    ),
    (
        "a Gather's silence",
        (
            "<Gather input='dtmf speech' timeout='120' actionOnEmptyResult='true' action='/next'>"
            "<Say>Tell me.</Say></Gather>"
        ),
        "Tell me",
        "",
    ),
    (
        "wait music",
        (
            "<Dial action='/next'><Conference waitUrl='/wait' startConferenceOnEnter='false'>w"
            "</Conference></Dial>"
        ),
        "Somebody will come",
        "completed",
    ),
    (
        "a Dial that rings",
        f"<Say>Ringing.</Say><Dial timeout='600' action='/next'>{ANA}</Dial>",
        "Ringing",
        "canceled",
    ),
    (
        "a Record",
        "<Say>Leave a message.</Say><Record timeout='600' action='/next'/>",
        "Leave a message",
        "",
    ),
]


@pytest.mark.parametrize(("moment", "document", "heard", "dial_status"), MOMENTS)
def test_in_the_middle_of(simulate, application, moment, document, heard, dial_status):
    sim = simulate(time_scale=20)
    application.on("/twilio/voice", document)
    application.on("/wait", "<Say>Somebody will come.</Say><Pause length='3'/>")
    caller = sim.phone(CALLER)
    sid = caller.call()
    caller.wait_to_hear(heard)
    if moment == "a Dial that rings":
        sim.phone(ANA).wait_for_ring()
    assert caller.hang_up(), moment
    caller.wait_for_state("idle")
    sim.wait_for(lambda: application.at("/twilio/voice/status"))
    (ended,) = application.at("/twilio/voice/status")
    assert (ended["CallSid"], ended["CallStatus"]) == (sid, "completed")
    assert [form.get("DialCallStatus") for form in application.at("/next")] == (
        [dial_status] if dial_status else []
    )
    assert sim.phone(ANA).state == "idle"
    assert sim.violations == []


def test_in_the_middle_of_a_talk(sim, application):
    application.on("/twilio/voice", f"<Dial action='/next'>{ANA}</Dial>")
    caller, ana = sim.phone(CALLER), sim.phone(ANA)
    ana.on_ring("answer")
    caller.call()
    assert caller.say("hello")
    caller.hang_up()
    ana.wait_for_state("idle")
    sim.wait_for(lambda: application.at("/next") and application.at("/twilio/voice/status"))
    assert application.at("/next")[0]["DialCallStatus"] == "completed"
    assert application.at("/next")[0]["CallStatus"] == "completed"


def test_before_the_line_has_answered_anything(simulate, application):
    """The webhook is on its way when the phone is put down: nothing it says is performed."""
    sim = simulate(time_scale=20)
    caller = sim.phone(CALLER)

    def slow(form):
        caller.hang_up()
        return "<Say>Too late.</Say><Redirect>/next</Redirect>"

    application.on("/twilio/voice", slow)
    caller.call()
    sim.wait_for(lambda: application.at("/twilio/voice/status"))
    assert application.at("/next") == []
    caller.wait_for_state("idle")


def test_the_number_tells_only_the_end_and_only_once(sim, application):
    application.on("/twilio/voice", "<Say>Bye.</Say>")
    caller = sim.phone(CALLER)
    for _ in range(2):
        caller.call()
        caller.wait_for_state("idle")
    sim.wait_for(lambda: len(application.at("/twilio/voice/status")) == 2)
    told = application.at("/twilio/voice/status")
    assert len({form["CallSid"] for form in told}) == 2
    assert {form["CallStatus"] for form in told} == {"completed"}


def test_a_phone_that_is_not_on_a_call_has_nothing_to_hang_up(sim):
    assert not sim.phone(CALLER).hang_up()
