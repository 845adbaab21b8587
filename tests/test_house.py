"""What holds the house together: the same processes, commands and pins everywhere."""

import os
import re
import shlex
import stat
import subprocess
import sys

import pytest

from config.settings import REPOSITORY
from helpline.processes import app_processes

TARGETS = [
    "help", "setup", "run", "demo", "test", "again", "check", "fix",
    "bench", "chaos", "fuzz", "pins",
]  # fmt: skip


def test_procfile_and_supervisor_say_the_same() -> None:
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    procfile = {name: shlex.split(rest) for name, _, rest in (x.partition(": ") for x in lines)}
    assert procfile.pop("release") == ["python", "-m", "helpline", "migrate"]
    served = ("config/gunicorn.py", "config/gunicorn_console.py")
    shown = {sys.executable: "python"} | {str(REPOSITORY / path): path for path in served}
    table = {p.name: [shown.get(part, part) for part in p.argv] for p in app_processes()}
    assert procfile == table


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_lists_every_target(arguments: list[str]) -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.findall(r"make (\w+) ", listed) == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert phony[1].split() == TARGETS


def test_ci_runs_what_everybody_runs() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [x for x in script.read_text().splitlines() if x and not x.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]


def test_setup_is_a_script_that_a_plain_shell_reads() -> None:
    script = REPOSITORY / "bin" / "setup"
    assert stat.S_IMODE(script.stat().st_mode) & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.mark.parametrize("kind", ["", "-dev", "-redis"])
def test_every_requirement_is_pinned_with_a_hash(kind: str) -> None:
    text = (REPOSITORY / f"requirements{kind}.txt").read_text().replace("\\\n", " ")
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    assert lines
    for line in lines:
        assert re.match(r"[\w.\[\]-]+==[\w.+]+ .*--hash=sha256:[0-9a-f]{64}", line), line[:60]


def test_the_development_pins_contain_the_production_pins() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", (REPOSITORY / name).read_text(), re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")
