"""Hosts whose clocks are wrong by minutes, in both directions, against one database.

No library is put below the processes: `time_machine` moves every clock that Python reads
(`time.time`, `datetime.now`) in the line's own processes, from before their first import
to their end. PostgreSQL and the carrier keep the right time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from helpline.store import tables
from tests import services
from tests.scenarios.faults import BUSY, DANGER, PAGE_SECONDS, arrivals, heals, paged_after
from tests.scenarios.machine import LADDER
from tests.scenarios.running import PAGE_MARGIN, Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.slow]

WRONG_BY = 300
WRONG = f"""
import sys
from datetime import UTC, datetime, timedelta

import time_machine

for words, seconds in (("workers", {WRONG_BY}), ("gunicorn", -{WRONG_BY})):
    if any(word.split(".")[0] == words for word in sys.orig_argv):
        wrong = datetime.now(UTC) + timedelta(seconds=seconds)
        time_machine.travel(wrong, tick=True).start()
"""


@pytest.fixture
def wrong_line(tmp_path: Path, postgres_url: str) -> Iterator[Line]:
    """Guard and workers are five minutes ahead, web processes five minutes behind."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(WRONG)
    with services.fresh_database(postgres_url) as url:
        line = Line(tmp_path, url)
        line.environ["PYTHONPATH"] += f":{tmp_path / 'clock'}"
        try:
            line.start()
            line.begin()
            yield line
        finally:
            line.close()


@pytest.mark.row(19)
def test_wrong_clocks_page_neither_early_nor_late(wrong_line: Line) -> None:
    """R8 row 19: the ladder keeps the database's time, and the figure of the alarm shows it."""
    line = wrong_line
    skew = line.counted("helpline_clock_skew_seconds")
    assert WRONG_BY - 10 < skew < WRONG_BY + 10, "the web process's clock is wrong"
    ana, ben, cleo = line.person(), line.person(tier=2), line.person(tier=3)
    ana.behaves("no-answer")
    endangered, wanting = line.caller(), line.caller()
    assert "911" in endangered.texts(DANGER)
    assert paged_after(line, endangered, ana) < PAGE_SECONDS + BUSY
    first = arrivals(line, ana)[0]
    second = until(lambda: arrivals(line, ben), "the second tier is paged")[0]
    assert LADDER[1] - BUSY < second - first < LADDER[1] + PAGE_MARGIN
    ben.takes()
    endangered.waits_for_ring()
    opened = line.rows(select(tables.page.c.opened_at))[0].opened_at
    assert abs((datetime.now(UTC) - opened).total_seconds()) < WRONG_BY / 5
    assert "alerted" in wanting.texts("0")
    cleo.takes()
    wanting.waits_for_ring()
    heals(line)
