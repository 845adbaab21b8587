"""A telephone of the simulated world, and the one way to wait for what it shows."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.scenarios.running import Line

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE = 30.0


def until(look: Callable[[], T], words: str, seconds: float = PATIENCE) -> T:
    """The first true value of `look`; the one place where tests wait."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {words}")
        time.sleep(pause)
        # Every look costs the line something: what takes long is looked at less often.
        pause = min(pause * 1.1, 0.1)
    return found


class Telephone:
    """One telephone of the simulated world, by its number."""

    def __init__(self, line: "Line", number: str, staff_id: int = 0) -> None:
        self.line = line
        self.number = number
        self.staff_id = staff_id

    def act(self, act: str, **body: Any) -> Json:
        return self.line.ask("POST", f"/phones/{quote(self.number)}/{act}", body)

    def look(self) -> Json:
        return self.line.ask("GET", f"/phones/{quote(self.number)}")

    # what its owner does

    def texts(self, body: str, **more: Any) -> str:
        """Send a text; what was answered in the same response."""
        outcome = self.act("text", body=body, **more)
        assert outcome["status"] == 200, outcome
        return "\n".join(outcome["messages"])

    def rings_the_line(self) -> None:
        """Ring, choose who it is about, and hang up on the first question of safety."""
        self.act("call")
        until(lambda: "press 9" in self.heard, f"{self.number} is spoken to")
        self.presses("1")
        until(lambda: "safety right now" in self.heard, f"{self.number} is asked")
        self.hangs_up()
        until(lambda: self.state == "idle", f"{self.number} has rung the line")

    def behaves(self, mode: str, *reactions: Json, **more: Any) -> None:
        """What it does by itself at each ring."""
        self.act("behaviour", mode=mode, keys=list(reactions), **more)

    def answers(self) -> None:
        assert self.act("answer", wait=PATIENCE)["done"], f"{self.number} was not rung"

    def presses(self, keys: str) -> None:
        assert self.act("press", keys=keys, wait=PATIENCE)["done"], f"no ear for {keys}"

    def says(self, words: str) -> None:
        assert self.act("say", words=words, wait=PATIENCE)["done"], "nobody listens"

    def hangs_up(self) -> None:
        self.act("hang_up")

    def takes(self) -> None:
        """Answer and press 1."""
        self.answers()
        self.presses("1")

    # what others see

    @property
    def state(self) -> str:
        return str(self.look()["state"])

    @property
    def heard(self) -> str:
        return "\n".join(
            line["words"] for line in self.look()["transcript"] if line["kind"] == "say"
        )

    @property
    def received(self) -> list[str]:
        return [text["body"] for text in self.look()["texts"] if text["direction"] == "in"]

    @property
    def room(self) -> str | None:
        found: str | None = self.look()["conference"]
        return found

    def calls(self) -> list[Json]:
        """Every call the line ever made to it."""
        return [call for call in self.line.calls() if call["to"] == self.number]

    def waits_for_ring(self, seconds: float = PATIENCE) -> None:
        until(lambda: self.state == "ringing", f"{self.number} rings", seconds)

    def waits_to_hear(self, words: str, seconds: float = PATIENCE) -> None:
        until(
            lambda: words.lower() in self.heard.lower(), f"{self.number} hears {words!r}", seconds
        )

    def waits_for_text(self, words: str, seconds: float = PATIENCE) -> None:
        until(
            lambda: any(words in body for body in self.received),
            f"{self.number} receives {words!r}",
            seconds,
        )

    def is_with(self, other: "Telephone") -> bool:
        room = self.room
        return bool(room) and room == other.room
