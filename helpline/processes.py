"""Everything on one machine: the table of processes, and the run of them.

`run` is what `python -m helpline run` does. Production uses the Procfile's lines under
systemd or its like; a test proves that both tables say the same.
"""

import errno
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from config.settings import REPOSITORY, Settings, local_host
from helpline.supervisor import Process, Supervisor
from helpline.wiring import carrier_texts

READY_SECONDS = 60.0
"""How long a start may take before somebody is told where to look."""

_PYTHON = (sys.executable, "-m")


class CannotStart(Exception):
    """Something on this machine is in the way; the text says what to do."""


def find_redis() -> str:
    """The path of a Redis or Valkey server: on PATH, else the one `make setup` fetched.

    Raises:
        CannotStart: there is none.
    """
    beside = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=beside):
            return found
    raise CannotStart(
        "No redis-server or valkey-server here. Run `make setup`, install one"
        " (Debian: apt install redis-server), or set REDIS_URL."
    )


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def redis_process(folder: Path, port: int) -> Process:
    """A Redis of our own: loopback only, append-only file, refuses rather than evicts.

    Raises:
        CannotStart: there is no server binary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Process("redis", (find_redis(), *flags))


def app_processes(environ: dict[str, str] | None = None) -> tuple[Process, ...]:
    """What the Procfile lists: the line itself, in the order of starting."""
    settings = environ or {}
    gunicorn = str(REPOSITORY / "config" / "gunicorn.py")
    app = "helpline.web.wsgi:create_app()"
    console = str(REPOSITORY / "config" / "gunicorn_console.py")
    pages = "helpline.web.console.wsgi:create_app()"
    run = (*_PYTHON, "workers.run")
    return (
        Process("web", (*_PYTHON, "gunicorn", "-c", gunicorn, app), settings),
        Process("console", (*_PYTHON, "gunicorn", "-c", console, pages), settings),
        Process("worker_crisis_1", (*run, "crisis"), settings),
        Process("worker_crisis_2", (*run, "crisis"), settings),
        Process("worker_callbacks", (*run, "callbacks"), settings),
        Process("worker_default", (*run, "default"), settings),
        Process("guard", (*_PYTHON, "workers.guard"), settings),
    )


def all_processes(settings: Settings) -> tuple[Process, ...]:
    """The Procfile's processes plus what this machine lends them: Redis, a practice carrier.

    Raises:
        CannotStart: a Redis is needed and there is no server binary.
    """
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    environ = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": path}
    lent: list[Process] = []
    if settings.redis_url is None:
        port = free_port()
        lent.append(redis_process(settings.var_dir / "redis", port))
        environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    if settings.practice:
        numbers = dict.fromkeys((*settings.sms_numbers, *settings.voice_numbers))
        carrier = {
            "SIMULATOR_HOST": "127.0.0.1",
            "SIMULATOR_PORT": str(settings.simulator_port),
            "SIMULATOR_ACCOUNT_SID": settings.twilio_account_sid,
            "SIMULATOR_AUTH_TOKEN": settings.twilio_auth_token.get_secret_value(),
            "SIMULATOR_WEBHOOK_BASE_URL": settings.web_url,
            "SIMULATOR_PUBLIC_BASE_URL": settings.public_base_url,
            "SIMULATOR_NUMBERS": ",".join(numbers),
            "SIMULATOR_CLOCK_OFFSET_FILE": str(settings.clock_offset_file or ""),
        } | {f"SIMULATOR_{word}_TEXT": text for word, text in carrier_texts(settings).items()}
        simulator = (*_PYTHON, "helpline.simulator")
        lent.append(Process("simulator", simulator, environ | carrier))
    return (*lent, *app_processes(environ))


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the var folder, and see that the ports are free, before anything is started.

    Raises:
        CannotStart: another run holds them, or the folder cannot be written.
    """
    folder = settings.var_dir / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "supervisor.lock").open("a+")
    except OSError as error:
        raise CannotStart(f"Cannot write {folder}: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"Already running on {settings.var_dir} (process {lock.read().strip() or '?'})."
                " Stop it first, or give this one its own HELPLINE_VAR_DIR and PORT."
            ) from None
        _need_port(settings.host, settings.port, "PORT")
        _need_port(settings.host, settings.console_port, "CONSOLE_PORT")
        if settings.practice:
            _need_port("127.0.0.1", settings.simulator_port, "HELPLINE_SIMULATOR_PORT")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
        lock.truncate(0)


def _need_port(host: str, port: int, variable: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "is taken by another program. Stop it, or choose another port"
            else:
                reason = f"cannot be listened on ({error.strerror})"
            raise CannotStart(f"{variable}: {host}:{port} {reason}.") from error


def migrate() -> None:
    """Bring the database to this version's tables.

    Raises:
        CannotStart: it did not work; what it printed says why.
    """
    if subprocess.run([*_PYTHON, "helpline", "migrate"], check=False).returncode:
        raise CannotStart("The database could not be migrated (see above).")


def find_readiness(url: str, timeout: float = 2.0) -> dict[str, Any] | None:
    """What the web process answers at `url`/ready when it can store what comes in, or None."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/ready", timeout=timeout) as answer:
            found = json.load(answer)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return found if isinstance(found, dict) else None


def wait_ready(url: str, seconds: float = READY_SECONDS) -> None:
    """Return as soon as `url`/ready answers 200.

    Raises:
        TimeoutError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while find_readiness(url) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url}/ready did not answer within {seconds:.0f} s")
        time.sleep(0.05)


def run(settings: Settings, *, quiet: bool = False) -> int:
    """Migrate, start everything, keep it running until a signal; the exit code."""
    try:
        with only_one(settings):
            migrate()
            supervisor = Supervisor(all_processes(settings), settings.var_dir, quiet=quiet)
            supervisor.when(lambda: find_readiness(settings.web_url), partial(_welcome, settings))
            return supervisor.run()
    except CannotStart as problem:
        _say(f"cannot start: {problem}", sys.stderr)
        return 1


@contextmanager
def running(settings: Settings, *, quiet: bool = True) -> Iterator[Supervisor]:
    """Everything up and ready for the block, and stopped after it: for demo, bench and tests.

    Raises:
        CannotStart: as `run`.
        TimeoutError: it started and did not become ready.
    """
    with only_one(settings):
        migrate()
        supervisor = Supervisor(all_processes(settings), settings.var_dir, quiet=quiet)
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        try:
            wait_ready(settings.web_url)
            yield supervisor
        finally:
            supervisor.request_stop()
            thread.join()


def _welcome(settings: Settings, readiness: dict[str, Any]) -> None:
    """Where everything is, and what `/ready` says is not as it should be."""
    _say(f"ready http://{local_host(settings.host)}:{settings.port}", sys.stdout)
    _say(f"console {settings.staff_url}", sys.stdout)
    if settings.practice:
        _say(f"phones {settings.simulator_url}", sys.stdout)
        _say("practice mode: no carrier account, nobody outside is reached", sys.stdout)
    for reason in readiness.get("degraded", ()):
        _say(f"warning: {reason}", sys.stdout)


def _say(line: str, stream: object) -> None:
    print(line, file=stream, flush=True)  # type: ignore[call-overload]
