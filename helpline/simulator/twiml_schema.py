"""What TwiML may hold, as a table: verbs, nouns, their nesting, attributes and values.

Read from https://www.twilio.com/docs/voice/twiml (a page for each verb and noun),
https://www.twilio.com/docs/messaging/twiml and the error pages named beside a rule. Where the
documentation names no upper limit, ours is the largest value that makes sense.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from helpline.simulator import twiml_values as v
from helpline.simulator.twiml_values import Check

MAX_SAY = 4096
MAX_MESSAGE = 1600

NONE, MAY, MUST = "none", "may", "must"
"""Whether an element has words of its own."""


@dataclass(frozen=True)
class Element:
    """One row: what may stand inside, whether it has words, how many, and which."""

    holds: tuple[str, ...] = ()
    text: str = NONE
    limit: int = 0
    text_check: Check = v.anything
    attributes: dict[str, Check] = field(default_factory=dict)


def row(
    holds: str = "",
    text: str = NONE,
    limit: int = 0,
    text_check: Check = v.anything,
    attributes: dict[str, Check] | None = None,
) -> Element:
    return Element(tuple(holds.split()), text, limit, text_check, attributes or {})


_SSML = "break emphasis lang p phoneme prosody s say-as sub w"
_STATUS: dict[str, Check] = {"statusCallback": v.URL, "statusCallbackMethod": v.METHOD}
_RECORDING: dict[str, Check] = {
    "recordingStatusCallback": v.URL,
    "recordingStatusCallbackMethod": v.METHOD,
    "recordingStatusCallbackEvent": v.RECORDING_EVENTS,
}
_DETECTION: dict[str, Check] = {
    "machineDetection": v.one_of("Enable", "DetectMessageEnd"),
    "machineDetectionTimeout": v.whole(3, 60),
    "machineDetectionSpeechThreshold": v.whole(1000, 6000),
    "machineDetectionSpeechEndThreshold": v.whole(500, 5000),
    "machineDetectionSilenceTimeout": v.whole(2000, 10_000),
    "amdStatusCallback": v.URL,
    "amdStatusCallbackMethod": v.METHOD,
}

DOCUMENTS: dict[str, str] = {
    # Which verbs a whole document may hold depends on what asked for it.
    "voice": "Say Play Pause Gather Record Dial Enqueue Leave Redirect Reject Hangup",
    "whisper": "Say Play Pause Gather Record Redirect Hangup",  # no <Dial>: /number#url
    "wait": "Say Play Pause Redirect",  # error 13238
    "queue": "Say Play Pause Gather Redirect Leave Hangup",  # /enqueue#waiturl
    "messaging": "Message Redirect",
}

VOICE: dict[str, Element] = {
    "Say": row(
        _SSML,
        MUST,
        MAX_SAY,
        attributes={"voice": v.VOICE, "language": v.LANGUAGE, "loop": v.LOOPS},
    ),
    "Play": row(
        text=MAY,
        text_check=v.URL,
        attributes={"loop": v.LOOPS, "digits": v.matching(r"[0-9*#wW]+")},
    ),
    "Pause": row(attributes={"length": v.whole(1, 180)}),
    "Gather": row(
        "Say Play Pause",
        attributes={
            "action": v.URL,
            "method": v.METHOD,
            "input": v.one_of("dtmf", "speech", "dtmf speech", "speech dtmf"),
            "timeout": v.whole(1, 600),
            "numDigits": v.whole(1, 1000),
            "finishOnKey": v.KEY_OR_NONE,
            "speechTimeout": v.either(v.one_of("auto"), v.whole(1, 600)),
            "maxSpeechTime": v.whole(1, 600),
            "hints": v.are_hints,
            "language": v.SPEECH_LANGUAGE,
            "speechModel": v.SPEECH_MODEL,
            "enhanced": v.FLAG,
            "profanityFilter": v.FLAG,
            "actionOnEmptyResult": v.FLAG,
            "bargeIn": v.FLAG,
            "debug": v.FLAG,
            "partialResultCallback": v.URL,
            "partialResultCallbackMethod": v.METHOD,
        },
    ),
    "Record": row(
        attributes={
            "action": v.URL,
            "method": v.METHOD,
            "timeout": v.whole(1, 600),
            "finishOnKey": v.either(v.KEYS, v.one_of("")),
            "maxLength": v.RECORDING_TIME,
            "playBeep": v.FLAG,
            "trim": v.TRIM,
            "transcribe": v.FLAG,
            "transcribeCallback": v.URL,
            **_RECORDING,
        },
    ),
    "Dial": row(
        "Number Conference Queue",
        MAY,
        text_check=v.PHONE,
        attributes={
            "action": v.URL,
            "method": v.METHOD,
            "answerOnBridge": v.FLAG,
            "callerId": v.matching(r"\+[1-9]\d{6,14}"),
            "callReason": v.at_most(50),
            "hangupOnStar": v.FLAG,
            "timeLimit": v.whole(1, 86_400),
            "timeout": v.whole(5, 600),
            "ringTone": v.matching(r"automatic|[a-z]{2}(-old)?"),
            "sequential": v.FLAG,
            "record": v.DIAL_RECORDING,
            "recordingTrack": v.one_of("both", "inbound", "outbound"),
            "trim": v.TRIM,
            **_RECORDING,
        },
    ),
    "Number": row(
        text=MUST,
        text_check=v.PHONE,
        attributes={
            "url": v.URL,
            "method": v.METHOD,
            "sendDigits": v.TONES,
            "statusCallbackEvent": v.CALL_EVENTS,
            "byoc": v.SID,
            **_STATUS,
            **_DETECTION,
        },
    ),
    "Conference": row(
        text=MUST,
        limit=128,
        attributes={
            "muted": v.FLAG,
            "beep": v.one_of("true", "false", "onEnter", "onExit"),
            "startConferenceOnEnter": v.FLAG,
            "endConferenceOnExit": v.FLAG,
            "participantLabel": v.at_most(128),
            "jitterBufferSize": v.one_of("off", "small", "medium", "large"),
            "waitUrl": v.URL_OR_NONE,
            "waitMethod": v.METHOD,
            "maxParticipants": v.whole(2, 250),
            "region": v.matching(r"[a-z]{2}\d"),
            "coach": v.SID,
            "record": v.one_of("do-not-record", "record-from-start"),
            "trim": v.TRIM,
            "statusCallbackEvent": v.CONFERENCE_EVENTS,
            "eventCallbackUrl": v.URL,
            **_STATUS,
            **_RECORDING,
        },
    ),
    "Queue": row(
        text=MUST,
        limit=64,
        attributes={
            "url": v.URL,
            "method": v.METHOD,
            "reservationSid": v.SID,
            "postWorkActivitySid": v.SID,
        },
    ),
    "Enqueue": row(
        text=MUST,
        limit=64,
        attributes={
            "action": v.URL,
            "method": v.METHOD,
            "maxQueueSize": v.whole(1, 5000),
            "waitUrl": v.URL,
            "waitUrlMethod": v.METHOD,
            "workflowSid": v.SID,
        },
    ),
    "Redirect": row(text=MUST, text_check=v.URL, attributes={"method": v.METHOD}),
    "Reject": row(attributes={"reason": v.one_of("busy", "rejected")}),
    "Hangup": row(),
    "Leave": row(),
    # Speech markup inside <Say>: https://www.twilio.com/docs/voice/twiml/say/text-speech
    "break": row(attributes={"strength": v.anything, "time": v.matching(r"\d+(\.\d+)?m?s")}),
    "emphasis": row(_SSML, MAY, attributes={"level": v.one_of("strong", "moderate", "reduced")}),
    "lang": row(_SSML, MAY, attributes={"xml:lang": v.LANGUAGE}),
    "p": row(_SSML, MAY),
    "s": row(_SSML, MAY),
    "w": row(_SSML, MAY, attributes={"role": v.anything}),
    "phoneme": row("", MAY, attributes={"alphabet": v.one_of("ipa", "x-sampa"), "ph": v.anything}),
    "prosody": row(_SSML, MAY, attributes=dict.fromkeys(("volume", "rate", "pitch"), v.anything)),
    "say-as": row("", MAY, attributes={"interpret-as": v.anything, "format": v.anything}),
    "sub": row("", MAY, attributes={"alias": v.anything}),
}

MESSAGING: dict[str, Element] = {
    "Message": row(
        "Body Media",
        MAY,
        MAX_MESSAGE,
        attributes={
            "to": v.anything,
            "from": v.anything,
            "action": v.URL,
            "method": v.METHOD,
            "statusCallback": v.URL,
        },
    ),
    "Body": row(text=MUST, limit=MAX_MESSAGE),
    "Media": row(text=MUST, text_check=v.URL),
    "Redirect": row(text=MUST, text_check=v.URL, attributes={"method": v.METHOD}),
}

AT_MOST: dict[tuple[str, str], int] = {
    # How often a child may stand in one parent; no entry means any number of times.
    ("Dial", "Number"): 10,
    ("Dial", "Conference"): 1,
    ("Dial", "Queue"): 1,
    ("Message", "Body"): 1,
    ("Message", "Media"): 10,
}
ENDS_THE_DOCUMENT = frozenset({"Redirect", "Hangup", "Reject", "Leave"})
"""Whatever follows one of these is never reached."""
KNOWN_ELSEWHERE = frozenset(
    {
        *("Application", "Client", "Connect", "Echo", "Pay", "Prompt", "Refer", "Sim", "Sip"),
        *("Siprec", "Sms", "Start", "Stop", "Stream", "Task", "VirtualAgent", "WhatsApp"),
    }
)
"""The carrier knows these; this simulator does not perform them."""


def elements_of(kind: str) -> dict[str, Element]:
    """The rows for one kind of document, `<Response>` included. Raises KeyError."""
    rows = MESSAGING if kind == "messaging" else VOICE
    return {**rows, "Response": row(DOCUMENTS[kind])}
