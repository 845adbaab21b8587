"""What staff may text (CONTRACT 2): an exact grammar; anything else is not a command."""

import re
from dataclasses import dataclass
from enum import IntEnum

LONGEST_SAYING = 480
"""Letters that SAY carries to a caller: three SMS."""


class CallOutcome(IntEnum):
    """What came of it: the key after a call, and the number after DONE (CONTRACT 2)."""

    HELPED = 1
    CALL_AGAIN = 2
    NOT_REACHED = 3
    EMERGENCY_SERVICES = 4
    RAISE_TO_CRISIS = 5
    WRONG_PERSON = 6


@dataclass(frozen=True, slots=True)
class ListCommands:
    """COMMANDS: what can be texted."""


@dataclass(frozen=True, slots=True)
class SetPresence:
    """AVAILABLE or AWAY."""

    available: bool


@dataclass(frozen=True, slots=True)
class RingMe:
    """NEXT: ring me with the most urgent."""


@dataclass(frozen=True, slots=True)
class TakePage:
    """OK, with the code of a case or without (the most urgent open page)."""

    code: str | None


@dataclass(frozen=True, slots=True)
class TextCaller:
    """SAY: text the caller of this code. The words keep their case; they may be missing."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class TellOutcome:
    """DONE: what came of this code. `note` may be empty."""

    code: str
    outcome: CallOutcome
    note: str


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """DONE and a code without an outcome from 1 to 6: not exact, but we know what is missing."""

    code: str


Command = ListCommands | SetPresence | RingMe | TakePage | TextCaller | TellOutcome | AskOutcome

_HOW = re.IGNORECASE | re.DOTALL
_OK = re.compile(r"OK(?:\s+([0-9]{4,8}))?[.!]?", _HOW)
_SAY = re.compile(r"SAY\s+([0-9]{4,8})(?:[:,]?\s+(.*)|[:,.!]?)", _HOW)
_DONE = re.compile(r"DONE\s+([0-9]{4,8})\s+([1-6])(?:[.!]|[,:]?\s+(.*))?", _HOW)
_HALF_DONE = re.compile(r"DONE\s+([0-9]{4,8})(?:\W.*)?", _HOW)
_WORDS: dict[str, Command] = {
    "COMMANDS": ListCommands(),
    "AVAILABLE": SetPresence(True),
    "AWAY": SetPresence(False),
    "NEXT": RingMe(),
}


def parse_command(body: str) -> Command | None:
    """The command a text is, None when it is none."""
    text = body.strip()
    word = _WORDS.get(text.upper().rstrip(".!"))
    if word is not None:
        return word
    if match := _OK.fullmatch(text):
        return TakePage(match[1])
    if match := _SAY.fullmatch(text):
        return TextCaller(match[1], (match[2] or "").strip())
    if match := _DONE.fullmatch(text):
        return TellOutcome(match[1], CallOutcome(int(match[2])), (match[3] or "").strip())
    match = _HALF_DONE.fullmatch(text)
    return AskOutcome(match[1]) if match else None


def is_exact(command: Command | None) -> bool:
    """Is this text surely meant for the line, whatever words it holds?"""
    return command is not None and not isinstance(command, AskOutcome)
