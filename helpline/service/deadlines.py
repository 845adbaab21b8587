"""The clocks of promised calls: nearly due, late, and a specialist who went silent (CONTRACT 3).

Each row has a transaction of its own that locks the caller's conversation first, and looks
again under the lock whether the row is still due.
"""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.secrecy import is_secret
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, notices, ring_safety
from helpline.service.rounds import take_each
from helpline.service.sending import outgoing
from helpline.store import (
    Transaction,
    attempts,
    cases,
    conversations,
    journal,
    outbox,
    pages,
    people,
)
from helpline.store import callbacks as promises
from helpline.store.callbacks import Callback


def _named(callback_id: int) -> dict[str, int]:
    return {"callback_id": callback_id}


def expire_leases(rt: Runtime) -> int:
    """A specialist who went silent loses the case back to the pool. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        over = promises.list_leases_over(tx, now)
    return take_each(over, lambda item: _expire(rt, item, now), event="lease.failed", name=_named)


def _expire(rt: Runtime, callback_id: int, now: datetime) -> bool:
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, promises.conversation_of(tx, callback_id))
        callback = promises.find_lease_over(tx, callback_id, now)
        if callback is None:
            return False
        spoken_to = callback.state == "talking" and attempts.latest_connected(tx, callback.id)
        if spoken_to and not callback.disposition.is_danger:
            promises.finish(tx, callback.id, "done", "no outcome", now)
            journal.note(tx, "left without outcome", "callback", callback.id, now=now)
            _tell_supervisors(rt, tx, callback, "LIST_NO_OUTCOME", now)
            callbacks.leave_to_supervisors(rt, tx, callback, pages.NO_OUTCOME, now)
        else:
            _hang_up_silent(tx, callback, now)
            promises.give_back(tx, callback.id, not_before=now, tried=False)
            journal.note(tx, "lease expired", "callback", callback.id, now=now)
            key = f"match-lease-{callback.id}-{int(now.timestamp() * 1000)}"
            callbacks.look(tx, now, key=key)
    return True


def _hang_up_silent(tx: Transaction, callback: Callback, now: datetime) -> None:
    """The telephone that was rung for it and pressed nothing rings no longer."""
    if callback.state == "claimed":
        for leg in attempts.list_staff_legs(tx, callback_id=callback.id):
            outgoing.hang_up(tx, leg, now)


def warn_early(rt: Runtime) -> int:
    """Most of the promised time is gone: whoever could call is told, once. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        nearly = promises.list_to_warn(tx, now)
    return take_each(nearly, lambda item: _warn(rt, item, now), event="warning.failed", name=_named)


def _warn(rt: Runtime, callback_id: int, now: datetime) -> bool:
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, promises.conversation_of(tx, callback_id))
        callback = promises.warned(tx, callback_id, now)
        if callback is None:
            return False
        work = cases.get(tx, callback.case_id)
        if work.holder_id is not None:
            who = [people.get(tx, work.holder_id)]
        else:
            who = [
                person for person in people.list_free(tx) if callback.language in person.languages
            ]
        journal.note(tx, "nearly late", "callback", callback.id, now=now)
        notices.to_people(
            rt,
            tx,
            [*who, *people.list_supervisors(tx)],
            "LIST_NEARLY_LATE",
            now,
            priority=notices.hurry_of(callback.disposition),
            CODE=work.code,
            DISPOSITION=notices.named(callback.disposition),
        )
    return True


def watch(rt: Runtime) -> int:
    """Late promises sort one level higher, and a supervisor hears of it. Run by the guard.

    What is urgent is paged to the supervisors until one acknowledges; after 15 minutes the
    caller is offered the live line as well. Lateness makes nothing a crisis. The page of a
    danger climbs already.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        late = promises.list_late(tx, now)
    return take_each(late, lambda item: _late(rt, item, now), event="deadline.failed", name=_named)


def _late(rt: Runtime, callback_id: int, now: datetime) -> bool:
    urgent: list[int] = []
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, promises.conversation_of(tx, callback_id))
        callback = promises.find_late(tx, callback_id, now)
        if callback is None:
            return False
        rank = callback.disposition.one_higher()
        if not promises.promote(tx, callback.id, rank, now):
            return False
        journal.note(tx, "late", "callback", callback.id, now=now)
        match callback.disposition:
            case Disposition.URGENT_15:
                urgent = _page_late(rt, tx, callback, now)
                urgent += _offer_live_line(rt, tx, callback, now) if urgent else []
            case Disposition.URGENT_60:
                urgent = _page_late(rt, tx, callback, now)
            case _:
                _tell_supervisors(rt, tx, callback, "LIST_LATE", now)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return True


def _page_late(rt: Runtime, tx: Transaction, callback: Callback, now: datetime) -> list[int]:
    """The supervisors' page, as what was promised; a page that is open already is enough."""
    work = cases.get(tx, callback.case_id)
    ring = ring_safety.is_ring_safe(tx, work.conversation_id)
    return escalation.page_supervisor(
        rt, tx, work, callback.disposition, "late", now, ring_caller=ring
    )


def _offer_live_line(rt: Runtime, tx: Transaction, callback: Callback, now: datetime) -> list[int]:
    """The truth and the numbers (E4), unless somebody near must not know of us."""
    place = conversations.lock_by_id(tx, callback.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    if is_secret(progress):
        return []
    words = outgoing.text_caller(
        rt, tx, callback.conversation_id, "E4", now, priority=outbox.CRISIS
    )
    return [words] if words is not None else []


def _tell_supervisors(
    rt: Runtime, tx: Transaction, callback: Callback, key: str, now: datetime
) -> None:
    notices.to_supervisors(
        rt,
        tx,
        key,
        now,
        priority=notices.hurry_of(callback.disposition),
        CODE=cases.get(tx, callback.case_id).code,
        DISPOSITION=notices.named(callback.disposition),
    )
