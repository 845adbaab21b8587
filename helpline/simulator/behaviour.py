"""How a phone behaves by itself, and the texts it shows. Durations are simulated seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpline.simulator.call import CallLeg
    from helpline.simulator.listening import Listening

MODES = (
    "manual",
    "answer",
    "talks",
    "doubt",
    "no-answer",
    "busy",
    "reject",
    "failed",
    "voicemail",
    "fax",
)
ANSWERING = ("answer", "talks", "doubt", "voicemail", "fax")
GREETINGS = {
    "voicemail": "You have reached my voicemail. Please leave a message after the tone.",
    "talks": "This is the crisis line. I am listening.",
}
VERDICTS = (
    "human",
    "machine_start",
    "machine_end_beep",
    "machine_end_silence",
    "machine_end_other",
    "fax",
    "unknown",
)


@dataclass(frozen=True)
class Reaction:
    """What a phone does by itself when a Gather listens and `after` was heard in this call.

    One reaction is used per Gather; it is used up unless `repeat`. One that only hangs up does
    so as soon as its words were heard, whatever is going on.
    """

    keys: str = ""
    after: str = ""
    speech: str = ""
    hang_up: bool = False
    repeat: bool = False
    confidence: float = 0.9
    sound: str = ""
    """Crying, a gasp: something that no recogniser finds a word in."""

    @classmethod
    def of(cls, given: Reaction | Sequence[str] | str | dict[str, Any]) -> Reaction:
        """From itself, `"1"`, `("1", "after hearing this")` or a JSON object."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls(given)
        if isinstance(given, dict):
            return cls(**given)
        return cls(*given)  # type: ignore[misc]

    def applies(self, listening: Listening | None, heard: str) -> bool:
        if self.after.lower() not in heard:
            return False
        if listening is None:
            return (
                self.hang_up and bool(self.after) and not (self.keys or self.speech or self.sound)
            )
        return self.hang_up or (listening.digits if self.keys else listening.speech)

    def perform(self, leg: CallLeg) -> None:
        if self.keys:
            leg.press(self.keys)
        elif self.speech:
            leg.say(self.speech, self.confidence)
        elif self.sound:
            leg.sound(self.sound)
        if self.hang_up:
            leg.hang_up()


@dataclass(frozen=True)
class Behaviour:
    """What the phone does when it rings, and what becomes of texts to it.

    manual: rings until somebody answers or the caller gives up. answer: picked up after
    `answer_after` seconds. talks: the same, then somebody says `greeting` every `talks_every`
    seconds (an outside crisis line). doubt: picked up by somebody who stays silent, so that no
    machine detection can tell. no-answer: rings in vain. busy: engaged. reject: declined after
    `answer_after` (the carrier reports busy). failed: the network cannot reach it.
    voicemail: a machine answers, speaks `greeting`, beeps if it has a `beep`, never presses a
    key and hangs up after `talk_for`. fax: a whistle, and a hang-up after `talk_for`.
    `detected` is what machine detection says, right or wrong; by default it is right.
    """

    mode: str = "manual"
    reactions: tuple[Reaction, ...] = ()
    answer_after: float = 1.0
    talk_for: float = 20.0
    greeting: str = ""
    """What it says when it says anything by itself; empty for the usual words of its mode."""
    beep: bool = True
    talks_every: float = 5.0
    detected: str = ""
    transcribed: bool = True
    """Whether what this phone leaves on a recording can be turned into words."""
    text_status: str = "delivered"
    text_error: int | None = None

    @property
    def speaks(self) -> str:
        return self.greeting or GREETINGS.get(self.mode, "")

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"unknown mode {self.mode!r}; one of {', '.join(MODES)}")
        if self.detected and self.detected not in VERDICTS:
            raise ValueError(f"unknown verdict {self.detected!r}; one of {', '.join(VERDICTS)}")
        if self.text_status not in ("delivered", "undelivered", "failed", "sent"):
            raise ValueError(f"unknown text_status {self.text_status!r}")


@dataclass(frozen=True)
class Text:
    """One text on a handset; `direction` is seen from the person: `in` or `out`."""

    direction: str
    body: str
    from_: str
    to: str
    sid: str
    at: str
    monotonic: float
    media: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        shown = asdict(self)
        return {"from": shown.pop("from_"), **shown}
