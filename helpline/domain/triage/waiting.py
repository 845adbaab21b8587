"""What happens when nothing is said (PROTOCOL 3.6 item 4 and 3.7)."""

from datetime import UTC, datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback, CancelCallback, CloseCase
from helpline.domain.protocol import SilenceStep
from helpline.domain.triage import danger
from helpline.domain.triage.turn import MEDICAL, Turn

SHARED_PHONE_AFTER = timedelta(hours=12)


def _policy(turn: Turn) -> tuple[SilenceStep, ...]:
    progress = turn.progress
    state = turn.protocol.states.get(progress.state or "")
    if state is None or progress.held or progress.opted_out:
        return ()
    return turn.protocol.silence[progress.silence or state.silence]


def reset_clock(turn: Turn) -> None:
    turn.progress.silence_from = turn.at
    turn.progress.silence_step = 0
    turn.progress.silence = None


def wake_at(turn: Turn) -> datetime | None:
    """When to look at this conversation again if nothing is said."""
    policy = _policy(turn)
    step = turn.progress.silence_step
    if step >= len(policy):
        return None
    due = turn.progress.silence_from + policy[step].after.total_seconds()
    return datetime.fromtimestamp(due, UTC)


def come_back(turn: Turn, first: bool) -> None:
    """A closed case or half a day of silence starts afresh: phones are shared (3.7)."""
    progress = turn.progress
    if first:
        turn.came()
        return
    if progress.disposition.is_urgent or progress.opted_out or progress.held:
        return
    state = turn.protocol.states[progress.state or "WELCOME"]
    # From our own question on, if that came later: an answer to a follow-up is an answer.
    away = turn.at - max(progress.heard_at, progress.silence_from)
    closed = state.kind == "end" and progress.question is None
    asked_long_ago = state.kind == "ask" and away > SHARED_PHONE_AFTER.total_seconds()
    if closed or asked_long_ago:
        turn.afresh()
        turn.came()


def silence(turn: Turn) -> None:
    """Carry out every step of the silence policy that is due."""
    for _ in range(8):
        policy = _policy(turn)
        index = turn.progress.silence_step
        if index >= len(policy):
            return
        step = policy[index]
        if turn.at < turn.progress.silence_from + step.after.total_seconds():
            return
        turn.progress.silence_step += 1
        _silent(turn, step)


def _silent(turn: Turn, step: SilenceStep) -> None:
    progress = turn.progress
    if step.act == "nudge":
        turn.send(step.message or "NUDGE")
    elif step.act == "ask":
        progress.nudge = step.message or "N1"
        turn.send(progress.nudge)
    elif step.act == "call":
        silent_in_danger(turn)
        turn.effects.append(BookCallback(at_once=True))
    elif step.act == "page":
        if step.message:
            progress.nudge = step.message
            turn.send(step.message)
        silent_in_danger(turn)
        kind = max(progress.disposition, Disposition.CRISIS_LIVE)
        turn.page(kind, "silent")
    elif step.act == "medical":
        progress.path = progress.path or "self"
        danger.detour(turn, MEDICAL[progress.path], first=progress.question in {None, "W1"})
        reset_clock(turn)
    elif step.act == "close":
        _close_by_silence(turn, step.message)


def silent_in_danger(turn: Turn) -> None:
    """Silence after words of danger is U-07; silence at a safety question is not a no (V-02)."""
    risky = turn.progress.heard_danger(turn.now) or turn.progress.disposition.is_danger
    turn.flag("SILENT_AFTER_RISK" if risky else "RISK_UNKNOWN")


def _close_by_silence(turn: Turn, message: str | None) -> None:
    """A day without a word closes what is not urgent; the answers are kept."""
    if turn.progress.disposition.is_urgent:
        turn.effects.append(BookCallback())
        return
    turn.send(message or "D6")
    turn.progress.state = "CLOSED"
    turn.progress.question = message or "D6"  # "Reply 1 if you do want a call"
    turn.effects += [CancelCallback(), CloseCase()]
