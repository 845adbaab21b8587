"""What the measurement stands on: gunicorn under our own config, the generator, CPU from /proc."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bench.texts import ACCOUNT, LINE, Endpoint
from config.settings import REPOSITORY
from helpline.processes import free_port
from helpline.supervisor import tied

OURS = "helpline.web.wsgi:create_app()"
FLOOR = "bench.floor:create_app()"
PUBLIC = "https://line.example.org"
START_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
_NOT_OURS = ("HELPLINE_", "TWILIO_", "SIMULATOR_", "PROMETHEUS_")
_NAMES = {"DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL", "HOST", "PORT", "CONSOLE_PORT"}


class BenchBroken(Exception):
    """The measurement itself cannot be trusted or cannot start; the text says why."""


def environment(folder: Path, database_url: str, redis_url: str | None = None) -> dict[str, str]:
    """A production-like environment that owes nothing to the developer's shell."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NOT_OURS) and name not in _NAMES
    }
    ours = {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": database_url,
        "PORT": str(free_port()),
        "PUBLIC_BASE_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "f" * 32,
        "TWILIO_API_BASE_URL": "http://127.0.0.1:9",
        "HELPLINE_SMS_NUMBERS": LINE,
        "HELPLINE_VOICE_NUMBERS": LINE,
        "HELPLINE_SECRET_KEY": "s" * 64,
        "HELPLINE_INDEX_KEY": "i" * 64,
        "HELPLINE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "HELPLINE_VAR_DIR": str(folder),
    }
    return kept | ours | ({"REDIS_URL": redis_url} if redis_url else {})


def endpoint(environ: dict[str, str]) -> Endpoint:
    """Where a server of this environment listens, and its token."""
    return Endpoint("127.0.0.1", int(environ["PORT"]), PUBLIC, environ["TWILIO_AUTH_TOKEN"])


@contextmanager
def serving(app: str, environ: dict[str, str], folder: Path) -> Iterator[int]:
    """`app` under config/gunicorn.py until the block ends; the master's process id.

    Raises:
        BenchBroken: it does not answer.
    """
    config = str(REPOSITORY / "config" / "gunicorn.py")
    argv = (sys.executable, "-m", "gunicorn", "-c", config, app)
    log = folder / f"{app.split(':')[0]}.log"
    with log.open("w") as output:
        master = subprocess.Popen(
            tied(argv), env=environ, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_live(f"http://127.0.0.1:{environ['PORT']}/live", master, log)
        yield master.pid
    finally:
        stop(master)


def stop(process: subprocess.Popen[Any], seconds: float = 10.0) -> None:
    """End a process and the group it leads."""
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_live(url: str, master: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError), direct.open(url, timeout=1):
            return
        if master.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text().splitlines()[-15:])
            raise BenchBroken(f"{url} does not answer:\n{tail}")
        time.sleep(0.05)


class Load:
    """The generator's process, as something to call."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """One order, its answer.

        Raises:
            BenchBroken: the generator died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BenchBroken(f"the load generator died at {do!r} (see above)")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def generator(target: Endpoint, connections: int, seed: int) -> Iterator[Load]:
    """A generator for one server until the block ends."""
    process = subprocess.Popen(
        tied((sys.executable, "-m", "bench.load")), cwd=REPOSITORY, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        load = Load(process)
        where = {name: getattr(target, name) for name in Endpoint.__slots__}
        load.ask("open", endpoint=where, connections=connections, seed=seed)
        yield load
    finally:
        stop(process)


def cpu_seconds(root: int) -> float:
    """User and system time of a process, of what it started, and of its dead children.

    A tree: 10 ms steps, so ask over a second or more.
    """
    times: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                own = sum(map(int, fields[11:13])) + sum(map(int, fields[13:15]))
                times[int(entry.name)] = int(fields[1]), own / _TICKS
    family = {root}
    while more := {pid for pid, (parent, _) in times.items() if parent in family} - family:
        family |= more
    return sum(times[pid][1] for pid in family if pid in times)
