"""In which language a caller goes on: the one asked for, else the one they write in."""

import unicodedata

from helpline.domain.answers import plain, tokens, whole
from helpline.domain.protocol import Protocol, Question
from helpline.domain.said import Words
from helpline.domain.triage.turn import Turn

SPANISH, SPANISH_KEY = "es", "8"
"""The key that the first prompt of a call offers for Spanish; it is understood in a text too."""

OFFERED = "OTHER_LANGUAGE"
"""The flag of who wrote in a language that is none of ours, and was offered those we speak."""

_OFFER = {"1": "en", "2": SPANISH}
"""The answers that TWO_LANG offers."""

_SHORT = 4
_UNMISTAKABLE = 4
_SURE_OF_ENGLISH = 3
_LONG, _PAIR = 5, 2


def follow(turn: Turn, said: Words) -> None:
    """Go over to the language asked for; unasked, to the one that this text is clearly in.

    A place or a name ("Los Angeles", "Esperanza") tells nothing.
    """
    question = turn.question()
    if question is not None and question.choose == "words":
        return
    asked = _asked_for(turn, question, said)
    if asked is not None:
        turn.progress.language = asked
        turn.progress.language_chosen = True
    elif not turn.progress.language_chosen:
        turn.progress.language = _written_in(turn, said.body) or turn.progress.language


def chosen(turn: Turn, said: Words) -> bool:
    """Was this only about the language? Then the open question comes again, in that one."""
    question = turn.question()
    if question is None and turn.progress.path is None and _of_those_offered(turn, said):
        turn.enter("WELCOME")
        return True
    if question is None or question.choose == "words" or not _asked_for(turn, question, said):
        return False
    turn.progress.misunderstood = 0
    turn.repeat()
    return True


def _asked_for(turn: Turn, question: Question | None, said: Words) -> str | None:
    if question is not None and question.message == "C5":
        return None  # There the languages are answers, which book the specialist as well.
    if question is None and (offered := _of_those_offered(turn, said)):
        return offered
    words = turn.protocol.answer_words
    is_choice = question is not None and SPANISH_KEY in question.answers
    if said.body.strip() == SPANISH_KEY and SPANISH in turn.protocol.offered and not is_choice:
        return SPANISH
    text = whole(said.body)
    return next((code for code in turn.protocol.offered if text in words[code]["named"]), None)


def _of_those_offered(turn: Turn, said: Words) -> str | None:
    """The language picked from TWO_LANG, while nobody knows yet whom the case is about."""
    is_open = OFFERED in turn.progress.flags and turn.progress.path is None
    return _OFFER.get(said.body.strip()) if is_open else None


def is_none_of_ours(protocol: Protocol, body: str) -> bool:
    """Is the text in a language that the line does not speak?

    Letters of another script, a third or more, tell it; else two words that only one such
    language has, or one long one in a text of two, when they outnumber the words of ours.
    """
    letters = [char for char in unicodedata.normalize("NFKC", body) if char.isalpha()]
    strange = sum("LATIN" not in unicodedata.name(char, "LATIN") for char in letters)
    if len(letters) > 1 and strange > len(letters) / 3:
        return True
    said = set(tokens(plain(body)))
    ours = {
        word for code in protocol.offered for word in protocol.answer_words[code]["tells"] & said
    }
    theirs = max((words & said for words in protocol.other_languages.values()), key=len)
    if len(theirs) > 1:
        return len(theirs) > len(ours)
    long = any(len(word) >= _LONG for word in theirs)
    return long and not ours and len(said) <= _PAIR


def _written_in(turn: Turn, body: str) -> str | None:
    """The language whose telltale words outnumber those of every other one.

    A text of up to four words needs one such word of four letters or more ("hola"). Who went
    over to another language is taken back into English only by English and nothing else.
    """
    said = tokens(plain(body))
    words = turn.protocol.answer_words
    found = {code: words[code]["tells"].intersection(said) for code in turn.protocol.offered}
    best = max(found, key=lambda code: len(found[code]))
    tells, others = found[best], [found[code] for code in found if code != best]
    if any(len(other) >= len(tells) for other in others):
        return None
    if best == "en":
        return best if len(tells) >= _SURE_OF_ENGLISH and not any(others) else None
    alone = len(said) <= _SHORT and any(len(word) >= _UNMISTAKABLE for word in tells)
    return best if len(tells) > 1 or alone else None
