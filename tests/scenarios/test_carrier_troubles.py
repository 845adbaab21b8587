"""R8 rows 20 and 21 with real processes: errors of the carrier, and receipts as they come."""

import pytest
from sqlalchemy import select

from helpline.domain.delivery import LegState
from helpline.store import tables
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

DANGER = "i took all my pills and cant stay awake"
NO_NEWS = 140
"""Seconds after which a leg without news is looked up."""


@pytest.mark.row(20)
def test_a_page_gets_through_on_the_carriers_bad_day(line: Line) -> None:
    line.speed(2)
    line.tolerate(20429, 20500, 11200, failures=True)
    ana, caller = line.person(), line.caller()
    line.fault("rest.429", "messages", times=2, retry_after=1)
    line.fault("rest.timeout_after", "calls", times=1, seconds=60)
    assert "911" in caller.texts(DANGER)
    until(lambda: len(ana.calls()) >= 2, "the call without an answer is repeated")
    until(lambda: line.rest_texts_to(ana), "the text is sent when the carrier has time")
    assert len(line.asked_texts_to(ana)) >= 3, "twice too many requests, then it went"
    line.fault("rest.500", "calls", times=2)
    ben = line.person()
    assert "911" in line.caller().texts(DANGER)
    ben.waits_for_ring()
    line.mend()


@pytest.mark.row(20)
@pytest.mark.parametrize(("how", "code"), [("a landline", 30006), ("opted out", 21610)])
def test_who_cannot_be_texted_is_rung(line: Line, how: str, code: int) -> None:
    line.speed(2)
    line.tolerate(code, 11200, failures=True)
    ana, caller = line.person(), line.caller()
    if how == "opted out":
        line.fault("webhook.drop", "sms", times=1)
        caller.act("text", body="STOP")
    else:
        caller.behaves("manual", text_status="undelivered", text_error=code)
    before = line.rows(select(tables.audit.c.id).order_by(tables.audit.c.id.desc()).limit(1))
    caller.texts("0")
    ana.takes()
    caller.waits_for_ring()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")

    def refused() -> list[object]:
        newer = tables.audit.c.id > (before[0].id if before else 0)
        found = select(tables.audit.c.detail).where(newer, tables.audit.c.action == "text refused")
        return [row.detail["code"] for row in line.rows(found)]

    until(lambda: code in refused(), "the refusal is written down")


@pytest.mark.row(21)
def test_receipts_shuffled_doubled_and_lost(line: Line) -> None:
    line.tolerate(11200, failures=True)
    ana, caller = line.person(), line.caller()
    for place in ("voice_status", "sms_status"):
        line.fault("webhook.duplicate", place, copies=2)
        line.fault("webhook.reorder", place, hold=3)
    caller.texts("0")
    ana.takes()
    caller.waits_for_ring()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
    caller.hangs_up()
    ana.waits_to_hear("helped")
    ana.presses("1")
    until(lambda: states(line) == [LegState.COMPLETED] * 2, "both legs ended well")
    assert len(ana.calls()) == len(caller.calls()) == 1
    line.mend()
    line.fault("webhook.drop", "voice_status")
    other = line.caller()
    other.texts("0")
    ana.waits_for_ring()
    ana.hangs_up()
    until(lambda: ana.state == "idle", "she declined, and nobody told the line")
    assert states(line)[-1] in {LegState.QUEUED, LegState.RINGING}
    line.offset(NO_NEWS)
    until(lambda: states(line)[2].is_final, "the line asked the carrier")
    line.mend()


def states(line: Line) -> list[LegState]:
    """The legs of this scenario's callbacks, oldest first."""
    mine = select(tables.attempt.c.token, tables.attempt.c.state).order_by(tables.attempt.c.id)
    known = set(line.tokens("Calls"))
    return [LegState(row.state) for row in line.rows(mine) if row.token in known]
