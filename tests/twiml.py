"""What the practice carrier makes of our answers: it shares no code with what wrote them."""

from collections.abc import Sequence

from helpline.carrier import twiml
from helpline.domain.speech import CallStep, Join
from helpline.simulator.twiml import Document, parse

WAITING = "/twilio/voice/hold"
"""Below this address we speak to who waits in a conference: fewer verbs are allowed there."""


def kind_at(path: str) -> str:
    """Which table of the carrier's an answer of this webhook is read by."""
    return "wait" if path.partition("?")[0].startswith(WAITING) else "voice"


def read(body: bytes, content_type: str, kind: str = "voice") -> Document:
    """The carrier performs all of this, or the test fails."""
    document = parse(body, content_type, kind)
    assert not document.problems, (document.problems, body)
    return document


def performed(steps: Sequence[CallStep], kind: str = "voice") -> Document:
    """The same of steps that have not been put into words yet."""
    for step in steps:
        if isinstance(step, Join) and step.wait is not None:
            assert kind_at(step.wait) == "wait", f"{step.wait} is not below {WAITING}"
    return read(twiml.voice(steps).encode(), twiml.CONTENT_TYPE, kind)
