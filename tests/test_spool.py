"""The spool: what it promises survives a kill in mid-write, other writers and a full disk."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from config.settings import REPOSITORY
from helpline.runtime import SpoolBroken, UnreadableRecord
from helpline.spool import FileSpool
from helpline.store import KeyRing
from tests.builders import KEYS

OTHER = KeyRing(("b3RoZXIga2V5IG9ubHkgb3RoZXIga2V5IG9ubHkhISE=",), "another index key")


def test_records_come_back_in_order_and_leave_one_by_one(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool", KEYS)
    assert spool.length() == 0
    for words in ("first", "second", "third"):
        spool.append(words)
    assert [spool.read(name) for name in spool.list_waiting()] == ["first", "second", "third"]
    spool.remove(spool.list_waiting()[0])
    assert spool.length() == 2
    with pytest.raises(LookupError):
        spool.read("00000000000000000000-gone")


def test_nothing_on_the_disk_can_be_read_without_the_keys(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, KEYS)
    spool.append("I took them all, +12025550123")
    spool.keep("roster", "+12025550124")
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"took" not in held
    assert b"2025550" not in held
    assert all(
        path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*") if path.stem != "locks"
    )
    stranger = FileSpool(tmp_path, OTHER)
    with pytest.raises(UnreadableRecord):
        stranger.read(stranger.list_waiting()[0])
    assert stranger.find("roster") is None


def test_a_damaged_record_is_set_aside_and_counted(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, KEYS)
    spool.append("words")
    name = spool.list_waiting()[0]
    (tmp_path / "records" / name).write_bytes(b"torn")
    with pytest.raises(UnreadableRecord):
        spool.read(name)
    spool.set_aside(name)
    assert (spool.length(), spool.count_aside()) == (0, 1)


def test_what_cannot_be_kept_is_never_said_to_be_kept(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    spool = FileSpool(tmp_path / "spool", KEYS)
    for act in (spool.probe, lambda: spool.append("words"), lambda: spool.keep("a", "b")):
        with pytest.raises(SpoolBroken):
            act()
    with pytest.raises(SpoolBroken), spool.alone("page"):
        pass
    assert spool.length() == 0


WRITER = """
import sys
from pathlib import Path
from helpline.spool import FileSpool
from tests.builders import KEYS
spool = FileSpool(Path(sys.argv[1]), KEYS)
for number in range(100000):
    spool.append(f"{number} " + "words " * 2000)
    print(number, flush=True)
"""


def test_a_writer_killed_in_mid_write_leaves_whole_records_only(tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", WRITER, str(tmp_path)), stdout=subprocess.PIPE, text=True,
        cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        for _ in range(20):
            line = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        kept = [int(line), *(int(more) for more in writer.stdout.read().split())]
    spool = FileSpool(tmp_path, KEYS)
    found = [int(spool.read(name).split()[0]) for name in spool.list_waiting()]
    assert found[: kept[-1] + 1] == list(range(kept[-1] + 1)), "what was confirmed is there"
    assert len(found) <= kept[-1] + 2


def _hold(folder: Path, times: "multiprocessing.Queue[tuple[float, float]]") -> None:
    spool = FileSpool(folder, KEYS)
    for _ in range(20):
        with spool.alone("page"):
            entered = time.monotonic()
            spool.keep("page", str(entered))
            times.put((entered, time.monotonic()))


def test_two_processes_are_never_in_the_same_block(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    times: multiprocessing.Queue[tuple[float, float]] = context.Queue()
    both = [context.Process(target=_hold, args=(tmp_path, times)) for _ in range(2)]
    for process in both:
        process.start()
    spans = sorted(times.get(timeout=30) for _ in range(40))
    for process in both:
        process.join(30)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_locks_leave_nothing_behind(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, KEYS)
    for number in range(5):
        with spool.alone(f"page-{number}"):
            spool.keep("page", "words")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["page"]
