"""Anything at all, in any order, at any time: the engine never raises and keeps its promises.

The promises themselves are in tests/phone.py and are checked at every step.
"""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpline.domain.disposition import Disposition
from helpline.domain.said import CarrierWord
from tests.phone import Phone, protocol

DANGER = [
    "i took all my pills and cant stay awake", "my son is not breathing", "kms", "i want to die",
    "he has a knife and is going to kill me", "cant pee at all", "me quiero morir",
    "no despierta y respira raro", "my friend wants to kill himself", "💊💊💊 goodbye",
]  # fmt: skip
DOUBT = ["kms lol", "i hear voices", "i lost my brother to suicide", "unalive myself haha"]
TALK = [
    "hi", "hello?", "my son uses ketamine", "my prescribed troches", "detox please", "yesterday",
    "im 15", "im pregnant", "my partner is abusive", "out of prison last week", "blood in my pee",
    "are you a bot", "is this confidential", "are you still calling me", "not sure", "maybe",
    "yes", "no", "no but it hurts", "skip", "none", "tomorrow 3pm", "+1 202 555 0143", "ok 👍",
    "no se", "español", "2A", "1 and 2", "1️⃣", "", " ", "\n", "\u202e\u0000", "911", "x" * 1600,
]  # fmt: skip
CARRIER = [
    "STOP", "stop", "END", "QUIT", "ALTO", "please stop texting me", "HELP", "info", "AYUDA",
    "START", "unstop", "YES", "si", "stop i took all my pills",
]  # fmt: skip
NOISE = st.text(max_size=60) | st.text(
    alphabet=st.characters(codec="utf-8"), min_size=1500, max_size=1600
)
TEXTS = st.one_of(
    st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "0", "9", "12", "34", "1234567"]),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(TALK),
    st.sampled_from(CARRIER),
    st.sampled_from(DOUBT),
    st.sampled_from(DANGER),
    NOISE,
)
PAUSES = st.sampled_from([1, 30, 100, 100, 100, 130, 700, 50_000, 90_000])


class Conversation(RuleBasedStateMachine):
    """One caller who says anything, and the world around them."""

    def __init__(self) -> None:
        super().__init__()
        self.phone = Phone()
        self.highest = Disposition.NONE
        self.case = 0

    @rule(text=TEXTS, pause=PAUSES)
    def texts(self, text: str, pause: int) -> None:
        self.phone.silent_for(pause)
        self.phone.texts(text, after=timedelta(0))

    @rule(word=st.sampled_from(list(CarrierWord)))
    def carrier_answers(self, word: CarrierWord) -> None:
        self.phone.texts(word.value, answered=word)

    @rule(text=st.sampled_from(CARRIER))
    def whatsapp(self, text: str) -> None:
        self.phone.texts(text, whatsapp=True)

    @rule(seconds=st.integers(min_value=0, max_value=200_000))
    def says_nothing(self, seconds: int) -> None:
        self.phone.silent_for(seconds)

    @rule()
    def shift_changes(self) -> None:
        self.phone.staffed = not self.phone.staffed

    @precondition(lambda self: self.phone.progress.state is not None)
    @rule(state=st.sampled_from(["FOLLOWUP", "WATCH_CHECK"]))
    def appointment(self, state: str) -> None:
        self.phone.appointed(state)

    @rule()
    def human_takes_or_leaves(self) -> None:
        self.phone.progress.held = not self.phone.progress.held

    @invariant()
    def floor_only_rises_in_a_case(self) -> None:
        progress = self.phone.progress
        if progress.case == self.case:
            assert progress.disposition >= self.highest
        self.case, self.highest = progress.case, progress.disposition

    @invariant()
    def somewhere_in_the_protocol(self) -> None:
        progress = self.phone.progress
        assert progress.state is None or progress.state in protocol().states


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    deadline=None,
    max_examples=100,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
