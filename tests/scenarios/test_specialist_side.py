"""Only a pressed key is an acceptance: a voicemail, a silence, a hang-up is not (R8 row 22)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from helpline.store import tables
from tests.scenarios.machine import LADDER
from tests.scenarios.running import PAGE_MARGIN, Line
from tests.scenarios.telephone import Telephone, until

pytestmark = pytest.mark.redis

HANGS_UP = {"hang_up": True}
PRESSES_ONE = {"keys": "1", "after": "waiting"}
WAYS = ["voicemail", "no-answer", "busy", "reject", "failed", "hangs up"]


def behave(phone: Telephone, how: str) -> None:
    if how == "hangs up":
        phone.behaves("answer", HANGS_UP)
    else:
        phone.behaves(how)


@pytest.mark.row(22)
@pytest.mark.parametrize("how", WAYS)
def test_a_callback_that_is_not_taken_goes_to_the_next(line: Line, how: str) -> None:
    line.speed(20)
    ana, ben, caller = line.person(), line.person(), line.caller()
    behave(ana, how)
    ben.behaves("answer", PRESSES_ONE)
    caller.texts("0")
    until(ana.calls, "the one who waited longest is rung first")
    assert caller.calls() == []
    until(ben.calls, "then the next")
    until(caller.calls, "the caller is rung once somebody has taken it", 40)
    staff_of = {leg.staff_id for leg in taken(line)}
    assert staff_of == {ben.staff_id}
    if how == "voicemail":
        assert "waiting" in ana.heard
        assert caller.number not in ana.heard


@pytest.mark.row(22)
@pytest.mark.parametrize("how", WAYS)
def test_a_page_that_is_not_acknowledged_climbs_on_time(line: Line, how: str) -> None:
    line.speed(20)
    ana, ben, caller = line.person(tier=1), line.person(tier=2), line.caller()
    behave(ana, how)
    caller.texts("i took all my pills and cant stay awake")
    until(ana.calls, "the first tier is rung", 2)
    ben.waits_for_ring(LADDER[1] + PAGE_MARGIN + 2)
    page = line.rows(select(tables.page).order_by(tables.page.c.id.desc()).limit(1))[0]
    assert page.state == "open"
    assert page.acknowledged_by is None
    waited = first_leg(line, page.id, ben) - page.opened_at
    assert waited < timedelta(seconds=LADDER[1] + PAGE_MARGIN)
    if how in ("voicemail", "no-answer", "hangs up"):
        assert waited > timedelta(seconds=LADDER[1] - 0.1), "not before its time"
    assert caller.calls() == []
    ben.takes()
    caller.waits_for_ring()


def test_the_ladder_goes_round_until_somebody_acknowledges(line: Line) -> None:
    line.speed(20)
    phones = {
        "tier 1": line.person(tier=1),
        "tier 2": line.person(tier=2),
        "supervisor": line.person("supervisor"),
    }
    for phone in phones.values():
        phone.behaves("voicemail")
    caller = line.caller()
    caller.texts("i took all my pills and cant stay awake")
    sue = phones["supervisor"]
    until(lambda: len(sue.calls()) >= 3, "everybody is rung again and again", 40)
    caller.waits_for_text("our person is delayed")
    page = line.rows(select(tables.page).order_by(tables.page.c.id.desc()).limit(1))[0]
    starts = [first_leg(line, page.id, phone) - page.opened_at for phone in phones.values()]
    for start, after in zip(starts, LADDER[:3], strict=True):
        assert after - 0.1 < start.total_seconds() < after + PAGE_MARGIN
    assert len([t for t in line.rest_texts_to(caller) if "delayed" in t]) == 1


def first_leg(line: Line, page_id: int, phone: Telephone) -> datetime:
    rows = line.rows(
        select(tables.attempt.c.created_at)
        .where(tables.attempt.c.page_id == page_id, tables.attempt.c.staff_id == phone.staff_id)
        .order_by(tables.attempt.c.id)
        .limit(1)
    )
    found: datetime = rows[0].created_at
    return found


def taken(line: Line) -> list[Row[Any]]:
    newest = select(tables.callback.c.id).order_by(tables.callback.c.id.desc()).limit(1)
    return list(
        line.rows(
            select(tables.attempt).where(
                tables.attempt.c.callback_id == newest.scalar_subquery(),
                tables.attempt.c.result == "taken",
            )
        )
    )
