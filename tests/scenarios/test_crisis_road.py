"""The road of a page, piece by piece dead or hung: a worker, the guard, both, or just busy."""

import time
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

import pytest
from sqlalchemy import ColumnElement, insert, select, update

from helpline.store import tables
from tests.scenarios.faults import (
    BUSY,
    CRISIS,
    DANGER,
    PAGE_SECONDS,
    frozen_idle,
    is_steady,
    killed_together,
    paged_after,
    suspended,
    talk,
)
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RESTART_SECONDS = 2.0
START_SECONDS = 8.0
"""What Python may take to import everything on a busy machine."""
OUTBOX_LATE = 6
"""Seconds: past the time that an effect may wait before `/ready` says so."""
WAITING = 1000


@pytest.mark.row(10)
def test_a_page_whose_workers_died_before_they_began(either_line: Line) -> None:
    """R8 row 10, before the claim: the guard pages at once, and the ring left behind is nothing."""
    line = either_line
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    with frozen_idle(line, *CRISIS):
        assert "911" in caller.texts(DANGER)
        before = {name: line.kill(name) for name in CRISIS}
        assert paged_after(line, caller, ana) < PAGE_SECONDS + BUSY
        for name, pid in before.items():
            line.comes_back(name, pid)
    ana.takes()
    caller.waits_for_ring()
    line.settled()
    assert len(ana.calls()) == len(line.rest_texts_to(ana)) == 1


@pytest.mark.row(11)
def test_the_guard_takes_over_from_hung_workers(either_line: Line) -> None:
    """R8 row 11: paged in time, and not again when the workers wake up."""
    line = either_line
    ana, caller = line.person(), line.caller()
    taken = line.count(tables.audit, tables.audit.c.action == "took over")
    with frozen_idle(line, *CRISIS):
        assert "911" in caller.texts(DANGER)
        assert paged_after(line, caller, ana) < PAGE_SECONDS + BUSY
        ana.takes()
        caller.waits_for_ring()
    until(lambda: line.redis("LLEN", "rq:queue:crisis") == ":0", "the workers took their rings")
    line.settled()
    assert line.count(tables.audit, tables.audit.c.action == "took over") > taken
    assert len(ana.calls()) == len(line.rest_texts_to(ana)) == 1


@pytest.mark.row(13)
def test_workers_page_without_a_guard(either_line: Line) -> None:
    """R8 row 13: the bell is enough, and the guard that comes back pages nobody again."""
    line = either_line
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    with frozen_idle(line, "guard"):
        assert "911" in caller.texts(DANGER)
        assert paged_after(line, caller, ana) < PAGE_SECONDS + BUSY
        before = line.kill("guard")
        ana.takes()
        caller.takes()
    line.comes_back("guard", before)
    line.settled()
    assert len(ana.calls()) == len(line.rest_texts_to(ana)) == 1


@pytest.mark.row(14)
def test_a_page_goes_out_when_guard_and_workers_died_together(either_line: Line) -> None:
    """R8 row 14: started again at once; the outside watch is tests/test_deadman.py."""
    line = either_line
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    names = (*CRISIS, "guard")
    is_steady(line, *names)
    before = killed_together(line, *names)
    died = time.monotonic()
    assert "911" in caller.texts(DANGER)
    for name, pid in before.items():
        line.comes_back(name, pid)
    assert time.monotonic() - died < RESTART_SECONDS + BUSY
    assert paged_after(line, caller, ana) < RESTART_SECONDS + START_SECONDS
    ana.takes()
    caller.waits_for_ring()
    assert len(ana.calls()) == 1


@pytest.mark.row(16)
def test_a_page_passes_everything_that_waits(line: Line) -> None:
    """R8 row 16 in small: a thousand texts wait and a call back hangs at the carrier."""
    line.tolerate(failures=True)
    ana, wanting = line.person(), line.caller()
    wait_in_line(line, WAITING)
    line.fault("rest.timeout_before", "calls", times=1, seconds=10)
    assert "alerted" in wanting.texts("0")
    until(lambda: line.events("fault.struck"), "the callbacks worker waits for the carrier")
    took = []
    for _ in range(5):
        caller = line.caller()
        assert "911" in caller.texts(DANGER)
        took.append(paged_after(line, caller, ana, "Messages"))
    assert line.count(tables.outbox, *waiting()) > WAITING / 2, "the others still waited"
    with line.store.begin() as tx:
        tx.connection.execute(update(tables.outbox).where(*waiting()).values(state="done"))
    assert median(took) < PAGE_SECONDS, took
    assert max(took) < PAGE_SECONDS + BUSY, took


@pytest.mark.row(28)
def test_nobody_suspends_a_page(either_line: Line) -> None:
    """R8 row 28: `rq suspend` stops callbacks, `/ready` says so, and they go on afterwards."""
    line = either_line
    ana, cleo = line.person(), line.person(tier=3)
    wanting, endangered = line.caller(), line.caller()
    line.tolerate(failures=True)
    with suspended(line):
        # A worker looks before it waits for a ring: one that waited already takes one more.
        line.comes_back("worker_callbacks", line.kill("worker_callbacks"))
        assert "alerted" in wanting.texts("0")
        assert "911" in endangered.texts(DANGER)
        assert paged_after(line, endangered, ana) < PAGE_SECONDS + BUSY
        talk(ana, endangered)
        line.offset(OUTBOX_LATE)
        until(lambda: "effects wait longer" in line.get("/ready").body, "the operator is told")
        assert cleo.calls() == []
    cleo.takes()
    wanting.waits_for_ring()
    line.settled()
    assert [len(phone.calls()) for phone in (ana, cleo, wanting, endangered)] == [1, 1, 1, 1]


def wait_in_line(line: Line, count: int) -> None:
    """So many ordinary texts to one caller, due now."""
    caller = line.caller()
    caller.texts("hi i need help with ket")
    now = datetime.now(UTC)
    newest = select(tables.conversation.c.id).order_by(tables.conversation.c.id.desc()).limit(1)
    (place,) = line.rows(newest)[0]
    with line.store.begin() as tx:
        texts = [
            {"conversation_id": place, "inbound": False, "token": uuid4().hex, "body": "Noted.",
             "state": "waiting", "created_at": now}
            for _ in range(count)
        ]  # fmt: skip
        made = insert(tables.message).returning(tables.message.c.id)
        ids = tx.connection.execute(made, texts).scalars().all()
        effects = [
            {"key": f"bulk-{row_id}", "kind": "text", "row_id": row_id, "queue": "default",
             "priority": 2, "state": "new", "due_at": now, "tries": 0, "created_at": now}
            for row_id in ids
        ]  # fmt: skip
        tx.connection.execute(insert(tables.outbox), effects)


def waiting() -> tuple[ColumnElement[bool], ...]:
    """Those that nobody has begun with."""
    return tables.outbox.c.key.like("bulk-%"), tables.outbox.c.state == "new"
