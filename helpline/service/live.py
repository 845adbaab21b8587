"""Steps of a ladder that only somebody who waits on the line needs (PROTOCOL 3.6 item 1)."""

from datetime import datetime

from helpline.domain.phone import PhoneNumber, find_phone
from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, conversations, journal, outbox, pages
from helpline.store.attempts import Attempt
from helpline.store.pages import Page

STEPS = ("outside", "place")


def take(
    rt: Runtime, tx: Transaction, open_page: Page, who: str, waits: Attempt, now: datetime
) -> tuple[list[int], bool]:
    """Ring the outside line into the call, or offer the caller their place in the queue.

    Crisis effects to ring the bell for, and whether somebody was reached by it.
    """
    if who == "outside":
        return ring_outside(rt, tx, open_page.conversation_id, waits, now)
    if pages.withdraw(tx, open_page.id):
        journal.note(tx, "nobody came", "page", open_page.id, now=now)
        for leg in attempts.list_staff_legs(tx, page_id=open_page.id):
            outgoing.hang_up(tx, leg, now)
        outgoing.move(tx, waits, now)
    return [], True


def ring_outside(
    rt: Runtime, tx: Transaction, conversation_id: int, waits: Attempt, now: datetime
) -> tuple[list[int], bool]:
    """Ring the crisis line of the caller's country into their call, once."""
    place = conversations.get(tx, conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    if outside_number(rt, progress) is None or attempts.find_outside(tx, waits.case_id):
        return [], False
    written = outgoing.ring(
        tx,
        leg="outside",
        case_id=waits.case_id,
        callback_id=waits.callback_id,
        now=now,
        priority=outbox.CRISIS,
    )
    journal.note(tx, "outside line", "case", waits.case_id, now=now)
    return ([] if written is None else [written]), True


def outside_number(rt: Runtime, progress: Progress) -> PhoneNumber | None:
    """The crisis line of the caller's country as an ordinary number that may be dialled."""
    country = wording.country_of(rt, progress)
    dials = (line.get("dial") for line in country.lines if line.get("role") == "crisis")
    return next((found for dial in dials if dial and (found := find_phone(dial))), None)
