"""Another number to be called at: read from what was said, refused where we may not ring."""

import re

from helpline.domain.effects import BookCallback
from helpline.domain.forbidden import why_forbidden
from helpline.domain.phone import PhoneNumber, find_phone_in
from helpline.domain.protocol import Protocol
from helpline.domain.triage.turn import HUMAN_STATES, Turn

SAVES = "phone"
"""What a question for a number saves its answer as."""
CONSENT, OTHER_NUMBER = "C1", "2"
"""The question where they may be called, and its answer: on another number."""

_NOTHING_ELSE = re.compile(r"[\d\s().+/#-]{7,40}")


def read(turn: Turn, body: str) -> PhoneNumber | None:
    """The number in an answer; None when none can be read or it may not be rung, which is said."""
    found = find_phone_in(body, turn.progress.country)
    if found is None:
        turn.send("NUMBER_UNREADABLE")
        return None
    if _may_not_be_rung(turn.protocol, found, turn.progress.country):
        turn.send("NUMBER_REFUSED")
        return None
    return found


def sent_by_itself(turn: Turn, body: str) -> bool:
    """Whoever waits for a call sends a number and nothing else: they want to be called there."""
    if turn.progress.state not in HUMAN_STATES | {"QUEUED"}:
        return False
    if _NOTHING_ELSE.fullmatch(body.strip()) is None:
        return False
    if find_phone_in(body, turn.progress.country) is None:
        return False
    number = read(turn, body)
    if number is not None:
        keep(turn, number)
        turn.note_answer(CONSENT, [OTHER_NUMBER])
        turn.send("NUMBER_KEPT")
        turn.add_once(BookCallback(at_once=True))
    return True


def keep(turn: Turn, number: PhoneNumber) -> None:
    """They are called there from now on."""
    turn.progress.words[SAVES] = number.e164


def _may_not_be_rung(protocol: Protocol, number: PhoneNumber, country: str) -> bool:
    packs = protocol.countries
    never = frozenset().union(*(pack.never_dial for pack in packs.values()))
    return why_forbidden(number.e164, frozenset(packs) | {country}, never) is not None
