"""Between the outbox and the workers: a relay that dies, a ring that no worker can read."""

import signal
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select, text, update

from helpline.store import tables
from tests.scenarios.faults import LEASE_OVER, frozen_idle
from tests.scenarios.running import Line
from tests.scenarios.telephone import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RINGS = ("LLEN", "rq:queue:callbacks")


@pytest.mark.row(12)
def test_a_relay_killed_between_the_ring_and_its_note(either_line: Line) -> None:
    """R8 row 12: the row is rung twice, and what it says is done once."""
    line = either_line
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    with frozen_idle(line, "guard"):
        # Nobody may take the rings before they are counted, nor one that waits already.
        line.comes_back("worker_callbacks", line.kill("worker_callbacks"))
        with line.frozen("worker_callbacks"):
            assert "alerted" in caller.texts("0")
            with line.store.begin() as tx:
                if tx.dialect.name == "postgresql":
                    tx.connection.execute(text("LOCK TABLE outbox IN EXCLUSIVE MODE"))
                line.kill("guard", signal.SIGCONT)
                until(lambda: line.redis(*RINGS) == ":1", "the relay rang")
                before = line.kill("guard")
            line.comes_back("guard", before)
            until(lambda: line.redis(*RINGS) == ":2", "the next relay rang again")
    ana.takes()
    caller.waits_for_ring()
    until(lambda: line.redis(*RINGS) == ":0", "both rings were heard")
    line.settled()
    assert len(ana.calls()) == len(caller.calls()) == 1


@pytest.mark.row(17)
@pytest.mark.row(18)
@pytest.mark.parametrize("how", ["a job of another release", "a poisoned job"])
def test_a_ring_that_cannot_be_read_is_rung_again(either_line: Line, how: str) -> None:
    """R8 rows 17 and 18: refused or fatal for the worker, and the effect is not lost."""
    line = either_line
    line.tolerate(failures=True)
    ana, caller = line.person(), line.caller()
    with frozen_idle(line, "guard"):
        worker = line.pid("worker_callbacks")
        assert "alerted" in caller.texts("0")
        (effect,) = line.rows(select(tables.outbox.c.id).where(tables.outbox.c.state == "new"))
        if how == "a poisoned job":
            poison(line)
        else:
            foreign(line, effect.id)
        note_rung(line)
        until(lambda: line.redis(*RINGS) == ":0", "the worker took it")
        until(lambda: told(line, how), "the worker said so")
        line.offset(LEASE_OVER)
        in_vain = 'helpline_invariant_broken{invariant="outbox_rung_in_vain"}'
        until(lambda: line.counted(in_vain) >= 1, "the alarm's figure shows it")
        assert ana.calls() == []
    ana.takes()
    caller.waits_for_ring()
    line.settled()
    assert len(ana.calls()) == len(caller.calls()) == 1
    assert line.counted(in_vain) == 0
    assert line.pid("worker_callbacks") == worker


def poison(line: Line) -> None:
    """A ring whose hash in Redis is damaged."""
    with Redis(port=line.redis_port) as client:
        job = f"{uuid4()}"
        client.hset(f"rq:job:{job}", mapping={"status": "no such status", "data": "\x00{",
                                              "created_at": "never"})  # fmt: skip
        client.rpush("rq:queue:callbacks", job)


def foreign(line: Line, outbox_id: int) -> None:
    """A ring by a name that this release does not have."""
    with Redis(port=line.redis_port) as client:
        queue = Queue("callbacks", connection=client, serializer="json")
        queue.enqueue("workers.jobs.deliver_with_care", outbox_id)


def note_rung(line: Line) -> None:
    """The relay believes that every effect's bell was rung."""
    with line.store.begin() as tx:
        new = tables.outbox.c.state == "new"
        tx.connection.execute(update(tables.outbox).where(new).values(rung_at=datetime.now(UTC)))


def told(line: Line, how: str) -> bool:
    """Whether the worker's log names what happened to it."""
    event = "worker.replaced" if how == "a poisoned job" else "job.refused"
    return any(event in said for said in line.said())
