"""Reads the carrier's book and the database after a storm and says which promises broke.

It imports nothing of the line. What it knows of the tables stands in `rows.py`, what it
knows of the wire in `book.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tests.chaos import arrivals, dials, promises
from tests.chaos.world import Violation, World

RULES: tuple[Callable[[World], Iterator[Violation]], ...] = (
    arrivals.stored_once,
    arrivals.answered_alike,
    arrivals.replied_once,
    arrivals.danger_answered,
    arrivals.danger_paged,
    arrivals.danger_raised,
    arrivals.pages_climb,
    arrivals.webhooks_served,
    dials.one_live_dial,
    dials.dialled_once,
    dials.sent_once,
    dials.outbox_drained,
    dials.legs_closed,
    promises.promises_kept,
    promises.cases_clocked,
    promises.clocks_heeded,
    promises.floors_held,
)
SHOWN = 8
"""Examples of a kind that are printed."""


def check(world: World) -> list[Violation]:
    """Every promise that broke."""
    return [violation for rule in RULES for violation in rule(world)]


def counts(world: World) -> dict[str, int]:
    """How much happened: a storm in which nothing happened proves nothing."""
    texts = world.book.inbound.values()
    danger = [text for text in texts if text.body in world.meant.danger]
    return {
        "texts from telephones": len(texts),
        "deliveries of them": sum(len(text.deliveries) for text in texts),
        "texts that no delivery got through for": sum(not text.acknowledged for text in texts),
        "webhooks that the line failed or put off": len(world.book.failures),
        "danger texts": len(danger),
        "calls made": len(world.book.calls),
        "texts made": len(world.book.texts),
        "conversations": len(world.rows.conversation),
        "cases": len(world.rows.case),
        "callbacks": len(world.rows.callback),
        "pages": len(world.rows.page),
        "pages acknowledged": sum(row["acknowledged_by"] is not None for row in world.rows.page),
        "effects": len(world.rows.outbox),
    }


def report(world: World, violations: Iterable[Violation]) -> Iterator[str]:
    """Lines to print: what happened, then what broke, by kind."""
    for name, number in counts(world).items():
        yield f"{number:8}  {name}"
    found = list(violations)
    for kind, times in sorted(Counter(each.kind for each in found).items()):
        yield f"BROKEN    {kind}: {times}"
        examples = [each.detail for each in found if each.kind == kind][:SHOWN]
        yield from (f"            {detail}" for detail in examples)
    yield f"{len(found)} violations" if found else "0 violations: every promise held"
