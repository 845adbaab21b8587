"""The bell: RQ jobs that say "look at this row", and the only list of queues and jobs.

A ring carries one integer. Losing it loses nothing, because the guard finds the row;
ringing twice costs nothing, because the row is claimed once. So there is no
de-duplication (a ring while the job ends would be swallowed, FACTS trap 4), and none of
RQ's timers: they die silently (RELIABILITY 0, finding 3).
"""

import threading
import time
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.queue import EnqueueData

from helpline.runtime import BellBroken

QUEUES = ("crisis", "callbacks", "default")
"""Every queue; each has a worker of its own (DESIGN 6)."""

DELIVER = "workers.jobs.deliver"
"""The job of every queue: takes the id of an outbox row, nothing else."""

JOBS = (DELIVER,)

JOB_SECONDS = {"crisis": 8, "callbacks": 30, "default": 60}
"""How long a job may run: one exchange with the carrier is 4 s (RELIABILITY R4)."""

CONNECT_SECONDS = 0.1
READ_SECONDS = 0.15
"""Time-outs of hint and ring; redis-py's own block a webhook for 59 s (RELIABILITY 0)."""

BREAKER_SECONDS = 5.0
"""After a failed hint nobody tries again for so long."""

BATCH = 100
"""Rings in one round trip; bigger batches outlast the read time-out."""

_RESULT_TTL = 60
_FAILURE_TTL = 604_800


class RqBell:
    """`helpline.runtime.Bell` over RQ. Safe for threads; opens nothing until it rings."""

    def __init__(self, redis_url: str) -> None:
        self._queues = _queues(redis_url)
        self._ringing = _queues(redis_url)
        self._breaker = _Breaker(BREAKER_SECONDS)

    def hint(self, queue: str, outbox_id: int) -> bool:
        """Ring at once; False when it did not work or the breaker is open.

        Takes 150 ms at most with Redis hung, about 1 ms with Redis refusing.
        """
        target = self._queues[queue]
        if not self._breaker.allows():
            return False
        try:
            target.enqueue_many([_ring(queue, outbox_id)])
        except (RedisError, OSError):
            self._breaker.failed()
            return False
        self._breaker.worked()
        return True

    def ring(self, queue: str, outbox_ids: tuple[int, ...]) -> int:
        """Ring for many rows, `BATCH` to a round trip; how many were rung.

        Raises:
            BellBroken: Redis cannot be reached. Rows of earlier batches were rung; ringing
                them again is harmless.
        """
        target = self._ringing[queue]
        try:
            for start in range(0, len(outbox_ids), BATCH):
                batch = outbox_ids[start : start + BATCH]
                target.enqueue_many([_ring(queue, outbox_id) for outbox_id in batch])
        except (RedisError, OSError) as error:
            raise BellBroken(type(error).__name__) from None
        return len(outbox_ids)

    def waiting(self, queue: str) -> int:
        """Rings that no worker has taken yet.

        Raises:
            BellBroken: Redis cannot be reached.
        """
        try:
            return int(self._ringing[queue].count)
        except (RedisError, OSError) as error:
            raise BellBroken(type(error).__name__) from None


class SilentBell:
    """A bell without Redis: hints fail at once, and the guard does the work itself."""

    def hint(self, queue: str, outbox_id: int) -> bool:
        """Always False."""
        return False

    def ring(self, queue: str, outbox_ids: tuple[int, ...]) -> int:
        """Never rings.

        Raises:
            BellBroken: always.
        """
        raise BellBroken("there is no Redis")

    def waiting(self, queue: str) -> int:
        """Never known.

        Raises:
            BellBroken: always.
        """
        raise BellBroken("there is no Redis")


class _Breaker:
    """Open for a while after a failure; then one try, by one thread, closes or reopens it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open_until: float | None = None

    def allows(self) -> bool:
        now = time.monotonic()
        with self._lock:
            if self._open_until is None:
                return True
            if now < self._open_until:
                return False
            self._open_until = now + self._seconds
            return True

    def failed(self) -> None:
        with self._lock:
            self._open_until = time.monotonic() + self._seconds

    def worked(self) -> None:
        with self._lock:
            self._open_until = None


def _queues(redis_url: str) -> dict[str, Queue]:
    redis = Redis.from_url(
        redis_url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=READ_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
        health_check_interval=0,
    )
    return {name: _queue(name, redis) for name in QUEUES}


def _queue(name: str, redis: Redis) -> Queue:
    queue = Queue(name, connection=redis, serializer="json")
    # Spares the INFO that RQ would ask first: one more read to wait for.
    queue.redis_server_version = (6, 2, 0)
    return queue


def _ring(queue: str, outbox_id: int) -> EnqueueData:
    """One job. The description is the kind only: RQ would render the arguments into it."""
    return Queue.prepare_data(
        DELIVER,
        args=(int(outbox_id),),
        timeout=JOB_SECONDS[queue],
        result_ttl=_RESULT_TTL,
        failure_ttl=_FAILURE_TTL,
        description="deliver",
        job_id=f"deliver-{int(outbox_id)}-{uuid4().hex}",
    )
