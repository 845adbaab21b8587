"""Speech into a Gather: words, confidence, pieces, barge-in, sounds, silence."""

from __future__ import annotations

import time

import pytest

LINE, CALLER = "+12025550100", "+12025550145"
BOTH = (
    '<Gather input="dtmf speech" speechTimeout="{pause}" timeout="{timeout}" action="/said"'
    ' actionOnEmptyResult="true" hints="heroin, yes" language="es-US">{prompt}</Gather>'
)


def gather(timeout=5, prompt="", pause="auto", **attributes):
    found = BOTH.format(timeout=timeout, prompt=prompt, pause=pause)
    for name, value in attributes.items():
        found = found.replace("<Gather ", f'<Gather {name}="{value}" ')
    return found


@pytest.fixture
def caller(sim):
    return sim.phone(CALLER)


def told(sim, application):
    sim.wait_for(lambda: application.at("/said"))
    return application.at("/said")[0]


def test_words_come_with_confidence_and_language(sim, application, caller):
    application.on("/twilio/voice", gather())
    caller.call()
    assert caller.say("necesito ayuda", 0.41)
    form = told(sim, application)
    assert (form["SpeechResult"], form["Confidence"], form["Language"]) == (
        "Necesito ayuda.",
        "0.41",
        "es-US",
    )
    assert "Digits" not in form
    assert sim.violations == []


def test_a_sentence_in_pieces_is_one_result_as_sure_as_its_worst_piece(sim, application, caller):
    application.on("/twilio/voice", gather(timeout=600, pause=100))
    caller.call()
    assert caller.say("I took", 0.9)
    assert caller.say("too much", 0.6)
    form = told(sim, application)
    assert (form["SpeechResult"], form["Confidence"]) == ("I took too much.", "0.6")


def test_speaking_interrupts_the_prompt(simulate, application):
    sim = simulate(time_scale=10)
    application.on("/twilio/voice", gather(prompt="<Pause length='120'/><Say>Too late.</Say>"))
    caller = sim.phone(CALLER)
    caller.call()
    assert caller.say("a person please")
    assert told(sim, application)["SpeechResult"] == "A person please."
    assert caller.heard("say") == []


def test_without_barge_in_words_wait_for_the_end_of_the_prompt(simulate, application):
    sim = simulate(time_scale=10)
    application.on("/twilio/voice", gather(prompt="<Pause length='3'/>", bargeIn="false"))
    caller = sim.phone(CALLER)
    caller.call()
    caller.wait_for_state("in-call")
    assert not caller.say("now", wait=0)
    assert caller.say("later")
    assert told(sim, application)["SpeechResult"] == "Later."


def test_the_first_kind_of_input_is_the_only_one(simulate, application):
    sim = simulate(time_scale=10)
    application.on("/twilio/voice", gather())
    caller = sim.phone(CALLER)
    caller.call()
    assert caller.say("one")
    assert not caller.press("2", wait=0)
    form = told(sim, application)
    assert form["SpeechResult"] == "One."
    assert "Digits" not in form


def test_keys_win_when_they_come_first(simulate, application):
    sim = simulate(time_scale=10)
    application.on("/twilio/voice", gather(timeout=2))
    caller = sim.phone(CALLER)
    caller.call()
    assert caller.press("4")
    assert not caller.say("two", wait=0)
    form = told(sim, application)
    assert form["Digits"] == "4"
    assert "SpeechResult" not in form


def test_crying_does_not_interrupt_and_gives_an_empty_result(simulate, application):
    sim = simulate(time_scale=10)
    prompt = "<Pause length='10'/><Say>We are here for you.</Say>"
    application.on("/twilio/voice", gather(timeout=600, prompt=prompt))
    caller = sim.phone(CALLER)
    caller.call()
    began = time.monotonic()
    assert caller.makes_sound("crying")
    form = told(sim, application)
    assert time.monotonic() - began < 20, "sound ends a Gather long before its timeout does"
    assert (form["SpeechResult"], form["Confidence"]) == ("", "0.0")
    assert form["Digits"] == ""
    assert caller.heard("say") == ["We are here for you."]


def test_words_after_crying_are_understood(sim, application, caller):
    application.on("/twilio/voice", gather(timeout=600, pause=100))
    caller.call()
    assert caller.makes_sound("crying")
    assert caller.say("help me", 0.5)
    assert told(sim, application)["SpeechResult"] == "Help me."


def test_silence_looks_like_sound_without_words(sim, application, caller):
    application.on("/twilio/voice", gather())
    caller.call()
    form = told(sim, application)
    assert (form["Digits"], form["SpeechResult"], form["Confidence"]) == ("", "", "0.0")


def test_silence_and_sound_pass_a_gather_by_that_does_not_want_them(sim, application, caller):
    application.on(
        "/twilio/voice", '<Gather input="speech" action="/said"/><Say>Nobody there?</Say>'
    )
    caller.call()
    caller.makes_sound("gasp")
    caller.wait_to_hear("Nobody there")
    assert application.at("/said") == []


def test_a_script_speaks_cries_and_hangs_up(sim, application, caller):
    application.on("/twilio/voice", gather(prompt="<Say>What is it?</Say>"))
    application.on("/said", gather(prompt="<Say>Say more.</Say>").replace("/said", "/more"))
    application.on("/more", "<Say>A person will ring you.</Say><Pause length='60'/>")
    script = [
        {"speech": "I drank", "after": "what is it", "confidence": 0.3},
        {"sound": "crying", "after": "say more"},
        {"hang_up": True, "after": "a person will ring"},
    ]
    caller.call(keys=script)
    caller.wait_for_state("in-call")
    caller.wait_for_state("idle")
    assert application.at("/said")[0]["Confidence"] == "0.3"
    assert application.at("/more")[0]["SpeechResult"] == ""
    assert caller.heard("sound-made") == ["crying"]
