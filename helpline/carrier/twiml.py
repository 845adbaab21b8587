"""TwiML: answers to the carrier's webhooks, valid XML whatever stands in them.

Limits (RELIABILITY C, FACTS): a document 64 KiB, a Say 4,096 characters, a Message
1,600. Longer words are split, never dropped. Send it as ``text/xml``.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from twilio.twiml.voice_response import VoiceResponse

from helpline.domain.speech import (
    Ask,
    Bridge,
    CallStep,
    HangUp,
    Join,
    Pause,
    Record,
    Redirect,
    Say,
)

CONTENT_TYPE = "text/xml; charset=utf-8"
SAY_LIMIT = 3_500
"""Characters of one Say, below the carrier's 4,096."""
MESSAGE_LIMIT = 1_600
"""Characters of one Message."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_EMPTY = _HEAD + "<Response/>"
_PLAIN_PATH = re.compile("[A-Za-z0-9/?=_-]*")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def texts(bodies: Sequence[str]) -> str:
    """Reply to an inbound text with these, in order; nothing to say is ``<Response/>``.

    Built by hand: every inbound text passes here, and escaping costs a tenth of
    twilio-python's element tree.
    """
    messages = [
        f"<Message>{escape(part, quote=False)}</Message>"
        for body in bodies
        for part in _parts(body, MESSAGE_LIMIT)
    ]
    return f"{_HEAD}<Response>{''.join(messages)}</Response>" if messages else _EMPTY


def voice(steps: Sequence[CallStep]) -> str:
    """Tell a call what to do; no steps leaves it, and the carrier hangs up.

    What is said and asked is built by hand, as texts are; the rarer verbs by twilio-python.
    """
    return f"{_HEAD}<Response>{''.join(map(_verb, steps))}</Response>"


def _verb(step: CallStep) -> str:
    match step:
        case Say() | Pause():
            return _speak(step)
        case Ask():
            return _ask(step)
        case HangUp():
            return "<Hangup/>"
        case Redirect():
            return _element("Redirect", escape(_path(step.path)), method="POST")
    return _from_library(step)


def _from_library(step: Join | Bridge | Record) -> str:
    response = VoiceResponse()
    match step:
        case Join():
            _join(response, step)
        case Bridge():
            _bridge(response, step)
        case Record():
            _record(response, step)
    return "".join(verb.to_xml(xml_declaration=False) for verb in response.verbs)


def _element(name: str, inner: str, **attributes: str) -> str:
    put = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{put}>{inner}</{name}>"


def _speak(step: Say | Pause) -> str:
    if isinstance(step, Pause):
        return f'<Pause length="{max(1, round(step.length.total_seconds()))}"/>'
    return "".join(
        _element("Say", escape(part, quote=False), language=step.language)
        for part in _parts(step.text, SAY_LIMIT)
    )


def _ask(ask: Ask) -> str:
    """Speech is never censored ("threats would be starred", RELIABILITY C); the key always
    works too."""
    spoken: dict[str, str] = {}
    if ask.speech:
        spoken = {"speechTimeout": "auto", "language": ask.language, "profanityFilter": "false"}
        if ask.hints:
            spoken["hints"] = _clean(",".join(ask.hints))
    return _element(
        "Gather",
        "".join(map(_speak, ask.prompts)),
        input="dtmf speech" if ask.speech else "dtmf",
        action=_path(ask.action),
        method="POST",
        numDigits=str(ask.digits),
        timeout=str(max(1, round(ask.timeout.total_seconds()))),
        actionOnEmptyResult="true" if ask.silence_to_action else "false",
        **spoken,
    )


def _join(response: Any, join: Join) -> None:
    """`action` gets this leg's last words: also when the conference ended for it."""
    star = {"hangup_on_star": True} if join.leave_on_star else {}
    dial = response.dial(action=_path(join.action), method="POST", **star)
    dial.conference(
        _clean(join.conference),
        beep="false",
        start_conference_on_enter=join.start,
        end_conference_on_exit=join.end_on_exit,
        wait_url=_path(join.wait) if join.wait else "",
        wait_method="POST",
    )


def _bridge(response: Any, bridge: Bridge) -> None:
    dial = response.dial(
        action=_path(bridge.action),
        method="POST",
        caller_id=bridge.caller_id.e164,
        timeout=max(5, round(bridge.ring.total_seconds())),
        answer_on_bridge=True,
    )
    dial.number(bridge.to.e164)


def _record(response: Any, record: Record) -> None:
    heard: dict[str, Any] = {}
    if record.transcript:
        heard = {"transcribe": True, "transcribe_callback": _path(record.transcript)}
    if record.status:
        heard |= {
            "recording_status_callback": _path(record.status),
            "recording_status_callback_method": "POST",
        }
    response.record(
        action=_path(record.action),
        method="POST",
        max_length=max(1, round(record.limit.total_seconds())),
        finish_on_key="#",
        play_beep=True,
        **heard,
    )


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 forbids, lone surrogates among them."""
    return _NOT_XML.sub("", text)


def _path(path: str) -> str:
    """ASCII only: raw letters beyond it make gunicorn answer 400 (FACTS, trap 6)."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    return quote(_clean(path), safe="/:@!$&'()*+,;=~-._?%#[]")


def _parts(text: str, limit: int) -> Iterator[str]:
    """The text in pieces of at most `limit` characters, cut after a space where one is near."""
    rest = _clean(text)
    while len(rest) > limit:
        space = rest.rfind(" ", limit * 3 // 4, limit)
        cut = space + 1 if space >= 0 else limit
        yield rest[:cut]
        rest = rest[cut:]
    if rest.strip():
        yield rest
