"""What the checker knows: the book, the rows, and what the people in the storm meant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from re import Pattern
from typing import Any

from tests.chaos.book import Book
from tests.chaos.rows import Row, Rows

URGENT_60, CRISIS_LIVE = 4, 6


@dataclass(frozen=True)
class Violation:
    """A promise that broke: which one, and the ids to look at."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Meant:
    """What only the campaign knows. It says nothing about the line."""

    danger: frozenset[str]
    """Texts that mean danger to life, word for word."""
    emergency: frozenset[str]
    """Those among them that are answered with a number even while a human has the caller."""
    staff: frozenset[str]
    """Telephone numbers of staff; every other telephone is a caller's."""
    numbers: tuple[str, ...]
    """What a danger answer must name one of: the emergency and the crisis number."""
    now: datetime
    """The line's own time when the rows were read."""
    slack: timedelta = timedelta(seconds=30)
    """How long a clock may have struck without being heeded."""
    may_fail: frozenset[int] = frozenset({503})
    """Statuses that the line may answer while its database is away or busy."""
    standing_in: tuple[Pattern[str], ...] = ()
    """What is said while the database is away, as patterns."""
    promising: tuple[Pattern[str], ...] = ()
    """Texts that promise a person, as patterns."""
    seen: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """The highest disposition that was ever read of (table, id)."""


@dataclass(frozen=True)
class World:
    """One run, indexed."""

    book: Book
    rows: Rows
    meant: Meant

    @cached_property
    def stored(self) -> dict[str, Row]:
        """Inbound rows by the carrier's sid."""
        return {row["sid"]: row for row in self.rows.message if row["inbound"]}

    @cached_property
    def texts(self) -> dict[str, Row]:
        """Outgoing rows by token."""
        return {row["token"]: row for row in self.rows.message if row["token"]}

    @cached_property
    def attempts(self) -> dict[str, Row]:
        """Legs by token."""
        return {row["token"]: row for row in self.rows.attempt}

    @cached_property
    def caller_of(self) -> dict[int, int]:
        """The caller of each conversation."""
        return {row["id"]: row["caller_id"] for row in self.rows.conversation}

    @cached_property
    def _cases(self) -> dict[int, list[Row]]:
        return grouped(self.rows.case, "caller_id")

    def cases_of(self, conversation_id: int) -> list[Row]:
        """Every case of whoever speaks in this conversation."""
        return self._cases.get(self.caller_of.get(conversation_id, 0), [])

    @cached_property
    def pages_of(self) -> dict[int, list[Row]]:
        """Pages by case."""
        return grouped(self.rows.page, "case_id")

    @cached_property
    def callbacks_of(self) -> dict[int, list[Row]]:
        """Callbacks by case."""
        return grouped(self.rows.callback, "case_id")

    @cached_property
    def rung_for(self) -> dict[int, list[int]]:
        """Places in the book of the calls that were made for a page, by page."""
        found: dict[int, list[int]] = defaultdict(list)
        for call in self.book.calls.values():
            leg = self.attempts.get(call.token)
            if leg is not None and leg["page_id"] is not None and leg["leg"] == "staff":
                found[leg["page_id"]].append(call.place)
        return found

    def is_staff(self, number: str) -> bool:
        return number in self.meant.staff

    def pages_in(self, conversation_id: int) -> list[Row]:
        """Pages of every case of a conversation."""
        cases = self.cases_of(conversation_id)
        return [page for case in cases for page in self.pages_of.get(case["id"], [])]

    def callbacks_in(self, conversation_id: int) -> list[Row]:
        """Callbacks of every case of a conversation."""
        cases = self.cases_of(conversation_id)
        return [row for case in cases for row in self.callbacks_of.get(case["id"], [])]

    def is_stale(self, at: datetime | None) -> bool:
        """Has this clock struck so long ago that somebody should have heeded it?"""
        return at is not None and at < self.meant.now - self.meant.slack


def grouped(rows: Iterable[Row], column: str) -> dict[int, list[Row]]:
    """Rows by the value of a column."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
