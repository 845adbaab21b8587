"""Rules about what is owed: a row behind every promise, a clock for every case, floors."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from re import Pattern

import yaml

from tests.chaos.rows import Row
from tests.chaos.world import URGENT_60, Violation, World

STANDS_IN = ("KEPT", "STAFF_KEPT", "PAGE_HELD_AWAY")
"""What is said while the database is away, when nothing is known of who wrote."""

_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"\\\{[A-Z]+\\\}")


def promising(messages: Path) -> tuple[Pattern[str], ...]:
    """Patterns of the texts that are marked as promising a person (`config/messages/*.yaml`)."""
    entries = yaml.safe_load(messages.read_text(encoding="utf-8"))
    return tuple(
        _pattern(entry["sms"])
        for entry in entries.values()
        if isinstance(entry, dict) and entry.get("promises_person") and entry.get("sms")
    )


def standing_in(messages: Iterable[Path]) -> tuple[Pattern[str], ...]:
    """Patterns of what is said, in any language, while the database is away."""
    every = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in messages]
    return tuple(
        _pattern(entries[key]["sms"]) for entries in every for key in STANDS_IN if key in entries
    )


def _pattern(words: str) -> Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(".+", re.escape(words)), re.DOTALL)


def promises_kept(world: World) -> Iterator[Violation]:
    """A text that promises a person has a row behind it that binds somebody."""
    for conversation_id, at, sid, body in _texts_to_callers(world):
        if any(pattern.fullmatch(body) for pattern in world.meant.promising) and not _owed(
            world, conversation_id, at
        ):
            yield Violation("promise without a row", f"{sid} in conversation {conversation_id}")


def cases_clocked(world: World) -> Iterator[Violation]:
    """An open case at URGENT_60 or above has a clock that will strike."""
    wakes = {row["caller_id"]: row for row in world.rows.conversation if row["wake_at"]}
    for case in world.rows.case:
        if case["state"] != "open" or case["disposition"] < URGENT_60:
            continue
        clocks = [
            *(page for page in world.pages_of.get(case["id"], []) if _page_goes_on(page)),
            *(row for row in world.callbacks_of.get(case["id"], []) if _call_goes_on(row)),
            *(row for row in [wakes.get(case["caller_id"])] if row),
            *(row for row in world.rows.follow_up if _will_be_asked(row, case)),
        ]
        if not clocks:
            yield Violation("case without a clock", f"case {case['id']} at {case['disposition']}")


def clocks_heeded(world: World) -> Iterator[Violation]:
    """No clock struck long ago without anything happening."""
    for row in world.rows.callback:
        # Whoever is spoken to by now is late for the figures; nobody needs to be told.
        owed = row["state"] in ("waiting", "claimed")
        if owed and row["late_at"] is None and world.is_stale(row["due_at"]):
            yield Violation("deadline not heeded", f"callback {row['id']} due {row['due_at']}")
        if row["state"] in ("claimed", "talking") and world.is_stale(row["lease_until"]):
            yield Violation("lease not heeded", f"callback {row['id']} until {row['lease_until']}")
    for row in world.rows.conversation:
        if world.is_stale(row["wake_at"]):
            yield Violation("silence not heeded", f"conversation {row['id']} at {row['wake_at']}")


def floors_held(world: World) -> Iterator[Violation]:
    """What was once as urgent as this still is, open or closed; an urgent call's case is urgent."""
    tables = {"case": world.rows.case, "callback": world.rows.callback}
    now = {(name, row["id"]): row["disposition"] for name, rows in tables.items() for row in rows}
    for (table, row_id), highest in world.meant.seen.items():
        if now.get((table, row_id), highest) < highest:
            yield Violation(
                "floor fell", f"{table} {row_id} was {highest}, is {now[table, row_id]}"
            )
    for row in world.rows.callback:
        case = now.get(("case", row["case_id"]), 0)
        if row["disposition"] >= URGENT_60 and case < row["disposition"]:
            yield Violation(
                "floor fell", f"case {row['case_id']} is {case}, its call {row['disposition']}"
            )


def _texts_to_callers(world: World) -> Iterator[tuple[int, datetime, str, str]]:
    for text in world.book.inbound.values():
        row = world.stored.get(text.sid)
        if row is not None and not world.is_staff(text.phone):
            for body in {words for answer in text.answers for words in answer}:
                yield row["conversation_id"], row["created_at"], text.sid, body
    for sent in world.book.texts.values():
        row = world.texts.get(sent.token)
        if row is not None and row["conversation_id"] and not world.is_staff(sent.to):
            yield row["conversation_id"], row["created_at"], sent.sid, sent.body


def _owed(world: World, conversation_id: int, at: datetime) -> bool:
    """A callback or a page that was alive when the text was written, or came after it."""
    calls = world.callbacks_in(conversation_id)
    if any(row["finished_at"] is None or row["finished_at"] >= at for row in calls):
        return True
    return any(
        page["state"] != "closed"
        or page["opened_at"] >= at
        or (page["acknowledged_at"] is not None and page["acknowledged_at"] >= at)
        for page in world.pages_in(conversation_id)
    )


def _page_goes_on(page: Row) -> bool:
    climbs = page["state"] == "open" and page["next_at"] is not None
    return climbs or page["state"] == "acknowledged"


def _call_goes_on(row: Row) -> bool:
    if row["state"] == "waiting":
        return bool(row["not_before"] < _NEVER)
    return row["state"] in ("claimed", "talking") and row["lease_until"] is not None


def _will_be_asked(row: Row, case: Row) -> bool:
    return bool(row["case_id"] == case["id"] and row["state"] == "planned")
