"""Every process of the Procfile says at once, and all at once, what its environment lacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import REPOSITORY, SettingsError, load_settings


def start(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    env |= {"HELPLINE_VAR_DIR": str(folder), "PYTHONPATH": str(REPOSITORY)} | more
    return subprocess.run(
        [sys.executable, "-m", *command],
        env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_worker_without_redis_is_refused_together_with_everything_else(tmp_path: Path) -> None:
    done = start(tmp_path, "workers.run", "crisis", PORT="0", DATABASE_URL="nonsense")
    assert done.returncode == 1
    assert "3 problems" in done.stderr
    for name in ("REDIS_URL is missing", "PORT", "DATABASE_URL"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("workers.guard",),
        (
            "gunicorn",
            "-c",
            str(REPOSITORY / "config/gunicorn.py"),
            "helpline.web.wsgi:create_app()",
        ),
        (
            "gunicorn",
            "-c",
            str(REPOSITORY / "config/gunicorn_console.py"),
            "helpline.web.console.wsgi:create_app()",
        ),
    ],
)
def test_guard_web_and_console_name_what_is_wrong(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = start(tmp_path, *command, PORT="0", HELPLINE_COUNTRY="Narnia")
    assert done.returncode
    said = done.stderr + done.stdout
    assert "2 problems" in said
    assert "PORT" in said
    assert "HELPLINE_COUNTRY" in said


def test_what_a_process_needs_is_named_with_the_rest(tmp_path: Path) -> None:
    environ = {"HELPLINE_VAR_DIR": str(tmp_path)}
    assert load_settings(environ).redis_url is None
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, needs=("REDIS_URL",))
    assert caught.value.problems[0].startswith("REDIS_URL is missing. Use redis://")


def test_the_counts_of_the_web_processes_have_a_folder(tmp_path: Path) -> None:
    assert load_settings({"HELPLINE_VAR_DIR": str(tmp_path)}).metrics_dir == tmp_path / "metrics"
    named = {"HELPLINE_VAR_DIR": str(tmp_path), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "m")}
    assert load_settings(named).metrics_dir == tmp_path / "m"
