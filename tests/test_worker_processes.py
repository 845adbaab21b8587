"""Workers in processes of their own with a real Redis: told to stop, cut off, poisoned."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from rq.job import Job

from helpline.bell import QUEUES, RqBell
from tests.redis_server import Server, queued, until
from workers import jobs, run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


WORKER = """
import os, sys
from helpline import logs
from workers import jobs, run
logs.configure("INFO", "worker")
def deliver(outbox_id):
    if outbox_id == 13:
        raise ValueError("+12025550123 wants to die")
    if outbox_id == 77:
        open(sys.argv[3] + ".gate").read()  # until the test opens it
    with open(sys.argv[3], "a") as seen:
        seen.write(f"{outbox_id} {os.getpid()}\\n")
def patched(outbox_id):
    with jobs._nameless():
        deliver(outbox_id)
jobs.deliver = patched
def show_life(queue, process):
    try:
        if os.path.exists(sys.argv[3] + ".upkeep"):
            open(sys.argv[3] + ".upkeep").read()  # until the test opens it
    except Exception:
        print("taken for a mistake", flush=True)
jobs.show_life = show_life
sys.exit(run.serve(sys.argv[1], sys.argv[2]))
"""


class Working:
    """A worker in a process of its own, with a job that writes its row's id to a file."""

    def __init__(self, queue: str, url: str, folder: Path) -> None:
        self._seen, self._errors = folder / "seen", folder / "errors"
        self._seen.touch()
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER, queue, url, str(self._seen)],
                stdout=errors,
                stderr=errors,
                cwd=Path(__file__).parents[1],
            )
        self.gate = Path(f"{self._seen}.gate")
        os.mkfifo(self.gate)

    @property
    def seen(self) -> list[int]:
        return [int(line.split()[0]) for line in self._seen.read_text().splitlines()]

    @property
    def pids(self) -> set[int]:
        return {int(line.split()[1]) for line in self._seen.read_text().splitlines()}

    @property
    def said(self) -> str:
        return self._errors.read_text()

    def stop_as_its_unit_says(self, queue: str) -> None:
        """What `systemctl stop` does first: SIGTERM to the worker alone, or to all it started."""
        unit = Path(__file__).parents[1] / f"deploy/systemd/helpline-{queue}.service"
        everybody = [self.process.pid]
        if "KillMode=mixed" not in unit.read_text():
            task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
            everybody += [int(pid) for pid in (task / "children").read_text().split()]
        for pid in everybody:
            os.kill(pid, signal.SIGTERM)

    def leave(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@pytest.fixture
def working(server: Server, tmp_path: Path) -> Iterator[Callable[[str], Working]]:
    started: list[Working] = []

    def start(queue: str) -> Working:
        started.append(Working(queue, server.url, tmp_path))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()


@pytest.mark.parametrize("queue", QUEUES)
def test_a_worker_takes_its_queue_only_and_leaves_when_told(
    server: Server, working: Callable[[str], Working], queue: str
) -> None:
    bell = RqBell(server.url)
    for name in QUEUES:
        assert bell.ring(name, (QUEUES.index(name) + 1, 13, 5)) == 3
    worker = working(queue)
    until(lambda: 5 in worker.seen)
    assert worker.seen == [QUEUES.index(queue) + 1, 5]
    assert (worker.pids == {worker.process.pid}) == (queue != "callbacks")
    assert worker.leave() == 0
    assert bell.waiting(queue) == 0
    assert sum(bell.waiting(name) for name in QUEUES) == 6
    assert "2025550123" not in worker.said
    for key in server.client.scan_iter("*"):
        kind = server.client.type(key)
        held = server.client.dump(key) if kind != b"hash" else server.client.hgetall(key)
        assert b"2025550123" not in repr(held).encode()
    failed = Queue(queue, connection=server.client, serializer="json").failed_job_registry
    (job_id,) = failed.get_job_ids()
    found = Job.fetch(job_id, connection=server.client, serializer="json")
    result = found.latest_result()
    assert result is not None
    assert "JobFailed: ValueError" in str(result.exc_string)


@pytest.mark.parametrize("queue", ["callbacks", "default"])
def test_a_unit_that_is_stopped_finishes_the_job_at_hand(
    server: Server, working: Callable[[str], Working], queue: str
) -> None:
    """A dial half made would have to be looked up at the carrier: RQ's horse dies of SIGTERM."""
    assert RqBell(server.url).ring(queue, (77,)) == 1
    worker = working(queue)
    # Opening a pipe for writing waits for its reader: from now on the job is under way.
    with worker.gate.open("w"):
        worker.stop_as_its_unit_says(queue)
    assert worker.process.wait(20) == 0
    assert worker.seen == [77]


@pytest.mark.parametrize("queue", QUEUES)
def test_a_worker_told_to_stop_in_its_upkeep_ends_that_and_leaves(
    tmp_path: Path, working: Callable[[str], Working], queue: str
) -> None:
    os.mkfifo(upkeep := tmp_path / "seen.upkeep")
    worker = working(queue)
    with upkeep.open("w"):  # waits for its reader, as above
        worker.process.send_signal(signal.SIGTERM)
        until(lambda: not pending(worker.process.pid, signal.SIGTERM))
        upkeep.unlink()
    assert worker.process.wait(15) == 0
    assert "taken for a mistake" not in worker.said


def pending(pid: int, number: signal.Signals) -> bool:
    """Whether a process has not yet noticed a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("ShdPnd:")[2].split()[0], 16) >> (number - 1) & 1)


def test_a_worker_waits_for_redis_says_so_once_and_comes_back(
    server: Server, working: Callable[[str], Working]
) -> None:
    server.stop()
    worker = working("crisis")
    until(lambda: "redis.away" in worker.said)
    with socket.create_server(("127.0.0.1", server.port)) as broken:
        for _ in range(12):  # three looks and more, none of which may be said again
            broken.accept()[0].close()
    assert worker.said.count("redis.away") == 1
    assert worker.process.poll() is None
    server.start()
    assert RqBell(server.url).ring("crisis", (1,)) == 1
    until(lambda: worker.seen == [1])
    server.stop()
    server.start()
    bell = RqBell(server.url)
    assert bell.ring("crisis", (2,)) == 1
    until(lambda: worker.seen == [1, 2])
    assert worker.leave() == 0


def test_a_worker_without_redis_leaves_when_told(
    server: Server, working: Callable[[str], Working]
) -> None:
    server.stop()
    worker = working("default")
    until(lambda: "redis.away" in worker.said)
    assert worker.leave() == 0


def test_a_worker_whose_redis_hangs_leaves_when_told(
    server: Server, working: Callable[[str], Working]
) -> None:
    worker = working("crisis")
    assert RqBell(server.url).ring("crisis", (1,)) == 1
    until(lambda: worker.seen == [1])
    until(lambda: any(each["cmd"] in {"blmove", "brpop"} for each in server.client.client_list()))
    server.signal(signal.SIGSTOP)
    assert worker.leave() == 0


def test_a_farewell_does_not_read_the_answer_of_a_command_that_was_cut_off(
    server: Server,
) -> None:
    worker = run.build_worker("crisis", run.open_redis(server.url))
    worker.register_birth()
    pool = worker.connection.connection_pool
    cut_off = pool.get_connection()
    cut_off.send_command("BLPOP", "nothing here", 0)
    pool.release(cut_off)
    worker.teardown()
    assert server.client.hexists(worker.key, "death")


@pytest.mark.parametrize("queue", ["crisis", "default"])
def test_a_job_that_is_not_ours_is_refused_and_the_next_one_runs(
    server: Server, working: Callable[[str], Working], tmp_path: Path, queue: str
) -> None:
    """Whoever can write to Redis may not name another function."""
    marker = tmp_path / "made"
    foreign = Queue(queue, connection=server.client, serializer="json")
    foreign.enqueue("os.mkdir", str(marker))
    assert RqBell(server.url).ring(queue, (7,)) == 1
    worker = working(queue)
    until(lambda: worker.seen == [7])
    assert not marker.exists()
    assert "job.refused" in worker.said
    assert foreign.failed_job_registry.count == 1
    assert worker.leave() == 0


def test_a_poison_job_does_not_stop_the_queue(
    server: Server, working: Callable[[str], Working]
) -> None:
    bell = RqBell(server.url)
    assert bell.hint("crisis", 1)
    (job,) = queued(server, "crisis")
    server.client.hset(job.key, "status", "no such status")
    worker = working("crisis")
    until(lambda: bell.waiting("crisis") == 0)
    assert bell.ring("crisis", (2,)) == 1
    until(lambda: worker.seen == [2])
    assert worker.leave() == 0


def test_suspension_does_not_stop_a_crisis(
    server: Server, working: Callable[[str], Working]
) -> None:
    from rq.suspension import suspend

    suspend(server.client)
    bell = RqBell(server.url)
    assert bell.hint("crisis", 1)
    worker = working("crisis")
    until(lambda: worker.seen == [1])
    assert worker.leave() == 0


def test_jobs_hand_the_row_to_dispatch(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    handed: list[tuple[object, int]] = []
    dispatch: Any = types.ModuleType("helpline.service.dispatch")
    dispatch.deliver = lambda rt, outbox_id: handed.append((rt, outbox_id))
    monkeypatch.setitem(sys.modules, "helpline.service.dispatch", dispatch)
    monkeypatch.setattr(jobs, "runtime", lambda: "the runtime")
    jobs.deliver(7)
    assert handed == [("the runtime", 7)]

    def fail(_rt: object, _outbox_id: int) -> None:
        raise ValueError("+12025550123")

    dispatch.deliver = fail
    with pytest.raises(jobs.JobFailed) as raised:
        jobs.deliver(7)
    assert str(raised.value) == "ValueError"
    assert raised.value.__suppress_context__


def test_a_horse_leaves_the_parents_connections_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import cache
    from types import SimpleNamespace

    left: list[str] = []
    store = SimpleNamespace(leave_to_parent=lambda: left.append("left"))
    monkeypatch.setattr(jobs, "runtime", cache(lambda: SimpleNamespace(store=store)))
    jobs.after_fork()
    assert left == []
    jobs.runtime()
    jobs.after_fork()
    assert left == ["left"]


def test_importing_the_workers_does_nothing() -> None:
    code = "import workers.run, workers.jobs, helpline.bell; print(workers.run.QUEUES[0])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert (done.stdout, done.stderr) == ("crisis\n", "")
