"""What waits: promised calls by urgency, open pages, cases that nobody has."""

from dataclasses import dataclass
from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service.console import reading
from helpline.store import Transaction, board, pages, people
from helpline.store.board import Alert, Filter, Held, Waiting
from helpline.store.people import Person

PAGE_SIZE = 25
MOST_LOOSE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue: the promise, and what of its caller is told in a list."""

    waiting: Waiting
    first_name: str
    flags: tuple[str, ...]
    by: str
    """Whose telephone rings or who talks, if somebody's does."""


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One line of a list of cases."""

    held: Held
    first_name: str
    flags: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of the queue. `counts` are of all that match the filter but for the disposition."""

    now: datetime
    alerts: tuple[Alert, ...]
    rows: tuple[Row, ...]
    loose: tuple[HeldRow, ...]
    """Open cases that nobody has and no call is promised for; on the first page only."""
    counts: dict[Disposition, int]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class MyWork:
    """The page a specialist begins with."""

    now: datetime
    person: Person
    alerts: tuple[Alert, ...]
    mine: tuple[HeldRow, ...]
    waiting: int
    late: int
    next_due_at: datetime | None


def look(
    rt: Runtime,
    reader: Person,
    *,
    disposition: Disposition | None = None,
    language: str | None = None,
    late: bool = False,
    page: int = 1,
) -> QueuePage:
    """A page of the queue, the most urgent first."""
    need(reader.role, Right.WORK)
    now = rt.clock.now()
    wanted = Filter(disposition, language, now if late else None)
    with rt.store.read() as tx:
        counts = board.count_waiting(tx, Filter(None, language, wanted.late_at))
        total = sum(counts.values()) if disposition is None else counts.get(disposition, 0)
        last = max(1, -(-total // PAGE_SIZE))
        page = min(max(1, page), last)
        names = names_of(tx)
        skip = (page - 1) * PAGE_SIZE
        found = board.list_waiting(tx, wanted, skip=skip, most=PAGE_SIZE)
        loose = board.list_without_call(tx, most=MOST_LOOSE) if page == 1 else []
        return QueuePage(
            now=now,
            alerts=tuple(board.list_alerts(tx, now)),
            rows=tuple(row_of(item, names) for item in found),
            loose=tuple(held_of(item, names) for item in loose),
            counts=counts,
            total=total,
            page=page,
            pages=last,
        )


def my_work(rt: Runtime, reader: Person) -> MyWork:
    """What this person has, what is in danger, how much waits."""
    need(reader.role, Right.WORK)
    now = rt.clock.now()
    with rt.store.read() as tx:
        names = names_of(tx)
        counts = board.count_waiting(tx, Filter())
        first = board.list_waiting(tx, Filter(), skip=0, most=1)
        late = board.count_waiting(tx, Filter(late_at=now))
        return MyWork(
            now=now,
            person=people.get(tx, reader.id),
            alerts=tuple(board.list_alerts(tx, now)),
            mine=tuple(held_of(item, names) for item in board.list_held_by(tx, reader.id)),
            waiting=sum(counts.values()),
            late=sum(late.values()),
            next_due_at=first[0].due_at if first else None,
        )


def find_alert(rt: Runtime, reader: Person) -> int | None:
    """The case of the most urgent page that this person may acknowledge."""
    need(reader.role, Right.WORK)
    with rt.store.read() as tx:
        found = pages.find_most_urgent(tx, reader.id)
    return found.case_id if found else None


def names_of(tx: Transaction) -> dict[int, str]:
    return {person.id: person.name for person in people.list_all(tx)}


def row_of(item: Waiting, names: dict[int, str]) -> Row:
    progress = Progress.from_json(item.progress) if item.progress else Progress()
    name, flags = reading.first_name(progress), tuple(progress.flags)
    return Row(item, name, flags, names.get(item.specialist_id or 0, ""))


def held_of(item: Held, names: dict[int, str]) -> HeldRow:
    progress = Progress.from_json(item.progress) if item.progress else Progress()
    name, flags = reading.first_name(progress), tuple(progress.flags)
    return HeldRow(item, name, flags, names.get(item.holder_id or 0, ""))
