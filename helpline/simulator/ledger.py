"""The one list of everything that crossed the wire, and the one lock of the simulator.

Every state change of the simulated carrier happens while `changed` is held and ends in
`record`, which wakes whoever waits. So a test or a page can wait for anything by waiting
for the ledger, without polling.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from helpline.simulator.clock import Clock


@dataclass(frozen=True)
class Event:
    """One thing that happened. `number` grows by one for each, also across a reset."""

    number: int
    at: str
    monotonic: float
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.number,
            "at": self.at,
            "mono": self.monotonic,
            "kind": self.kind,
            **self.detail,
        }


@dataclass(frozen=True)
class Violation:
    """Something the application sent that the real carrier would refuse or warn about."""

    at: str
    where: str
    code: int
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "where": self.where, "code": self.code, "message": self.message}


class Ledger:
    """Append-only events plus the two lists people look at first: violations and errors.

    Errors are what Twilio's debugger would show: webhooks that failed, documents that could
    not be read, sends that were blocked. A violation is a mistake of the application; an
    error may also be bad luck or an injected fault.
    """

    def __init__(self, clock: Clock, path: str = "") -> None:
        self.changed = threading.Condition(threading.RLock())
        self._clock = clock
        self._path = Path(path) if path else None
        self._events: list[Event] = []
        self._next = 1
        self.violations: list[Violation] = []
        self.errors: list[dict[str, Any]] = []

    def record(self, kind: str, **detail: Any) -> Event:
        """Add an event and wake everyone who waits."""
        with self.changed:
            event = Event(
                self._next,
                self._clock.now().isoformat(),
                round(self._clock.monotonic(), 6),
                kind,
                detail,
            )
            self._next += 1
            self._events.append(event)
            if self._path:
                with self._path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(event.as_json(), ensure_ascii=False, default=str) + "\n")
            self.changed.notify_all()
            return event

    def violation(self, where: str, code: int, message: str) -> None:
        with self.changed:
            found = Violation(self._clock.now().isoformat(), where, code, message)
            self.violations.append(found)
            self.record("violation", where=where, code=code, message=message)

    def error(self, code: int, message: str, **detail: Any) -> None:
        with self.changed:
            self.errors.append(
                {"at": self._clock.now().isoformat(), "code": code, "message": message, **detail}
            )
            self.record("error", code=code, message=message, **detail)

    def events(self, after: int = 0, kind: str = "") -> list[Event]:
        """Events numbered above `after`, oldest first; `kind` is a prefix of theirs."""
        with self.changed:
            first = self._events[0].number if self._events else 0
            later = self._events[max(0, after - first + 1) :]
            return [event for event in later if event.kind.startswith(kind)]

    @property
    def last_number(self) -> int:
        with self.changed:
            return self._next - 1

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None) -> Any:
        """The predicate's first true value, or its last false one after `timeout` real seconds."""
        with self.changed:
            return self.changed.wait_for(predicate, timeout)

    def watch(self, predicate: Callable[[], Any], timeout: float) -> Any:
        """Like `wait_for`, but the predicate runs without the lock.

        So it may ask the simulator over HTTP, or look at something that changes without an
        event: it is asked again after each event, and every 50 ms.
        """
        ends = self._clock.monotonic() + timeout
        while True:
            seen = self.last_number
            found = predicate()
            left = ends - self._clock.monotonic()
            if found or left <= 0:
                return found
            self.wait_for(partial(self._is_past, seen), min(left, 0.05))

    def _is_past(self, number: int) -> bool:
        return self._next - 1 > number

    def reset(self) -> None:
        """Forget events, violations and errors; numbering goes on so that readers stay in step."""
        with self.changed:
            self._events.clear()
            self.violations.clear()
            self.errors.clear()
            self.record("reset")
