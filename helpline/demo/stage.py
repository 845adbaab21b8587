"""The stage of the demo: a line of its own, its telephones, and how a story is told."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from config.settings import Settings, load_settings
from helpline import processes
from helpline.service import staff
from helpline.supervisor import Supervisor
from helpline.wiring import build_staff_desk

PATIENCE = 30.0

Json = dict[str, Any]


class Story:
    """Prints steps and promises of one story, with times since it began."""

    def __init__(self, number: int, title: str) -> None:
        self.began = time.monotonic()
        self.broken = 0
        print(f"story {number}: {title}", flush=True)

    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self.began

    def step(self, words: str) -> None:
        """Something happened."""
        print(f"+{self.seconds():.3f} s {words}", flush=True)

    def promise(self, kept: bool, words: str) -> None:
        """Something that had to happen did, or did not."""
        self.broken += not kept
        print(f"{'ok' if kept else 'BROKEN'} {words}", flush=True)

    def until(self, look: Callable[[], bool], words: str) -> bool:
        """Wait for something to be seen; a promise broken when it never is."""
        deadline = time.monotonic() + PATIENCE
        while not look():
            if time.monotonic() > deadline:
                self.promise(False, f"{words} (not within {PATIENCE:.0f} s)")
                return False
            time.sleep(0.02)
        self.step(words)
        return True


class Phones:
    """The simulator's telephones over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def act(self, number: str, act: str, **body: Any) -> Json:
        """Text, answer, press, hang up …; what the carrier says."""
        answer = requests.post(
            f"{self.url}/phones/{quote(number)}/{act}", json=body, timeout=PATIENCE
        )
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def look(self, number: str) -> Json:
        """State, texts and transcript of one telephone."""
        answer = requests.get(f"{self.url}/phones/{quote(number)}", timeout=PATIENCE)
        found: Json = answer.json()
        return found

    def text(self, number: str, body: str) -> str:
        """Send a text; what was answered in the same response."""
        return "\n".join(self.act(number, "text", body=body)["messages"])

    def state(self, number: str) -> str:
        """idle, ringing or talking."""
        return str(self.look(number)["state"])

    def heard(self, number: str) -> str:
        """All that a voice said on this telephone."""
        lines = self.look(number)["transcript"]
        return "\n".join(line["words"] for line in lines if line["kind"] == "say")

    def received(self, number: str) -> str:
        """All texts that came to this telephone."""
        texts = self.look(number)["texts"]
        return "\n".join(text["body"] for text in texts if text["direction"] == "in")

    def together(self, one: str, other: str) -> bool:
        """Do these two hear each other?"""
        first, second = self.look(one)["conference"], self.look(other)["conference"]
        return bool(first) and first == second

    def violations(self) -> list[Json]:
        """What the carrier would have refused."""
        state: Json = requests.get(f"{self.url}/control/state", timeout=PATIENCE).json()
        return [*state["violations"], *state["errors"]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The running line and what a story may do to it."""

    settings: Settings
    supervisor: Supervisor
    phones: Phones

    def hire(self, name: str, number: str, role: str, tier: int) -> None:
        """Somebody new on the staff, available."""
        desk = build_staff_desk(self.settings)
        staff.add(desk, name=name, phone=number, role=role, languages=["en"], tier=tier)
        desk.store.dispose()

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass at once, for every process."""
        path = self.settings.clock_offset_file
        assert path is not None  # noqa: S101 - `practice_settings` names one
        before = float(path.read_text()) if path.exists() else 0.0
        path.with_suffix(".new").write_text(str(before + seconds))
        path.with_suffix(".new").replace(path)

    def kill(self, name: str) -> int:
        """SIGKILL a process of the line; its id."""
        pid = self.supervisor.pids()[name]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid


def practice_settings(folder: Path) -> Settings:
    """Practice mode on free ports, whatever the environment says of a real carrier."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TWILIO_", "HELPLINE_")) and name not in {"REDIS_URL", "HOST"}
    }
    environ |= {
        "DATABASE_URL": f"sqlite:///{folder}/helpline.db",
        "HELPLINE_VAR_DIR": str(folder),
        "HELPLINE_CLOCK_OFFSET_FILE": f"{folder}/clock-offset",
        "PORT": str(processes.free_port()),
        "CONSOLE_PORT": str(processes.free_port()),
        "HELPLINE_SIMULATOR_PORT": str(processes.free_port()),
    }
    for name in [name for name in os.environ if name not in environ]:
        os.environ.pop(name)
    os.environ.update(environ)
    return load_settings(environ)
