"""What staff hear on the telephone, and the keys they are asked for."""

from datetime import timedelta

from helpline.domain.speech import Ask, CallStep, HangUp, Say
from helpline.runtime import Runtime
from helpline.service import wording

CHOICE_WITHIN = timedelta(seconds=10)
NOTHING = (HangUp(),)
"""To a leg that nobody knows, or that nobody wants any more."""


def say(rt: Runtime, key: str, **values: str) -> Say:
    """One message of the staff family, spoken."""
    return Say(wording.aloud_to_staff(rt, key, **values))


def ask_staff(
    rt: Runtime, token: str, key: str, action: str, **values: str
) -> tuple[CallStep, ...]:
    """Ask twice for a key, then pass; the key goes to `action` with this leg's token."""
    question = say(rt, key, **values)
    ask = Ask((question,), f"{action}?attempt={token}", timeout=CHOICE_WITHIN)
    return (ask, ask, say(rt, "STAFF_PASS"), HangUp())
