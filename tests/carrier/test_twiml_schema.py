"""All that a call can be told, held against the practice carrier's own table of TwiML."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpline.carrier import twiml
from helpline.domain.phone import PhoneNumber
from helpline.domain.speech import (
    Ask,
    Bridge,
    CallStep,
    HangUp,
    Join,
    Pause,
    Record,
    Redirect,
    Say,
)
from helpline.simulator.twiml_schema import ENDS_THE_DOCUMENT
from tests.twiml import performed, read

# Words are anybody's; paths, tags and numbers are ours.
words = st.text(st.characters(exclude_categories=()), min_size=1).map(lambda text: f"a {text}")
long_words = st.integers(1, 12_000).map(lambda size: "word " * (size // 5 + 1))
tags = st.sampled_from(["en-US", "es-US", "fr-CA"])
tokens = st.text("abcdef0123456789_-", min_size=1, max_size=64)
paths = st.builds("/twilio/voice/{}?attempt={}".format, st.sampled_from(["a", "a/b", "é"]), tokens)
waits = st.builds("/twilio/voice/hold/first?attempt={}".format, tokens)
spans = st.floats(0, 170).map(lambda seconds: timedelta(seconds=seconds))
rings = st.floats(0, 300).map(lambda seconds: timedelta(seconds=seconds))
numbers = st.sampled_from([PhoneNumber("+12025550143"), PhoneNumber("+442079460018")])
hints = st.lists(words.map(lambda text: text.replace(",", " ")[:90]), max_size=40).map(tuple)

says = st.builds(Say, words | long_words, tags)
pauses = st.builds(Pause, spans)
asks = st.builds(
    Ask,
    st.lists(says | pauses, max_size=4).map(tuple),
    paths,
    digits=st.integers(1, 20),
    timeout=spans,
    speech=st.booleans(),
    language=tags,
    hints=hints,
    silence_to_action=st.booleans(),
)
joins = st.builds(
    Join,
    tokens,
    paths,
    start=st.booleans(),
    end_on_exit=st.booleans(),
    wait=st.none() | waits,
    leave_on_star=st.booleans(),
)
bridges = st.builds(Bridge, numbers, numbers, paths, ring=rings)
records = st.builds(
    Record, paths, transcript=st.none() | paths, status=st.none() | paths, limit=rings
)
ends = st.just(HangUp()) | st.builds(Redirect, paths)
calls = st.builds(
    lambda steps, end: (*steps, *end),
    st.lists(says | pauses | asks | joins | bridges | records, max_size=6),
    st.lists(ends, max_size=1),
)


@settings(max_examples=300, deadline=None)
@given(calls)
def test_whatever_a_call_is_told_the_carrier_performs(steps: tuple[CallStep, ...]) -> None:
    performed(steps)


def test_every_kind_of_step_is_among_them() -> None:
    strategies = (says, pauses, asks, joins, bridges, records, st.just(HangUp()), ends)
    assert len(strategies) == len(CallStep.__args__), "a new step needs a strategy here"


@pytest.mark.parametrize("end", sorted(ENDS_THE_DOCUMENT))
def test_the_schema_refuses_what_is_never_reached(end: str) -> None:
    document = f"<Response><{end}>/a</{end}><Say>too late</Say></Response>"
    with pytest.raises(AssertionError, match="unreachable"):
        read(document.encode(), twiml.CONTENT_TYPE)


def test_nobody_is_hung_up_on_from_a_waiting_room() -> None:
    with pytest.raises(AssertionError, match="Hangup"):
        performed((HangUp(),), "wait")
