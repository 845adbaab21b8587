"""How a caller answers in Spanish, with the words beside the digits; and how English is told."""

import re
from collections.abc import Iterator

from helpline.domain.protocol import Protocol, Question

ENGLISH = re.compile(
    r"\b(?:the|you|your|we|our|and|or|of|to|for|is|are|be|call|text|reply|press|yes|not|sure|now"
    r"|person|people|help|helpline|danger|life|risk|today|someone|wait|don't|if|in|any|time|listed"
    r"|specialist|morning|afternoon|evening|plus|support|crisis line|emergency|thank|sorry|please"
    r"|minutes|within|staff|offline)\b",
    re.IGNORECASE,
)
FOR_CARRIERS = {"HELP"}
"""Words that the carrier knows and that are texted as they are."""

BY_HEART = {
    "EV": {"1": "sí"},
    "C6": {"1": "cambiarlo", "2": "quitarlo"},
    "D6": {"1": "quiero una llamada"},
}
"""Questions whose digits stand inside a sentence."""


def labels_of(text: str, choices: tuple[str, ...]) -> dict[str, str]:
    """The words after each digit of a question, up to the next digit or the end of the sentence."""
    starts = list(_starts(text, choices))
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return {
        choice: re.split(r"[.?{]", text[start + len(choice) + 1 : end])[0].strip(" ,:;")
        for choice, (start, _), end in zip(choices, starts, ends, strict=True)
    }


def _starts(text: str, choices: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    at = 0
    for choice in choices:
        found = re.compile(rf"(?<=\s){choice}(?=\s)").search(text, at)
        assert found is not None, f"{choice} does not stand in {text!r}"
        yield found.start(), choice
        at = found.end()


def spoken_answers(protocol: Protocol, question: Question) -> dict[str, str]:
    """What to write for each choice of a question, in the words of its Spanish text."""
    known = BY_HEART.get(question.message)
    if known is not None:
        return known
    text = protocol.messages["es"][question.message].sms
    assert text is not None
    return labels_of(text, tuple(question.answers))
