"""Keeps child processes alive, passes their lines on, and stops them all.

A death never stops the rest: the process is started again after 0.2 s, later after up
to 5 s, for ever. Nothing is left behind: each child leads its own process group, and on
Linux the kernel kills it when the supervisor itself is killed.
"""

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0
"""A process that lived this long starts its next pause from the beginning."""
TICK = 0.05
ANSWER_SECONDS = 1.0
"""For a process that hangs to say where."""

# Run by a bare interpreter between fork and the program itself, because Python code in a
# forked child of a threaded parent may hang. 1 is PR_SET_PDEATHSIG, 9 is SIGKILL.
_TIED = (
    "import ctypes,os,sys\n"
    "ctypes.CDLL(None).prctl(1,9,0,0,0)\n"
    "if os.getppid()!=int(sys.argv[1]): os._exit(1)\n"
    "try: os.execvp(sys.argv[2],sys.argv[2:])\n"
    "except OSError as error: sys.exit('cannot start '+sys.argv[2]+': '+str(error.strerror))\n"
)


def tied(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same program, killed by the kernel when the thread that starts it ends (Linux)."""
    if sys.platform != "linux":
        return argv
    return (sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *argv)


@dataclass(frozen=True)
class Process:
    """One line of the table: what it is called, what runs, what its environment adds."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass
class _Child:
    """A process of the table and its present life."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    due_at: float = 0.0
    unfinished: bytes = b""
    leftover: int | None = None
    """The group of the life before: what it started may be finishing its work."""

    def clear_away(self) -> None:
        """End what an earlier life left behind."""
        if self.leftover is not None:
            _signal_group(self.leftover, signal.SIGKILL)
            self.leftover = None


class Supervisor:
    """Runs a table of processes until it is told to stop."""

    def __init__(
        self,
        processes: tuple[Process, ...],
        var_dir: Path,
        *,
        quiet: bool = False,
        stop_seconds: float = 10.0,
    ) -> None:
        """`quiet` sends the children's lines to `var/log/<name>.log`, not to stdout."""
        self._children = [_Child(process) for process in processes]
        self._run_dir = var_dir / "run"
        self._log_dir = var_dir / "log"
        self._quiet = quiet
        self._stop_seconds = stop_seconds
        self._stop_asked = 0
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._next_look = 0.0
        self._selector = selectors.DefaultSelector()
        self._width = max(len(process.name) for process in processes)

    def when(self, find: Callable[[], T | None], act: Callable[[T], None]) -> None:
        """Call `act` once with the first thing that `find`, tried five times a second, finds."""
        self._waiting = find, act

    def request_stop(self) -> None:
        """Ask `run` to stop everything; asked twice, it kills. From any thread or handler."""
        self._stop_asked += 1

    def pids(self) -> dict[str, int]:
        """The process ids of what runs now, by name."""
        lives = ((child.process.name, child.running) for child in self._children)
        return {name: running.pid for name, running in lives if running is not None}

    def run(self) -> int:
        """Start in order, restart whatever dies, stop in reverse order; always 0.

        In the main thread SIGINT, SIGTERM and SIGHUP ask for the stop.
        """
        before = self._take_signals()
        try:
            self._run_dir.mkdir(parents=True, exist_ok=True)
            for child in self._children:
                if not self._stop_asked:
                    self._start(child)
            while not self._stop_asked:
                self._pass_lines_on(TICK)
                self._tend()
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0

    def _take_signals(self) -> dict[int, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}

        def ask(_number: int, _frame: FrameType | None) -> None:
            self.request_stop()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        return {number: signal.signal(number, ask) for number in numbers}

    def _start(self, child: _Child) -> None:
        child.clear_away()
        process = child.process
        output = self._open_log(process.name) if self._quiet else subprocess.PIPE
        try:
            child.running = subprocess.Popen(
                tied(process.argv),
                env={**os.environ, **process.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            if output is not subprocess.PIPE:
                os.close(output)
        child.started_at = time.monotonic()
        if child.running.stdout is not None:
            os.set_blocking(child.running.stdout.fileno(), False)
            self._selector.register(child.running.stdout, selectors.EVENT_READ, child)
        draft = self._run_dir / f".{process.name}.pid"
        draft.write_text(f"{child.running.pid}\n")
        draft.replace(self._pid_file(child))

    def _open_log(self, name: str) -> int:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        return os.open(self._log_dir / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _pid_file(self, child: _Child) -> Path:
        return self._run_dir / f"{child.process.name}.pid"

    def _tend(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.running is None:
                if now >= child.due_at and not self._stop_asked:
                    self._start(child)
            elif child.running.poll() is not None:
                self._bury(child, now)
        if self._waiting is not None and now >= self._next_look:
            find, act = self._waiting
            self._next_look = now + FIRST_PAUSE
            if (found := find()) is not None:
                self._waiting = None
                act(found)

    def _bury(self, child: _Child, now: float) -> None:
        """Note a death, ask what the dead one started to end, and set the next start."""
        assert child.running is not None  # noqa: S101 - the caller looked
        code = child.running.returncode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if now - child.started_at >= STEADY_SECONDS:
            child.pause = FIRST_PAUSE
        self._say(child, f"died ({how}), starting again in {child.pause:.1f} s")
        _signal_group(child.running.pid, signal.SIGTERM)
        child.leftover = child.running.pid
        self._pid_file(child).unlink(missing_ok=True)
        child.running = None
        child.due_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            child.clear_away()
            if child.running is None:
                continue
            with suppress(ProcessLookupError):
                child.running.terminate()
            deadline = time.monotonic() + self._stop_seconds
            while child.running.poll() is None:
                if time.monotonic() > deadline or self._stop_asked > 1:
                    self._say(child, "does not stop, killed")
                    self._ask_where_it_hangs(child)
                    break
                self._pass_lines_on(TICK)
            _signal_group(child.running.pid, signal.SIGKILL)
            child.running.wait()
            child.running = None
            self._pid_file(child).unlink(missing_ok=True)
        self._pass_lines_on(0)
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]

    def _ask_where_it_hangs(self, child: _Child) -> None:
        """Our own processes answer SIGUSR1 with the stack of every thread; others die of it."""
        assert child.running is not None  # noqa: S101 - the caller looked
        with suppress(ProcessLookupError):
            child.running.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + ANSWER_SECONDS
        while child.running.poll() is None and time.monotonic() < deadline:
            self._pass_lines_on(TICK)

    def _pass_lines_on(self, timeout: float) -> None:
        if self._quiet:
            time.sleep(timeout)
            return
        for key, _events in self._selector.select(timeout):
            child: _Child = key.data
            try:
                block = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if not block:
                self._selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
            *lines, child.unfinished = (child.unfinished + block).split(b"\n")
            for line in lines:
                self._say(child, line.decode(errors="replace"))

    def _say(self, child: _Child, line: str) -> None:
        with suppress(OSError):
            print(f"{child.process.name:<{self._width}} | {line}", flush=True)  # noqa: T201


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
