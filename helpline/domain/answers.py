"""Free text at a menu: digits, several digits, words, the answer words of the lexicon's Z1."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from helpline.domain.protocol import Answer, Question

AnswerWords = Mapping[str, frozenset[str]]

_DIGITS = re.compile(
    r"^(?:(?:la |el )?(?:option|number|numero|opcion|press|oprimo)|la|el|#|no\.)?\s*"
    r"(\d(?:[\s,.;/&+\-]*(?:and|y|or|o)?[\s,.;/&+\-]*\d)*)\s*([a-z])?[\s.!,)]*$"
)
_KEYCAP = str.maketrans("", "", "\u20e3\ufe0f\ufe0e\u200b\u200d")
_TOKENS = re.compile(r"[^\W_]+|[\U0001f44d\U0001f44e]")
_CONTRAST = frozenset(
    {"but", "though", "although", "however", "except", "pero", "aunque", "unless", "maybe"}
)
_BESIDE_NUMBERS = frozenset({"and", "y", "option", "opcion", "numero", "la", "el"})
_JOINING = frozenset({"and", "or", "with", "some", "a", "bit", "of", "y", "e", "o", "u", "con"})
_MEANINGS = ("yes", "unsure", "decline", "no")
_LONGEST_NO = 5


def plain(body: str) -> str:
    """Lower case, compatibility forms folded, accents and apostrophes removed."""
    if body.isascii():
        return body.lower().replace("'", "").strip()
    folded = unicodedata.normalize("NFKD", body.translate(_KEYCAP)).lower()
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    return bare.replace("'", "").replace("\u2019", "").strip()


def tokens(text: str) -> list[str]:
    """The words of an already plain text."""
    return _TOKENS.findall(text)


def understand(
    question: Question,
    body: str,
    heard: Iterable[str],
    words: AnswerWords,
    *,
    safety: bool,
    language: str,
) -> tuple[str, ...] | None:
    """The choices a text means at a question, None when it cannot be told.

    On a safety question two readings give the riskier, which is always the lower
    digit (PROTOCOL rule 3), and "not sure" counts as yes.
    """
    text = plain(body)
    digits = _as_digits(question, text)
    if digits is not None:
        return _settle(question, digits, safety=safety)
    said = tokens(text)
    found = _by_number_word(question, said, words)
    found = found or _by_phrase(question, said, language)
    found = found or _by_meaning(question, said, words, safety=safety)
    found = found or _by_tag(question, heard)
    return _settle(question, found, safety=safety) if found else None


def says_nothing_else(question: Question, body: str, language: str) -> bool:
    """Is every word of the text part of an answer that this question offers?"""
    left = f" {whole(body)} "
    offered = {
        phrase for answer in question.answers.values() for phrase in _phrases(answer, language)
    }
    for phrase in sorted(offered, key=len, reverse=True):
        left = left.replace(f" {phrase} ", "  ")
    return _JOINING.issuperset(left.split()) and left.strip() != whole(body)


def whole(text: str) -> str:
    """The text as a word or phrase of a list would be written."""
    return " ".join(tokens(plain(text)))


def is_word(text: str, words: frozenset[str]) -> bool:
    """Is the whole text one of these words or phrases?"""
    return whole(text) in words


def _as_digits(question: Question, text: str) -> list[str] | None:
    """The digits of a text that is nothing but digits; [] when none of them is a choice."""
    match = _DIGITS.match(text)
    if match is None:
        return None
    chosen = [digit for digit in match[1] if digit in question.answers]
    letter = (match[2] or "").upper()
    if letter and letter == question.suffix:
        return [*chosen, letter]
    return chosen


def _settle(question: Question, found: list[str], *, safety: bool) -> tuple[str, ...] | None:
    suffix = [choice for choice in found if choice == question.suffix]
    chosen = sorted({choice for choice in found if choice != question.suffix})
    if not chosen:
        return None
    if question.choose == "many":
        some = [choice for choice in chosen if question.answers[choice].means != "no"]
        return tuple(some or chosen)
    if len(chosen) > 1 and not safety:
        return None
    return (chosen[0], *suffix)


def _by_number_word(question: Question, said: list[str], words: AnswerWords) -> list[str]:
    if not said or len(said) > 2 * len(question.answers):
        return []
    named = [_digit_of(token, words) for token in said if token not in _BESIDE_NUMBERS]
    return [digit for digit in named if digit in question.answers] if all(named) else []


def _digit_of(token: str, words: AnswerWords) -> str:
    return next((digit for digit in "123456789" if token in words.get(digit, ())), "")


def _by_phrase(question: Question, said: list[str], language: str) -> list[str]:
    text = f" {' '.join(said)} "
    best: dict[str, int] = {}
    for choice, answer in question.answers.items():
        for phrase in _phrases(answer, language):
            if f" {phrase} " in text:
                best[choice] = max(best.get(choice, 0), len(phrase))
    if question.choose == "many" or len(best) < 2:
        return list(best)
    longest = max(best.values())
    return [choice for choice, length in best.items() if length == longest]


def _phrases(answer: Answer, language: str) -> Iterable[str]:
    for spoken in {"en", language}:
        yield from answer.words.get(spoken, ())


def _by_meaning(
    question: Question, said: list[str], words: AnswerWords, *, safety: bool
) -> list[str]:
    meaning = _meaning(said, words)
    if meaning is None:
        return []
    if meaning == "unsure" and safety:
        return _meant(question, "unsure") or _meant(question, "yes")
    return _meant(question, meaning)


def _meaning(said: list[str], words: AnswerWords) -> str | None:
    """Yes, no, unsure or decline: the whole text, or how it begins when that is safe."""
    for length in range(min(len(said), 4), 0, -1):
        opening = " ".join(said[:length])
        for meaning in _MEANINGS:
            if opening not in words.get(meaning, ()):
                continue
            if meaning == "no" and (len(said) > _LONGEST_NO or _CONTRAST.intersection(said)):
                return None
            return meaning
    return None


def _meant(question: Question, meaning: str) -> list[str]:
    return [choice for choice, answer in question.answers.items() if answer.means == meaning]


def _by_tag(question: Question, heard: Iterable[str]) -> list[str]:
    tags = frozenset(heard)
    return [choice for choice, answer in question.answers.items() if answer.tags & tags]


_GREETINGS = frozenset(
    "hello hi hey yes yeah yep speaking ok okay connect here me"  # noqa: SIM905 - word lists
    " hola si diga digame bueno alo conecte yo aqui".split()
)
_MACHINES = frozenset(
    "message tone beep voicemail mailbox unavailable available reached"  # noqa: SIM905
    " mensaje tono buzon disponible".split()
)
_LONGEST_GREETING = 6


def is_a_person(speech: str) -> bool:
    """Do these words sound like somebody who picked up, not like a machine's greeting?

    Doubt is a machine: nothing private may be said to one (CONTRACT 3).
    """
    said = tokens(plain(speech))
    if len(said) > _LONGEST_GREETING or not _MACHINES.isdisjoint(said):
        return False
    return not _GREETINGS.isdisjoint(said)
