"""The telephone: who rings is greeted and goes on where they stood; silence reaches a human."""

from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback
from helpline.domain.triage import answering, waiting
from helpline.domain.triage.turn import DANGER_STATES, HUMAN_STATES, MEDICAL, Turn

REPEATS = 2
"""So often a prompt is spoken again when nothing was heard (PROTOCOL 3.8)."""


def ring(turn: Turn) -> None:
    """They ring: the greeting, the question they stood at, or what they wait for.

    Ringing is asking to be spoken to: whoever waits for a human is put through, after the
    medical question where nobody asked it lately (CONTRACT 7).
    """
    first = turn.progress.state is None
    waiting.come_back(turn, first)
    progress = turn.progress
    waiting.reset_clock(turn)
    progress.heard_at = turn.at
    progress.unheard = progress.misunderstood = 0
    if progress.held:
        return
    state = turn.protocol.states.get(progress.state or "WELCOME")
    if state is None or state.id == "WELCOME" or state.kind == "end":
        if state is not None and state.kind == "end" and progress.disposition.is_urgent:
            _still_waits(turn, state.id)
        else:
            turn.enter("WELCOME")
    elif state.id in DANGER_STATES:
        turn.enter(state.id)
    elif state.kind == "wait":
        _still_waits(turn, state.id)
    else:
        turn.send("W0")
        turn.repeat()


def _still_waits(turn: Turn, state: str) -> None:
    turn.send("STILL")
    if state in HUMAN_STATES and turn.progress.disposition.is_danger:
        return
    turn.progress.returns_to = state
    turn.enter(MEDICAL[turn.progress.path or "self"])


def unheard(turn: Turn) -> None:
    """Nothing was heard: the prompt again, twice; then a human, for who cannot speak needs one."""
    progress = turn.progress
    progress.heard_at = turn.at
    progress.unheard += 1
    if progress.held or progress.state in DANGER_STATES:
        return
    if progress.unheard <= REPEATS and turn.question() is not None:
        turn.repeat()
        return
    progress.unheard = 0
    waiting.silent_in_danger(turn)
    answering.to_human(turn, "X2", "HUMAN_ASKED")


def hung_up(turn: Turn) -> None:
    """A call that ends half-way is a call owed; after danger or doubt it is silence after risk.

    An unanswered safety question is not a no (PROTOCOL V-02, 3.6 item 4, 3.7).
    """
    progress = turn.progress
    state = turn.protocol.states.get(progress.state or "WELCOME")
    if progress.held or state is None or (state.kind == "end" and progress.question is None):
        return
    risky = progress.heard_danger(turn.now) or progress.disposition.is_danger
    if risky or state.safety:
        waiting.silent_in_danger(turn)
    if risky:
        turn.page(max(progress.disposition, Disposition.CRISIS_LIVE), "hung up")
    turn.effects.append(BookCallback(at_once=risky or state.safety))
