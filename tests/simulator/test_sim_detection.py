"""Answering machine detection: every verdict, in the foreground and in the background."""

from __future__ import annotations

import pytest

from helpline.simulator.behaviour import Behaviour
from helpline.simulator.detection import Detection, judge

LINE, ANA, BEN = "+12025550100", "+12025550111", "+12025550112"

VERDICTS = [
    # who answers, what was asked for, what is said, after how many seconds
    ({"mode": "answer"}, {"mode": "Enable"}, "human", 2.0),
    ({"mode": "manual"}, {"mode": "DetectMessageEnd"}, "human", 2.0),
    ({"mode": "talks"}, {"mode": "Enable"}, "human", 2.0),
    ({"mode": "voicemail"}, {"mode": "Enable"}, "machine_start", 2.0),
    (
        {"mode": "voicemail", "greeting": "x" * 60},
        {"mode": "DetectMessageEnd"},
        "machine_end_beep",
        5.0,
    ),
    (
        {"mode": "voicemail", "greeting": "x" * 60, "beep": False},
        {"mode": "DetectMessageEnd"},
        "machine_end_silence",
        6.2,
    ),
    (
        {"mode": "voicemail", "greeting": "x" * 60, "detected": "machine_end_other"},
        {"mode": "DetectMessageEnd"},
        "machine_end_other",
        5.0,
    ),
    ({"mode": "voicemail", "greeting": "x" * 600}, {"mode": "DetectMessageEnd"}, "unknown", 30.0),
    ({"mode": "voicemail"}, {"mode": "DetectMessageEnd", "timeout": 3.0}, "unknown", 3.0),
    ({"mode": "fax"}, {"mode": "Enable"}, "fax", 2.0),
    ({"mode": "doubt"}, {"mode": "Enable"}, "unknown", 5.0),
    ({"mode": "doubt"}, {"mode": "Enable", "silence": 2.5}, "unknown", 2.5),
    ({"mode": "answer", "detected": "machine_start"}, {"mode": "Enable"}, "machine_start", 2.0),
]


@pytest.mark.parametrize(("phone", "wanted", "verdict", "seconds"), VERDICTS)
def test_the_verdict_depends_on_who_answers(phone, wanted, verdict, seconds):
    found, after = judge(Behaviour(**phone), Detection(**wanted), speech_rate=15.0)
    assert (found, round(after, 1)) == (verdict, seconds)


def test_an_unknown_verdict_cannot_be_arranged(sim):
    with pytest.raises(ValueError, match="unknown verdict"):
        sim.phone(ANA).on_ring("answer", detected="machine")


def test_in_the_foreground_the_call_waits_and_its_url_is_told(sim, application, rest):
    application.on("/voice", "<Say>Hello.</Say>")
    sim.phone(ANA).on_ring("voicemail", talk_for=60)
    ring = {"MachineDetection": "DetectMessageEnd", "StatusCallback": application.url + "/progress"}
    sid = rest.ring(ANA, application.url + "/voice", **ring).json()["sid"]
    sim.wait_for(lambda: sim.events(kind="twiml"))
    assert application.at("/voice")[0]["AnsweredBy"] == "machine_end_beep"
    greeted = next(e for e in sim.events(kind="call.speech") if e.detail["call"] == sid)
    asked = next(e for e in sim.events(kind="webhook") if e.detail["url"].endswith("/voice"))
    assert greeted.number < asked.number, "the url waits until the greeting is over"
    sim.wait_for(lambda: application.at("/progress"))
    assert application.at("/progress")[0]["AnsweredBy"] == "machine_end_beep"
    assert rest("GET", f"Calls/{sid}.json").json()["answered_by"] == "machine_end_beep"
    assert sim.violations == []


def test_in_the_background_the_call_goes_on_and_the_callback_is_told(
    simulate, rest_of, application
):
    sim = simulate(time_scale=10)
    application.on("/voice", '<Pause length="100"/>')
    sim.phone(ANA).on_ring("fax", talk_for=60)
    ring = {
        "MachineDetection": "Enable",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": application.url + "/amd?attempt=7",
    }
    sid = rest_of(sim).ring(ANA, application.url + "/voice", **ring).json()["sid"]
    sim.wait_for(lambda: application.at("/amd"))
    (voice,), (amd,) = application.at("/voice"), application.at("/amd")
    assert "AnsweredBy" not in voice
    assert amd == {
        "AccountSid": voice["AccountSid"],
        "CallSid": sid,
        "AnsweredBy": "fax",
        "MachineDetectionDuration": "2000",
        "attempt": "7",
    }


def test_no_verdict_about_a_call_that_is_over(sim, application, rest):
    application.on(
        "/voice", lambda form: "<Hangup/>" if form["To"] == ANA else '<Pause length="180"/>'
    )
    ring = {"MachineDetection": "Enable", "AsyncAmd": "true"}
    ring["AsyncAmdStatusCallback"] = application.url + "/amd"
    for phone in (ANA, BEN):
        sim.phone(phone).on_ring("doubt")
        sid = rest.ring(phone, application.url + "/voice", **ring).json()["sid"]
    sim.wait_for(lambda: application.at("/amd"))
    assert [form["CallSid"] for form in application.at("/amd")] == [sid]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"MachineDetection": "true"}, 20001),
        ({"MachineDetectionTimeout": "10"}, 20001),
        ({"AsyncAmd": "true"}, 20001),
        ({"MachineDetection": "Enable", "AsyncAmd": "true"}, 21262),
        ({"MachineDetection": "Enable", "AsyncAmdStatusCallback": "http://127.0.0.1/a"}, 20001),
        ({"MachineDetection": "Enable", "MachineDetectionTimeout": "60"}, 20001),
        ({"MachineDetection": "Enable", "MachineDetectionSilenceTimeout": "5"}, 20001),
        ({"MachineDetection": "Enable", "MachineDetectionSpeechThreshold": "7000"}, 20001),
        ({"MachineDetection": "Enable", "SendDigits": "1"}, 20001),
        ({"SendDigits": "one"}, 20001),
    ],
)
def test_detection_that_cannot_work_is_refused(sim, rest, fields, code):
    answer = rest.ring(ANA, "http://127.0.0.1:1/voice", **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [violation.code for violation in sim.violations] == [code]


def test_digits_are_sent_when_somebody_answers(sim, application, rest):
    application.on("/voice", "<Hangup/>")
    sim.phone(ANA).on_ring("answer")
    rest.ring(ANA, application.url + "/voice", SendDigits="ww1928#")
    sim.phone(ANA).wait_for(lambda phone: "tones ww1928#" in phone.heard("sound"))
