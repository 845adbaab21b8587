"""Words of danger and words of doubt (PROTOCOL rules 1 to 3, CONTRACT 3)."""

from helpline.domain.disposition import Disposition
from helpline.domain.effects import OpenCase
from helpline.domain.risk import Level
from helpline.domain.triage import answering
from helpline.domain.triage.turn import (
    DANGER_STATES,
    HUMAN_STATES,
    MEDICAL,
    SUICIDE_LADDER,
    Turn,
)

SHORT_ANSWER = 6
"""Words; rows hear what is danger in them."""


def danger(turn: Turn) -> None:
    """The safety text first, humans paged, whatever was asked before (PROTOCOL rule 1)."""
    progress = turn.progress
    about_other = _about_other(turn)
    if progress.path is None:
        progress.path = "other" if about_other else (turn.assessment.path_hint or "self")
    emergency = (
        turn.assessment.level is Level.EMERGENCY
        or progress.disposition is Disposition.EMERGENCY_NOW
    )
    state = "EMERGENCY" if emergency else "CRISIS"
    turn.enter(f"{state}_OTHER" if about_other else state)
    turn.page(danger_kind(turn), "words")


def danger_kind(turn: Turn) -> Disposition:
    if turn.assessment.level is Level.EMERGENCY:
        return Disposition.EMERGENCY_NOW
    return Disposition.CRISIS_LIVE


def _about_other(turn: Turn) -> bool:
    serious = [s for s in turn.assessment.signals if s.level >= Level.CRISIS]
    if any(signal.who == "other" for signal in serious):
        return True
    return turn.progress.path == "other" and all(s.who != "self" for s in serious)


def ask(turn: Turn, first: bool) -> bool:
    """An ambiguous phrase is asked about, never dropped (CONTRACT 3, ASK)."""
    progress = turn.progress
    if turn.assessment.level is not Level.ASK or progress.state in DANGER_STATES | {"CLARIFY"}:
        return False
    if progress.state in HUMAN_STATES and progress.disposition.is_danger:
        return False
    if turn.assessment.only_scored and _answers_shortly(turn):
        return False
    if not turn.assessment.suicide_family and answering.is_plain_answer(turn):
        return False
    turn.effects.append(OpenCase())
    if progress.path is None:
        progress.path = turn.assessment.path_hint or (
            "other" if turn.assessment.about_other else "self"
        )
    if turn.assessment.suicide_family:
        if progress.state in SUICIDE_LADDER and _understood_now(turn):
            return False
        detour(turn, "CLARIFY", first)
    else:
        asked = progress.state == MEDICAL[progress.path]
        if not asked:
            detour(turn, MEDICAL[progress.path], first)
        progress.silence = "clarify"
        return not asked
    return True


def _answers_shortly(turn: Turn) -> bool:
    """A few words after a question answer it; the score alone does not make them another."""
    asked = turn.question()
    return asked is not None and len(answering.body(turn).split()) <= SHORT_ANSWER


def opted_out(turn: Turn) -> bool:
    """Nothing is texted any more; doubt, which cannot be asked about, goes to a human's voice."""
    if turn.progress.opted_out and turn.assessment.level is Level.ASK:
        turn.flag("SILENT_AFTER_RISK")
        turn.page(max(turn.progress.disposition, Disposition.CRISIS_LIVE), "doubt, opted out")
    return turn.progress.opted_out


def _understood_now(turn: Turn) -> bool:
    """A ladder answer in words ("I thought about ending it today") is an answer."""
    question = turn.question()
    return question is not None and answering.choices(turn, question) is not None


def detour(turn: Turn, state: str, first: bool) -> None:
    progress = turn.progress
    back = progress.state
    if back is None or first:
        back = "WELCOME" if state == "CLARIFY" else None
    progress.returns_to = back if back not in {state, None} else progress.returns_to
    turn.enter(state)
