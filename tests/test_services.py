"""The servers that the other tests stand on: real, alone, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from helpline.processes import free_port
from tests import services

USE_THE_SERVER = """
import sys, time
from pathlib import Path
from tests.services import shared_postgres
with shared_postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_redis_is_real_and_keeps_what_it_is_told(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        for setting, value in {"appendonly": "yes", "maxmemory-policy": "noeviction"}.items():
            assert client.config_get(setting) == {setting: value}


def test_redis_is_gone_afterwards_and_its_data_is_not(tmp_path: Path) -> None:
    with services.redis_server(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", 1)
        os.kill(server.pid, signal.SIGKILL)
    assert not alive(server.pid)
    with services.redis_server(tmp_path) as again, redis.Redis.from_url(again.url) as client:
        assert client.get("kept") == b"1"


def test_postgres_of_its_own_is_durable() -> None:
    with (
        services.postgres_server() as server,
        psycopg.connect(server.url.replace("+psycopg", "")) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_postgres_database_is_empty(postgres_database: str) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(query).fetchone() == (0,)


def test_postgres_is_shared_and_goes_with_its_last_user(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", USE_THE_SERVER, str(tmp_path)]
    users = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    try:
        urls = {user.stdout.readline().strip() for user in users if user.stdout}
        assert len(urls) == 1
        plain = urls.pop().replace("+psycopg", "")
        users[0].kill()
        assert users[1].stdin
        users[1].stdin.close()
        assert users[1].wait(10) == 0
        psycopg.connect(plain).close()
        users[2].kill()
        eventually(lambda: not (tmp_path / "url").exists())
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain)
    finally:
        for user in users:
            with user:
                user.kill()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    taken = free_port()
    with (
        services.redis_server(tmp_path / "one", taken),
        pytest.raises(services.LaneBroken, match="stopped at once"),
        services.redis_server(tmp_path / "two", taken),
    ):
        raise AssertionError("two servers on one port")
