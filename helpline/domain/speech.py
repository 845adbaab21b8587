"""What a telephone call is told to do next: plain data, in the order it happens.

The service layer answers a voice webhook with a sequence of these; the carrier layer
(`helpline.carrier.twiml`) puts them into the carrier's words. Paths are our own
webhooks, without host. Steps after `Join`, `Bridge`, `Record`, `HangUp` or `Redirect`
run only where the carrier comes back to them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from helpline.domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text. `language` is a tag such as ``en-US``."""

    text: str
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for a while (whole seconds)."""

    length: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak, and listen for keys (and speech) meanwhile; what was heard goes to `action`.

    With nothing heard for `timeout` after the prompts the following steps run, or, with
    `silence_to_action`, `action` is told so. `hints` are words that speech may contain.
    """

    prompts: tuple[Say | Pause, ...]
    action: str
    digits: int = 1
    timeout: timedelta = timedelta(seconds=8)
    speech: bool = False
    language: str = "en-US"
    hints: tuple[str, ...] = ()
    silence_to_action: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """Enter a conference; `action` is told when this leg leaves it.

    `conference` is an opaque name. `start` lets the conference begin with this leg,
    `end_on_exit` ends it for everyone when this leg leaves. `wait` speaks to this leg
    until the conference begins; None is silence. With `leave_on_star` the key ``*`` takes
    this leg out.
    """

    conference: str
    action: str
    start: bool = True
    end_on_exit: bool = False
    wait: str | None = None
    leave_on_star: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """Connect this call to an outside line (PROTOCOL 3.6.1); `action` is told how it went."""

    to: PhoneNumber
    caller_id: PhoneNumber
    action: str
    ring: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Record:
    """Take a message; `action` is told when it ends, `transcript` what was said, `status` that
    the recording is complete, also when the caller hung up."""

    action: str
    transcript: str | None = None
    status: str | None = None
    limit: timedelta = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the steps of another of our webhooks."""

    path: str


CallStep = Say | Pause | Ask | Join | Bridge | Record | HangUp | Redirect

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Say, Pause, Ask, Join, Bridge, Record, HangUp, Redirect)
}
_PARTS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}


def dump_steps(steps: Sequence[CallStep]) -> str:
    """Steps as JSON, to be told again when the carrier repeats its question."""
    return _JSON.encode(steps)


def load_steps(text: str) -> tuple[CallStep, ...]:
    """What `dump_steps` wrote."""
    return tuple(_step(item) for item in json.loads(text))


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, PhoneNumber):
        return {"e164": value.e164}
    known = {name: getattr(value, name) for name in _PARTS[type(value)]}
    return {"kind": type(value).__name__, **known}


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def _step(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_step(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "seconds" in value:
        return timedelta(seconds=value["seconds"])
    if "e164" in value:
        return PhoneNumber(value["e164"])
    kind = _KINDS[value["kind"]]
    return kind(**{name: _step(item) for name, item in value.items() if name != "kind"})
