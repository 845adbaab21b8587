"""The supervisor, with real processes that die, hang and are killed."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config.settings import REPOSITORY, Settings, load_settings
from helpline import processes
from helpline.supervisor import Process, Supervisor

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER
# Stands for gunicorn: a parent with a child in its own group.
PARENT = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('child', child.pid, flush=True)\n"
    "child.wait()"
)
SUPERVISE = """
import sys
from pathlib import Path
from helpline.supervisor import Process, Supervisor
pairs = [pair.partition("=") for pair in sys.argv[2:]]
table = tuple(Process(name, (sys.executable, "-c", code)) for name, _, code in pairs)
sys.exit(Supervisor(table, Path(sys.argv[1]), stop_seconds=1).run())
"""


class Run:
    """A supervisor in a process of its own, with dummy programs."""

    def __init__(self, var_dir: Path, **programs: str) -> None:
        self.var_dir = var_dir
        self.output = var_dir / "output"
        var_dir.mkdir(exist_ok=True)
        table = [f"{name}={code}" for name, code in programs.items()]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, str(var_dir), *table],
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def pid(self, name: str) -> int:
        """The id in the pid file; 0 when there is none."""
        try:
            return int((self.var_dir / "run" / f"{name}.pid").read_text())
        except FileNotFoundError:
            return 0

    def started(self, name: str, *, after: int = 0) -> int:
        """The id of a process once it runs, another one than `after`."""
        eventually(lambda: self.pid(name) not in (0, after))
        return self.pid(name)

    def says(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until the supervisor's output holds a line like this."""
        eventually(lambda: len(re.findall(pattern, self.output.read_text())) >= times)
        found = re.search(pattern, self.output.read_text())
        assert found
        return found


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has buried does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**programs: str) -> Run:
        runs.append(Run(tmp_path / "var", **programs))
        return runs[-1]

    yield start
    for run in runs:
        run.process.terminate()
        try:
            run.process.wait(15)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()


def test_a_killed_process_comes_back_and_the_others_never_notice(start) -> None:
    run = start(one=SLEEPER, two=SLEEPER)
    one, two = run.started("one"), run.started("two")
    run.says(r"one \| up")
    killed_at = time.monotonic()
    os.kill(one, signal.SIGKILL)
    again = run.started("one", after=one)
    assert time.monotonic() - killed_at < 2
    assert alive(again)
    assert not alive(one)
    assert run.pid("two") == two
    run.says(r"one \| died \(killed by SIGKILL\), starting again in 0\.2 s")


def test_a_process_that_always_dies_is_tried_for_ever_with_longer_pauses(start) -> None:
    run = start(bad="raise SystemExit(3)", good=SLEEPER)
    good = run.started("good")
    for pause in ("0.2", "0.4", "0.8"):
        run.says(rf"bad  \| died \(exit code 3\), starting again in {re.escape(pause)} s")
    assert run.pid("good") == good
    assert run.process.poll() is None


def test_a_program_that_does_not_exist_says_so(tmp_path: Path, capsys) -> None:
    supervisor = Supervisor((Process("ghost", ("/no/such/program",)),), tmp_path)
    thread = threading.Timer(0.5, supervisor.request_stop)
    thread.start()
    assert supervisor.run() == 0
    thread.join()
    assert "ghost | cannot start /no/such/program: No such file" in capsys.readouterr().out


def test_the_children_of_a_dead_process_do_not_hold_its_place(start) -> None:
    run = start(web=PARENT)
    web = run.started("web")
    child = int(run.says(r"child (\d+)")[1])
    os.kill(web, signal.SIGKILL)
    run.started("web", after=web)
    eventually(lambda: not alive(child))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_removes_the_pid_files(start, number: signal.Signals) -> None:
    run = start(one=SLEEPER, two=PARENT, three=SLEEPER)
    pids = [run.started(name) for name in ("one", "two", "three")]
    pids.append(int(run.says(r"child (\d+)")[1]))
    run.process.send_signal(number)
    assert run.process.wait(10) == 0
    assert not any(alive(pid) for pid in pids)
    assert not list((run.var_dir / "run").iterdir())


def test_processes_stop_in_reverse_order(start) -> None:
    note = (
        "import signal, sys, time\n"
        "def leave(*_): print('left', flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)"
    )
    run = start(redis=note, web=note, guard=note)
    run.says(r"\| up", times=3)
    run.process.terminate()
    run.process.wait(10)
    assert re.findall(r"(\w+) *\| left", run.output.read_text()) == ["guard", "web", "redis"]


def test_a_process_that_ignores_the_signal_is_killed(start) -> None:
    run = start(deaf=STUBBORN)
    deaf = run.started("deaf")
    run.says(r"\| up")
    run.process.terminate()
    assert run.process.wait(10) == 0
    assert not alive(deaf)
    assert "deaf | does not stop, killed" in run.output.read_text()


def test_a_process_that_hangs_says_where(start) -> None:
    run = start(
        deaf="import faulthandler, signal\nfaulthandler.register(signal.SIGUSR1)\n" + STUBBORN
    )
    run.says(r"\| up")
    run.process.terminate()
    assert run.process.wait(10) == 0
    assert "deaf | Current thread" in run.output.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part exists on Linux only")
def test_a_killed_supervisor_leaves_no_children(start) -> None:
    run = start(one=SLEEPER, deaf=STUBBORN)
    pids = [run.started("one"), run.started("deaf")]
    run.says(r"\| up", times=2)
    run.process.kill()
    run.process.wait()
    eventually(lambda: not any(alive(pid) for pid in pids))


def test_quiet_keeps_the_lines_in_files(tmp_path: Path, capsys) -> None:
    supervisor = Supervisor(
        (Process("one", (sys.executable, "-c", SLEEPER)),), tmp_path, quiet=True
    )
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    log = tmp_path / "log" / "one.log"
    eventually(lambda: log.exists() and log.read_text() == "up\n")
    pid = supervisor.pids()["one"]
    supervisor.request_stop()
    thread.join()
    assert not alive(pid)
    assert capsys.readouterr().out == ""


def test_an_action_waits_for_what_it_needs(tmp_path: Path) -> None:
    calls: list[str] = []
    supervisor = Supervisor((Process("one", (sys.executable, "-c", SLEEPER)),), tmp_path)

    def find() -> str | None:
        calls.append("asked")
        return "it" if len(calls) == 3 else None

    def act(found: str) -> None:
        calls.append(f"found {found}")
        supervisor.request_stop()

    supervisor.when(find, act)
    assert supervisor.run() == 0
    assert calls == ["asked", "asked", "asked", "found it"]


@pytest.fixture
def practice(tmp_path: Path) -> Settings:
    port = processes.free_port()
    return load_settings(
        {
            "HELPLINE_VAR_DIR": str(tmp_path / "var"),
            "PORT": str(port),
            "HELPLINE_SIMULATOR_PORT": str(processes.free_port()),
        }
    )


def test_a_second_run_on_the_same_folder_refuses(practice: Settings, capsys) -> None:
    with processes.only_one(practice):
        assert processes.run(practice) == 1
    error = capsys.readouterr().err
    assert f"Already running on {practice.var_dir} (process {os.getpid()})" in error
    assert "HELPLINE_VAR_DIR" in error
    with processes.only_one(practice):
        pass


@pytest.mark.parametrize("variable", ["PORT", "HELPLINE_SIMULATOR_PORT"])
def test_a_taken_port_refuses(practice: Settings, capsys, variable: str) -> None:
    port = practice.port if variable == "PORT" else practice.simulator_port
    with socket.create_server(("127.0.0.1", port)):
        assert processes.run(practice) == 1
    assert f"{variable}: 127.0.0.1:{port} is taken" in capsys.readouterr().err


def test_children_do_not_inherit_the_lock(practice: Settings) -> None:
    with processes.only_one(practice):
        child = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL)
    try:
        with (practice.var_dir / "run" / "supervisor.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        child.kill()
        child.wait()


def test_practice_lends_a_carrier_and_a_redis(practice: Settings) -> None:
    table = {process.name: process for process in processes.all_processes(practice)}
    assert list(table)[:2] == ["redis", "simulator"]
    simulator = table["simulator"].env
    assert simulator["SIMULATOR_PORT"] == str(practice.simulator_port)
    assert simulator["SIMULATOR_WEBHOOK_BASE_URL"] == practice.web_url
    assert simulator["SIMULATOR_NUMBERS"] == "+15005550006"
    assert simulator["SIMULATOR_AUTH_TOKEN"] not in repr(table)
    assert table["guard"].env["REDIS_URL"].startswith("redis://127.0.0.1:")


def test_a_redis_of_ones_own_is_used(practice: Settings) -> None:
    own = practice.model_copy(update={"redis_url": "redis://elsewhere", "practice": False})
    names = [process.name for process in processes.all_processes(own)]
    assert "redis" not in names
    assert "simulator" not in names


def test_no_redis_anywhere_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, practice: Settings, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(processes.CannotStart, match="apt install redis-server"):
        processes.all_processes(practice)


class Health(BaseHTTPRequestHandler):
    """Unready twice, then ready."""

    asked = 0

    def do_GET(self) -> None:
        Health.asked += 1
        self.send_response(200 if Health.asked > 2 else 503)
        self.end_headers()
        self.wfile.write(b'{"degraded": []}')

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_ready_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr(Health, "asked", 0)
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        processes.wait_ready(f"http://127.0.0.1:{server.server_port}", 10)
        server.shutdown()
        thread.join()
    assert Health.asked == 3
    with pytest.raises(TimeoutError, match="/ready did not answer"):
        processes.wait_ready(f"http://127.0.0.1:{server.server_port}", 0.1)
