"""What a caller is told and asked, as steps of a call: words, halves, hints."""

from dataclasses import replace

from helpline.domain.effects import SendText
from helpline.domain.messages import halves
from helpline.domain.progress import Progress
from helpline.domain.protocol import Question
from helpline.domain.speech import Ask, Pause, Say
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.steps import Decision
from helpline.store.conversations import Place

ENTRANCE = "/twilio/voice/heard"
FIRST = "W1"
MANY_KEYS, NUMBER_KEYS = 8, 16
_HINTS = 60

Spoken = tuple[Say | Pause, ...]


def find(rt: Runtime, progress: Progress) -> Question | None:
    """The question that the caller stands at; None where nothing is asked."""
    state = rt.protocol.states.get(progress.state or "")
    if state is None or progress.question is None:
        return None
    return next((item for item in state.questions if item.message == progress.question), None)


def spoken(rt: Runtime, place: Place, decision: Decision) -> Spoken:
    """What is said, in order; after the first prompt the key for Spanish, in Spanish."""
    progress = decision.step.progress
    keys = [item.message for item in decision.step.effects if isinstance(item, SendText)]
    said: list[Say | Pause] = []
    for key, words in zip(keys, decision.texts, strict=True):
        said += _in_halves(rt, words, progress.language)
        if key == FIRST and progress.language != "es":
            offered = replace(progress, language="es")
            words = wording.aloud(rt, "SPANISH", offered, staffed=place.staffed, line=place.line)
            said += _in_halves(rt, words, "es")
    return tuple(said)


def _in_halves(rt: Runtime, words: str, language: str) -> Spoken:
    """One breath of options, a pause, the others: who does not interrupt can hold as many."""
    rules = rt.protocol.telephone
    first, *rest = (Say(half, rules.spoken_as[language]) for half in halves(words))
    return (first, *(step for half in rest for step in (Pause(rules.between_halves), half)))


def ask(rt: Runtime, question: Question, progress: Progress, said: Spoken, token: str) -> Ask:
    """Say it and listen meanwhile: whoever knows their answer need not hear the end."""
    rules = rt.protocol.telephone
    digits = {"many": MANY_KEYS, "words": NUMBER_KEYS}.get(question.choose, 1)
    return Ask(
        said,
        f"{ENTRANCE}?attempt={token}",
        digits=digits,
        timeout=rules.listen if digits == 1 else rules.between_keys,
        speech=True,
        language=rules.spoken_as[progress.language],
        hints=_hints(question, progress.language),
        silence_to_action=True,
    )


def _hints(question: Question, language: str) -> tuple[str, ...]:
    """What a caller may well say here, for the recogniser."""
    found: dict[str, None] = {}
    for answer in question.answers.values():
        found.update(dict.fromkeys(answer.words.get(language, ())))
    return tuple(found)[:_HINTS]
