"""A whole line in a folder of its own: `python -m helpline run`, its telephones, its database.

Nothing here looks inside: what a test sees it sees on a telephone, in the carrier's books,
in the database or in `/proc`.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Executable, Row, delete, func, select, update
from werkzeug.datastructures import MultiDict

from config.settings import load_settings
from helpline.service import staff
from helpline.store import tables
from helpline.supervisor import tied
from helpline.wiring import build_staff_desk, build_store
from tests.carrier.signing import sign
from tests.scenarios.machine import argument_of, noted_pid, own_environment, signal_tree
from tests.scenarios.telephone import Json, Telephone, until

SPEED = 5.0
"""Simulated seconds in a real one: a ring of 20 s lasts 4."""

PAGE_MARGIN = 1.5
"""What a busy machine may add to a step of the ladder."""

LINE = "+15005550006"
TOO_LATE = {21220, 20404}  # who hangs up a leg: it has just ended, or the last test's line has
SECOND_TOKEN = "the-second-token-of-a-rotation"


@dataclass(frozen=True)
class Answer:
    """What the web process said."""

    status: int
    body: str
    seconds: float


class Line:
    """A line that runs."""

    def __init__(self, folder: Path, database_url: str, **environ: str) -> None:
        self.folder = folder
        self.environ = own_environment(folder, database_url) | environ
        self.settings = load_settings(self.environ)
        self.store = build_store(self.settings)
        self.log = folder / "run.log"
        self._numbers = 0
        self._log_from = 0
        self._tolerated: set[int] = set()
        self._failures_tolerated = False
        self.redis_port = 0
        self._running: subprocess.Popen[bytes] | None = None

    # start, stop, kill

    def start(self) -> None:
        argv = tied((sys.executable, "-m", "helpline", "run"))
        with self.log.open("ab") as output:
            self._running = subprocess.Popen(
                argv, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        try:
            until(lambda: self._is_up() or self._died(), "the line is ready", 180)
            assert not self._died(), "the line is alive"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()[-4000:]}") from None
        self.redis_port = int(argument_of(self.pid("redis"), "--port"))

    def stop(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.terminate()
        try:
            running.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    def dies(self) -> None:
        """A power cut: everything is killed, the supervisor first. `start` may follow."""
        running, self._running = self._running, None
        assert running is not None
        signal_tree(running.pid, signal.SIGKILL)
        running.wait()

    def close(self) -> None:
        self.stop()
        self.store.dispose()

    def _died(self) -> bool:
        return self._running is not None and self._running.poll() is not None

    def _is_up(self) -> bool:
        with suppress(OSError, ValueError, http.client.HTTPException):
            ready = self.get("/ready")
            self.ask("GET", "/control/state")
            return ready.status == 200 and "sign of life" not in ready.body
        return False

    def names(self) -> set[str]:
        """The processes that have a pid file."""
        return {path.stem for path in (self.folder / "run").glob("[a-z]*.pid")}

    def pid(self, name: str) -> int:
        """The process id in the pid file, once it is there."""
        return until(lambda: noted_pid(self.folder, name), f"{name}.pid")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal a process and everything below it, as an OOM killer or a power cut does."""
        signal_tree(pid := self.pid(name), number)
        return pid

    def comes_back(self, name: str, before: int) -> None:
        """Another process by this name runs."""
        until(lambda: noted_pid(self.folder, name) not in {0, before}, f"{name} again")

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Hung: SIGSTOP for the block."""
        for name in names:
            self.kill(name, signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self.kill(name, signal.SIGCONT)

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Killed, and kept from coming back: its folder is away for the block."""
        home = self.folder / "redis"
        home.rename(away := home.with_suffix(".away"))
        self.kill("redis")
        until(lambda: self.redis("PING") != "+PONG", "Redis is away")
        try:
            yield
        finally:
            away.rename(home)
        until(lambda: self.redis("PING") == "+PONG", "Redis is back")

    def redis(self, *command: str) -> str:
        """One command to the line's own Redis, as plain text; empty while it is away."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.redis_port), 1) as talk:
            talk.settimeout(1)
            talk.sendall((" ".join(command) + "\r\n").encode())
            return talk.recv(65536).decode().strip()
        return ""

    # between tests

    def begin(self) -> None:
        """Nobody, nothing open, telephones quiet: as good as new."""
        self.retire()
        self.ask("POST", "/control/reset", {})
        self.speed(SPEED)
        self.offset(0)
        self._log_from = self.log.stat().st_size
        self._tolerated.clear()
        self._failures_tolerated = False

    def end(self) -> None:
        """What must hold after every scenario."""
        state = self.ask("GET", "/control/state")
        assert state["violations"] == [], state["violations"]
        tolerated = self._tolerated | TOO_LATE
        wrong = [error for error in state["errors"] if error["code"] not in tolerated]
        assert not wrong, wrong
        for place in ("Calls", "Messages"):
            made = Counter(self.tokens(place))
            assert [token for token, times in made.items() if times > 1] == [], f"{place} twice"
        failures = [] if self._failures_tolerated else self.failures()
        assert not failures, "\n".join(failures[:5])

    def tolerate(self, *codes: int, failures: bool = False) -> None:
        """Errors at the carrier, and failures in the log, that this scenario injects."""
        self._tolerated.update(codes)
        self._failures_tolerated |= failures

    def failures(self) -> list[str]:
        """Log lines since the test began that tell of an exception."""
        return [line for line in self.said() if '"level": "error"' in line or "Traceback" in line]

    def said(self) -> list[str]:
        """Log lines since the test began."""
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace").splitlines()

    def retire(self) -> None:
        now = datetime.now(UTC)
        ends = (
            update(tables.staff).values(disabled_at=now),
            update(tables.page).values(state="acknowledged", next_at=None),
            update(tables.callback).values(state="canceled", lease_until=None),
            update(tables.case).values(state="closed"),
            update(tables.outbox).values(state="done"),
            update(tables.conversation).values(wake_at=None),
            # Else the guard asks for them at a carrier that has forgotten them.
            update(tables.attempt).values(state="completed"),
            update(tables.call).values(ended_at=now),
            update(tables.message).where(~tables.message.c.inbound).values(state="delivered"),
            delete(tables.pace),  # places in line given while the clock was ahead
        )
        for end in ends:
            # A transaction each: the line locks a conversation first and its other rows after.
            with self.store.begin() as tx:
                tx.connection.execute(end)

    def offset(self, seconds: float) -> None:
        """Let time pass, or go back to the real one, for every process at once."""
        path = self.folder / "clock-offset"
        path.with_suffix(".new").write_text(str(seconds))
        path.with_suffix(".new").replace(path)

    # people

    def caller(self) -> Telephone:
        return Telephone(self, self._number("+1202556"))

    def person(self, role: str = "specialist", tier: int = 1, languages: str = "en") -> Telephone:
        """A new member of staff with a telephone nobody has touched."""
        number = self._number("+1202557")
        desk = build_staff_desk(self.settings)
        try:
            staff_id = staff.add(
                desk, name=f"Person {number[-4:]}", phone=number, role=role,
                languages=languages.split(","), tier=tier,
            )  # fmt: skip
        finally:
            desk.store.dispose()
        return Telephone(self, number, staff_id)

    def hires(self, name: str, role: str, tier: int) -> Telephone:
        """The same through the command that an operator types."""
        number = self._number("+1202557")
        done = self.command(
            "staff", "add", "--name", name, "--phone", number, "--role", role, "--tier", str(tier)
        )
        assert done.returncode == 0, done.stderr
        return Telephone(self, number, int(done.stdout))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (sys.executable, "-m", "helpline", *arguments),
            cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._numbers:04}"

    # the carrier's side

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """The simulator's own HTTP."""
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.settings.simulator_port, timeout=60)
        ) as talk:
            headers = {"Content-Type": "application/json"}
            talk.request(method, path, None if body is None else json.dumps(body), headers)
            answer = talk.getresponse()
            said = answer.read()
        assert answer.status == 200, said
        found: Json = json.loads(said)
        return found

    def calls(self) -> list[Json]:
        found: Any = self.ask("GET", "/control/calls")
        return list(found)

    def messages(self) -> list[Json]:
        found: Any = self.ask("GET", "/control/messages")
        return list(found)

    def rest_texts_to(self, phone: Telephone) -> list[str]:
        """Texts that the line asked for by REST; answers in TwiML are not among them."""
        return [
            message["body"]
            for message in self.messages()
            if message["to"] == phone.number and message["direction"] == "outbound-api"
        ]

    def asked_texts_to(self, phone: Telephone) -> list[str]:
        """The same with those that the carrier refused."""
        return [
            event["form"]["Body"][0]
            for event in self.events("rest")
            if event["method"] == "POST" and event["form"].get("To") == [phone.number]
            if "Body" in event["form"]
        ]

    def events(self, kind: str) -> list[Json]:
        found: list[Json] = self.ask("GET", f"/control/log?kind={kind}")["events"]
        return found

    def tokens(self, place: str) -> list[str]:
        """The opaque ids of all calls or texts that were asked for and made."""
        return [
            event["form"]["StatusCallback"][0].rpartition("=")[2]
            for event in self.events("rest")
            if event["method"] == "POST"
            and event["path"].endswith(f"/{place}.json")
            and event["status"] == 201
        ]

    def fault(self, kind: str, on: str, **options: Any) -> None:
        self.ask("POST", "/control/faults", {"kind": kind, "on": on, **options})

    def mend(self) -> None:
        self.ask("DELETE", "/control/faults")

    def speed(self, scale: float) -> None:
        self.ask("POST", "/control/speed", {"time_scale": scale})

    # the web process

    def get(self, path: str) -> Answer:
        return self._request("GET", path, None, {})

    def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        token: str | None = None,
        signature: str | None = None,
        **headers: str,
    ) -> Answer:
        """A webhook, signed for the public address unless told otherwise."""
        if signature is None:
            signature = self.signature(path, form, token)
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if signature:
            sent["X-Twilio-Signature"] = signature
        body = json.dumps(form) if "json" in sent["Content-Type"] else urlencode(form)
        return self._request("POST", path, body, sent)

    def signature(self, path: str, form: dict[str, str], token: str | None = None) -> str:
        """What the carrier would put in the header."""
        token = token or self.settings.twilio_auth_token.get_secret_value()
        return sign(self.settings.public_base_url + path, MultiDict(form), token)

    def counted(self, name: str) -> float:
        """A counter of /metrics, summed over its labels."""
        lines = self.get("/metrics").body.splitlines()
        return sum(float(each.split()[-1]) for each in lines if each.startswith(name))

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        began = time.monotonic()
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=15)
        ) as talk:
            talk.request(method, path, body, headers)
            answer = talk.getresponse()
            said = answer.read().decode()
        return Answer(answer.status, said, time.monotonic() - began)

    # the database, to look at

    def rows(self, statement: Executable) -> list[Row[Any]]:
        with self.store.read() as tx:
            return list(tx.connection.execute(statement))

    def count(self, table: Any, *where: Any) -> int:
        return int(self.rows(select(func.count()).select_from(table).where(*where))[0][0])

    def settled(self) -> None:
        """Nothing waits to be carried out."""
        waiting = tables.outbox.c.state.in_(("new", "claimed"))
        due = tables.outbox.c.due_at <= datetime.now(UTC)
        until(lambda: self.count(tables.outbox, waiting, due) == 0, "every effect is carried out")


def inbound(number: str, sid: str, body: str = "hello there") -> dict[str, str]:
    """The form of an inbound text."""
    return {
        "MessageSid": sid, "SmsSid": sid, "AccountSid": "AC" + "0" * 32, "From": number,
        "To": LINE, "Body": body, "NumMedia": "0", "NumSegments": "1",
    }  # fmt: skip
