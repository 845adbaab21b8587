"""`drill`, `audit` and `case` as the operator sees them."""

import argparse
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import load_settings
from helpline import cli
from helpline.cli_operations import duration
from helpline.service.upkeep import drill
from helpline.store import notes
from helpline.wiring import build_runtime
from tests.builders import case_of, place_of
from tests.test_processes import eventually


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in practice mode with two people."""
    monkeypatch.setenv("HELPLINE_VAR_DIR", str(tmp_path))
    for name, number in (("Ana", "+12025550111"), ("Ben", "+12025550112")):
        assert cli.main(["staff", "add", "--name", name, "--phone", number]) == 0
    return tmp_path


def test_a_drill_that_nobody_answers_ends_with_1(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["drill", "--wait", "1s"]) == 1
    out, err = capsys.readouterr()
    assert "2 on duty are paged" in out
    assert "staff 1\ttext no (waiting)\tcall no (waiting)" in out
    assert "0 of 2 answered" in out
    assert "the guard shows no sign of life" in err
    assert cli.main(["drill", "--last"]) == 1
    assert "0 of 2 answered" in capsys.readouterr().out


def test_answers_are_told_as_they_come_and_counted(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(cli.main(["drill", "--wait", "60s"])))
    thread.start()
    rt = build_runtime(load_settings())
    eventually(lambda: drill.find_latest(rt) is not None)
    from helpline.store import drills

    for number, staff_id in enumerate((1, 2)):
        with rt.store.read() as tx:
            notice = drills.find_of_person(tx, 1, staff_id)
        assert notice is not None
        drill.call_chosen(rt, notice.token, "1")
        assert number < 2
    thread.join(20)
    rt.store.dispose()
    assert codes == [0]
    out = capsys.readouterr().out
    assert "staff 2 answered by call" in out
    assert "2 of 2 answered" in out


def test_last_without_any_drill(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["drill", "--last"]) == 1
    assert "no drill yet" in capsys.readouterr().err


def test_the_audit_is_listed_with_filters_and_without_names(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["staff", "disable", "2"]) == 0
    cli.main(["drill", "--wait", "1s"])
    capsys.readouterr()

    def listed(*options: str) -> list[str]:
        assert cli.main(["audit", *options]) == 0
        return capsys.readouterr().out.splitlines()

    whole = listed()
    assert [row.split("\t")[3] for row in whole] == [
        "added", "added", "disabled", "drill started", "drill ended",
    ]  # fmt: skip
    assert listed("--staff", "2") == [whole[1], whole[2]]
    assert listed("--since", "1h") == whole
    assert listed("--most", "1") == whole[-1:]
    assert listed("--case", "7") == []
    for secret in ("Ana", "Ben", "2025550"):
        assert not any(secret in row for row in whole)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("30", 30)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "-5m", "5 minutes", "1.5h", "9999999999d"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)


def test_a_case_is_shown_to_supervisors_only(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hers = ["--name", "Dora", "--phone", "+12025550113", "--role", "supervisor"]
    assert cli.main(["staff", "add", *hers]) == 0
    rt = build_runtime(load_settings())
    with rt.store.begin() as tx:
        work = case_of(tx, place_of(tx))
        notes.keep(tx, case_id=work.id, staff_id=1, outcome=2, body="likes tea", now=rt.clock.now())
    rt.store.dispose()
    capsys.readouterr()
    assert cli.main(["case", "show", work.code, "--by", "3"]) == 0
    out = capsys.readouterr().out
    assert f"code {work.code}\topen" in out
    assert "staff:1\tcall again\tlikes tea" in out
    for code, by, why in (
        (work.code, "1", "supervisor"),
        (work.code, "9", "9"),
        ("0001", "3", "code"),
    ):
        assert cli.main(["case", "show", code, "--by", by]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert why in err
    assert cli.main(["audit", "--staff", "3"]) == 0
    assert capsys.readouterr().out.count("case shown") == 1
