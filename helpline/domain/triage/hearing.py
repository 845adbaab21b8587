"""Reading one text: danger, then carrier words, then the state (PROTOCOL 4.5)."""

from datetime import timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.progress import HITS_LAST, PARTS_WITHIN
from helpline.domain.risk import Level
from helpline.domain.risk.scorer import CATEGORY
from helpline.domain.said import CarrierWord, Words
from helpline.domain.triage import answering, carrier_words, danger, language, loops, waiting
from helpline.domain.triage.turn import Turn

SCORE_RESTS = timedelta(minutes=10)


def hear(turn: Turn, said: Words) -> None:
    """Danger, then carrier words, then the state (PROTOCOL 4.5)."""
    progress = turn.progress
    _let_the_score_rest(turn)
    had_danger = progress.heard_danger(turn.now)
    if not said.on_call and loops.stays_silent(turn, said):
        _remember(turn, said.body)
        return
    first = progress.state is None
    waiting.come_back(turn, first)
    progress = turn.progress
    progress.unheard = 0
    language.follow(turn, said)
    _remember(turn, said.body)
    waiting.reset_clock(turn)
    if progress.held:
        _hear_while_held(turn, said, first, had_danger)
    elif turn.assessment.level >= Level.CRISIS:
        danger.danger(turn)
    elif not (
        _about_texts(turn, said, first, had_danger)
        or danger.ask(turn, first)
        or language.chosen(turn, said)
        or answering.everywhere(turn, said)
    ):
        answering.answer(turn, said, first)
    if not said.on_call:
        carrier_words.carrier_word_after_danger(turn, said)
    if said.media and (had_danger or progress.disposition.is_danger):
        turn.page(max(turn.progress.disposition, Disposition.CRISIS_LIVE), "picture in danger")


def _let_the_score_rest(turn: Turn) -> None:
    """What the score alone doubts is asked about once, not after each answer."""
    asked = [at for name, at in turn.progress.hits.items() if name.startswith(CATEGORY)]
    if (
        turn.assessment.only_scored
        and max(asked, default=0) > turn.at - SCORE_RESTS.total_seconds()
    ):
        turn.assessment = turn.assessment.without_score()


def _about_texts(turn: Turn, said: Words, first: bool, had_danger: bool) -> bool:
    """Was it about being texted, which nobody speaks of on a call?"""
    return not said.on_call and (
        carrier_words.carrier_word(turn, said, first, had_danger)
        or danger.opted_out(turn)
        or carrier_words.wish_to_stop(turn, had_danger)
    )


def _hear_while_held(turn: Turn, said: Words, first: bool, had_danger: bool) -> None:
    """The bot is silent, the scan is not; where life is at risk the number still goes out."""
    if turn.assessment.level is Level.EMERGENCY:
        danger.danger(turn)
    elif turn.assessment.level is Level.CRISIS:
        turn.page(danger.danger_kind(turn), "danger while held")
    elif carrier_words.family(turn, said) is CarrierWord.STOP:
        carrier_words.carrier_word(turn, said, first, had_danger)


def _remember(turn: Turn, body: str) -> None:
    progress = turn.progress
    oldest = turn.at - HITS_LAST.total_seconds()
    turn.learned()
    progress.hits = {name: at for name, at in progress.hits.items() if at >= oldest}
    progress.hits.update(dict.fromkeys(turn.hit_names(), turn.at))
    parts_since = turn.at - PARTS_WITHIN.total_seconds()
    progress.recent = [part for part in progress.recent if part[0] >= parts_since][-4:]
    progress.recent.append((turn.at, body[:1600]))
    progress.heard_at = turn.at
    if any(
        signal.category.startswith("lex.S") and signal.level >= Level.ASK
        for signal in turn.assessment.signals
    ):
        progress.language = "es"
