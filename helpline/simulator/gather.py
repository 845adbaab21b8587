"""The Gather verb: keys, speech, sounds without words, silence.

Rules: https://www.twilio.com/docs/voice/twiml/gather. With both kinds of input the first one
detected counts. Speech ends after `speechTimeout` without another word. Sound in which no word
is recognised gives the same as silence, sooner: an empty result, which reaches the action only
with `actionOnEmptyResult`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from helpline.simulator.listening import GatherInput
from helpline.simulator.turns import Redirected
from helpline.simulator.twiml import Verb

if TYPE_CHECKING:
    from helpline.simulator.verbs import Performer

_STARRED = re.compile(r"\b(f)uck\w*|\b(s)hit\w*|\b(b)itch\w*", re.IGNORECASE)


def gather(performer: Performer, verb: Verb) -> None:
    """Raises Redirected to the action when there is a result, or an empty one is wanted."""
    kinds = verb.get("input", "dtmf").split()
    listening = GatherInput(
        digits="dtmf" in kinds,
        speech="speech" in kinds,
        needed=int(verb.number("numDigits", 0)),
        finish=verb.get("finishOnKey", "#"),
    )
    barge = verb.flag("bargeIn", True)
    try:
        if barge:
            performer.leg.listen(listening)
        performer.prompts(verb.children, lambda: listening.touched)
        if not barge:
            performer.leg.listen(listening)
        _await_input(performer, listening, verb)
    finally:
        performer.leg.listen(None)
    fields = result_of(listening, verb)
    if fields or verb.flag("actionOnEmptyResult", False):
        fields = fields or empty_result(listening)
        raise Redirected(performer.fetch_for(verb, verb.get("action"), fields))


def _await_input(performer: Performer, listening: GatherInput, verb: Verb) -> None:
    """Until the keys are complete, the sentence is over, or nothing comes at all."""
    timeout = verb.number("timeout", 5)
    automatic = verb.get("speechTimeout") == "auto"
    settings = performer.carrier.settings
    pause = settings.speech_pause if automatic else verb.number("speechTimeout", timeout)
    while not listening.complete:
        quiet = pause if listening.spoken or listening.sounds else timeout
        if not performer.leg.wait(quiet, listening.grown()):
            return


def result_of(listening: GatherInput, verb: Verb) -> dict[str, str]:
    """The fields that the action gets; nothing when neither keys nor words were recognised."""
    if listening.spoken:
        return {
            "SpeechResult": _written(listening.words, verb.flag("profanityFilter", True)),
            "Confidence": f"{min(sure for _, sure in listening.spoken):g}",
            "Language": verb.get("language", "en-US"),
        }
    before, ended, _ = (
        listening.keys.partition(listening.finish) if listening.finish else (listening.keys, "", "")
    )
    digits = before[: listening.needed] if listening.needed else before
    return {"Digits": digits, "FinishedOnKey": ended, "msg": "Gather End"} if digits else {}


def empty_result(listening: GatherInput) -> dict[str, str]:
    """What silence, or sound without words, looks like."""
    fields: dict[str, str] = {}
    if listening.digits:
        fields |= {"Digits": "", "FinishedOnKey": "", "msg": "Gather End"}
    if listening.speech:
        fields |= {"SpeechResult": "", "Confidence": "0.0"}
    return fields


def _written(words: str, censored: bool) -> str:
    """Speech as the recogniser writes it: a capital, a full stop, stars in rude words."""
    if censored:
        words = _STARRED.sub(lambda hit: hit.group()[0] + "*" * (len(hit.group()) - 1), words)
    written = words.strip()[:1].upper() + words.strip()[1:]
    return written if not written or written[-1] in ".?!" else written + "."
