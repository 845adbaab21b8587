"""Every process restarted again and again under load, and everything killed at one moment."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from helpline.store import tables
from tests import services
from tests.scenarios.faults import DANGER, LEASE_OVER, broken, heals
from tests.scenarios.load import Load
from tests.scenarios.outside import line_with_outside_carrier
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

ROLLING = ("worker_crisis_1", "guard", "worker_callbacks", "web", "worker_default",
           "worker_crisis_2")  # fmt: skip
SECONDS = 10.0
"""How long the restarts go on; `make chaos` does it for minutes."""
NO_NEWS = 140
"""Seconds after which a leg without news is looked up."""


@pytest.mark.row(15)
@pytest.mark.row(30)
def test_rolling_restarts_leave_no_row_behind(either_line: Line) -> None:
    """R8 row 15, and on SQLite with the Redis that comes along row 30."""
    line = either_line
    line.tolerate(11200, 11205, failures=True)
    ana, ben = line.person(), line.person(tier=2)
    for phone in (ana, ben):
        phone.behaves("answer", {"keys": "1", "after": "press 1"})
    ends = time.monotonic() + SECONDS
    restarts = 0
    with Load(line, clients=2) as load:
        while time.monotonic() < ends:
            for name in ROLLING:
                before = line.pid(name)
                line.caller().act("text", body=DANGER if restarts % 3 == 0 else "0")
                os.kill(before, signal.SIGTERM)
                line.comes_back(name, before)
                restarts += 1
        load.goes_on(10)
    assert restarts >= len(ROLLING)
    assert not [what for what in load.others if isinstance(what, int)], "only resets, no refusals"
    assert load.missing() == []
    assert line.count(tables.outbox, tables.outbox.c.state == "failed") == 0
    line.offset(NO_NEWS)
    heals(line)


@pytest.mark.row(29)
@pytest.mark.row(30)
def test_after_a_power_cut_the_line_heals_by_itself(outside_line: Line) -> None:
    """R8 row 29, and on SQLite with the Redis that comes along row 30."""
    line = outside_line
    line.tolerate(failures=True)
    ana, ben = line.person(), line.person(tier=2)
    ana.behaves("reject")
    climbing, lost, wanting = line.caller(), line.caller(), line.caller()
    assert "911" in climbing.texts(DANGER)
    until(ana.calls, "she is rung")
    line.fault("rest.timeout_before", "calls", seconds=60)
    assert "alerted" in wanting.texts("0")
    assert "911" in lost.texts(DANGER)
    until(lambda: len(line.events("fault.struck")) >= 2, "workers wait for the carrier")
    line.dies()
    line.mend()
    assert line.count(tables.outbox, tables.outbox.c.state == "claimed") >= 2
    for phone in (ana, ben):
        phone.behaves("answer", {"keys": "1", "after": "press 1"})
    line.start()
    line.offset(LEASE_OVER)
    heals(line)
    pages = line.rows(select(tables.page.c.sent_at))
    assert len(pages) == 2
    assert all(page.sent_at for page in pages), "both dangers rang a telephone"
    until(lambda: climbing.calls() and lost.calls(), "who is in danger is rung", 40)
    assert not broken(line)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def outside_line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    """A line on each database whose carrier lives on when everything of the line dies."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/helpline.db"
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(services.fresh_database(server))
        yield stack.enter_context(line_with_outside_carrier(tmp_path, url))
