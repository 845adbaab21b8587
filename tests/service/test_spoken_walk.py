"""Every question that a call can come to, in both languages, as the carrier would perform it."""

from dataclasses import replace
from typing import cast

import pytest

from helpline.domain.effects import SendText
from helpline.domain.speech import HangUp
from helpline.service import wording
from helpline.service.calls import questions
from helpline.service.steps import Decision
from helpline.store import Store
from helpline.store.conversations import Place
from tests.builders import LINE_NUMBER, make_runtime
from tests.domain.test_triage_model import Edge, walk
from tests.phone import protocol
from tests.twiml import performed


class _Here:
    """What a prompt needs to know of a conversation."""

    line = LINE_NUMBER

    def __init__(self, staffed: bool) -> None:
        self.staffed = staffed


def told_apart(staffed: bool) -> dict[tuple[object, ...], Edge]:
    """One step for each set of words before each question."""
    found: dict[tuple[object, ...], Edge] = {}
    for edge in walk(staffed).edges:
        sent = tuple(item.message for item in edge.step.effects if isinstance(item, SendText))
        progress = edge.step.progress
        found.setdefault((progress.state, progress.question, progress.path, sent), edge)
    return found


@pytest.mark.parametrize("staffed", [True, False], ids=["staffed", "nobody"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_state_can_be_spoken(sqlite_store: Store, language: str, staffed: bool) -> None:
    rt = make_runtime(sqlite_store)
    place = cast(Place, _Here(staffed))
    asked = set()
    for edge in told_apart(staffed).values():
        progress = replace(edge.step.progress, language=language)
        step = replace(edge.step, progress=progress)
        keys = [item.message for item in step.effects if isinstance(item, SendText)]
        texts = tuple(
            wording.aloud(rt, key, progress, staffed=staffed, line=place.line) for key in keys
        )
        said = questions.spoken(rt, place, Decision(edge.before, step, texts))
        question = questions.find(rt, progress)
        if question is None:
            performed((*said, HangUp()))
        else:
            performed((questions.ask(rt, question, progress, said, "token"),))
            asked.add(question.message)
    if staffed:
        every = {item.message for state in protocol().states.values() for item in state.questions}
        assert every - asked <= {"K3"}, "a question that was never spoken"
