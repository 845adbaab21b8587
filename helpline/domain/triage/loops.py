"""Two machines that answer each other stop; a person is never left without an answer.

A text stops being answered when texts like it were answered `answers` times `within` a
short time, and only as long as it goes on like that. Alike are: the same words (numbers
apart), any two that say themselves that a machine wrote them, and any two long ones that
came faster than a hand can type. Whatever else is written gets through at once. Words of
danger, words of doubt, everything after them, carrier words and answers to our own
question do not count and are never held back.
"""

import hashlib
import re

from helpline.domain.answers import plain, understand
from helpline.domain.protocol import LoopRules
from helpline.domain.risk import Level
from helpline.domain.said import Words
from helpline.domain.triage import carrier_words
from helpline.domain.triage.turn import Turn

_REMEMBERED = 12
_NUMBERS = re.compile(r"\d+")
_GAPS = re.compile(r"\W+")
_MACHINE, _FAST = "machine", "fast"


def stays_silent(turn: Turn, said: Words) -> bool:
    """Was this said so often, and answered, that only a machine would say it again?

    Counts the text as answered when it is not. Call it before the text is remembered.
    """
    if not said.body.strip() or _must_be_answered(turn, said):
        return False
    rules, echoes = turn.protocol.outbound.loop, turn.progress.echoes
    alike = _alike(turn, said, rules)
    if any(_is_full(rules, echoes.get(mark, []), turn.at) for mark in alike):
        return True
    for mark in alike:
        echoes[mark] = [*echoes.pop(mark, []), turn.at][-rules.answers :]
    oldest = turn.at - rules.rest.total_seconds()
    fresh = [(mark, times) for mark, times in echoes.items() if times[-1] >= oldest]
    turn.progress.echoes = dict(fresh[-_REMEMBERED:])
    return False


def _must_be_answered(turn: Turn, said: Words) -> bool:
    progress = turn.progress
    if progress.held or progress.opted_out:
        return True  # Nothing is answered there anyway; a human or a page needs every word.
    if turn.assessment.level >= Level.ASK or progress.heard_danger(turn.now):
        return True
    if progress.disposition.is_danger or carrier_words.family(turn, said) is not None:
        return True
    return _is_an_answer(turn, said.body)


def _is_an_answer(turn: Turn, body: str) -> bool:
    question, rules = turn.question(), turn.protocol.outbound.loop
    if question is None or len(body) > rules.typed_letters or _names_itself(body, rules):
        return False
    if body.strip() in question.answers:
        return True
    progress = turn.progress
    words = turn.protocol.answer_words[progress.language]
    state = turn.protocol.states[progress.state or "WELCOME"]
    understood = understand(
        question, body, turn.assessment.tags, words, safety=state.safety, language=progress.language
    )
    return understood is not None


def _alike(turn: Turn, said: Words, rules: LoopRules) -> list[str]:
    """What this text has in common with others, as marks; words are kept only as a digest."""
    body = said.body
    words = plain(body)
    same = _GAPS.sub(" ", _NUMBERS.sub("0", words)).strip() or words
    marks = [hashlib.blake2s(same.encode(), digest_size=5).hexdigest()]
    if _names_itself(body, rules):
        marks.append(_MACHINE)
    since_last = turn.at - turn.progress.heard_at
    fast = since_last < len(body) / rules.letters_per_second
    if len(body) >= rules.typed_letters and fast and not said.late:
        marks.append(_FAST)
    return marks


def _names_itself(body: str, rules: LoopRules) -> bool:
    words = plain(body)
    return any(signature in words for signature in rules.signatures)


def _is_full(rules: LoopRules, times: list[float], at: float) -> bool:
    if len(times) < rules.answers:
        return False
    quickly = times[-1] - times[0] <= rules.within.total_seconds()
    return quickly and at - times[-1] <= rules.rest.total_seconds()
