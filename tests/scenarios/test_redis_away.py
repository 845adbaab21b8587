"""Redis killed, hung, wiped or full: the line answers and pages, and catches up afterwards."""

from contextlib import AbstractContextManager
from statistics import median

import pytest
from sqlalchemy import ColumnElement

from helpline.store import tables
from tests.scenarios.faults import (
    BUSY,
    CRISIS,
    DANGER,
    LEASE_OVER,
    PAGE_SECONDS,
    WEBHOOK_SECONDS,
    frozen_idle,
    full_redis,
    paged_after,
    talk,
    webhook_seconds,
)
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]


def away(line: Line, how: str) -> AbstractContextManager[None]:
    return line.without_redis() if how == "killed" else line.frozen("redis")


@pytest.mark.row(8)
@pytest.mark.row(30)
@pytest.mark.parametrize("how", ["killed", "hung"])
def test_the_line_goes_on_and_catches_up(either_line: Line, how: str) -> None:
    """R8 row 8, and on SQLite with the Redis that comes along row 30."""
    line = either_line
    line.tolerate(failures=True)
    ana, ben = line.person(), line.person(tier=2, languages="es")
    chatty, wanting, endangered = line.caller(), line.caller(), line.caller()
    with away(line, how):
        for words in ("hi i need help with ket", "2", "3"):
            assert chatty.texts(words)
        assert "911" in endangered.texts(DANGER)
        assert paged_after(line, endangered, ana) < PAGE_SECONDS + BUSY
        ana.waits_for_ring()
        ana.takes()
        endangered.waits_for_ring()
        endangered.answers()
        endangered.presses("1")
        until(lambda: ana.is_with(endangered), "they are connected without Redis")
        assert "alerted" in wanting.texts("0")
        endangered.hangs_up()
        ana.waits_to_hear("helped")
        ana.presses("1")
        until(lambda: ana.state == "idle", "she hangs up")
        answered = webhook_seconds(line)
        assert median(answered) < WEBHOOK_SECONDS
        assert max(answered) < WEBHOOK_SECONDS + BUSY
    ana.waits_for_ring(40)
    ana.takes()
    wanting.waits_for_ring(40)
    line.settled()
    assert len(ana.calls()) == 2
    assert len(wanting.calls()) == len(endangered.calls()) == 1
    assert ben.calls() == []
    for phone in (ana, ben, chatty, wanting, endangered):
        texts = line.rest_texts_to(phone)
        assert len(texts) == len(set(texts)), "each text once"


@pytest.mark.row(8)
def test_what_a_wiped_redis_forgot_is_rung_again(either_line: Line) -> None:
    """R8 row 8: FLUSHALL while the rings wait, and again after the danger's."""
    line = either_line
    line.tolerate(failures=True)
    ana, cleo = line.person(), line.person(tier=3)
    wanting, endangered = line.caller(), line.caller()
    with frozen_idle(line, "worker_callbacks", "worker_default", *CRISIS):
        assert "alerted" in wanting.texts("0")
        until(lambda: not line.count(tables.outbox, *unrung()), "its bell was rung")
        assert line.redis("FLUSHALL") == "+OK"
        assert "911" in endangered.texts(DANGER)
        assert line.redis("FLUSHALL") == "+OK"
        assert paged_after(line, endangered, ana) < PAGE_SECONDS + BUSY
        assert max(webhook_seconds(line)) < WEBHOOK_SECONDS + BUSY
        talk(ana, endangered)
    assert cleo.calls() == []
    line.offset(LEASE_OVER)
    cleo.takes()
    wanting.waits_for_ring()
    line.settled()
    assert [len(phone.calls()) for phone in (ana, cleo, wanting, endangered)] == [1, 1, 1, 1]


@pytest.mark.row(9)
def test_a_full_redis_loses_nothing(either_line: Line) -> None:
    """R8 row 9: what cannot be enqueued is counted, stays in the outbox, and goes on later."""
    line = either_line
    line.tolerate(failures=True)
    ana, cleo = line.person(), line.person(tier=3)
    wanting, endangered = line.caller(), line.caller()
    refused = line.counted('helpline_hints_total{rung="no"}')
    with full_redis(line):
        assert "alerted" in wanting.texts("0")
        assert "911" in endangered.texts(DANGER)
        assert paged_after(line, endangered, ana) < PAGE_SECONDS + BUSY
        assert max(webhook_seconds(line)) < WEBHOOK_SECONDS + BUSY
        talk(ana, endangered)
        assert line.counted('helpline_hints_total{rung="no"}') > refused
        assert line.count(tables.outbox, *unrung()) >= 1, "the outbox keeps it"
        assert cleo.calls() == []
    cleo.takes()
    wanting.waits_for_ring()
    line.settled()
    assert [len(phone.calls()) for phone in (ana, cleo, wanting, endangered)] == [1, 1, 1, 1]


def unrung() -> tuple[ColumnElement[bool], ...]:
    """Effects that wait and whose bell was not rung."""
    return tables.outbox.c.state == "new", tables.outbox.c.rung_at.is_(None)
