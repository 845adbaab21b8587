"""The database killed, hung and gone with the disk; the line itself down: nothing is lost."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from helpline.processes import free_port
from helpline.simulator import SimulatorSettings, create_simulator
from helpline.store import tables
from tests import services
from tests.scenarios.faults import BUSY, PAGE_SECONDS, arrivals
from tests.scenarios.machine import descendants
from tests.scenarios.running import LINE, Answer, Line, inbound
from tests.scenarios.telephone import Telephone, until

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]

DANGER = "i took all my pills and cant stay awake"


class Database:
    """A PostgreSQL of these tests that can be killed, hung and started again."""

    def __init__(self, server: services.Server) -> None:
        self.url = server.url
        self.pid = server.pid
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode().split("\0")
        self._argv = [word for word in command if word]
        self._owner = Path(f"/proc/{server.pid}").stat()
        self._again: subprocess.Popen[bytes] | None = None

    def signal(self, number: signal.Signals) -> None:
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextmanager
    def killed(self) -> Iterator[None]:
        # Stopped first, it starts no process any more that would outlive it and keep its memory.
        self.signal(signal.SIGSTOP)
        below = descendants(self.pid)
        self.signal(signal.SIGKILL)
        # A dead child that nobody has waited for still holds its id, and so its lock.
        if self._again is None:
            os.waitpid(self.pid, 0)
        else:
            self._again.wait(20)
        until(lambda: not any(map(_is_there, below)), "what it had started is gone as well")
        until(lambda: not self._answers(), "PostgreSQL is gone")
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def start(self) -> None:
        become = {"user": self._owner.st_uid, "group": self._owner.st_gid, "extra_groups": []}
        more = become if os.getuid() == 0 and self._owner.st_uid else {}
        self._again = subprocess.Popen(
            self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **more
        )  # type: ignore[call-overload]
        self.pid = self._again.pid
        until(self._answers, "PostgreSQL is back", 30)

    def stop(self) -> None:
        if self._again is not None:
            self._again.send_signal(signal.SIGINT)
            with suppress(ChildProcessError):
                self._again.wait(20)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True


def _is_there(pid: int) -> bool:
    """Not gone, and no zombie that nobody waits for."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with services.postgres_server() as server:
        made = Database(server)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def _line(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    line = Line(tmp_path_factory.mktemp("line-outages"), database.url)
    try:
        line.start()
        yield line
    finally:
        line.close()


@pytest.fixture
def line(_line: Line) -> Line:
    _line.begin()
    _line.tolerate(failures=True)
    return _line


def on_the_list(line: Line, *people: Telephone) -> None:
    """A guard that began after they came has written down who can be paged.

    Not the guard of before, which may have written its list a moment before they came.
    """
    assert people
    roster = line.folder / "spool" / "notes" / "roster"
    before = line.pid("guard")
    line.kill("guard")
    until(lambda: not Path(f"/proc/{before}").exists(), "the guard is gone")
    roster.unlink(missing_ok=True)
    line.comes_back("guard", before)
    until(roster.exists, "the list is cached", 30)


def texts(line: Line, count: int, prefix: str, every: float = 0.0) -> list[Answer]:
    def one(number: int) -> Answer:
        form = inbound(f"+1202558{number:04}", f"SM{prefix}{number:020}")
        return line.post("/twilio/sms", form)

    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(one, range(count)))


def paged_within(line: Line, ana: Telephone, caller: Telephone) -> float:
    """Seconds from the danger to the request for the first call, by the carrier's own log.

    Both are read from the one monotonic clock of this machine: to look takes time as well.
    """
    began = time.monotonic()
    said = line.post("/twilio/sms", inbound(caller.number, f"SM{time.time_ns():032}", DANGER))
    seconds = until(lambda: arrivals(line, ana, began, "Calls"), "she is rung", 10)[0] - began
    assert said.status == 200
    assert "911" in said.body
    assert said.seconds < 5
    return seconds


def stored(line: Line, prefix: str) -> int:
    return line.count(tables.message, tables.message.c.sid.like(f"SM{prefix}%"))


def spool_is_empty(line: Line) -> bool:
    return not any((line.folder / "spool" / "records").glob("[0-9]*"))


@pytest.mark.row(6)
def test_database_killed_under_texts(line: Line, database: Database) -> None:
    """R8 row 6: answered, danger paged, and each text there once afterwards."""
    ana, caller = line.person(), line.caller()
    first = f"SM{time.time_ns():032}"
    on_the_list(line, ana)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(texts, line, 120, "killed0")
        until(lambda: stored(line, "killed0") > 10, "some are stored")
        with database.killed():
            seconds = paged_within(line, ana, caller)
            answers = [*flood.result(), *texts(line, 40, "killed1")]
    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 5
    assert seconds < PAGE_SECONDS + BUSY
    line.store.dispose()
    until(lambda: spool_is_empty(line), "the spool is taken in", 30)
    assert (stored(line, "killed0"), stored(line, "killed1")) == (120, 40)
    page = tables.page.c.state == "open"
    until(lambda: line.count(tables.page, page) == 1, "the page is in the database")
    assert line.count(tables.message, tables.message.c.sid >= first,
                      tables.message.c.level >= 3) == 1  # fmt: skip


@pytest.mark.row(7)
def test_database_hung_for_ten_seconds(line: Line, database: Database) -> None:
    """R8 row 7: every request is answered in time, and danger does not wait for the database."""
    ana, caller = line.person(), line.caller()
    on_the_list(line, ana)
    with database.hung():
        ends = time.monotonic() + 10
        seconds = paged_within(line, ana, caller)
        answers = texts(line, 60, "hung0")
        until(lambda: time.monotonic() > ends, "ten seconds", 12)
        answers += texts(line, 20, "hung1")
    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 5
    assert seconds < PAGE_SECONDS + BUSY
    until(lambda: spool_is_empty(line), "the spool is taken in", 30)
    assert (stored(line, "hung0"), stored(line, "hung1")) == (60, 20)


@pytest.mark.row(27)
def test_without_database_and_spool_the_fallback_is_asked(line: Line, database: Database) -> None:
    """R8 row 27: 503, so that the carrier uses its fallback address; never a false 200."""
    spool = line.folder / "spool"
    with database.killed():
        assert line.post("/twilio/sms", inbound("+12025580001", "SM" + "a" * 32)).status == 200
        assert line.get("/ready").status == 200
        spool.rename(away := line.folder / "spool-away")
        spool.write_text("no folder any more")
        try:
            refused = line.post("/twilio/sms", inbound("+12025580002", "SM" + "b" * 32))
            assert refused.status == 503
            assert "911" in refused.body
            assert line.get("/ready").status == 503
        finally:
            spool.unlink()
            away.rename(spool)
    line.store.dispose()
    until(lambda: spool_is_empty(line), "the spool is taken in", 30)
    assert line.count(tables.message, tables.message.c.sid == "SM" + "a" * 32) == 1
    until(lambda: line.get("/ready").status == 200, "ready again")


@pytest.mark.row(26)
def test_what_came_while_the_line_was_down_is_taken_in_at_the_start(tmp_path: Path) -> None:
    """R8 row 26: all of it once, danger paged, the oldest first."""
    port, token = free_port(), "token-of-a-test"
    sid = "AC" + "5" * 32
    line = Line(
        tmp_path, f"sqlite:///{tmp_path}/helpline.db",
        TWILIO_ACCOUNT_SID=sid, TWILIO_AUTH_TOKEN=token,
        TWILIO_API_BASE_URL=f"http://127.0.0.1:{port}",
        PUBLIC_BASE_URL="https://line.example.org",
        HELPLINE_SIMULATOR_PORT=str(port),
        HELPLINE_SMS_NUMBERS=LINE, HELPLINE_VOICE_NUMBERS=LINE,
        HELPLINE_SECRET_KEY="s" * 40, HELPLINE_INDEX_KEY="i" * 40,
        HELPLINE_ENCRYPTION_KEYS="dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",
    )  # fmt: skip
    settings = SimulatorSettings(
        sid, token, line.settings.web_url, (LINE,), port=port, time_scale=5,
        public_base_url="https://line.example.org",
    )  # fmt: skip
    with create_simulator(settings) as sim:
        try:
            line.start()
            ana = line.person()
            until(lambda: line.count(tables.heartbeat, tables.heartbeat.c.process == "reconciler"),
                  "a first good look")  # fmt: skip
            line.stop()
            gone = datetime.now(UTC) - timedelta(minutes=31)
            with line.store.begin() as tx:
                tx.connection.execute(update(tables.heartbeat).values(at=gone))
            bodies = [DANGER, *(f"text number {n}" for n in range(20)), DANGER + " please"]
            for number, body in enumerate(bodies):
                came = sim.phone(f"+1202558{number:04}").texts(body)
                message = sim.carrier.messages[came.sid]
                message.created_at = message.sent_at = gone + timedelta(minutes=1 + number)
            line.start()
            until(lambda: line.count(tables.message, tables.message.c.inbound) == len(bodies),
                  "everything is taken in", 30)  # fmt: skip
            ana.waits_for_ring()
            kept = line.rows(
                tables.message.select()
                .where(tables.message.c.inbound)
                .order_by(tables.message.c.id)
            )
            assert [row.body for row in kept] == bodies
            assert line.count(tables.page) == 2
            answered = until(
                lambda: sim.phone("+12025580000").received(), "the first in danger is answered"
            )
            assert "911" in str(answered[0])
        finally:
            line.close()
