"""A telephone leg as the carrier tells of it, and what is owed when it is over."""

from datetime import datetime

from helpline.domain.delivery import LegState
from helpline.runtime import Runtime
from helpline.service import (
    callbacks,
    escalation,
    reopening,
    ring_safety,
    second_number,
    shift,
    summons,
)
from helpline.service.calls import room, waiting_room
from helpline.store import (
    Transaction,
    attempts,
    cases,
    conversations,
    guests,
    journal,
    outbox,
    pages,
    people,
    retried,
)
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback

_RANG = {LegState.RINGING, LegState.ANSWERED, LegState.COMPLETED, LegState.BUSY, LegState.NO_ANSWER}


def lock(tx: Transaction, token: str) -> Attempt | None:
    """The leg of this token, its conversation locked first, as every text of the caller does."""
    leg = attempts.find_by_token(tx, token)
    if leg is None:
        return None
    conversations.lock_by_id(tx, cases.get(tx, leg.case_id).conversation_id)
    return attempts.get(tx, leg.id)


def with_promise(tx: Transaction, token: str) -> tuple[Attempt | None, Callback | None]:
    """The leg of this token and the promise that it is part of, without a lock."""
    leg = attempts.find_by_token(tx, token)
    promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
    return leg, promise


@retried
def reported(
    rt: Runtime, token: str, sid: str | None, state: LegState, error_code: int | None = None
) -> None:
    """The carrier's word on a leg: late, twice and out of order is all the same."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg = lock(tx, token)
        if leg is None:
            return
        known = sid if leg.sid is None else None
        moved = attempts.move(tx, leg.id, state, now, sid=known, error_code=error_code)
        if moved and leg.page_id is not None:
            pages.mark_sent(tx, leg.page_id, now)
        if moved and leg.staff_id is not None:
            _number_told(rt, tx, leg.staff_id, state, now)
        if moved and state.is_final:
            over(rt, tx, attempts.get(tx, leg.id), now)


def _number_told(
    rt: Runtime, tx: Transaction, staff_id: int, state: LegState, now: datetime
) -> None:
    """What a receipt says of the telephone itself: it rang, or it cannot be rung."""
    if state is LegState.FAILED:
        shift.number_failed(rt, tx, staff_id, now)
    elif state in _RANG:
        people.number_works(tx, staff_id)


def refused(rt: Runtime, tx: Transaction, leg: Attempt, now: datetime, code: int) -> None:
    """The carrier will never ring this number: the leg is over, and counts against it."""
    if given_up(rt, tx, leg, now, code) and leg.staff_id is not None:
        shift.number_failed(rt, tx, leg.staff_id, now)


def given_up(
    rt: Runtime, tx: Transaction, leg: Attempt, now: datetime, code: int | None = None
) -> bool:
    """We try this leg no longer, which says nothing of the number; False when it was over."""
    lock(tx, leg.token)
    if not attempts.move(tx, leg.id, LegState.FAILED, now, error_code=code):
        return False
    over(rt, tx, attempts.get(tx, leg.id), now)
    return True


def over(rt: Runtime, tx: Transaction, leg: Attempt, now: datetime) -> None:
    """A leg ended: a specialist who did not take it passes, a caller not spoken to is retried."""
    promise = promises.find(tx, leg.callback_id) if leg.callback_id is not None else None
    if promise is not None:
        second_number.dialled(tx, leg, promise, now)
    if leg.staff_id is not None:
        people.touch(tx, leg.staff_id, now)
    if leg.page_id is not None:
        _page_leg_over(rt, tx, leg, leg.page_id, now)
    if promise is None or leg.leg == "outside":
        return
    if leg.leg in guests.KINDS:
        room.guest_over(rt, tx, leg, promise, now)
    if leg.leg in attempts.STAFF:
        _staff_leg_over(rt, tx, leg, promise, now)
    elif leg.leg == "caller":
        room.caller_left(tx, promise, now)
        _caller_leg_over(rt, tx, leg, promise, now)


def _caller_leg_over(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> None:
    """Whoever spoke to them owes an outcome; whoever did not reach them tries again."""
    if leg.result == "holding":
        waiting_room.left(tx, leg, now)
    if promise.state != "talking":
        return
    if leg.result == "connected":
        # The conference ends with the caller, also when the specialist's last receipt is lost.
        _wait_for_outcome(rt, tx, promise, now)
    else:
        attempts.set_result(tx, leg.id, "not reached")
        # It hung up before a word was left on it.
        attempts.change_result(tx, leg.id, attempts.MACHINE, "not reached")
        _caller_not_reached(rt, tx, promise, now)


def _staff_leg_over(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> None:
    """Whoever had the case passes it on or leaves it; what they typed is not rung."""
    guests.forget_typed(tx, leg.id, now)
    if leg.page_id is None and attempts.set_result(tx, leg.id, "not taken"):
        _not_taken(rt, tx, leg, now)
    if promise.state == "claimed" and promise.specialist_id == leg.staff_id:
        callbacks.pass_on(rt, tx, promise, leg.staff_id or 0, now)
    elif promise.state == "talking" and promise.specialist_id == leg.staff_id:
        _staff_left(rt, tx, promise, now)


def _page_leg_over(rt: Runtime, tx: Transaction, leg: Attempt, page_id: int, now: datetime) -> None:
    """Somebody who cannot be rung hurries the ladder, and whoever took the page and is not joined
    loses it; a telephone that is free rings the next."""
    if leg.state in {LegState.BUSY, LegState.FAILED}:
        summons.nobody_reachable(rt, tx, page_id, now)
    if leg.staff_id is not None and leg.result != "taken":
        reopening.reopen_after_ring(rt, tx, leg, now)
        summons.ring_next(rt, tx, leg.staff_id, now)


def _not_taken(rt: Runtime, tx: Transaction, leg: Attempt, now: datetime) -> None:
    """No human pressed a key: nobody answered, or a voicemail did. Busy is not absent."""
    if leg.state in reopening.MISSED and leg.staff_id is not None:
        shift.missed(rt, tx, leg.staff_id, now)


def _staff_left(rt: Runtime, tx: Transaction, promise: Callback, now: datetime) -> None:
    """The specialist is gone: unspoken-to callers go back to the pool at once."""
    if any(
        leg.staff_id == promise.specialist_id
        for leg in attempts.list_staff_legs(tx, callback_id=promise.id)
    ):
        # They were rung a second time and came in by that one.
        return
    if room.hand_over(rt, tx, promise, promise.specialist_id or 0, now):
        return
    if attempts.latest_connected(tx, promise.id) is not None:
        room.left_alone(tx, promise, now)
        _wait_for_outcome(rt, tx, promise, now)
        return
    promises.give_back(tx, promise.id, not_before=now, tried=False)
    journal.note(tx, "left", "callback", promise.id, now=now, staff=promise.specialist_id)
    callbacks.look(tx, now, key=f"match-left-{promise.id}-{int(now.timestamp() * 1000)}")
    if promise.disposition.is_danger:
        page_again(rt, tx, promise, "left before the caller answered", now)


def _wait_for_outcome(rt: Runtime, tx: Transaction, promise: Callback, now: datetime) -> None:
    """The talk is over: so long the specialist has to say what came of it."""
    promises.extend(tx, promise.id, now + rt.protocol.callbacks.outcome_within)


def _caller_not_reached(rt: Runtime, tx: Transaction, promise: Callback, now: datetime) -> None:
    for waiting in attempts.list_staff_legs(tx, callback_id=promise.id):
        outbox.put(
            tx,
            key=f"move-{waiting.id}-{promise.tries}",
            kind="move",
            row_id=waiting.id,
            queue="callbacks",
            priority=outbox.URGENT,
            due_at=now,
            now=now,
        )
    pause = callbacks.not_reached(rt, tx, promise, now)
    if promise.disposition.is_danger:
        page_again(rt, tx, promise, "caller not reached", now + pause)


def page_again(rt: Runtime, tx: Transaction, promise: Callback, reason: str, at: datetime) -> None:
    """Nobody has this danger any more: the ladder starts again then."""
    cases.hold(tx, promise.case_id, None, at)
    work = cases.get(tx, promise.case_id)
    ring = ring_safety.is_ring_safe(tx, work.conversation_id)
    escalation.page_later(rt, tx, work, promise.disposition, reason, at, ring_caller=ring)
