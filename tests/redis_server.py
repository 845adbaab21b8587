"""A redis-server of a test's own, which it can stop, freeze and start again."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job


class Server:
    """A redis-server of our own, which can be stopped, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("redis-server") or str(Path(sys.executable).parent / "redis-server")
        if not Path(binary).exists():
            pytest.fail("no redis-server on PATH or in the virtual environment")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                         "--appendonly", "yes", "--dir", str(folder)]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis.from_url(self.url, socket_timeout=2)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def stop(self) -> None:
        if self._process:
            self.signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        if self._process:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


def until(holds: Callable[[], Any], seconds: float = 15) -> None:
    """Wait for a condition, not for a time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


def queued(server: Server, name: str) -> list[Job]:
    return Queue(name, connection=server.client, serializer="json").jobs
