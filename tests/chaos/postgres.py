"""A PostgreSQL that may be killed: its data stay, and a supervisor starts it again."""

import os
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psycopg

from helpline.processes import free_port
from helpline.supervisor import Process, Supervisor
from tests import services
from tests.scenarios.telephone import until


class OwnPostgres:
    """A server for the block; `url` names its database."""

    def __init__(self) -> None:
        programs = services._find_postgres()
        if programs is None:
            raise services.LaneBroken("no PostgreSQL here; Debian: apt install postgresql")
        self._temporary = tempfile.TemporaryDirectory(
            prefix="helpline-pg-", ignore_cleanup_errors=True
        )
        self._folder = Path(self._temporary.name)
        self._port = free_port()
        self._become: tuple[str, ...] = ()
        if os.getuid() == 0:
            owner = services._other_user()
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            ids = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups")
            self._become = ("setpriv", *ids, "--")
        argv = (*self._become, f"{programs}/initdb", "-D", f"{self._data}", *services.INITDB)
        subprocess.run(argv, cwd=self._folder, check=True, capture_output=True)
        server = (
            *(f"{programs}/postgres", "-D", f"{self._data}", "-p", str(self._port)),
            *("-h", "127.0.0.1", "-k", f"{self._folder}", "-N", "200"),
        )
        self._supervisor = Supervisor(
            (Process("postgres", (*self._become, *server)),), self._folder, quiet=True
        )
        self._thread = threading.Thread(target=self._supervisor.run, name="postgres")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://helpline@127.0.0.1:{self._port}/postgres"

    def kill(self) -> None:
        """As a power cut does: at once, every process of it."""
        leader = self._supervisor.pids().get("postgres")
        if leader is not None:
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)

    def __enter__(self) -> "OwnPostgres":
        self._thread.start()
        until(self._answers, "PostgreSQL answers", 30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor.request_stop()
        self._thread.join()
        self._temporary.cleanup()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url.replace("+psycopg", "", 1), connect_timeout=1).close()
            return True
        return False
