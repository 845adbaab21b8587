"""What `/metrics` shows that no process may count for itself: read from the rows when asked.

Workers fork for each job and guards come and go, so a counter of theirs would be lost;
rows are not. Waits are those of the last hour, as quantiles by nearest rank.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpline.domain.delivery import OPTED_OUT
from helpline.domain.disposition import Disposition
from helpline.runtime import Runtime
from helpline.service.outage import direct
from helpline.service.upkeep import invariants
from helpline.store import Transaction, audit, figures, journal

SHOWN = timedelta(hours=1)
OPTED_OUT_SHOWN = timedelta(days=1)
QUEUES = ("crisis", "callbacks", "default")
SLOW_PAGE = 1.0
"""Seconds from danger to the carrier that no page may take (DESIGN promise 2)."""
_AGES = {"under_60s": 60.0, "under_180s": 180.0, "over_180s": math.inf}
_OWED = tuple(item for item in Disposition if item > Disposition.INFO)


@dataclass(frozen=True, slots=True)
class Figure:
    """One family of gauges: values by the values of its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


Reading = Callable[[Runtime], Iterable[Figure]]


def from_rows(rt: Runtime) -> list[Figure]:
    """Everything the database knows.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it does not answer.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        return [
            *_pages(tx, now),
            *_callbacks(tx, now),
            *_outbox(tx, now),
            *_acts(tx, now),
            *_people(tx, now),
        ]


def from_bell(rt: Runtime) -> list[Figure]:
    """How many rings wait in Redis.

    Raises:
        helpline.runtime.BellBroken: Redis does not answer.
    """
    waiting = _by({queue: rt.bell.waiting(queue) for queue in QUEUES})
    return [Figure("queue_waiting", "Rings in Redis that no worker took yet", ("queue",), waiting)]


def from_spool(rt: Runtime) -> list[Figure]:
    """What this machine kept while the database was away."""
    return [
        _single("spool_waiting", "Requests kept while the database was away", rt.spool.length()),
        _single("spool_aside", "Requests that could not be taken in", rt.spool.count_aside()),
        _single(
            "spool_unreadable",
            "Notes of who is on call and of pages that nobody can read",
            direct.count_unreadable(rt),
        ),
    ]


def clock_skew(rt: Runtime, here: datetime) -> Figure:
    """How far this machine's clock, `here`, is from the database's."""
    skew = abs((rt.clock.now() - here).total_seconds())
    return _single("clock_skew_seconds", "Between this machine's clock and the database's", skew)


def from_invariants(rt: Runtime) -> list[Figure]:
    """How many rows break what must always hold.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    broken = _by(invariants.list_broken(rt))
    return [Figure("invariant_broken", "Rows that break a promise", ("invariant",), broken)]


READINGS: Mapping[str, Reading] = {
    "rows": from_rows,
    "invariants": from_invariants,
    "bell": from_bell,
    "spool": from_spool,
}
"""Each may fail without hiding the others."""


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p99 and max by nearest rank; nothing when there are no values."""
    if not values:
        return {}
    ordered = sorted(values)

    def rank(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return {"p50": rank(0.5), "p99": rank(0.99), "max": ordered[-1]}


def _pages(tx: Transaction, now: datetime) -> list[Figure]:
    sent = figures.page_waits(tx, now - SHOWN)
    taken = figures.acknowledged_waits(tx, now - SHOWN)
    ages = figures.open_page_ages(tx, now)
    slow = sum(waited > SLOW_PAGE for waited in sent)
    return [
        Figure("page_seconds", "Danger to the page at the carrier, last hour", ("of",), _of(sent)),
        _single("pages_sent", "Pages at the carrier, last hour", len(sent)),
        _single("pages_slow", "Pages at the carrier after more than 1 s, last hour", slow),
        Figure(
            "page_acknowledged_seconds",
            "Danger to a human by tier, last hour",
            ("tier", "of"),
            _of_each(taken),
        ),
        Figure(
            "pages_acknowledged",
            "Pages acknowledged by tier, last hour",
            ("tier",),
            _by({tier: len(all_of) for tier, all_of in taken.items()}),
        ),
        Figure("pages_open", "Pages that nobody has acknowledged", ("age",), _by_age(ages)),
        _single("page_oldest_seconds", "Age of the oldest open page", max(ages, default=0.0)),
    ]


def _by_age(ages: list[float]) -> dict[tuple[str, ...], float]:
    found = dict.fromkeys(_AGES, 0.0)
    for age in ages:
        found[next(name for name, limit in _AGES.items() if age < limit)] += 1
    return _by(found)


def _callbacks(tx: Transaction, now: datetime) -> list[Figure]:
    waits = figures.callback_waits(tx, now - SHOWN)
    waiting = figures.callbacks_waiting(tx, now)

    def each(place: int) -> dict[tuple[str, ...], float]:
        nothing = (0, 0.0, 0.0)
        return {(item.name,): max(0.0, waiting.get(item, nothing)[place]) for item in _OWED}

    by = ("disposition",)
    return [
        Figure(
            "callback_wait_seconds",
            "Call asked for to call connected, last hour",
            ("disposition", "of"),
            _of_each({kind.name: all_of for kind, all_of in waits.items()}),
        ),
        Figure(
            "callbacks_connected",
            "Calls connected, last hour",
            by,
            _by({kind.name: len(all_of) for kind, all_of in waits.items()}),
        ),
        Figure("callbacks_waiting", "Calls promised and not yet made", by, each(0)),
        Figure("callback_oldest_seconds", "Longest wait now", by, each(1)),
        Figure("callback_late_seconds", "Furthest past its promise now", by, each(2)),
    ]


def _outbox(tx: Transaction, now: datetime) -> list[Figure]:
    waiting = dict.fromkeys(QUEUES, (0, 0.0)) | figures.outbox_waiting(tx, now)
    return [
        Figure(
            "outbox_waiting",
            "Effects that are due and not carried out",
            ("queue",),
            _by({queue: count for queue, (count, _) in waiting.items()}),
        ),
        Figure(
            "outbox_oldest_seconds",
            "Since the oldest of them was due",
            ("queue",),
            _by({queue: age for queue, (_, age) in waiting.items()}),
        ),
        Figure(
            "carrier_requests",
            "Effects ended in the last hour: accepted, refused or dropped, by class of code",
            ("kind", "outcome", "code"),
            _summed(
                ((kind, _outcome(state, error), _code_class(error)), count)
                for kind, state, error, count in figures.effects_done(tx, now - SHOWN)
            ),
        ),
        Figure(
            "carrier_retrying",
            "Effects that did not work and are tried again, by class of code",
            ("kind", "code"),
            _summed(
                ((kind, _code_class(error)), count)
                for kind, _, error, count in figures.effects_retried(tx)
            ),
        ),
    ]


def _outcome(state: str, error: str | None) -> str:
    if state == "failed":
        return "refused"
    return "dropped" if error else "accepted"


def _code_class(error: str | None) -> str:
    """`21610 …` is 21xxx, `503 …` is 5xx, `429 …` itself; words without a code are "none"."""
    first = (error or "").partition(" ")[0]
    if first == "429" or not (first.isascii() and first.isdigit()) or len(first) < 3:
        return first if first == "429" else "none"
    return first[: len(first) - 3] + "xxx" if len(first) > 3 else first[0] + "xx"


def _acts(tx: Transaction, now: datetime) -> list[Figure]:
    def count(action: str) -> int:
        return audit.count_since(tx, action, now - SHOWN)

    gone = audit.count_code_since(tx, "text refused", "staff", OPTED_OUT, now - OPTED_OUT_SHOWN)
    return [
        _single("guard_takeovers", "Pages the guard sent itself, last hour", count("took over")),
        _single("reconciled", "Inbound found in the carrier's log, last hour", count("reconciled")),
        _single("staff_opted_out", "Staff who told the carrier to stop, last day", gone),
    ]


def _people(tx: Transaction, now: datetime) -> list[Figure]:
    roles = ("specialist", "supervisor", "admin")
    here = {(role, where): 0 for role in roles for where in ("available", "away")}
    beats = _by({who: (now - at).total_seconds() for who, at in journal.list_beats(tx).items()})
    return [
        Figure(
            "staff",
            "Staff by role and presence",
            ("role", "presence"),
            {who: float(count) for who, count in (here | figures.staff_by_role(tx)).items()},
        ),
        Figure("heartbeat_seconds", "Since each process was seen", ("process",), beats),
    ]


def _summed(
    counted: Iterable[tuple[tuple[str, ...], int]],
) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for labels, count in counted:
        found[labels] = found.get(labels, 0.0) + count
    return found


def _by(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(label,): float(value) for label, value in values.items()}


def _of(values: list[float]) -> dict[tuple[str, ...], float]:
    return _by(quantiles(values))


def _of_each(groups: Mapping[str, list[float]]) -> dict[tuple[str, ...], float]:
    return {
        (group, *of): value for group, values in groups.items() for of, value in _of(values).items()
    }


def _single(name: str, meaning: str, value: float) -> Figure:
    return Figure(name, meaning, (), {(): float(value)})
