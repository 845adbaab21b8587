"""The Record verb: what a caller leaves behind.

Rules: https://www.twilio.com/docs/voice/twiml/record. An empty recording is not told to the
action; the call goes on with the next verb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpline.simulator.listening import Listening
from helpline.simulator.turns import HungUp, Redirected
from helpline.simulator.twiml import Verb

if TYPE_CHECKING:
    from helpline.simulator.recordings import Recording
    from helpline.simulator.verbs import Performer

ANY_KEY = "1234567890*#"
LONGEST = 3600


def record(performer: Performer, verb: Verb) -> None:
    """Keep what is said until silence, a key, the limit or a hang-up.

    Raises Redirected to the action when something was said. When the caller hung up the action
    is told too, its answer is ignored, and HungUp goes on.
    """
    leg, book = performer.leg, performer.carrier.recordings
    if verb.flag("playBeep", True):
        leg.hear("beep", "record after the beep")
    recording = book.begin(leg.call, "RecordVerb", verb, performer.base_url)
    listening, started = Listening(), performer.carrier.clock.monotonic()
    leg.listen(listening)
    hung_up: HungUp | None = None
    try:
        _await_end(performer, listening, verb)
    except HungUp as over:
        hung_up = over
    finally:
        leg.listen(None)
        elapsed = performer.carrier.clock.monotonic() - started
        seconds = performer.carrier.clock.simulated(elapsed)
        _keep(performer, verb, recording, listening, seconds)
    ended_by = "hangup" if hung_up else _ending_key(listening, verb)
    fields = {**recording.as_action(), "Digits": ended_by}
    if hung_up:
        if recording.seconds:
            performer.tell(verb, fields)
        raise hung_up
    if recording.seconds:
        raise Redirected(performer.fetch_for(verb, verb.get("action"), fields))


def _await_end(performer: Performer, listening: Listening, verb: Verb) -> None:
    clock = performer.carrier.clock
    ends = clock.monotonic() + clock.real(verb.number("maxLength", LONGEST))
    while not _ending_key(listening, verb):
        left = clock.simulated(ends - clock.monotonic())
        quiet = verb.number("timeout", 5)
        if not performer.leg.wait(max(0.0, min(quiet, left)), listening.grown()):
            return


def _ending_key(listening: Listening, verb: Verb) -> str:
    """The key that ended the recording; empty while none did."""
    finish = verb.get("finishOnKey", ANY_KEY)
    return next((key for key in listening.keys if key in finish), "")


def _keep(
    performer: Performer, verb: Verb, recording: Recording, listening: Listening, seconds: float
) -> None:
    """Store the sound and tell the callbacks; sounds without words are kept, not transcribed."""
    book, call = performer.carrier.recordings, performer.leg.call
    heard = " ".join(filter(None, (listening.words, *(f"({one})" for one in listening.sounds))))
    book.finish(recording, heard, seconds, verb, performer.base_url)
    url = performer.carrier.absolute(performer.base_url, verb.get("transcribeCallback"))
    if url and heard:
        understood = listening.words if performer.leg.phone.behaviour.transcribed else ""
        book.transcribe(recording, call, understood, url)
