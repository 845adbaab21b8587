"""`/metrics` of a real gunicorn: several web processes add up, and a new start counts from zero."""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from config.settings import REPOSITORY
from helpline import metrics, metrics_files
from helpline.processes import free_port
from tests.test_processes import eventually


class Web:
    """The Procfile's web process, in practice mode, on SQLite."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.port = free_port()
        self.folder = folder
        kept = {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
        self.env = {name: value for name, value in os.environ.items() if name in kept} | {
            "HELPLINE_VAR_DIR": str(folder), "PORT": str(self.port), "HELPLINE_WEB_WORKERS": "2",
            "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1",
        } | more  # fmt: skip

    @contextmanager
    def running(self) -> Iterator[None]:
        subprocess.run(
            [sys.executable, "-m", "helpline", "migrate"], env=self.env, cwd=REPOSITORY, check=True
        )
        command = ["gunicorn", "-c", "config/gunicorn.py", "helpline.web.wsgi:create_app()"]
        with (self.folder / "web.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.env, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            eventually(lambda: self.answers("GET", "/live") == 200, 40)
            self.arbiter = process.pid
            yield
        finally:
            process.terminate()
            process.wait(20)

    def answers(self, method: str, path: str) -> int:
        """The status, 0 when nobody answers."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask(method, path)[0]
        return 0

    def ask(self, method: str, path: str) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request(method, path)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()

    def counted(self, pattern: str) -> float:
        _, text = self.ask("GET", "/metrics")
        found = re.search(rf"^{pattern} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def workers(self) -> set[int]:
        """The processes that the arbiter has started."""
        told = Path(f"/proc/{self.arbiter}/task/{self.arbiter}/children").read_text()
        return {int(pid) for pid in told.split()}

    def files(self) -> set[str]:
        return {path.name for path in (self.folder / "metrics").glob("counter_*.db")}


def test_two_web_processes_add_up_and_a_new_start_counts_from_zero(tmp_path: Path) -> None:
    web = Web(tmp_path)
    refused = 0
    with web.running():

        def both_have_counted() -> bool:
            nonlocal refused
            refused += web.answers("POST", "/twilio/sms") == 403
            return len(web.files()) == 2

        eventually(both_have_counted, 30)
        assert web.counted("helpline_signature_failures_total") == refused > 0
        assert web.counted(r'helpline_reading_failed\{reading="rows"\}') == 0.0
        assert web.counted(r'helpline_reading_failed\{reading="bell"\}') == 1.0
        status, told = web.ask("GET", "/ready")
        assert status == 200
        assert "Redis does not answer or REDIS_URL is not set" in told
    left = web.files()
    with web.running():
        assert web.counted("helpline_signature_failures_total") == 0.0
        assert not left & web.files()


def test_the_folder_may_be_named_outside(tmp_path: Path) -> None:
    named = tmp_path / "elsewhere"
    web = Web(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(named))
    with web.running():
        assert web.answers("POST", "/twilio/sms") == 403
        assert list(named.glob("counter_*.db"))
    assert not (tmp_path / "metrics").exists()


@pytest.mark.parametrize("end", ["reload", "kill"])
def test_processes_come_and_go_and_their_counts_stay_in_one_file(tmp_path: Path, end: str) -> None:
    web = Web(tmp_path)
    refused = 0
    with web.running():
        for _ in range(4):
            before = web.workers()

            def all_have_counted(known: set[int] = before) -> bool:
                nonlocal refused
                refused += web.answers("POST", "/twilio/sms") == 403
                return {f"counter_{pid}.db" for pid in known} <= web.files()

            eventually(all_have_counted, 60)
            if end == "reload":
                os.kill(web.arbiter, signal.SIGHUP)
            else:
                for pid in before:
                    os.kill(pid, signal.SIGKILL)

            def replaced(known: set[int] = before) -> bool:
                return len(web.workers() - known) == 2 and not web.workers() & known

            eventually(replaced, 60)
            eventually(lambda: web.answers("GET", "/live") == 200, 60)
            assert web.counted("helpline_signature_failures_total") == refused
        eventually(lambda: len(web.files()) <= 3, 10)
        assert "counter_0.db" in web.files()
        assert len(list((tmp_path / "metrics").glob("histogram_*.db"))) <= 3
        assert web.counted("helpline_signature_failures_total") == refused >= 8


# --- the files themselves -----------------------------------------------------------------

PIDS = count(2**22 + 1)
"""No process has an id beyond the kernel's largest."""


def counted_by_the_gone(folder: Path, amount: float) -> Path:
    path = folder / f"counter_{next(PIDS)}.db"
    written = MmapedDict(str(path))
    written.write_value(mmap_key("ours", "ours_total", ["a"], ["b"], "Ours"), amount, 0.0)
    written.close()
    return path


def total(folder: Path) -> float:
    told = metrics.exposition(None, str(folder)).decode()
    return sum(float(value) for value in re.findall(r'^ours_total{a="b"} (\S+)$', told, re.M))


def test_nothing_is_counted_twice_or_not_at_all_while_files_are_added_up(tmp_path: Path) -> None:
    for _ in range(3):
        counted_by_the_gone(tmp_path, 1)
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            seen.append(total(tmp_path))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        eventually(lambda: bool(seen), 10)
        eventually(lambda: metrics_files.gather(tmp_path) > 0, 20)
        known = len(seen)
        eventually(lambda: len(seen) > known + 4, 10)
    finally:
        stop.set()
        for reader in readers:
            reader.join(10)
    assert set(seen) == {3.0}
    assert [path.name for path in tmp_path.glob("counter_*.db")] == ["counter_0.db"]


def test_files_wait_while_somebody_reads(tmp_path: Path) -> None:
    counted_by_the_gone(tmp_path, 2)
    with metrics_files.steady(tmp_path):
        assert metrics_files.gather(tmp_path) == 0
    assert metrics_files.gather(tmp_path) == 1
    assert total(tmp_path) == 2


def test_the_living_keep_their_file_and_a_damaged_one_hides_no_other(tmp_path: Path) -> None:
    ours = tmp_path / f"counter_{os.getpid()}.db"
    counted_by_the_gone(tmp_path, 1).rename(ours)
    counted_by_the_gone(tmp_path, 4)
    damaged = counted_by_the_gone(tmp_path, 8)
    damaged.write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\x0f" + b"\x00" * 400)
    assert metrics_files.gather(tmp_path) == 2
    assert ours.exists()
    assert not damaged.exists()
    assert total(tmp_path) == 5
