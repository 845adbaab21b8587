"""Where a specialist and a caller meet: who is rung for it, what is said, how a leg joins."""

from datetime import datetime, timedelta

from helpline.domain.delivery import LegState
from helpline.domain.progress import Progress
from helpline.domain.speech import CallStep, Join
from helpline.runtime import Runtime
from helpline.service import second_number
from helpline.service.calls.prompts import say
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, conversations, journal, notes, outbox
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback

LONGEST_NOTE = 200
"""Letters of a note that are read out, some twelve seconds: about as long as a ring is."""

LONGEST_TALK = timedelta(hours=3)
"""A call that went on for longer is over; its receipt was lost."""


def enter(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback) -> tuple[CallStep, ...]:
    """A specialist hears who waits, and joins; a caller who holds is spoken to from now on."""
    place = conversations.lock_by_id(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    minutes = max(0, int((rt.clock.now() - promise.asked_at).total_seconds() // 60))
    theirs = attempts.find_caller_leg(tx, promise.id)
    on_the_line = theirs is not None and theirs.state is LegState.ANSWERED
    attempts.connect_holding(tx, promise.id)
    words = say(
        rt,
        "STAFF_CALLER",
        DISPOSITION=promise.disposition.name.replace("_", " ").lower(),
        NAME=progress.words.get("name", "not given"),
        MINUTES=str(minutes),
    )
    # Who is on the line is spoken to at once; who is still being rung leaves time for a note.
    note = () if on_the_line else _note(rt, tx, leg, promise)
    return (words, *note, join(leg, promise))


def _note(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback) -> tuple[CallStep, ...]:
    """What a colleague wrote down last about this caller, read out after key 1; noted."""
    found = notes.find_last_of_caller(tx, promise.caller_id)
    if found is None:
        return ()
    who = f"staff:{leg.staff_id}"
    journal.note(tx, "heard note", "case", found.case_id, now=rt.clock.now(), actor=who)
    return (say(rt, "STAFF_NOTE", NOTE=found.body[:LONGEST_NOTE]),)


def join(leg: Attempt, promise: Callback) -> Join:
    """This leg into the promise's conference, which ends when the caller leaves.

    Staff come out of it by the key ``*``, to ask somebody else in.
    """
    kind = "staff" if leg.leg in attempts.STAFF else leg.leg
    return Join(
        conference=promise.token,
        action=f"/twilio/voice/{kind}/after?attempt={leg.token}",
        start=True,
        end_on_exit=leg.leg == "caller",
        leave_on_star=kind == "staff",
    )


def ring_caller(
    rt: Runtime, tx: Transaction, promise: Callback, now: datetime, *, priority: int
) -> int | None:
    """Ring the caller, never twice; text them first that the call comes, where that is safe."""
    if attempts.find_caller_leg(tx, promise.id) is not None:
        return None
    place = conversations.lock_by_id(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    discreet = {"SAFE_CONTACT", "DISCREET"}.intersection(progress.flags)
    if not discreet and not place.opted_out and place.phone is not None:
        outgoing.text_caller(
            rt, tx, promise.conversation_id, "CALLING", now,
            priority=outbox.CRISIS if priority == outbox.CRISIS else outbox.URGENT,
        )  # fmt: skip
    # Who took the call decides: where no number is left to the ladder, the chosen one rings.
    to = second_number.next_number(rt, tx, promise) or promise.phone
    return outgoing.ring(
        tx,
        leg="caller",
        case_id=promise.case_id,
        callback_id=promise.id,
        now=now,
        priority=priority,
        phone=None if to == place.phone else to,
    )
