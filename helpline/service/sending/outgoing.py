"""What leaves us is written down first: a text or a telephone leg, and the effect that sends it."""

import secrets
from datetime import datetime, timedelta

from helpline.domain.delivery import LegState
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.store import Transaction, attempts, conversations, messages, outbox
from helpline.store.attempts import Attempt
from helpline.store.people import Person

_QUEUES = {outbox.CRISIS: "crisis", outbox.URGENT: "default", outbox.ORDINARY: "default"}


def new_token() -> str:
    """An opaque id for the carrier's callback addresses: ninety-six random bits."""
    return secrets.token_hex(12)


def text_words(
    tx: Transaction, conversation_id: int, words: str, now: datetime, *, priority: int
) -> int | None:
    """Write down a text to a caller; the id of the effect that sends it."""
    message_id = messages.plan(
        tx, token=new_token(), body=words, now=now, conversation_id=conversation_id
    )
    return _put_text(tx, message_id, now, priority)


def text_caller(
    rt: Runtime, tx: Transaction, conversation_id: int, key: str, now: datetime, *, priority: int
) -> int | None:
    """Write down a text of the protocol to a caller; None when they asked for no texts, or none
    reaches their telephone."""
    place = conversations.lock_by_id(tx, conversation_id)
    if place.opted_out or place.textless:
        return None
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.to_caller(rt, key, progress, staffed=place.staffed, line=place.line)
    return text_words(tx, conversation_id, words, now, priority=priority)


def text_staff(
    rt: Runtime,
    tx: Transaction,
    person: Person,
    key: str,
    now: datetime,
    *,
    priority: int,
    **values: str,
) -> int | None:
    """Write down a text to a member of staff."""
    return words_to_staff(tx, person, wording.to_staff(rt, key, **values), now, priority=priority)


def words_to_staff(
    tx: Transaction, person: Person, words: str, now: datetime, *, priority: int
) -> int | None:
    """Write down a text in somebody's own words to a member of staff.

    None when they told the carrier to stop: only their telephone reaches them.
    """
    if not person.takes_texts:
        return None
    message_id = messages.plan(tx, token=new_token(), body=words, now=now, staff_id=person.id)
    return _put_text(tx, message_id, now, priority)


def ring(
    tx: Transaction,
    *,
    leg: str,
    case_id: int,
    now: datetime,
    priority: int,
    callback_id: int | None = None,
    page_id: int | None = None,
    staff_id: int | None = None,
    host_id: int | None = None,
    phone: PhoneNumber | None = None,
    after: timedelta = timedelta(0),
) -> int | None:
    """Write down a telephone leg; the id of the effect that rings it. `phone` is another number
    than the one that is known of whoever is rung."""
    leg_id = attempts.plan(
        tx,
        token=new_token(),
        leg=leg,
        case_id=case_id,
        now=now,
        callback_id=callback_id,
        page_id=page_id,
        staff_id=staff_id,
        host_id=host_id,
        phone=phone,
    )
    return ring_planned(tx, leg_id, now, priority=priority, after=after)


def ring_planned(
    tx: Transaction,
    leg_id: int,
    now: datetime,
    *,
    priority: int,
    after: timedelta = timedelta(0),
) -> int | None:
    """Have a leg rung that is in the ledger, once; the id of the effect, None when it had one."""
    return outbox.put(
        tx,
        key=f"leg-{leg_id}",
        kind="leg",
        row_id=leg_id,
        queue="crisis" if priority == outbox.CRISIS else "callbacks",
        priority=priority,
        due_at=now + after,
        now=now,
    )


def leave_words(tx: Transaction, leg: Attempt, now: datetime) -> None:
    """Have the leg that a machine answered go on to the neutral words, once."""
    outbox.put(
        tx,
        key=f"leave-words-{leg.id}",
        kind="leave_words",
        row_id=leg.id,
        queue="callbacks",
        priority=outbox.URGENT,
        due_at=now,
        now=now,
    )


def hang_up(tx: Transaction, leg: Attempt, now: datetime) -> None:
    """Stop a leg: not rung if nobody has begun, hung up at the carrier otherwise."""
    if outbox.cancel(tx, "leg", leg.id, now):
        attempts.move(tx, leg.id, LegState.CANCELED, now)
        return
    outbox.put(
        tx,
        key=f"hang-up-{leg.id}",
        kind="hang_up",
        row_id=leg.id,
        queue="callbacks",
        priority=outbox.URGENT,
        due_at=now,
        now=now,
    )


def _put_text(tx: Transaction, message_id: int, now: datetime, priority: int) -> int | None:
    return outbox.put(
        tx,
        key=f"text-{message_id}",
        kind="text",
        row_id=message_id,
        queue=_QUEUES[priority],
        priority=priority,
        due_at=now,
        now=now,
    )


def move(tx: Transaction, leg: Attempt, now: datetime) -> None:
    """Send a live leg to what comes next for it: `dispatch` knows where."""
    outbox.put(
        tx,
        key=f"move-{leg.id}-{int(now.timestamp() * 1000)}",
        kind="move",
        row_id=leg.id,
        queue="callbacks",
        priority=outbox.URGENT,
        due_at=now,
        now=now,
    )


def ask_whether_cut_off(tx: Transaction, leg: Attempt, now: datetime) -> None:
    """Take a caller out of a room in which nobody is with them any more."""
    outbox.put(
        tx,
        key=f"cut-off-{leg.id}-{int(now.timestamp() * 1000)}",
        kind="ask_cut_off",
        row_id=leg.id,
        queue="callbacks",
        priority=outbox.URGENT,
        due_at=now,
        now=now,
    )
