"""Time, twice: what the wall says, and how fast simulated seconds pass."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path


class Clock:
    """Scaled durations on an unscaled calendar.

    Instants are UTC, ahead by the seconds in `offset_file`, so that the calendar of the
    application under test can leap together with the carrier's. Durations (rings, pauses,
    gathers) are simulated seconds, of which `scale` fit into one real second.
    """

    def __init__(self, scale: float, offset_file: str = "") -> None:
        self.scale = scale
        self._offset_file = Path(offset_file) if offset_file else None

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset()

    def monotonic(self) -> float:
        return time.monotonic()

    def real(self, simulated_seconds: float) -> float:
        """How long to wait on the wall clock for so many simulated seconds."""
        return simulated_seconds / self.scale

    def simulated(self, real_seconds: float) -> float:
        return real_seconds * self.scale

    def _offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta()
        try:
            return timedelta(seconds=float(self._offset_file.read_text()))
        except (OSError, ValueError):
            return timedelta()


def rfc2822(at: datetime | None) -> str | None:
    """The date form of Twilio's REST answers and callbacks: `Mon, 03 Jul 2023 21:45:28 +0000`."""
    return None if at is None else format_datetime(at)
