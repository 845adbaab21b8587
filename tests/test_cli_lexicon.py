"""`classify`, `evaluate` and `lexicon add` as those who care for the lexicon see them."""

import argparse
import io
import json
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpline import cli, cli_lexicon
from helpline.domain.risk import Level
from helpline.evaluation import Outcome, Share, evaluate, report
from tests.phone import heard, protocol

SET = """id,text,label
1,I want to kill myself tonight,danger
2,"he took all his pills, he is not
breathing",danger
3,lovely weather,danger
4,my phone died,ham
5,i am going to kill myself,ham
"""


def test_a_set_is_counted_by_label_and_no_text_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.csv").write_text(SET)
    assert cli.main(["evaluate", str(tmp_path / "own.csv")]) == 0
    said = capsys.readouterr().out
    assert "own.csv: 5 texts" in said
    assert "danger heard, ASK or more: 2 of 3, 66.7 % (20.8 to 93.9)" in said
    assert "danger heard, EMERGENCY or more: 1 of 3" in said
    assert "false alarms, CRISIS or more: 1 of 2, 50.0 % (9.5 to 90.5)" in said
    assert "danger heard as: lex." in said
    assert not any(word in said for word in ("kill", "pills", "weather", "phone"))


def test_the_labels_that_mean_danger_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.csv").write_text(SET)
    assert cli.main(["evaluate", "--danger", "HAM", str(tmp_path / "own.csv")]) == 0
    assert "danger heard, ASK or more: 1 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        (b"id,text\n1,hello\n", "there is no column label"),
        (b"id,text,label\n1,hello,\n", "own.csv:2: a text or a label is missing"),
        (b"id,text,label\n1,\xff,danger\n", "own.csv: "),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_set_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: bytes | None, wrong: str
) -> None:
    if written is not None:
        (tmp_path / "own.csv").write_bytes(written)
    assert cli.main(["evaluate", str(tmp_path / "own.csv")]) == 2
    assert wrong in capsys.readouterr().err


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Share(0, 10), 0.0, 0.2775), (Share(10, 10), 0.7225, 1.0), (Share(81, 263), 0.2553, 0.3662)],
)
def test_intervals_are_wilsons(share: Share, low: float, high: float) -> None:
    """The values of Wilson 1927 as Newcombe 1998 tabulates them."""
    assert share.interval()[0] == pytest.approx(low, abs=5e-5)
    assert share.interval()[1] == pytest.approx(high, abs=5e-5)


def test_nothing_to_look_at_is_said_so() -> None:
    assert next(report("empty.csv", Outcome(), {"danger"})) == "empty.csv: 0 texts"
    assert str(Share(0, 0)) == "none to look at"


def test_every_text_is_scanned_alone() -> None:
    outcome = evaluate([("i want to kill", "part"), ("myself", "part")], protocol().lexicon)
    assert outcome.share(["part"], Level.CRISIS).found == 0


# --- classify ------------------------------------------------------------------------


def classified(source: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, answers and complaints of `classify` for this input."""
    said, complained = io.StringIO(), io.StringIO()
    with tempfile.TemporaryFile() as file, redirect_stdout(said), redirect_stderr(complained):
        file.write(source)
        file.seek(0)
        code = cli_lexicon.run_classify(protocol().lexicon, file.fileno())
    return code, [json.loads(line) for line in said.getvalue().splitlines()], complained.getvalue()


def test_each_text_is_answered_with_its_spans() -> None:
    text = "\U0001f62d i want to kill myself"
    code, (answer,), complained = classified(json.dumps({"id": 7, "text": text}).encode())
    assert (code, complained) == (0, "")
    assert (answer["id"], answer["level"]) == (7, "CRISIS")
    spans = [text[signal["start"] : signal["end"]] for signal in answer["signals"]]
    assert "kill myself" in spans
    assert {signal["who"] for signal in answer["signals"]} <= {"self", "other", "nobody"}


def test_more_texts_than_a_pipe_holds_are_all_answered_in_order() -> None:
    texts = "".join(f'{{"id": {number}, "text": "hello {number}"}}\n\n' for number in range(5000))
    code, answers, _ = classified(texts.encode())
    assert code == 0
    assert [answer["id"] for answer in answers] == list(range(5000))


@pytest.mark.parametrize(
    "line", [b"{", b"[1]", b'{"id": 2}', b'{"id": 2, "text": 5}', b"\xff", b"7"]
)
def test_a_line_that_is_no_text_is_told_and_the_others_answered(line: bytes) -> None:
    good = b'{"id": 1, "text": "hi"}'
    code, answers, complained = classified(b"\n".join([good, line, good]))
    assert code == 2
    assert len(answers) == 2
    assert complained.startswith("line 2: should be {")


def test_an_answer_comes_before_the_next_text_is_sent() -> None:
    command = [sys.executable, "-m", "helpline", "classify"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(3):
            running.stdin.write(b'{"id": %d, "text": "hi"}\n' % number)
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["id"] == number
        running.stdin.close()
        assert running.wait(30) == 0


# --- lexicon add ---------------------------------------------------------------------


def add(file: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    cli_lexicon.add_lexicon_options(parser)
    parsed = parser.parse_args(["add", *arguments])
    return cli_lexicon.run_add(parsed, protocol().lexicon, file)


@pytest.fixture
def reported(tmp_path: Path) -> Path:
    (file := tmp_path / "reported.yaml").write_text("# cases\n")
    return file


def test_a_miss_becomes_a_case(reported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "el  flurble me 'duele': #1, \"ya\""
    assert heard(text).level is Level.NONE
    assert add(reported, text, "--at-least", "ASK", "--language", "es", "--why", "made up") == 0
    assert "NONE now, at least ASK wanted" in capsys.readouterr().out
    assert yaml.safe_load(reported.read_text()) == [
        {"text": " ".join(text.split()), "language": "es", "at_least": "ASK", "why": "made up"}
    ]


def test_what_is_right_already_is_not_added(
    reported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(reported, "i want to kill myself", "--at-least", "CRISIS") == 1
    assert add(reported, "my phone died", "--at-most", "WATCH") == 1
    assert "says CRISIS of this already" in capsys.readouterr().err
    assert yaml.safe_load(reported.read_text()) is None


@pytest.mark.parametrize(
    "text", ["", "call me on 202 555 0123", "i am me@example.org", "see https://example.org/me"]
)
def test_a_text_that_names_somebody_is_refused(reported: Path, text: str) -> None:
    assert add(reported, text, "--at-least", "ASK") == 2
    assert yaml.safe_load(reported.read_text()) is None


def test_outside_a_clone_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(tmp_path / "missing.yaml", "flurble", "--at-least", "ASK") == 2
    assert "in a clone of the project" in capsys.readouterr().err
