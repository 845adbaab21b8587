"""The bell with a real Redis: refused, hung, back again."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpline import bell as bells
from helpline.bell import QUEUES, RqBell, SilentBell
from helpline.runtime import BellBroken
from tests.redis_server import Server, queued, timed

HINT = bells.READ_SECONDS + bells.CONNECT_SECONDS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


def test_a_ring_is_one_integer_and_nothing_else(server: Server) -> None:
    assert RqBell(server.url).hint("crisis", 7)
    (job,) = queued(server, "crisis")
    assert (job.func_name, job.args, job.kwargs) == ("workers.jobs.deliver", [7], {})
    assert (job.description, job.timeout, job.result_ttl) == ("deliver", 8, 60)
    assert (job.failure_ttl, job.ttl, job.retries_left) == (604_800, None, None)
    raw = server.client.hgetall(job.key)
    assert raw[b"description"] == b"deliver"
    assert server.client.ttl(job.key) == -1


def test_rings_are_never_swallowed(server: Server) -> None:
    bell = RqBell(server.url)
    assert bell.hint("crisis", 7)
    assert bell.hint("crisis", 7)
    assert bell.ring("crisis", (7, 7)) == 2
    assert len({job.id for job in queued(server, "crisis")}) == 4
    assert bell.waiting("crisis") == 4


def test_many_rows_in_few_round_trips_and_in_order(server: Server) -> None:
    bell = RqBell(server.url)
    ids = tuple(range(1, 2 * bells.BATCH + 6))
    assert bell.ring("default", ids) == len(ids)
    assert [job.args[0] for job in queued(server, "default")] == list(ids)
    calls = server.client.info("commandstats")["cmdstat_exec"]["calls"]
    assert calls == 3
    assert bell.ring("default", ()) == 0


def test_unknown_queues_are_a_mistake_of_ours(server: Server) -> None:
    with pytest.raises(KeyError):
        RqBell(server.url).hint("urgent", 1)


def test_redis_refused(server: Server) -> None:
    bell = RqBell(server.url)
    server.stop()
    answer, took = timed(lambda: bell.hint("crisis", 1))
    assert (answer, took < HINT) == (False, True)
    with pytest.raises(BellBroken):
        bell.ring("crisis", (1,))
    with pytest.raises(BellBroken):
        bell.waiting("crisis")


@pytest.mark.parametrize("known", [True, False], ids=["kept connection", "new connection"])
def test_redis_hung(server: Server, known: bool) -> None:
    bell = RqBell(server.url)
    if known:
        assert bell.hint("crisis", 1)
        assert bell.ring("crisis", (1,)) == 1
    server.signal(signal.SIGSTOP)
    answer, took = timed(lambda: bell.hint("crisis", 2))
    assert answer is False
    assert bells.READ_SECONDS * 0.9 <= took < HINT * 1.5
    refused = [timed(lambda: bell.hint("crisis", 3)) for _ in range(50)]
    assert not any(answer for answer, _ in refused)
    assert sum(seconds for _, seconds in refused) < took / 2

    def ring() -> None:
        with pytest.raises(BellBroken):
            bell.ring("crisis", tuple(range(1000)))

    assert timed(ring)[1] < HINT * 1.5


def test_the_breaker_lets_one_try_through(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bell = RqBell(server.url)
    server.stop()
    assert not bell.hint("crisis", 1)
    monkeypatch.undo()
    server.start()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    now += bells.BREAKER_SECONDS - 0.01
    assert not bell.hint("crisis", 1)
    now += 0.02
    assert bell.hint("crisis", 1)
    assert bell.hint("crisis", 2)
    assert [job.args[0] for job in queued(server, "crisis")] == [1, 2]


def test_one_thread_tries_while_the_others_pass() -> None:
    breaker = bells._Breaker(5)
    breaker.failed()
    breaker._open_until = time.monotonic() - 1
    assert [breaker.allows() for _ in range(4)] == [True, False, False, False]
    breaker.worked()
    assert breaker.allows()


def test_threads_share_a_bell(server: Server) -> None:
    bell = RqBell(server.url)
    threads = [threading.Thread(target=bell.hint, args=("crisis", n)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rung = sorted(job.args[0] for job in queued(server, "crisis"))
    assert set(rung) <= set(range(16))
    assert rung


def test_no_redis() -> None:
    assert SilentBell().hint("crisis", 1) is False
    with pytest.raises(BellBroken):
        SilentBell().ring("crisis", (1,))


def test_every_queue_has_a_time_limit_and_every_job_exists() -> None:
    import importlib

    assert set(bells.JOB_SECONDS) == set(QUEUES)
    for name in bells.JOBS:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function))
