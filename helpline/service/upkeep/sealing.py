"""Sealing the record of who did what, and checking that nobody has changed it since."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from helpline.runtime import Runtime
from helpline.service.staff import Desk
from helpline.store import seals

COMPLETE_AFTER = timedelta(seconds=30)
"""No transaction lives so long: an entry with a lower number than one seen then is there by now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. `broken_at` is the number of the first seal that does not fit."""

    seals: int
    entries: int
    unsealed: int
    newest: str
    broken_at: int | None


class Sealer:
    """Seals what it saw long enough ago. Run by the guard, any number of them."""

    def __init__(self) -> None:
        self._seen: tuple[int, datetime] | None = None

    def __call__(self, rt: Runtime) -> bool:
        """One round: was anything sealed?"""
        now = rt.clock.now()
        if self._seen is None:
            with rt.store.read() as tx:
                self._seen = seals.newest_entry(tx), now
            return False
        up_to, at = self._seen
        if now - at < COMPLETE_AFTER:
            return False
        with rt.store.begin() as tx:
            done = seals.put(tx, up_to, now)
            self._seen = seals.newest_entry(tx), now
        return done


def verify(desk: Desk) -> Verdict:
    """Measure every entry anew against the seals."""
    count = entries = 0
    before, end = "", 0
    with desk.store.read() as tx:
        for one in list(seals.list_all(tx)):
            digest, found = seals.measure(tx, end, one.last_id, before)
            if digest != one.digest or found != one.entries:
                return Verdict(count, entries, 0, before, one.id)
            before, end = one.digest, one.last_id
            count, entries = count + 1, entries + found
        return Verdict(count, entries, seals.count_unsealed(tx, end), before, None)
