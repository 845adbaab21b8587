"""Honest reports: how long people waited, the callback included, and what came of it.

Waits run from the moment a call was first asked for to the first word spoken on it. Whoever
was not reached yet is no wait of zero: they are counted beside, and the share inside the
promise counts them as broken once their time is over.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpline.domain.commands import CallOutcome
from helpline.domain.disposition import Disposition
from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service import hours
from helpline.store import reports
from helpline.store.people import Person
from helpline.store.reports import Promise

LONGEST_SPAN = timedelta(days=92)
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a report: `name` and `columns` are keys of words; the first cell names a row.

    `drawn` is the column that the chart shows; None: no chart.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    drawn: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of a span, and when it was made."""

    since: datetime
    until: datetime
    made_at: datetime
    tables: tuple[Table, ...]


def make(rt: Runtime, reader: Person, *, days: int) -> Report:
    """The report of the last so many days, at most 92; times of day are the line's own."""
    need(reader.role, Right.SUPERVISE)
    now = rt.clock.now()
    since = now - min(timedelta(days=max(1, days)), LONGEST_SPAN)
    with rt.store.read() as tx:
        promises = reports.list_promises(tx, since, now)
        notices = reports.list_notices(tx, since, now)
        arrived = reports.list_arrived(tx, since, now)
        outcomes = reports.count_outcomes(tx, since, now)
        judged = reports.count_acts(tx, ("danger confirmed", "danger dismissed"), since, now)
        contacts = reports.count_contacts(tx, since, now)
    tables = (
        _waits("waits_by_disposition", promises, lambda item: item.disposition.name, now),
        _waits("waits_by_hour", promises, lambda item: _hour(rt, item.asked_at), now),
        _waits("waits_by_channel", promises, _channel, now),
        _kept(promises),
        _tries(promises),
        _pages(notices),
        _calls(arrived),
        Table(
            "outcomes",
            ("outcome", "count"),
            tuple((item.name, outcomes.get(int(item), 0)) for item in CallOutcome),
            drawn=1,
        ),
        Table("judged", ("verdict", "count"), tuple(judged.items()), drawn=1),
        Table(
            "contacts",
            ("cases_each", "callers"),
            tuple((str(cases), count) for cases, count in contacts.items()),
            drawn=1,
        ),
    )
    return Report(since, now, now, tables)


def _hour(rt: Runtime, at: datetime) -> str:
    return f"{hours.local_time(rt, None, at):%H}"


def _channel(item: Promise) -> str:
    if item.whatsapp:
        return "channel_whatsapp"
    return "channel_call" if item.by_phone else "channel_text"


def rank(ordered: list[float], share: float) -> float:
    """The quantile by nearest rank of sorted values.

    Raises:
        ValueError: there are none.
    """
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _waits(
    name: str, promises: Iterable[Promise], by: Callable[[Promise], str], now: datetime
) -> Table:
    groups: dict[str, list[Promise]] = defaultdict(list)
    for item in promises:
        groups[by(item)].append(item)
    order = {item.name: -int(item) for item in Disposition}
    rows = [
        _wait_row(key, groups[key], now)
        for key in sorted(groups, key=lambda key: (order.get(key, 0), key))
    ]
    columns = ("group", "asked", "reached", "p50", "p90", "p99", "inside", "waiting")
    return Table(name, columns, tuple(rows), drawn=4)


def _wait_row(key: str, group: list[Promise], now: datetime) -> tuple[Cell, ...]:
    reached = sorted(
        (item.reached_at - item.asked_at).total_seconds() for item in group if item.reached_at
    )
    inside = sum(1 for item in group if item.reached_at and item.reached_at <= item.due_at)
    broken = sum(
        1
        for item in group
        if (item.reached_at and item.reached_at > item.due_at)
        or (not item.reached_at and item.due_at < now and item.state != "canceled")
    )
    judged = inside + broken
    waiting = sum(item.state in {"waiting", "claimed"} for item in group)
    quantiles = [rank(reached, share) if reached else None for share in (0.5, 0.9, 0.99)]
    share = round(100 * inside / judged, 1) if judged else None
    return (key, len(group), len(reached), *quantiles, share, waiting)


def _kept(promises: list[Promise]) -> Table:
    """What became of every promise."""
    found: dict[str, int] = defaultdict(int)
    for item in promises:
        found["reached" if item.reached_at else item.state] += 1
    order = ("reached", "waiting", "claimed", "talking", "exhausted", "canceled", "done")
    rows = tuple((f"end_{end}", found[end]) for end in order if found[end])
    return Table("promises", ("end", "count"), rows, drawn=1)


def _tries(promises: list[Promise]) -> Table:
    """How many attempts it took to reach somebody."""
    found: dict[int, int] = defaultdict(int)
    for item in promises:
        if item.reached_at:
            found[item.tries + 1 if item.state in {"waiting", "claimed"} else item.tries or 1] += 1
    rows = tuple((str(tries), found[tries]) for tries in sorted(found))
    return Table("attempts", ("attempts_each", "callers"), rows, drawn=1)


def _pages(notices: list[reports.Notice]) -> Table:
    groups: dict[Disposition, list[reports.Notice]] = defaultdict(list)
    for item in notices:
        groups[item.kind].append(item)
    rows: list[tuple[Cell, ...]] = []
    for kind in sorted(groups, reverse=True):
        waits = sorted(
            (item.acknowledged_at - item.opened_at).total_seconds()
            for item in groups[kind]
            if item.acknowledged_at
        )
        quantiles = [rank(waits, share) if waits else None for share in (0.5, 0.9, 0.99)]
        open_now = sum(item.acknowledged_at is None for item in groups[kind])
        rows.append((kind.name, len(groups[kind]), *quantiles, open_now))
    columns = ("group", "paged", "p50", "p90", "p99", "unanswered")
    return Table("acknowledged", columns, tuple(rows), drawn=3)


def _calls(arrived: list[reports.Arrived]) -> Table:
    """Calls in: answered by a person, left while waiting for one, ended in triage."""
    talked = sum(item.talked for item in arrived)
    left = sum(item.waited_for and not item.talked for item in arrived)
    rest = len(arrived) - talked - left
    rows: tuple[tuple[Cell, ...], ...] = (
        ("call_answered", talked),
        ("call_abandoned", left),
        ("call_triaged", rest),
    )
    return Table("calls", ("end", "count"), rows if arrived else (), drawn=1)
