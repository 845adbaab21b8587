"""Every row of the fault matrix is shown by a scenario: `@pytest.mark.row(number)` says which.

| row | what happens |
|---|---|
| 1, 2 | the same text five times at once; by the primary and the fallback address |
| 3 | signatures: wrong, absent, JSON, raw addresses, a proxy, a rotation |
| 4, 5 | web processes killed, and reloaded, under load |
| 6, 7 | the database killed, and hung |
| 8, 9 | Redis killed, hung, wiped; full |
| 10, 11 | crisis workers killed before and after claim and dial; hung; a fork killed |
| 12, 13, 14 | the relay killed in its work, two relays; the guard dead, two guards; all dead |
| 15 | rolling restarts under load |
| 16 | many jobs wait and callbacks are slow |
| 17, 18 | a job of another release; a damaged one |
| 19 | clocks of hosts that are wrong |
| 20, 21 | the carrier's errors; receipts shuffled, doubled, lost |
| 22, 23 | a page, and a callback, that nobody takes |
| 24 | nobody on call, nobody at all |
| 25 | STOP, alone and with words of danger |
| 26 | texts that came while the line was down |
| 27 | no database and no disk |
| 28 | `rq suspend` |
| 29 | everything killed at once |
| 30 | 4, 8, 15 and 29 on SQLite with the Redis that comes along |
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROWS = range(1, 31)
HERE = Path(__file__).parent


def test_every_row_of_the_fault_matrix_is_shown() -> None:
    claims = dict(claimed())
    assert [row for row in ROWS if row not in claims] == []
    assert [row for row in claims if row not in ROWS] == []


def claimed() -> Iterator[tuple[int, str]]:
    """Each row with a test that shows it; those that are skipped or may fail show nothing."""
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = dict(marks_of(node))
                if "skip" not in marks and "skipif" not in marks and "xfail" not in marks:
                    yield from ((row, f"{path.name}::{node.name}") for row in marks.get("row", ()))


def marks_of(node: ast.FunctionDef) -> Iterator[tuple[str, list[int]]]:
    """The names of its `pytest.mark` decorators, and the numbers that `row` was given."""
    rows: list[int] = []
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = ast.unparse(call)
        if name.startswith("pytest.mark."):
            given = decorator.args if isinstance(decorator, ast.Call) else []
            if name == "pytest.mark.row":
                rows += [part.value for part in given if isinstance(part, ast.Constant)]  # type: ignore[misc]
            yield name.removeprefix("pytest.mark."), rows


def test_a_claim_that_is_skipped_is_none() -> None:
    source = "@pytest.mark.row(7)\n@pytest.mark.skip\ndef test_it(): ..."
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    assert dict(marks_of(node)) == {"row": [7], "skip": [7]}


def test_the_marker_is_registered(pytestconfig: pytest.Config) -> None:
    assert any(line.startswith("row(") for line in pytestconfig.getini("markers"))
