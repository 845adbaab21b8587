"""The caller does not pick up, a machine does, or they say that texts are unwelcome."""

from typing import Any

import pytest
from sqlalchemy import Executable, Row, select

from helpline.store import tables
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = pytest.mark.redis

PRESSES_ONE = {"keys": "1", "after": "waiting"}
DANGER = "i took all my pills and cant stay awake"


@pytest.mark.row(23)
@pytest.mark.parametrize(
    "how",
    [
        "busy",
        "no-answer",
        "voicemail",
    ],
)
def test_a_caller_not_reached_is_tried_again_and_then_told(line: Line, how: str) -> None:
    line.speed(20)
    ana, sue, caller = line.person(), line.person("supervisor"), line.caller()
    ana.behaves("answer", PRESSES_ONE)
    caller.behaves(how)
    caller.texts("0")
    until(lambda: newest(line).state == "exhausted", "every attempt was made", 25)
    assert len(caller.calls()) == 3, "once, and twice more"
    caller.waits_for_text("will leave it there for now")
    sue.waits_for_text("was not reached after every attempt")
    ana.waits_to_hear("could not be reached")


def test_a_machine_hears_nothing_private(line: Line) -> None:
    line.speed(20)
    ana, caller = line.person(), line.caller()
    ana.behaves("answer", PRESSES_ONE)
    caller.behaves("voicemail")
    caller.texts("hi i need help with ket")
    caller.texts("0")
    caller.waits_to_hear("there is a call for you")
    until(lambda: caller.state == "idle", "the machine hangs up", 30)
    heard = caller.heard.lower()
    for private in ("helpline", "ket", "drug", "specialist", "crisis", "911", ana.number):
        assert private not in heard


@pytest.mark.row(23)
def test_a_specialist_is_asked_after_a_caller_hung_up(line: Line) -> None:
    ana, caller = line.person(), line.caller()
    caller.texts("0")
    ana.takes()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
    caller.hangs_up()
    ana.waits_to_hear("Press 1 helped")
    ana.presses("2")
    ana.waits_to_hear("Recorded")
    until(lambda: newest(line).state == "waiting", "2: called again later")
    ana.takes()
    until(lambda: len(caller.calls()) == 2, "the caller is rung again")


@pytest.mark.row(25)
def test_stop_with_an_open_urgent_case_goes_on_by_voice(line: Line) -> None:
    line.speed(20)
    # She speaks no English, so the queue does not offer her the callback; pages do.
    ana, caller = line.person(languages="es"), line.caller()
    caller.rings_the_line()
    line.speed(5)
    until(lambda: newest(line).state == "waiting", "the call that broke off is a call owed")
    assert caller.texts("STOP") == ""
    ana.waits_for_ring(3)
    ana.takes()
    caller.waits_for_ring()
    line.settled()
    assert line.asked_texts_to(caller) == []


@pytest.mark.row(25)
def test_danger_from_an_opted_out_number_is_answered_and_rung(line: Line) -> None:
    line.tolerate(21610)
    ana, caller = line.person(), line.caller()
    caller.texts("hi i need help with ket")
    assert caller.texts("STOP") == ""
    answer = caller.texts(DANGER)
    assert "911" in answer
    ana.waits_for_ring(3)
    ana.takes()
    caller.waits_for_ring()
    line.settled()
    assert line.asked_texts_to(caller) == []


def test_a_text_refused_as_opted_out_is_believed(line: Line) -> None:
    """STOP reached the carrier and not us: 21610 is how we learn of it."""
    line.tolerate(21610, 11200)
    line.speed(20)
    ana, caller = line.person(), line.caller()
    line.fault("webhook.drop", "sms", times=1)
    caller.act("text", body="STOP")
    caller.rings_the_line()
    line.speed(5)
    ana.takes()
    caller.waits_for_ring()
    until(lambda: line.rows(opted_out(line))[0].opted_out_at, "the conversation is opted out")
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "voice goes on")
    assert len(caller.calls()) == 1


def opted_out(line: Line) -> Executable:
    return select(tables.conversation.c.opted_out_at).where(
        tables.conversation.c.id == newest(line).conversation_id
    )


def newest(line: Line) -> Row[Any]:
    """The newest callback."""
    return line.rows(select(tables.callback).order_by(tables.callback.c.id.desc()).limit(1))[0]
