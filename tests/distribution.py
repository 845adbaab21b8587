"""Which tests share a test process, and which begin first.

Every running line costs some ten seconds of computing before its first test, and then its
tests mostly wait for telephones. So the tests of one line stay together, what takes longest
begins first, and there is one test process more than there are cores: whoever waits
leaves a core to those who compute.
"""

import os
from typing import Any

from xdist.scheduler import LoadScopeScheduling

_SCENARIO = "tests/scenarios/test_"
_ONE, _OTHER, _POSTGRES = "a line on SQLite", "another line on SQLite", "a line on PostgreSQL"
SHARED = {
    "bells": _ONE,
    "bringing_in": _OTHER,
    "caller_side": _OTHER,
    "calls": _OTHER,
    "carrier_troubles": _OTHER,
    "crisis_road": _ONE,
    "killed_workers": _ONE,
    "load": _ONE,
    "machines": _OTHER,
    "nobody": _ONE,
    "redis_away": _ONE,
    "restarts": _ONE,
    "specialist_side": _OTHER,
    "stories": _ONE,
    "webhooks": _ONE,
    "who_is_rung": _OTHER,
}
"""The scenarios whose tests share a line, and which one where it is on SQLite."""
ALONE = (
    "tests/scenarios/test_machine.py",
    "tests/scenarios/test_outages.py::test_what_came_while_the_line_was_down",
    "tests/scenarios/test_restarts.py::test_after_a_power_cut",
    "tests/test_bench.py::test_the_bench_runs_in_tiny_form",
)
"""How tests begin that start all they need: each can run beside the others of its module."""
LONGEST = (
    _OTHER,
    _ONE,
    "tests/scenarios/test_outages.py",
    _POSTGRES,
    "tests/scenarios/",
    "tests/test_bench.py::",
    "tests/test_metrics_processes.py",
    "tests/test_worker_processes.py",
    "tests/domain/test_triage_model.py",
)
"""How the longest groups begin, the longest first."""
_MORE = 1


def processes() -> int:
    """How many test processes: one for each core, and one for those that wait."""
    return len(os.sched_getaffinity(0)) + _MORE


def group(nodeid: str) -> str:
    """Tests of one group run in one test process: those of a line, else those of a module."""
    if nodeid.startswith(ALONE):
        return nodeid
    module = nodeid.partition("::")[0]
    line = SHARED.get(module.removeprefix(_SCENARIO).removesuffix(".py"))
    if not module.startswith(_SCENARIO) or line is None:
        return module
    return _POSTGRES if "[postgres" in nodeid else line


def place(nodeid: str) -> int:
    """Where a test's group stands in line; the rest is all the same."""
    name = group(nodeid)
    return next((at for at, first in enumerate(LONGEST) if name.startswith(first)), len(LONGEST))


class Scheduling(LoadScopeScheduling):
    """xdist's, with these groups, in the order in which they were collected."""

    def __init__(self, config: Any, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
