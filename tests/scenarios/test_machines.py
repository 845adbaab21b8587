"""A machine answers at the caller's: neutral words for whoever agreed, and doubt says nothing."""

from typing import Any

import pytest
from sqlalchemy import Row, select, update

from helpline.store import tables
from tests.scenarios.running import Line
from tests.scenarios.telephone import Telephone, until

pytestmark = pytest.mark.redis

PRESSES_ONE = {"keys": "1", "after": "waiting"}
NEUTRAL = "I am returning your call"
TO_C1 = ("hi", "1", "2", "3", "3", "12", "1", "2", "36", "6")
"""Daily drinking and shakes (URGENT_15), up to the question whether they may be called."""


def agrees(line: Line, caller: Telephone, consent: str) -> None:
    """Through the whole triage to the question of the voicemail, and its answer."""
    told = [caller.texts(said) for said in TO_C1]
    assert "May a person" in told[-1], told
    assert "voicemail" in caller.texts("1")
    caller.texts(consent)


def legs(line: Line) -> list[Row[Any]]:
    newest = select(tables.callback.c.id).order_by(tables.callback.c.id.desc()).limit(1)
    theirs = (tables.attempt.c.callback_id == newest.scalar_subquery()) & (
        tables.attempt.c.leg == "caller"
    )
    return list(line.rows(select(tables.attempt).where(theirs).order_by(tables.attempt.c.id)))


def next_try(line: Line) -> None:
    """The time of the next attempt has come."""
    until(lambda: state(line) == "waiting", "the attempt is over", 30)
    with line.store.begin() as tx:
        tx.connection.execute(
            update(tables.callback)
            .where(tables.callback.c.state == "waiting")
            .values(not_before=tables.callback.c.asked_at, ready=False)
        )


def state(line: Line) -> str:
    rows = line.rows(select(tables.callback.c.state).order_by(tables.callback.c.id.desc()).limit(1))
    return str(rows[0].state)


def order_of(caller: Telephone) -> list[str]:
    """What the telephone said and heard, in order."""
    return [item["words"] for item in caller.look()["transcript"]]


def prepared(line: Line, consent: str, **machine: Any) -> Telephone:
    line.speed(10)
    ana, caller = line.person(), line.caller()
    caller.behaves("voicemail", **machine)
    ana.behaves("answer", PRESSES_ONE)
    agrees(line, caller, consent)
    return caller


def test_with_consent_the_neutral_words_are_left_once_after_the_beep(line: Line) -> None:
    caller = prepared(line, "1")
    caller.waits_to_hear(NEUTRAL, 30)
    next_try(line)
    until(lambda: len(caller.calls()) >= 2, "it is tried again", 30)
    until(lambda: caller.state == "idle" and state(line) == "waiting", "the second try too", 40)
    heard = caller.heard
    assert heard.count(NEUTRAL) == 1
    for private in ("helpline", "ket", "specialist", "crisis", "911"):
        assert private not in heard.lower()
    results = [leg.result for leg in legs(line)]
    assert results.count("voicemail left") == 1
    assert results[0] == "voicemail left"
    said = order_of(caller)
    greeting = next(at for at, words in enumerate(said) if "leave a message" in words)
    assert greeting < next(at for at, words in enumerate(said) if NEUTRAL in words)
    verdicts = [call["answered_by"] for call in caller.calls()]
    assert sorted(verdicts, key=str) == [None, "machine_end_beep"], "once is listened for"


def test_without_consent_nothing_is_said_and_it_is_tried_again(line: Line) -> None:
    caller = prepared(line, "2")
    caller.waits_to_hear("there is a call for you")
    next_try(line)
    until(lambda: len(caller.calls()) >= 2, "it is tried again", 30)
    assert NEUTRAL not in caller.heard
    assert {call["answered_by"] for call in caller.calls()} == {None}, "nobody found out"
    assert not [leg for leg in legs(line) if leg.result == "voicemail left"]


@pytest.mark.parametrize("detected", ["unknown", "machine_start", "fax"])
def test_doubt_says_nothing(line: Line, detected: str) -> None:
    caller = prepared(line, "1", detected=detected)
    caller.waits_to_hear("there is a call for you")
    until(lambda: state(line) == "waiting", "the attempt is over", 40)
    line.settled()
    assert NEUTRAL not in caller.heard
    assert legs(line)[0].result == "not reached"
    assert caller.calls()[0]["answered_by"] == detected
