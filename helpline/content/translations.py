"""Every language beside the first says all that the first says, with the same blanks and digits."""

import re
from collections.abc import Iterator, Mapping

from helpline.content.countries import Geography
from helpline.content.notebook import Notebook
from helpline.content.states import Flow
from helpline.content.wordings import FIRST_LANGUAGE, Messages
from helpline.domain.messages import PLACEHOLDER
from helpline.domain.protocol import Message

DANGER_ANSWERS = frozenset(
    [
        "E1",
        "E1N",
        "E1B",
        "E2",
        "E2B",
        "E4",
        "E4N",
        "EV",
        "EM",
        "K1",
        "K2",
        "K3",
        "K4",
        "N1",
        "S2",
        "O1",
        "R1",
        "SQ1",
        "SQ2",
        "SQ3",
        "SQ3N",
        "SQ4",
        "SQC",
        "W1",
        "W0",
        "TWO_LANG",
        "SAFE_NUMBERS",
    ]
)
"""What must exist in every language from the start."""

STAFF_FAMILIES = ("DRILL_", "LINE_", "LIST_", "PAGE_", "SAY_", "STAFF_", "SYSTEM_")
"""How the keys of words for staff begin. Staff are always spoken to in the first language."""

_CHANNELS = ("sms", "voice")


def list_missing(messages: Messages, language: str) -> tuple[str, ...]:
    """The messages for callers that this language lacks, in the order of the first language."""
    known = messages.get(language, {})
    return tuple(
        key
        for key in messages[FIRST_LANGUAGE]
        if key not in known and not key.startswith(STAFF_FAMILIES)
    )


def check_translations(
    notebook: Notebook, messages: Messages, flow: Flow, geography: Geography
) -> None:
    """Note what a language lacks, and what it says with other blanks or other digits."""
    first = messages[FIRST_LANGUAGE]
    choices = _choices_by_message(flow)
    for language, wordings in messages.items():
        missing = set(list_missing(messages, language))
        if language not in geography.offered:
            missing &= DANGER_ANSWERS
        for key in sorted(missing):
            start = notebook.start_of(f"messages/{language}.yaml")
            notebook.wrong(start, f"message {key} is missing in {language}")
        for key, message in wordings.items():
            original = first.get(key)
            if original is None:
                continue
            place = notebook.place_of(f"message in {language}", key)
            for wrong in _differences(original, message, choices.get(key, ())):
                notebook.wrong(place, f"{key} in {language} {wrong}")


def _differences(original: Message, message: Message, choices: tuple[str, ...]) -> Iterator[str]:
    for channel in _CHANNELS:
        theirs: str | None = getattr(original, channel)
        ours: str | None = getattr(message, channel)
        if theirs is None or ours is None:
            if theirs is not ours:
                yield f"has no {channel}" if ours is None else f"has {channel}, and no other has"
            continue
        lost = _blanks(theirs) - _blanks(ours)
        if lost:
            yield f"({channel}) lacks {_listed(lost)}"
        new = _blanks(ours) - _blanks(theirs)
        if new:
            yield f"({channel}) adds {_listed(new)}"
        for choice in choices:
            if channel == "voice" and offers(theirs, choice) and not offers(ours, choice):
                yield f"does not speak choice {choice}"


def offers(text: str, choice: str) -> bool:
    """Does this digit stand alone somewhere in the text?"""
    return re.search(rf"(?<![\d{{]){choice}(?!\d)", text) is not None


def _blanks(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def _listed(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def _choices_by_message(flow: Flow) -> Mapping[str, tuple[str, ...]]:
    return {
        question.message: tuple(question.answers)
        for state in flow.states.values()
        for question in state.questions
    }
