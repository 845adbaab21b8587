"""A short storm over a line of its own; `make chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign, Plan, environment, prepare
from tests.scenarios.running import Line

pytestmark = [pytest.mark.redis, pytest.mark.slow]

PLAN = Plan(
    seed=20260501,
    callers=60,
    at_once=10,
    storm=25.0,
    calm=400.0,
    pause=(1.0, 3.0),
)


def test_every_promise_holds_in_a_short_storm(tmp_path: Path) -> None:
    line = Line(tmp_path, f"sqlite:///{tmp_path}/helpline.db", **environment(tmp_path, PLAN.seed))
    prepare(line)
    try:
        line.start()
        result = Campaign(line, PLAN).run()
    finally:
        line.close()
    report = "\n".join(result.lines())
    assert len(result.killed) >= 8, report
    assert any(text.acknowledged for text in result.world.book.inbound.values()), report
    assert result.broken == [], report
