"""The engine: one thing said, one step of the protocol. Pure.

`advance` reads the danger first, then the carrier's words, then the question that
was asked (PROTOCOL 4.5). Floors only rise. Any input in any state moves forward,
is answered, or reaches a human. Only another machine's echo stays unanswered (`loops`).
"""

from dataclasses import dataclass
from datetime import datetime

from helpline.domain.effects import Effect, SendText
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.risk import Assessment
from helpline.domain.said import Appointment, HungUp, Rung, Said, Silence, Unheard, Words
from helpline.domain.triage import hearing, ringing, waiting
from helpline.domain.triage.turn import DANGER_STATES, HUMAN_STATES, Turn

__all__ = ["DANGER_STATES", "HUMAN_STATES", "SPOKEN", "Step", "advance"]

SPOKEN = (
    *("W0", "W2", "W3", "X1", "X2", "H0", "H1", "Q1", "STILL", "N1", "NUDGE", "BOT", "PRIV", "D6"),
    *("KW_STOP", "KW_HELP", "KW_START", "OPTOUT_DONE"),
)
"""Messages that the engine names itself; a test checks that they exist."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the caller stands now, what must be done, and when to look again (None: no clock)."""

    progress: Progress
    effects: tuple[Effect, ...]
    wake_at: datetime | None

    @property
    def owes(self) -> bool:
        """Is there more to do than to answer?"""
        return any(not isinstance(effect, SendText) for effect in self.effects)


def advance(
    protocol: Protocol,
    progress: Progress,
    said: Said,
    assessment: Assessment,
    now: datetime,
    *,
    staffed: bool,
) -> Step:
    """One step. `staffed`: somebody below supervisor can be reached now."""
    turn = Turn(protocol, progress.copy(), assessment, now, staffed)
    match said:
        case Words():
            hearing.hear(turn, said)
        case Rung():
            ringing.ring(turn)
        case Unheard():
            ringing.unheard(turn)
        case HungUp():
            ringing.hung_up(turn)
        case Silence():
            waiting.silence(turn)
        case Appointment(state):
            # Somebody who opted out or talks to a human is not asked by a machine.
            if not (turn.progress.opted_out or turn.progress.held):
                waiting.reset_clock(turn)
                turn.enter(state)
    turn.settle()
    return Step(turn.progress, tuple(turn.effects), waiting.wake_at(turn))
