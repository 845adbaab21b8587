"""Writers of one SQLite file take turns: nobody who writes again and again keeps others out."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpline.store.turnstile import Turnstile

HOLD_SECONDS = 0.003
"""A transaction with one fsync."""


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS said (who TEXT)")
    return connection


@contextmanager
def hog(path: Path) -> Iterator[list[float]]:
    """As another process would: writes without a pause; when it began each time."""
    began: list[float] = []
    over, first = threading.Event(), threading.Event()

    def writes() -> None:
        turnstile, connection = Turnstile(path), opened(path)
        while not over.is_set():
            turnstile.begin(connection, 5.0)
            began.append(time.monotonic())
            connection.execute("INSERT INTO said VALUES ('hog')")
            over.wait(HOLD_SECONDS)
            connection.execute("COMMIT")
            first.set()
        connection.close()

    thread = threading.Thread(target=writes)
    thread.start()
    assert first.wait(10)
    try:
        yield began
    finally:
        over.set()
        thread.join()


def test_who_waits_comes_before_who_has_just_written(tmp_path: Path) -> None:
    path = tmp_path / "line.db"
    turnstile, connection = Turnstile(path), opened(path)
    passed_over = []
    elsewhere = threading.Event()
    with hog(path) as began:
        for _ in range(20):
            elsewhere.wait(2 * HOLD_SECONDS)
            asked = time.monotonic()
            turnstile.begin(connection, 5.0)
            has_it = time.monotonic()
            connection.execute("COMMIT")
            passed_over.append(sum(asked < each < has_it for each in began))
    assert max(passed_over) <= 20, passed_over


def test_a_turn_that_does_not_come_is_told_in_time(tmp_path: Path) -> None:
    path = tmp_path / "line.db"
    writer, waiting = opened(path), opened(path)
    Turnstile(path).begin(writer, 5.0)
    began = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Turnstile(path).begin(waiting, 0.2)
    assert 0.2 <= time.monotonic() - began < 2
    writer.execute("COMMIT")
    Turnstile(path).begin(waiting, 0.2)


def test_threads_of_one_process_share_a_place_and_are_told_in_time(tmp_path: Path) -> None:
    path = tmp_path / "line.db"
    writer, first, second = opened(path), opened(path), opened(path)
    turnstile = Turnstile(path)
    turnstile.begin(writer, 5.0)
    told: list[str] = []

    def waits() -> None:
        with pytest.raises(sqlite3.OperationalError) as error:
            turnstile.begin(first, 1.0)
        told.append(str(error.value))

    thread = threading.Thread(target=waits)
    thread.start()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        turnstile.begin(second, 0.2)
    thread.join()
    assert len(told) == 1


def test_what_is_no_wait_is_no_wait(tmp_path: Path) -> None:
    path = tmp_path / "line.db"
    connection, turnstile = opened(path), Turnstile(path)
    turnstile.begin(connection, 5.0)
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        turnstile.begin(connection, 5.0)


IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from helpline.store.turnstile import Turnstile
with Turnstile(Path(sys.argv[1]))._turn(5):
    print("there", flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.fixture
def in_the_middle(tmp_path: Path) -> Iterator[Callable[[signal.Signals], None]]:
    """Another process that gets this signal when it is its turn."""
    started: list[subprocess.Popen[bytes]] = []

    def gets(number: signal.Signals) -> None:
        command = [sys.executable, "-c", IN_THE_MIDDLE, str(tmp_path / "line.db"), str(int(number))]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == b"there\n"

    yield gets
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_who_dies_or_stops_at_the_turnstile_keeps_nobody_out(
    tmp_path: Path, in_the_middle: Callable[[signal.Signals], None], number: signal.Signals
) -> None:
    in_the_middle(number)
    Turnstile(tmp_path / "line.db").begin(opened(tmp_path / "line.db"), 5.0)


def test_a_forked_process_has_a_place_of_its_own(tmp_path: Path) -> None:
    """The turn of its parent is not its own, as it would be with an open file in common."""
    path = tmp_path / "line.db"
    turnstile, connection = Turnstile(path), opened(path)
    turnstile.begin(connection, 1.0)
    connection.execute("COMMIT")
    assert turnstile._file is not None
    parents = os.dup(turnstile._file)
    fcntl.flock(parents, fcntl.LOCK_EX)
    turnstile.leave_to_parent()
    asked = time.monotonic()
    turnstile.begin(connection, 5.0)
    assert time.monotonic() - asked > 0.9, "it waited for its parent's turn to end"
    os.close(parents)
