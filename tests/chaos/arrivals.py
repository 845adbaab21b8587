"""Rules about what came in: stored once, answered, danger before everything."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.chaos.book import Inbound
from tests.chaos.rows import Row
from tests.chaos.world import CRISIS_LIVE, Violation, World

LOCKED = timedelta(seconds=5)
"""An act has the time at which it was begun; it may have waited so long for its rows."""


def stored_once(world: World) -> Iterator[Violation]:
    """Every inbound sid has exactly one row, also when its webhook never got through."""
    times = Counter(row["sid"] for row in world.rows.message if row["inbound"])
    for sid, text in world.book.inbound.items():
        if times[sid] == 0:
            kind = "inbound lost" if text.acknowledged else "inbound not fetched back"
            yield Violation(kind, f"{sid} {_deliveries(text)}")
        elif times[sid] > 1:
            yield Violation("inbound stored twice", f"{sid} {times[sid]} times")
    for sid in times.keys() - world.book.inbound.keys():
        # What was said on a call has the sid of the call and which turn of it.
        if str(sid).partition(".")[0] not in world.book.rings:
            yield Violation("inbound from nowhere", str(sid))


def answered_alike(world: World) -> Iterator[Violation]:
    """However often a text is delivered, it is answered with the same words.

    While the database is away or busy nothing is known of the caller. What is then said in its
    place may be followed by the true answer, when the text is delivered again: the words that
    say so do not count, and danger may be answered once by each.
    """
    for text in world.book.inbound.values():
        different = {answer for answer in text.answers if answer and not _stands_in(world, answer)}
        if len(different) > (2 if text.body in world.meant.danger else 1):
            yield Violation("reply changed", f"{text.sid} {len(different)} different answers")


def replied_once(world: World) -> Iterator[Violation]:
    """What was answered in a response is not sent again as a text of its own.

    Someone whose earlier text got no response, or words in its place, is owed that answer,
    perhaps in the same words.
    """
    turns: dict[str, list[Inbound]] = {}
    for text in world.book.inbound.values():
        turns.setdefault(text.phone, []).append(text)
    for sent in world.book.texts.values():
        before = [text for text in turns.get(sent.to, []) if text.place < sent.place]
        if not before or not all(text.acknowledged for text in before):
            continue
        if any(answer and _stands_in(world, answer) for text in before for answer in text.answers):
            continue
        if any(sent.body in answer for answer in before[-1].answers):
            yield Violation("replied twice", f"{before[-1].sid} and again as {sent.sid}")


def danger_answered(world: World) -> Iterator[Violation]:
    """The response to a danger text names a number that helps now.

    While a human has the caller the machine is silent about a crisis (the human is rung),
    never about an emergency.
    """
    for text in _danger(world):
        if text.body not in world.meant.emergency and _is_held(world, text):
            continue
        for answer in text.answers:
            if not any(number in words for words in answer for number in world.meant.numbers):
                yield Violation("danger not answered", f"{text.sid} answered {len(answer)} texts")
                break


def danger_paged(world: World) -> Iterator[Violation]:
    """A page for it: opened by it, or open when it came; at the carrier; not forgotten."""
    for text in _danger(world):
        row = world.stored.get(text.sid)
        if row is None:
            continue
        at = row["created_at"]
        pages = [page for page in world.pages_in(row["conversation_id"]) if _covers(page, at)]
        if not pages:
            yield Violation("danger not paged", f"{text.sid} conversation {row['conversation_id']}")
        for page in pages:
            rung = world.rung_for.get(page["id"], [])
            opened_by_it = page["opened_at"] >= at
            late = [place for place in rung if place > text.place]
            if not (late if opened_by_it else rung) and page["acknowledged_by"] is None:
                yield Violation("page never at the carrier", f"page {page['id']} for {text.sid}")


def pages_climb(world: World) -> Iterator[Violation]:
    """Until a human acknowledges: a page that nobody answered has its next step ahead."""
    for page in world.rows.page:
        if page["acknowledged_by"] is not None and page["acknowledged_at"] is not None:
            continue
        if page["reason"] == "waits on the line" and page["kind"] < CRISIS_LIVE:
            continue  # nobody came in a minute: they are offered a call back, which is a promise
        if page["state"] != "open" or page["next_at"] is None:
            yield Violation(
                "page gave up", f"page {page['id']} is {page['state']}, nobody answered"
            )
        elif world.is_stale(page["next_at"]):
            yield Violation("page stands still", f"page {page['id']} was due {page['next_at']}")


def danger_raised(world: World) -> Iterator[Violation]:
    """After a danger text the case stands at crisis or above."""
    for text in _danger(world):
        row = world.stored.get(text.sid)
        if row is None:
            continue
        cases = world.cases_of(row["conversation_id"])
        highest = max((case["disposition"] for case in cases), default=0)
        if highest < CRISIS_LIVE:
            yield Violation("floor fell", f"{text.sid} meant danger, its case is at {highest}")


def webhooks_served(world: World) -> Iterator[Violation]:
    """No request of the carrier is refused or makes the line fail."""
    allowed = {f": {status}" for status in world.meant.may_fail}
    for failure in world.book.failures:
        if not failure.endswith(tuple(allowed) or ("never",)):
            yield Violation("webhook failed", failure)
    for refusal in world.book.refusals:
        yield Violation("carrier refused", refusal)


def _stands_in(world: World, answer: tuple[str, ...]) -> bool:
    return all(
        any(pattern.fullmatch(words) for pattern in world.meant.standing_in) for words in answer
    )


def _danger(world: World) -> list[Inbound]:
    return [
        text
        for text in world.book.inbound.values()
        if text.body in world.meant.danger and not world.is_staff(text.phone)
    ]


def _is_held(world: World, text: Inbound) -> bool:
    row = world.stored.get(text.sid)
    return row is not None and any(
        page["acknowledged_at"] is not None and page["acknowledged_at"] <= row["created_at"]
        for page in world.pages_in(row["conversation_id"])
    )


def _covers(page: Row, at: datetime) -> bool:
    acknowledged = page["acknowledged_at"]
    return page["opened_at"] >= at or acknowledged is None or acknowledged >= at - LOCKED


def _deliveries(text: Inbound) -> str:
    return ",".join(str(status) for status, _ in text.deliveries) or "never delivered"
