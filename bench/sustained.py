"""Minutes of ordinary traffic at a fixed rate, while callbacks are placed: an open loop.

Texts are sent at their time whether or not the line keeps up, and their latency counts
from that time: a line that stalls cannot hide it by slowing its callers down.
"""

import http.client
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from bench.line import line
from bench.load import judge
from bench.results import Result, percentile, ratio
from bench.servers import BenchBroken
from bench.texts import Callers, Endpoint
from config.settings import Settings
from helpline.store.tables import attempt, outbox
from helpline.wiring import build_store

RATE = 50
SECONDS = 300.0
SENDERS = 48
IDLE_TEXTS = 200
MOST_TIMES_IDLE = 10.0
DRAIN_SECONDS = 60.0
TALK_FASTER = 20.0
"""Telephones ring and talk so many times faster, or three people would answer few calls."""


def run(
    folder: Path, rate: int = RATE, seconds: float = SECONDS, idle_texts: int = IDLE_TEXTS
) -> Iterator[Result]:
    """Errors, latency against the idle line, and what is left when the traffic stops."""
    with line(folder) as (settings, _):
        _let_staff_answer(settings)
        callers = Callers(_endpoint(settings), seed=1)
        texts = callers.lane(idle_texts + int(rate * seconds))
        idle = _send(settings, islice(texts, idle_texts), rate=20, senders=1)
        busy = _send(settings, texts, rate=rate, senders=SENDERS)
        drained = _drain(settings)
        calls = _calls_answered(settings)
    name = f"{rate} texts/s for {seconds:.0f} s"
    wrong = "".join(f", {problem}" for problem in sorted(busy.wrong))
    yield Result(f"{name}: of {len(busy.ms):,} not answered well{wrong}",
                 float(sum(busy.wrong.values())), "", 0.0)  # fmt: skip
    yield Result(f"{name}: p50", percentile(busy.ms, 0.5), "ms")
    yield Result(f"{name}: p99", percentile(busy.ms, 0.99), "ms")
    yield Result(f"{name}: p99 when idle", percentile(idle.ms, 0.99), "ms")
    times = ratio(percentile(busy.ms, 0.99), percentile(idle.ms, 0.99))
    yield Result(f"{name}: p99, busy to idle", times, "x", MOST_TIMES_IDLE)
    yield Result(f"{name}: sent late by the generator, p99", percentile(busy.late, 0.99), "ms")
    yield Result(f"{name}: calls that somebody answered meanwhile", float(calls), "", 1, "at least")
    yield Result(f"{name}: until nothing due was left", drained, "s", DRAIN_SECONDS)


@dataclass(slots=True)
class Sent:
    """Milliseconds from the time a text was due, how late it left, and what was wrong."""

    ms: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)


def _endpoint(settings: Settings) -> Endpoint:
    token = settings.twilio_auth_token.get_secret_value()
    return Endpoint(settings.host, settings.port, settings.public_base_url, token)


def _send(settings: Settings, texts: Iterator[bytes], *, rate: int, senders: int) -> Sent:
    """Every text at its time, over keep-alive connections of so many senders."""
    due: queue.Queue[tuple[float, bytes] | None] = queue.Queue()
    sent = Sent()
    threads = [threading.Thread(target=_sender, args=(settings, due, sent)) for _ in range(senders)]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    for number, text in enumerate(texts):
        at = begun + number / rate
        time.sleep(max(0.0, at - time.perf_counter()))
        due.put((at, text))
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return sent


def _sender(settings: Settings, due: "queue.Queue[tuple[float, bytes] | None]", sent: Sent) -> None:
    talk = http.client.HTTPConnection(settings.host, settings.port, timeout=15)
    while (item := due.get()) is not None:
        at, text = item
        sent.late.append((time.perf_counter() - at) * 1e3)
        try:
            problem = judge(_exchange(talk, text))
        except (OSError, http.client.HTTPException) as error:
            problem = type(error).__name__
            talk.close()
        sent.ms.append((time.perf_counter() - at) * 1e3)
        if problem:
            sent.wrong[problem] += 1
    talk.close()


def _exchange(talk: http.client.HTTPConnection, text: bytes) -> bytes:
    """Send the prepared bytes; the answer as `judge` reads it. An idle connection that the
    server let go is opened once more, as the carrier does."""
    for last in (False, True):
        try:
            if talk.sock is None:
                talk.connect()
            talk.sock.sendall(text)
            answer = http.client.HTTPResponse(talk.sock, method="POST")
            answer.begin()
            body = answer.read()
        except (ConnectionError, http.client.BadStatusLine):
            talk.close()
            if last:
                raise
            continue
        if answer.will_close:
            talk.close()
        kind = answer.headers.get("Content-Type", "")
        head = f"HTTP/1.1 {answer.status}\r\nContent-Type: {kind}\r\n\r\n"
        return head.encode() + body
    raise BenchBroken("unreachable")


def _let_staff_answer(settings: Settings) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for number in ("+12025550110", "+12025550111", "+12025550112"):
            reactions = [
                {"keys": "1", "after": "waiting", "repeat": True},
                {"keys": "1", "after": "helped", "repeat": True},
            ]
            body: dict[str, Any] = {"mode": "answer", "keys": reactions}
            url = f"{settings.simulator_url}/phones/{number}/behaviour"
            session.post(url, json=body, timeout=10).raise_for_status()
        speed = {"time_scale": TALK_FASTER}
        session.post(
            f"{settings.simulator_url}/control/speed", json=speed, timeout=10
        ).raise_for_status()


def _drain(settings: Settings) -> float:
    """Seconds until no effect that is due is left undone."""
    store = build_store(settings)
    begun = time.monotonic()
    while (taken := time.monotonic() - begun) < 2 * DRAIN_SECONDS:
        with store.read() as tx:
            counted = select(func.count()).where(
                outbox.c.state.in_(("new", "claimed")), outbox.c.due_at <= datetime.now(UTC)
            )
            left = tx.connection.execute(counted).scalar_one()
        if not left:
            break
        time.sleep(0.2)
    store.dispose()
    return taken


def _calls_answered(settings: Settings) -> int:
    store = build_store(settings)
    with store.read() as tx:
        answered = select(func.count()).where(attempt.c.answered_at.is_not(None))
        count = int(tx.connection.execute(answered).scalar_one())
    store.dispose()
    return count
