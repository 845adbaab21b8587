"""Which values the attributes and texts of TwiML may have. Each check is a pure predicate."""

from __future__ import annotations

import re
from collections.abc import Callable

Check = Callable[[str], bool]

MAX_URL = 4000
MAX_HINTS = 500
MAX_HINT = 100


def matching(pattern: str) -> Check:
    """The whole value has this form."""
    compiled = re.compile(pattern)
    return lambda value: bool(compiled.fullmatch(value))


def one_of(*values: str) -> Check:
    return lambda value: value in values


def whole(low: int, high: int) -> Check:
    """A whole number from `low` to `high`, without sign, blanks or fraction."""
    return lambda value: bool(re.fullmatch(r"\d{1,6}", value)) and low <= int(value) <= high


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def at_most(characters: int) -> Check:
    return lambda value: 0 < len(value) <= characters


def list_of(*names: str) -> Check:
    """One or more of these, separated by blanks."""
    return lambda value: bool(value.split()) and set(value.split()) <= set(names)


def anything(value: str) -> bool:
    return True


def is_url(value: str) -> bool:
    """Relative, or http(s) with a host; printable ASCII, because servers refuse the rest."""
    if not re.fullmatch(r"[!-~]+", value) or len(value) > MAX_URL:
        return False
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", value):
        return bool(re.match(r"https?://[^/?#]", value, re.IGNORECASE))
    return not value.startswith("//")


def are_hints(value: str) -> bool:
    """Up to 500 words or phrases of at most 100 characters, separated by commas."""
    hints = [hint.strip() for hint in value.split(",")]
    return len(hints) <= MAX_HINTS and all(0 < len(hint) <= MAX_HINT for hint in hints)


FLAG, METHOD, SID = (
    one_of("true", "false"),
    one_of("GET", "POST"),
    matching(r"[A-Z]{2}[0-9a-f]{32}"),
)
URL: Check = is_url
URL_OR_NONE = either(one_of(""), is_url)
LOOPS, RECORDING_TIME = whole(0, 1000), whole(1, 14_400)
LANGUAGE = matching(r"[a-z]{2,3}(-[A-Za-z]{4})?(-[A-Z]{2}|-\d{3})?")
SPEECH_LANGUAGE = matching(r"[a-z]{2,3}(-[A-Za-z]{4})?(-[A-Z]{2}|-\d{3})")
VOICE = matching(r"man|woman|alice|(Polly|Google|ElevenLabs)\.[A-Za-zÀ-ÿ0-9._-]+")
SPEECH_MODEL = matching(
    r"default|numbers_and_commands|phone_call|experimental_(conversations|utterances)"
    r"|googlev2_(long|short|telephony|telephony_short)|deepgram_nova-[23][a-z-]*"
)
PHONE = matching(r"\+?[0-9][0-9() .-]{2,20}")
KEYS, KEY_OR_NONE, TONES = matching(r"[0-9*#]+"), matching(r"[0-9*#]?"), matching(r"[0-9A-D*#wW]+")
TRIM = one_of("trim-silence", "do-not-trim")
CALL_EVENTS = list_of("initiated", "ringing", "answered", "completed")
CONFERENCE_EVENTS = list_of(
    "start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"
)
RECORDING_EVENTS = list_of("in-progress", "completed", "absent", "failed")
DIAL_RECORDING = one_of(
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
)
