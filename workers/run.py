"""``python -m workers.run <queue>``: one worker on one queue.

One queue per worker, because a worker on two loses jobs at every restart; unique names,
because a fixed one refuses to start after a kill (RELIABILITY 0 and A2). A dead Redis
is waited for, never a reason to die: the guard works on without it.
"""

import argparse
import faulthandler
import os
import signal
import sys
import time
from typing import Any
from uuid import uuid4

import structlog
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisRefused
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

from helpline import logs
from helpline.bell import JOBS, QUEUES
from workers import jobs

RETRY_SECONDS = 0.5
"""Between two looks at a Redis that is away."""
FAREWELL_SECONDS = 2.0
"""A Redis that hangs does not keep a worker that was told to stop."""

_SETTINGS: dict[str, Any] = {
    "serializer": "json",
    "worker_ttl": 20,
    "maintenance_interval": 5,
    "log_job_description": False,
}

_log = structlog.get_logger(__name__)


class _Steady:
    """What every kind of worker changes in RQ's."""

    max_connection_wait_time = RETRY_SECONDS
    log_result_lifespan = False
    asked_to_stop = False
    _only_waits = False

    def subscribe(self) -> None:
        """No remote control: nobody with a Redis client stops a worker, and no thread of
        ours is alive at a fork."""

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Runs our own jobs only: whoever can write to Redis may not name another function."""
        if job.func_name in JOBS:
            return bool(super().perform_job(job, queue, execution))  # type: ignore[misc]
        _log.error("job.refused", queue=queue.name)
        self.handle_job_failure(  # type: ignore[attr-defined]
            job, queue, exc_string="not a job of this line", execution=execution
        )
        return False

    def run_maintenance_tasks(self) -> None:
        """RQ's upkeep every few seconds between jobs, and our sign of life in the database."""
        waiting, self._only_waits = self._only_waits, False
        super().run_maintenance_tasks()  # type: ignore[misc]
        jobs.show_life(self.queues[0].name, self.name)  # type: ignore[attr-defined]
        if waiting:
            self._wait_if_not_asked()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job, waited for; here alone a stop does not wait for what is under way."""
        self._wait_if_not_asked()
        try:
            return super().dequeue_job_and_maintain_ttl(  # type: ignore[misc]
                timeout, max_idle_time
            )
        finally:
            self._only_waits = False

    def _wait_if_not_asked(self) -> None:
        self._only_waits = True
        if self.asked_to_stop:
            raise StopRequested

    def _shutdown(self) -> None:
        """SIGTERM, SIGINT: finish what is at hand, then leave.

        RQ raises into whatever runs unless that is a job; the upkeep, or the booking of a
        job that has ended, would take the exception for a mistake of its own and go on.
        """
        self.asked_to_stop = self._stop_requested = True
        if self._only_waits:
            raise StopRequested

    def teardown(self) -> None:
        """Take our name off the list, over a new connection.

        A stop may cut a command off between its sending and its reading; the next command
        on that connection would wait for the answer of the one before.
        """
        pool = self.connection.connection_pool  # type: ignore[attr-defined]
        pool.connection_kwargs["socket_timeout"] = FAREWELL_SECONDS
        pool.disconnect()
        pool.reset()
        super().teardown()  # type: ignore[misc]


class DirectWorker(_Steady, SimpleWorker):
    """Runs jobs in its own process, everything imported and connected (ADR 0018)."""


class CrisisWorker(DirectWorker):
    """4 ms from ring to start."""

    def check_for_suspension(self, burst: bool) -> None:
        """``rq suspend`` stops every queue; it does not stop this one (R8, row 28)."""


class ForkingWorker(_Steady, Worker):
    """Runs each job in a fork, which a hung or greedy job cannot outlive."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """The child's beginning: nothing of the parent's database is shared."""
        jobs.after_fork()
        super().main_work_horse(job, queue)


AnyWorker = DirectWorker | ForkingWorker
KINDS: dict[str, type[AnyWorker]] = {
    "crisis": CrisisWorker,
    "callbacks": ForkingWorker,
    "default": DirectWorker,
}


def build_worker(queue: str, redis: Redis) -> AnyWorker:
    """The worker of a queue, with a name of its own.

    Raises:
        RedisError: Redis is away.
    """
    name = f"{queue}-{os.getpid()}-{uuid4().hex[:8]}"
    return KINDS[queue]([queue], name=name, connection=redis, **_SETTINGS)


def open_redis(redis_url: str) -> Redis:
    """A client that rides out a blip; RQ sets the read time-out its blocking read needs."""
    retry = Retry(ExponentialBackoff(cap=0.25, base=0.02), 3, supported_errors=(RedisRefused,))
    return Redis.from_url(
        redis_url, socket_connect_timeout=1, retry=retry, protocol=2, driver_info=None
    )


def serve(queue: str, redis_url: str) -> int:
    """Work until told to stop; the exit code.

    RQ's worker gives up on some errors (a poison job, a time-out outside its blocking
    read); a new one takes its place here at once.
    """
    waiting = False
    while True:
        # Outside `work` a signal just ends us; inside, RQ has its own handlers.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        worker: AnyWorker | None = None
        try:
            worker = build_worker(queue, open_redis(redis_url))
            _log.info("worker.started", queue=queue)
            waiting = False
            worker.work(logging_level="WARNING")
            if not worker.asked_to_stop:
                _log.warning("worker.replaced", queue=queue)
        except (RedisError, OSError) as error:
            if not waiting:
                _log.warning("redis.away", queue=queue, error=type(error).__name__)
            waiting = True
        if worker is not None and worker.asked_to_stop:
            return 0
        time.sleep(RETRY_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """Read the queue's name and the settings, load everything, serve."""
    parser = argparse.ArgumentParser(prog="python -m workers.run", description=__doc__)
    parser.add_argument("queue", choices=QUEUES)
    queue = parser.parse_args(arguments).queue
    from config.settings import SettingsError, load_settings

    try:
        settings = load_settings(needs=("REDIS_URL",))
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    logs.configure(settings.log_level, f"worker-{queue}")
    faulthandler.register(signal.SIGUSR1)
    _preload()
    assert settings.redis_url is not None  # noqa: S101 - it is needed above
    return serve(queue, settings.redis_url)


def _preload() -> None:
    """Import and build what jobs need now, not in the first page (264 ms, RELIABILITY B2)."""
    import helpline.service.dispatch  # noqa: F401

    jobs.runtime()


if __name__ == "__main__":
    sys.exit(main())
