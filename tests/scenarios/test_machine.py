"""The machine itself: what it leaves in files, how it heals, and the demonstration."""

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from config.settings import REPOSITORY
from tests.scenarios.running import Line
from tests.scenarios.telephone import Telephone, until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

PROCESSES = {
    "web", "console", "worker_crisis_1", "worker_crisis_2", "worker_callbacks", "worker_default",
    "guard", "redis", "simulator",
}  # fmt: skip
SECRETS = ("zebra marmalade", "i took all my zebra pills and cant stay awake")


@pytest.fixture
def own_line(tmp_path: Path) -> Iterator[Line]:
    """A line of this test alone, which may be stopped."""
    line = Line(tmp_path, f"sqlite:///{tmp_path}/helpline.db")
    try:
        line.start()
        line.begin()
        yield line
    finally:
        line.close()


def test_every_process_heals_and_nothing_leaks(own_line: Line) -> None:
    line = own_line
    line.tolerate(11205, failures=True)
    assert line.names() == PROCESSES
    ana, caller, other = line.person(), line.caller(), line.caller()
    played(line, ana, caller, other)
    for name in sorted(PROCESSES - {"simulator"}):
        before = line.kill(name)
        line.comes_back(name, before)
        until(lambda: answers(line), f"a text is answered after {name} was killed")
    assert line.names() == PROCESSES
    numbers = [phone.number[1:] for phone in (ana, caller, other)]
    with redis.Redis(port=line.redis_port) as client:
        keys: Any = client.keys("*")
        held = b"\n".join([*keys, *(dumped(client, key) for key in keys)])
    assert b"rq:" in held, "there was something to look at"
    line.stop()
    assert line.names() == set(), "pid files go with their processes"
    appended = b"".join(p.read_bytes() for p in (line.folder / "redis").rglob("*") if p.is_file())
    assert b"rq:" in appended
    written = line.log.read_bytes()
    written += b"".join(p.read_bytes() for p in (line.folder / "log").glob("*.log"))
    assert b'"event"' in written
    database = b"".join(p.read_bytes() for p in line.folder.glob("helpline.db*"))
    for place in (held, appended, written, database):
        for secret in (*numbers, *SECRETS):
            assert secret.encode() not in place


def played(line: Line, ana: Telephone, caller: Telephone, other: Telephone) -> None:
    """A call back and a page, with words that can be found again."""
    line.person("supervisor")
    caller.texts("hi, zebra marmalade, i need help with ket")
    caller.texts("0")
    ana.takes()
    caller.answers()
    caller.presses("1")
    until(lambda: ana.is_with(caller), "they are connected")
    caller.hangs_up()
    ana.waits_to_hear("helped")
    ana.presses("1")
    until(lambda: ana.state == "idle", "she hangs up")
    other.texts(SECRETS[1])
    ana.takes()
    other.waits_for_ring()
    other.hangs_up()


def answers(line: Line) -> bool:
    outcome = line.caller().act("text", body="hi i need help with ket")
    return outcome["status"] == 200 and "911" in "".join(outcome["messages"])


def dumped(client: redis.Redis, key: bytes) -> bytes:
    """Everything below a key, also what RQ compressed."""
    match client.type(key):
        case b"hash":
            found: Any = client.hgetall(key)
            return b"\n".join([*found, *found.values(), *map(unpacked, found.values())])
        case b"string":
            return repr(client.get(key)).encode()
        case b"list":
            return repr(client.lrange(key, 0, -1)).encode()
        case b"set":
            return repr(client.smembers(key)).encode()
        case b"zset":
            return repr(client.zrange(key, 0, -1)).encode()
        case b"stream":
            return repr(client.xrange(key)).encode()
        case b"none":
            return b""  # it has expired since the keys were listed
        case other:
            raise AssertionError(other)


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


LINE_SHAPES = (
    r"story \d+: \S.*",
    r"\+\d+\.\d{3} s \S.*",
    r"ok \S.*",
    r"starting \S.*",
    r"redis +\| died \(killed by SIGKILL\), starting again .*",
)


def test_the_demonstration_keeps_every_promise(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        (sys.executable, "-m", "helpline", "demo"),
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    found = re.fullmatch(r"demo: (\d+) stories, 0 broken", last)
    assert found
    assert int(found[1]) >= 2
    assert sum(line.startswith("story ") for line in lines) == int(found[1])
    assert [line for line in lines if not re.fullmatch("|".join(LINE_SHAPES), line)] == []
    assert sum(line.startswith("ok ") for line in lines) >= 6
