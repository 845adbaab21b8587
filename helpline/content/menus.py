"""What the line offers as an answer must not sound like danger to the line itself."""

from collections.abc import Iterator

from helpline.content.notebook import Notebook
from helpline.content.states import Flow
from helpline.domain.protocol import Answer, State
from helpline.domain.risk import Level, Lexicon, assess

_AT_RISK = frozenset({"EMERGENCY", "EMERGENCY_OTHER", "CRISIS", "CRISIS_OTHER"})


def check_menus(notebook: Notebook, flow: Flow, lexicon: Lexicon) -> None:
    """Note every harmless answer that would page somebody, or be asked about as suicide.

    Other doubts are left to the question itself, which offered these words
    (`helpline.domain.triage.danger.ask`).
    """
    for state, answer in _harmless(flow):
        for words in answer.words.values():
            for phrase in words:
                heard = assess(phrase, lexicon)
                if heard.level >= Level.CRISIS or heard.suicide_family:
                    notebook.wrong(
                        notebook.places["state", state.id],
                        f"{phrase!r} is an answer that means no danger, and the lexicon"
                        f" hears {heard.level.name} in it",
                    )


def _harmless(flow: Flow) -> Iterator[tuple[State, Answer]]:
    """The answers by which nobody says that life is at risk."""
    for state in flow.states.values():
        for question in state.questions:
            for answer in question.answers.values():
                says_yes = state.safety and answer.means in {"yes", "unsure"}
                leads_there = any(branch.to in _AT_RISK for branch in answer.go)
                if not (answer.page or says_yes or leads_there):
                    yield state, answer
