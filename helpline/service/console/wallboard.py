"""The supervisor's view: who is on, who talks, what waits, which promises broke."""

from dataclasses import dataclass
from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service import hours
from helpline.service.console.queue import HeldRow, Row, held_of, names_of, row_of
from helpline.store import board, figures
from helpline.store.board import Alert, Colleague
from helpline.store.people import Person

MOST = 100


@dataclass(frozen=True, slots=True)
class Wait:
    """How many wait at this disposition, and the longest wait in seconds."""

    count: int
    longest: float
    overdue: float
    """Seconds past the earliest promise; below 0 when none is late."""


@dataclass(frozen=True, slots=True)
class Wallboard:
    """Everything on one screen."""

    now: datetime
    alerts: tuple[Alert, ...]
    colleagues: tuple[Colleague, ...]
    waits: dict[Disposition, Wait]
    broken_today: int
    held: tuple[HeldRow, ...]
    exhausted: tuple[Row, ...]


def look(rt: Runtime, reader: Person) -> Wallboard:
    """The line as it is now."""
    need(reader.role, Right.SUPERVISE)
    now = rt.clock.now()
    local = hours.local_time(rt, None, now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    with rt.store.read() as tx:
        names = names_of(tx)
        waiting = figures.callbacks_waiting(tx, now)
        return Wallboard(
            now=now,
            alerts=tuple(board.list_alerts(tx, now)),
            colleagues=tuple(board.list_colleagues(tx)),
            waits={kind: Wait(*of) for kind, of in sorted(waiting.items(), reverse=True)},
            broken_today=board.count_broken_since(tx, midnight),
            held=tuple(held_of(item, names) for item in board.list_all_held(tx, most=MOST)),
            exhausted=tuple(row_of(item, names) for item in board.list_exhausted(tx, most=MOST)),
        )
