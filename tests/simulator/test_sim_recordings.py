"""What callers leave: recordings, their callbacks, their sound, their words, their deletion."""

from __future__ import annotations

import io
import wave

import pytest

CALLER = "+12025550145"
RECORD = (
    '<Record action="/kept" timeout="3" maxLength="{longest}" transcribe="true"'
    ' transcribeCallback="/words" recordingStatusCallback="/recording"'
    ' recordingStatusCallbackEvent="in-progress completed absent"/><Say>Nothing was said.</Say>'
)


@pytest.fixture
def caller(sim, application):
    application.on("/twilio/voice", RECORD.format(longest=60))
    application.on("/kept", "<Hangup/>")
    return sim.phone(CALLER)


def leave(sim, application, caller, words="please ring me tomorrow after nine"):
    caller.call()
    assert caller.say(words)
    sim.wait_for(lambda: application.at("/words") and application.at("/kept"))
    return application.at("/kept")[0]["RecordingSid"]


def statuses(application):
    return [form["RecordingStatus"] for form in application.at("/recording")]


def test_a_message_is_kept_told_about_and_turned_into_words(sim, application, caller):
    sid = leave(sim, application, caller)
    sim.wait_for(lambda: len(application.at("/recording")) == 2)
    begun, done = application.at("/recording")
    assert (begun["RecordingStatus"], done["RecordingStatus"]) == ("in-progress", "completed")
    assert "RecordingDuration" not in begun
    assert int(done["RecordingDuration"]) >= 3
    assert {begun["RecordingSid"], done["RecordingSid"]} == {sid}
    (words,) = application.at("/words")
    assert words["TranscriptionText"] == "please ring me tomorrow after nine"
    assert words["TranscriptionStatus"] == "completed"
    assert application.at("/kept")[0]["Digits"] == ""
    assert sim.violations == []


def test_the_sound_is_played_to_the_account_only_until_it_is_deleted(
    sim, application, caller, rest
):
    sid = leave(sim, application, caller)
    assert rest("GET", f"Recordings/{sid}.wav", auth=None).status_code == 401
    heard = rest("GET", f"Recordings/{sid}.wav")
    assert heard.headers["Content-Type"] == "audio/x-wav"
    with wave.open(io.BytesIO(heard.content)) as file:
        assert file.getnframes() / file.getframerate() >= 1.4
        assert len(set(file.readframes(2000))) > 20, "it is a sound, not silence"
    packed = rest("GET", f"Recordings/{sid}.mp3")
    assert packed.headers["Content-Type"] == "audio/mpeg"
    assert packed.content.startswith(b"\xff\xf3")
    shown = rest("GET", f"Recordings/{sid}.json").json()
    assert (shown["status"], shown["source"]) == ("completed", "RecordVerb")
    assert application.at("/kept")[0]["RecordingUrl"] == shown["media_url"]
    assert shown["media_url"].startswith(sim.url)
    assert [one["sid"] for one in rest("GET", "Recordings.json").json()["recordings"]] == [sid]

    assert rest("DELETE", f"Recordings/{sid}.json").status_code == 204
    for path in (f"Recordings/{sid}.wav", f"Recordings/{sid}.mp3", f"Recordings/{sid}.json"):
        assert rest("GET", path).json()["code"] == 20404
    assert rest("DELETE", f"Recordings/{sid}.json").status_code == 404
    assert rest("GET", "Recordings.json").json()["recordings"] == []
    assert sim.carrier.recordings.list_deleted() == [sid]
    assert sim.violations == []


def test_silence_is_no_recording_and_the_call_goes_on(sim, application, caller):
    caller.call()
    caller.wait_to_hear("Nothing was said")
    sim.wait_for(lambda: len(application.at("/recording")) == 2)
    assert statuses(application) == ["in-progress", "absent"]
    assert application.at("/kept") == application.at("/words") == []


def test_hanging_up_ends_a_recording_and_tells_the_action(simulate, application):
    sim = simulate(time_scale=1)
    application.on("/twilio/voice", RECORD.format(longest=60))
    caller = sim.phone(CALLER)
    caller.call()
    assert caller.say("I cannot go on")
    caller.hang_up()
    sim.wait_for(lambda: application.at("/twilio/voice/status") and application.at("/words"))
    (kept,) = application.at("/kept")
    assert (kept["Digits"], kept["CallStatus"]) == ("hangup", "completed")
    assert application.at("/words")[0]["TranscriptionStatus"] == "failed", "under two seconds"
    assert application.at("/twilio/voice/status")[0]["CallStatus"] == "completed"


def test_hanging_up_before_a_word_leaves_nothing(simulate, application):
    sim = simulate(time_scale=1)
    application.on("/twilio/voice", RECORD.format(longest=60))
    caller = sim.phone(CALLER)
    caller.call()
    caller.wait_for(lambda phone: phone.is_heard("speech"))
    caller.hang_up()
    sim.wait_for(lambda: application.at("/twilio/voice/status"))
    sim.wait_for(lambda: "absent" in statuses(application))
    assert application.at("/kept") == []
    assert caller.heard("say") == []


@pytest.mark.parametrize(("key", "finish"), [("#", ' finishOnKey="#"'), ("5", "")])
def test_a_key_ends_it(sim, application, caller, key, finish):
    application.on(
        "/twilio/voice",
        RECORD.format(longest=60).replace(' timeout="3"', f' timeout="600"{finish}'),
    )
    caller.call()
    assert caller.say("ring my sister")
    assert caller.press(key)
    sim.wait_for(lambda: application.at("/kept"))
    assert application.at("/kept")[0]["Digits"] == key


def test_the_limit_ends_it_although_nobody_stopped_talking(simulate, application):
    sim = simulate(time_scale=5)
    application.on(
        "/twilio/voice", RECORD.format(longest=10).replace('timeout="3"', 'timeout="600"')
    )
    caller = sim.phone(CALLER)
    caller.call()
    assert caller.say("and then")
    sim.wait_for(lambda: application.at("/kept"), 10)
    assert 10 <= int(application.at("/kept")[0]["RecordingDuration"]) <= 30


def test_crying_is_kept_but_cannot_be_transcribed(sim, application, caller):
    caller.call()
    assert caller.makes_sound("crying")
    sim.wait_for(lambda: application.at("/words"))
    (words,) = application.at("/words")
    assert (words["TranscriptionStatus"], words["TranscriptionText"]) == ("failed", "")


def test_a_transcription_can_fail(sim, application, caller):
    caller.on_ring("manual", transcribed=False)
    leave(sim, application, caller)
    assert application.at("/words")[0]["TranscriptionStatus"] == "failed"


def test_a_dialled_talk_and_a_conference_are_recorded_on_request(sim, application, rest):
    told = 'recordingStatusCallback="/recording"'
    application.on(
        "/twilio/voice",
        f'<Dial record="record-from-answer" {told} action="/dialled">+12025550111</Dial>',
    )
    ana, caller = sim.phone("+12025550111"), sim.phone(CALLER)
    ana.on_ring("answer")
    caller.call()
    assert caller.say("good evening")
    ana.wait_to_hear("good evening")
    ana.hang_up()
    sim.wait_for(lambda: application.at("/dialled") and application.at("/recording"))
    sid = application.at("/dialled")[0]["RecordingSid"]
    assert sim.carrier.recordings.find(sid).words == "good evening"

    room = f'<Conference record="record-from-start" {told}>case-2</Conference>'
    application.on("/twilio/voice", f"<Dial>{room}</Dial>")
    caller.wait_for_state("idle")
    caller.call()
    ana.call()
    assert ana.say("we are both here")
    ana.hang_up()
    caller.hang_up()
    sim.wait_for(lambda: len(application.at("/recording")) == 2)
    last = application.at("/recording")[-1]
    assert (last["RecordingSource"], last["ConferenceSid"][:2]) == ("Conference", "CF")


def test_everything_is_forgotten_at_a_reset(sim, application, caller, rest):
    leave(sim, application, caller)
    sim.reset()
    assert rest("GET", "Recordings.json").json()["recordings"] == []
