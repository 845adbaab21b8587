"""Which tests share a test process."""

import re
from pathlib import Path

import pytest

from tests import distribution

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/web/test_edge.py::test_one[sqlite]", "tests/web/test_edge.py"),
        ("tests/web/test_edge.py::test_one[postgres]", "tests/web/test_edge.py"),
        ("tests/store/test_load.py::test_one", "tests/store/test_load.py"),
        ("tests/scenarios/test_load.py::test_one[sqlite]", "a line on SQLite"),
        ("tests/scenarios/test_bells.py::test_one[sqlite-a b]", "a line on SQLite"),
        ("tests/scenarios/test_caller_side.py::test_one[busy]", "another line on SQLite"),
        ("tests/scenarios/test_bells.py::test_one[postgres-a b]", "a line on PostgreSQL"),
        ("tests/scenarios/test_matrix.py::test_one", "tests/scenarios/test_matrix.py"),
    ],
)
def test_the_tests_of_one_line_or_module_stay_together(nodeid: str, group: str) -> None:
    assert distribution.group(nodeid) == group


def test_a_test_with_a_line_of_its_own_keeps_nobody_waiting() -> None:
    for alone in distribution.ALONE:
        nodeid = alone if "::" in alone else f"{alone}::test_one"
        assert distribution.group(nodeid) == nodeid


def test_every_scenario_that_shares_a_line_is_listed() -> None:
    shares = re.compile(r"^def test_\w+\((?:either_line|line): Line\b.*$", re.MULTILINE)
    own = re.compile(r"^def line\(", re.MULTILINE)
    found = {
        path.stem.removeprefix("test_")
        for path in (HERE / "scenarios").glob("test_*.py")
        if shares.search(path.read_text()) and not own.search(path.read_text())
    }
    assert found == set(distribution.SHARED)


@pytest.mark.parametrize("name", [*distribution.ALONE, *distribution.LONGEST])
def test_what_is_named_exists(name: str) -> None:
    path, _, test = name.partition("::")
    if name not in distribution.SHARED.values() and not name.startswith("a line"):
        assert (HERE.parent / path).exists()
        assert not test or f"def {test}" in (HERE.parent / path).read_text()


def test_the_longest_are_first_in_line() -> None:
    nodeids = [
        "tests/web/test_edge.py::test_one",
        "tests/test_bench.py::test_the_bench_runs_in_tiny_form",
        "tests/scenarios/test_load.py::test_one[postgres]",
    ]
    assert sorted(nodeids, key=distribution.place) == nodeids[::-1]
