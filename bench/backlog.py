"""Work that waits for the general workers while words of danger come in: texts and hang-ups.

At the pace of `config/outbound.yaml` one text a second leaves and the others are put off:
ten thousand would wait, but in the database, and the workers would sleep. So this line has
no pace to speak of, and the callers who are texted have just been heard: every job goes
through Redis, and both workers ask the carrier again and again, as fast as they can.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import yaml
from redis import Redis
from rq import Queue
from sqlalchemy import ColumnElement, func, select, update

from bench.servers import BenchBroken
from config.settings import REPOSITORY, Settings
from helpline.domain.delivery import LegState
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, conversations
from helpline.store.outbox import ORDINARY
from helpline.store.tables import case, outbox
from helpline.supervisor import Supervisor
from helpline.wiring import build_store
from tests.scenarios.machine import argument_of

QUEUES = ("callbacks", "default")
CALLERS = 1_000
PATIENCE = 180.0
MORE = 3
"""A third more is put: the guard begins with what the callbacks worker leaves for 30 seconds, and
some must still wait when the last of two minutes is measured."""
_LINE = "+15005550006"
_OPEN = outbox.c.state.in_(("new", "claimed"))
_NO_PACE = {"per_second": 1_000, "burst": 1_000}


def unhurried_config(folder: Path) -> Path:
    """The real protocol, with rates that nothing waits for."""
    shutil.copytree(REPOSITORY / "config", folder, ignore=shutil.ignore_patterns("*.py", "__*"))
    path = folder / "outbound.yaml"
    rules = yaml.safe_load(path.read_text())
    rules["calls"] = {"account": _NO_PACE}
    rules["texts"] = {"number": _NO_PACE, "account": _NO_PACE}
    path.write_text(yaml.safe_dump(rules))
    return folder


class Backlog:
    """Jobs that are due, half of them texts to callers, half hang-ups of telephones."""

    def __init__(self, settings: Settings, supervisor: Supervisor, jobs: int) -> None:
        """Back when at least so many wait in Redis, and both workers are at it.

        Raises:
            BenchBroken: the workers do not begin, or the guard was quicker than the bell.
        """
        self._supervisor = supervisor
        self._store = build_store(settings)
        self._signal(signal.SIGSTOP)
        self._ours = self._put(jobs + jobs // MORE)
        _wait(self._is_rung, "nobody rings for the jobs that wait")
        self._signal(signal.SIGCONT)
        _wait(lambda: all(self.done().values()), "nobody begins with the jobs that wait")
        if sum(self.left().values()) < jobs:
            raise BenchBroken(f"fewer than {jobs:,} jobs wait")

    def done(self) -> dict[str, int]:
        """How many have been carried out, by queue."""
        return self._count(~_OPEN)

    def left(self) -> dict[str, int]:
        """How many still wait, by queue."""
        return self._count(_OPEN)

    def forget(self) -> None:
        """What waits is not carried out any more: the next measurement has an idle line."""
        with self._store.begin() as tx:
            waiting = update(outbox).where(self._ours, outbox.c.state == "new")
            tx.connection.execute(waiting.values(state="done"))
        port = argument_of(self._supervisor.pids()["redis"], "--port")
        with closing(Redis(port=int(port))) as redis:
            for queue in QUEUES:
                Queue(queue, connection=redis).empty()
        _wait(lambda: not any(self.left().values()), "a job does not end")
        self._store.dispose()

    def _put(self, jobs: int) -> ColumnElement[bool]:
        """Write them down as the line itself does; which effects they are."""
        now, newest = datetime.now(UTC), select(func.coalesce(func.max(outbox.c.id), 0))
        with self._store.begin() as tx:
            before = int(tx.connection.execute(newest).scalar_one())
            _put_texts(tx, jobs - jobs // 2, now)
            _put_hang_ups(tx, jobs // 2, now)
            after = int(tx.connection.execute(newest).scalar_one())
        return outbox.c.id.between(before + 1, after) & outbox.c.queue.in_(QUEUES)

    def _is_rung(self) -> bool:
        return not any(self._count(_OPEN, outbox.c.rung_at.is_(None)).values())

    def _signal(self, number: signal.Signals) -> None:
        for queue in QUEUES:
            os.kill(self._supervisor.pids()[f"worker_{queue}"], number)

    def _count(self, *where: ColumnElement[bool]) -> dict[str, int]:
        counted = select(outbox.c.queue, func.count()).where(self._ours, *where)
        with self._store.read() as tx:
            found = tx.connection.execute(counted.group_by(outbox.c.queue))
            by_queue = {row[0]: int(row[1]) for row in found}
        return {queue: by_queue.get(queue, 0) for queue in QUEUES}


def _put_texts(tx: Transaction, count: int, now: datetime) -> None:
    talks = [
        conversations.create(tx, f"+1602555{number:04}", _LINE, whatsapp=False, now=now)
        for number in range(min(count, CALLERS))
    ]
    for number in range(count):
        talk = talks[number % len(talks)].conversation_id
        outgoing.text_words(tx, talk, "Noted.", now, priority=ORDINARY)


def _put_hang_ups(tx: Transaction, count: int, now: datetime) -> None:
    """Of rings that the carrier has forgotten: asking it takes as long as for any other."""
    case_id = int(tx.connection.execute(select(func.min(case.c.id))).scalar_one())
    for _ in range(count):
        token = outgoing.new_token()
        leg_id = attempts.plan(tx, token=token, leg="staff", case_id=case_id, now=now)
        attempts.move(tx, leg_id, LegState.QUEUED, now, sid=f"CA{uuid4().hex}")
        outgoing.hang_up(tx, attempts.get(tx, leg_id), now)


def _wait(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise BenchBroken(otherwise)
        time.sleep(0.05)
