"""Times agreed on with a caller, in the caller's own time zone: of a call, of a question."""

from datetime import UTC, datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import followups, hours
from helpline.service.console.acts import Done, Refused, Result, lock_to_work, promise_of
from helpline.store import callbacks as promises
from helpline.store import conversations, journal, retried
from helpline.store import followups as agreed
from helpline.store.people import Person

FURTHEST = timedelta(days=30)
"""So far ahead a call or a question may be agreed."""
ROOM = timedelta(hours=2)
"""A call agreed for a time is kept when it is made within so long after it."""


@retried
def move_call(rt: Runtime, person: Person, case_id: int, local: str) -> Result:
    """The caller and a human agreed on another time: in the caller's own time zone.

    A call of fifteen minutes or less is not put off. The time first asked stays.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = lock_to_work(tx, person, case_id)
        if isinstance(work, Refused):
            return work
        place = conversations.get(tx, work.conversation_id)
        at = _at(rt, place.phone, local, now)
        if at is None:
            return Refused.BAD_TIME
        if work.disposition >= Disposition.URGENT_15:
            return Refused.URGENT
        promise = promise_of(rt, tx, work, now, at_once=False)
        if promise is None:
            return Refused.NO_NUMBER
        if not promises.agree(tx, promise.id, not_before=at, due_at=at + ROOM):
            return Refused.TALKING
        journal.note(tx, "moved call", "callback", promise.id, now=now, actor=f"staff:{person.id}")
    return Done.MOVED


@retried
def plan_question(rt: Runtime, person: Person, case_id: int, local: str) -> Result:
    """Have the line ask the caller how they are, at a time agreed on with them."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = lock_to_work(tx, person, case_id)
        if isinstance(work, Refused):
            return work
        place = conversations.get(tx, work.conversation_id)
        at = _at(rt, place.phone, local, now)
        if at is None:
            return Refused.BAD_TIME
        progress = Progress.from_json(place.progress) if place.progress else Progress()
        if place.textless or place.opted_out or not followups.is_safe(progress):
            return Refused.NOT_SAFE
        agreed.plan(
            tx, case_id=work.id, conversation_id=work.conversation_id, kind=followups.FOLLOWUP,
            due_at=[followups.safe_time(rt, place, progress, at)], now=now,
        )  # fmt: skip
        journal.note(tx, "planned question", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.PLANNED


@retried
def cancel_question(rt: Runtime, person: Person, case_id: int, follow_up_id: int) -> Result:
    """The caller does not want to be asked any more."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = lock_to_work(tx, person, case_id)
        if isinstance(work, Refused):
            return work
        if agreed.cancel_of(tx, work.id, follow_up_id):
            actor = f"staff:{person.id}"
            journal.note(tx, "canceled question", "case", work.id, now=now, actor=actor)
    return Done.CANCELED


def _at(rt: Runtime, phone: PhoneNumber | None, local: str, now: datetime) -> datetime | None:
    """A day and time as a page sends it, where the caller is; None when it is none to agree on."""
    try:
        naive = datetime.fromisoformat(local)
    except ValueError:
        return None
    zone = hours.local_time(rt, phone, now).tzinfo
    at = naive.replace(tzinfo=zone).astimezone(UTC)
    return at if now < at <= now + FURTHEST else None
