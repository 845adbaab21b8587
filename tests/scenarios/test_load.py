"""Web processes that are killed or reloaded while texts pour in."""

import os
import signal

import pytest

from tests.scenarios.load import Load
from tests.scenarios.machine import descendants
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]


@pytest.mark.row(4)
@pytest.mark.row(30)
def test_no_acknowledged_text_is_missing_after_a_kill(either_line: Line) -> None:
    """R8 row 4, and on SQLite with the Redis that comes along row 30."""
    line = either_line
    with Load(line) as load:
        load.goes_on()
        for worker in descendants(line.pid("web")):
            os.kill(worker, signal.SIGKILL)
        load.goes_on()
        before = line.kill("web")
        line.comes_back("web", before)
        load.goes_on()
    assert load.missing() == []
    assert not [what for what in load.others if isinstance(what, int)], "only resets, no refusals"


@pytest.mark.row(5)
def test_a_reload_loses_and_refuses_nothing(either_line: Line) -> None:
    """R8 row 5."""
    line = either_line
    master = line.pid("web")
    before = set(descendants(master))
    with Load(line) as load:
        load.goes_on()
        os.kill(master, signal.SIGHUP)
        until(lambda: not before.intersection(descendants(master)), "new web workers serve", 60)
        load.goes_on()
    assert load.others == []
    assert load.missing() == []
    assert line.pid("web") == master
