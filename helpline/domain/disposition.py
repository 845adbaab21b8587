"""How fast a human must come (PROTOCOL 3.1)."""

from enum import IntEnum


class Disposition(IntEnum):
    """Ordered by urgency: a larger value is more urgent and is served first."""

    NONE = 0
    INFO = 1
    ROUTINE = 2
    SOON = 3
    URGENT_60 = 4
    URGENT_15 = 5
    CRISIS_LIVE = 6
    EMERGENCY_NOW = 7

    @property
    def is_danger(self) -> bool:
        """Reached only by their own rules, paged at once."""
        return self >= Disposition.CRISIS_LIVE

    @property
    def is_urgent(self) -> bool:
        """A human is owed whatever the caller answers from here on (CONTRACT 3)."""
        return self >= Disposition.URGENT_60

    def one_higher(self) -> "Disposition":
        """The next level up, at most URGENT_15 (the +1 rule of PROTOCOL 3.2)."""
        return Disposition(min(self + 1, max(self, Disposition.URGENT_15)))
