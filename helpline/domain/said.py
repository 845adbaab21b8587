"""What a caller may do next: write, press keys, speak, ring, or say nothing."""

from dataclasses import dataclass
from enum import StrEnum


class CarrierWord(StrEnum):
    """The families of words that carriers act on (PROTOCOL 4.5)."""

    STOP = "STOP"
    HELP = "HELP"
    START = "START"


@dataclass(frozen=True, slots=True)
class Words:
    """A text as it arrived, keys that were pressed, or words that were spoken.

    `answered` is set when the carrier answered it already (OptOutType). `on_call` says that it
    was spoken or pressed on a call, where the words for carriers mean nothing. `late` says that
    it came before now, and that nobody knows how fast it was written.
    """

    body: str
    answered: CarrierWord | None = None
    whatsapp: bool = False
    media: int = 0
    on_call: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """They ring the line, and have said nothing yet."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A prompt was spoken on a call, and no key and no word came."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call ended before the conversation did."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came by the time we meant to look again."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """The time came for a question we promised to ask (FOLLOWUP, WATCH_CHECK)."""

    state: str


Said = Words | Rung | Unheard | HungUp | Silence | Appointment
