"""Who is in a room with a caller, who has the case when somebody leaves it, and when it ends.

A specialist may ask a colleague and another number into the room; whoever of the staff stays
with the caller has the case.
"""

from datetime import datetime

from helpline.domain.delivery import LegState
from helpline.runtime import Runtime
from helpline.service.calls import conference
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, cases, guests, journal, outbox, people
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback


def find_caller(tx: Transaction, promise: Callback) -> Attempt | None:
    """The caller's leg while they are in the room."""
    theirs = attempts.find_caller_leg(tx, promise.id)
    return theirs if theirs is not None and theirs.result == "connected" else None


def is_alone(tx: Transaction, promise: Callback, but: Attempt) -> bool:
    """Is the caller in the room with nobody beside this leg?"""
    outside = attempts.find_outside(tx, promise.case_id)
    if outside is not None and outside.state is LegState.ANSWERED:
        return False
    asked_in = [leg for leg in guests.list_open(tx, promise.id) if leg.result == "taken"]
    with_them = [*attempts.list_staff_legs(tx, callback_id=promise.id), *asked_in]
    return not any(leg.id != but.id and leg.result == "taken" for leg in with_them)


def hand_over(
    rt: Runtime, tx: Transaction, promise: Callback, former_id: int, now: datetime
) -> bool:
    """Whoever has the case leaves: a colleague who stays with the caller has it; is there one?"""
    stays = guests.find_colleague(tx, promise.id, former_id)
    if stays is None or stays.staff_id is None or find_caller(tx, promise) is None:
        return False
    until = now + conference.LONGEST_TALK
    if not promises.relieve(tx, promise.id, former_id, stays.staff_id, until):
        return False
    work = cases.get(tx, promise.case_id)
    if work.holder_id == former_id:
        cases.hold(tx, work.id, stays.staff_id, now)
    actor = f"staff:{former_id}"
    journal.note(
        tx, "handed over", "callback", promise.id, now=now, actor=actor, staff=stays.staff_id
    )
    person = people.get(tx, stays.staff_id)
    outgoing.text_staff(
        rt, tx, person, "STAFF_TAKES_OVER", now, priority=outbox.URGENT, CODE=work.code
    )
    return True


def end(tx: Transaction, promise: Callback, leg: Attempt, now: datetime) -> None:
    """The outcome is told on this leg: a caller whom nobody is with any more is hung up on."""
    theirs = find_caller(tx, promise)
    if theirs is not None and is_alone(tx, promise, leg):
        outgoing.hang_up(tx, theirs, now)


def left_alone(tx: Transaction, promise: Callback, now: datetime) -> None:
    """Whoever was with the caller is gone: a caller who is still there is asked whether they were
    cut off, unless somebody is being rung to join them."""
    theirs = find_caller(tx, promise)
    if theirs is None or guests.list_open(tx, promise.id):
        return
    if is_alone(tx, promise, theirs):
        outgoing.ask_whether_cut_off(tx, theirs, now)


def caller_left(tx: Transaction, promise: Callback, now: datetime) -> None:
    """The room has ended: nobody is rung into it any more, and nobody waits in a new one.

    Whoever went back into it by key at this very moment may have opened an empty room: they are
    taken out, and asked for the outcome.
    """
    for leg in guests.list_open(tx, promise.id):
        if attempts.set_result(tx, leg.id, "released"):
            _stop(tx, leg, now)
    for leg in guests.list_returned(tx, promise.id):
        outgoing.move(tx, leg, now)


def _stop(tx: Transaction, leg: Attempt, now: datetime) -> None:
    if leg.state is LegState.PLANNED:
        outbox.cancel(tx, "leg", leg.id, now)
        attempts.move(tx, leg.id, LegState.CANCELED, now)
    else:
        outgoing.hang_up(tx, leg, now)


def guest_over(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> None:
    """A leg that was asked in has ended; that nobody came by it is told to who asked."""
    if leg.result in {"taken", "released"}:
        return
    if leg.leg == "third":
        attempts.set_result(tx, leg.id, "not reached")
    host = attempts.get(tx, leg.host_id) if leg.host_id is not None else None
    if host is None or host.staff_id is None or host.state.is_final:
        left_alone(tx, promise, now)
        return
    if find_caller(tx, promise) is None:
        return
    key = "STAFF_COLLEAGUE_MISSED" if leg.leg == "peer" else "STAFF_THIRD_MISSED"
    person, work = people.get(tx, host.staff_id), cases.get(tx, promise.case_id)
    outgoing.text_staff(rt, tx, person, key, now, priority=outbox.URGENT, CODE=work.code)
