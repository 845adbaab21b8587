"""Asking a caller how they are when the time for it has come (PROTOCOL 3.3, `followups`).

The answer is a text like any other: the engine reads it, and may raise.
"""

from datetime import datetime, timedelta

from helpline.domain.effects import SendText
from helpline.domain.progress import Progress
from helpline.domain.risk import NOTHING
from helpline.domain.said import Appointment
from helpline.runtime import Runtime
from helpline.service import steps
from helpline.service.followups import FOLLOWUP, WATCH_CHECK, is_safe, safe_time
from helpline.service.rounds import take_each
from helpline.service.sending import outgoing
from helpline.store import Transaction, conversations, followups, journal, outbox
from helpline.store import callbacks as promises
from helpline.store.conversations import Place
from helpline.store.followups import FollowUp

PUNCTUAL = timedelta(hours=1)
"""A question may come so much after its time; later it waits for the same time of the next day."""

_AT_REST = frozenset({None, "QUEUED", "HUMAN", "HUMAN_VOICE", "CLOSED", FOLLOWUP, WATCH_CHECK})


def keep_due(rt: Runtime) -> int:
    """Ask everybody whose time has come; how many. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        due = followups.list_due(tx, now)
    return take_each(
        due,
        lambda item: _keep(rt, item, now),
        event="follow_up.failed",
        name=lambda item: {"conversation_id": item.conversation_id},
    )


def _keep(rt: Runtime, item: FollowUp, now: datetime) -> bool:
    with rt.store.begin() as tx:
        place = conversations.lock_by_id(tx, item.conversation_id)
        due = followups.find_due(tx, item.id, now)
        if due is None:
            return False
        progress = steps.read_progress(rt, place)
        if place.opted_out or place.textless or not is_safe(progress):
            followups.cancel(tx, due.id)
            return False
        if _has_to_wait(tx, place, progress, due, now):
            again = due.due_at + _days_until(due.due_at, now + PUNCTUAL)
            followups.put_off(tx, due.id, safe_time(rt, place, progress, again))
            return False
        return _ask(rt, tx, place, progress, due, now)


def _has_to_wait(
    tx: Transaction, place: Place, progress: Progress, due: FollowUp, now: datetime
) -> bool:
    """A human, a promised call or a question comes first; a guard that was away may be late."""
    return (
        now - due.due_at > PUNCTUAL
        or progress.state not in _AT_REST
        or place.holder_id is not None
        or promises.find_live(tx, place.caller_id) is not None
    )


def _days_until(start: datetime, end: datetime) -> timedelta:
    """Whole days, so that the time of day stays the one that was found safe."""
    return timedelta(days=-((start - end) // timedelta(days=1)))


def _ask(
    rt: Runtime, tx: Transaction, place: Place, progress: Progress, due: FollowUp, now: datetime
) -> bool:
    followups.asked(tx, due.id, now)
    decision = steps.decide(rt, place, progress, Appointment(due.kind), NOTHING, now)
    if not any(isinstance(effect, SendText) for effect in decision.effects):
        return False
    steps.save(tx, place, decision, now)
    steps.carry_out(rt, tx, place, decision, now)
    for words in decision.texts:
        outgoing.text_words(tx, place.conversation_id, words, now, priority=outbox.ORDINARY)
    journal.note(
        tx, "asked how they are", "conversation", place.conversation_id, now=now, kind=due.kind
    )
    return True
