"""Carrying out one effect: claim it, end the transaction, ask the carrier, record what came of it.

What is uncertain is looked up at the carrier before a caller is rung a second time; a
crisis page is rung again instead: two rings beat none (RELIABILITY R3).
"""

from datetime import timedelta

import structlog

from helpline.domain.delivery import (
    Accepted,
    CallOrder,
    LegState,
    Outcome,
    Refused,
    TryLater,
    Unknown,
)
from helpline.domain.pace import Lane
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import callbacks, live
from helpline.service.calls import answering_machine, legs, room
from helpline.service.sending import senders, texts, tries
from helpline.service.sending.tries import CLOCKS_DIFFER, Verdict
from helpline.service.upkeep import drill
from helpline.store import (
    Transaction,
    attempts,
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
from helpline.store.outbox import Effect

UNNAMED_PAUSE = timedelta(seconds=1)
"""A leg that is being created has no carrier id yet, by which it could be hung up."""

_log = structlog.get_logger(__name__)

ENTRANCES = {
    ("staff", "callback"): "/twilio/voice/staff",
    ("staff", "page"): "/twilio/voice/page",
    ("caller", "callback"): "/twilio/voice/caller",
    ("outside", "callback"): "/twilio/voice/outside",
    ("peer", "callback"): "/twilio/voice/peer",
    ("third", "callback"): "/twilio/voice/third",
}
MOVED = {
    "staff": "/twilio/voice/staff/alone",
    "peer": "/twilio/voice/staff/alone",
    "caller": "/twilio/voice/place",
}
"""Where a leg goes on that is taken out of its conference."""
CUT_OFF = "/twilio/voice/caller/alone"


def deliver(rt: Runtime, outbox_id: int) -> bool:
    """Carry out this effect if it is due and nobody else has it; did we?"""
    effect = tries.claim(rt, outbox_id)
    if effect is None:
        return False
    match effect.kind:
        case "text":
            texts.deliver(rt, effect)
        case "leg":
            _deliver_leg(rt, effect)
        case "move":
            _deliver_move(rt, effect)
        case "leave_words":
            _deliver_words(rt, effect)
        case "ask_cut_off":
            _deliver_question(rt, effect)
        case "hang_up":
            _deliver_hang_up(rt, effect)
        case "drill":
            drill.ring(rt, effect)
        case "match":
            callbacks.match(rt)
            with rt.store.begin() as tx:
                outbox.done(tx, effect.id, rt.clock.now())
        case unknown:
            with rt.store.begin() as tx:
                outbox.done(tx, effect.id, rt.clock.now(), error=f"unknown kind {unknown}")
    return True


def list_late(rt: Runtime, late: timedelta) -> list[int]:
    """Crisis effects that no worker has started in time; the guard takes them over."""
    with rt.store.read() as tx:
        return outbox.list_late_crisis(tx, rt.clock.now(), late)


def carry_on_in_line(rt: Runtime) -> int:
    """Carry out what no callbacks worker has begun in time: Redis may be away. Run by the guard.

    One after the other, a few in each round: what is urgent in danger has its own road.
    """
    late = rt.protocol.callbacks.in_line_after
    with rt.store.read() as tx:
        left = outbox.list_late_of(tx, "callbacks", rt.clock.now(), late)
    return sum(take_over(rt, outbox_id) for outbox_id in left)


def take_over(rt: Runtime, outbox_id: int) -> bool:
    """Start a late effect; one that fails is logged and comes back when its lease is over."""
    try:
        taken = deliver(rt, outbox_id)
        if taken:
            with rt.store.begin() as tx:
                journal.note(tx, "took over", "outbox", outbox_id, now=rt.clock.now())
    except Exception:  # noqa: BLE001 - one bad effect must not keep the others from starting
        _log.error("takeover.failed", outbox_id=outbox_id, exc_info=True)
        return False
    return taken


# --- legs ------------------------------------------------------------------------


def _deliver_leg(rt: Runtime, effect: Effect) -> None:
    with rt.store.begin() as tx:
        if not tries.still_ours(rt, tx, effect):
            return
        now = rt.clock.now()
        leg = attempts.get(tx, effect.row_id)
        if leg.state not in {LegState.PLANNED, LegState.SENDING, LegState.UNKNOWN}:
            outbox.done(tx, effect.id, now)
            return
        order = _leg_order(rt, tx, leg, effect)
        if order is None:
            attempts.move(tx, leg.id, LegState.CANCELED, now)
            outbox.drop(tx, effect.id, now, "not wanted any more")
            return
        draws = senders.draws_of_call(rt, order.sender)
        if not tries.may_leave(rt, tx, effect, draws, _lane(tx, leg)):
            return
        if leg.leg == "staff" and leg.page_id is None and leg.callback_id is not None:
            # It may have waited for its turn: whoever is rung now has the whole lease.
            promises.extend(tx, leg.callback_id, now + rt.protocol.callbacks.lease)
        attempts.move(tx, leg.id, LegState.SENDING, now, deadline_at=now + tries.LEASE)
    outcome = _rung(rt, effect, leg, order)
    if outcome is None:
        return
    _record_leg(rt, effect, leg, outcome)
    tries.note_crisis(rt, effect, draws)


def _lane(tx: Transaction, leg: Attempt) -> Lane:
    """A caller whom a specialist waits for, whoever is asked in, and whoever is urgent, passes
    the others."""
    promise = promises.find(tx, leg.callback_id) if leg.callback_id is not None else None
    urgent = promise is not None and promise.disposition.is_urgent
    on_the_line = leg.leg in ("caller", *guests.KINDS)
    return Lane.HURRIED if on_the_line or urgent else Lane.ORDINARY


def _leg_order(rt: Runtime, tx: Transaction, leg: Attempt, effect: Effect) -> CallOrder | None:
    """Whom to ring and how, checked just before; None when nobody wants this leg any more."""
    rules = rt.protocol.callbacks
    promise = promises.find(tx, leg.callback_id) if leg.callback_id is not None else None
    crisis = effect.priority == outbox.CRISIS
    to: PhoneNumber | None
    watch = None
    if leg.leg == "caller":
        if promise is None or promise.state != "talking":
            return None
        watch = answering_machine.watch(rt, tx, leg, promise)
        place = conversations.get(tx, promise.conversation_id)
        to, ring = leg.phone or place.phone or promise.phone, rules.ring_caller
        sender = senders.for_caller_call(rt, promise.line)
    elif leg.leg == "outside":
        if promise is None or attempts.find_caller_leg(tx, promise.id) is None:
            return None
        place = conversations.get(tx, promise.conversation_id)
        progress = Progress.from_json(place.progress) if place.progress else Progress()
        to, ring = live.outside_number(rt, progress), rules.ring_caller
        sender = senders.for_caller_call(rt, promise.line)
    elif leg.leg == "third":
        if promise is None or room.find_caller(tx, promise) is None:
            return None
        to, ring = leg.phone, rules.ring_caller
        sender = senders.for_caller_call(rt, promise.line)
    else:
        if not _staff_leg_wanted(tx, leg) or _sleeps(rt, tx, leg, promise):
            return None
        assert leg.staff_id is not None  # noqa: S101 - staff legs have one
        to = people.get(tx, leg.staff_id).phone
        ring = rt.protocol.escalation.ring if leg.page_id else rules.ring_staff
        turn = attempts.count_rings_before(tx, leg)
        sender = senders.for_staff_call(rt, crisis=crisis, turn=turn)
    if to is None:
        return None
    purpose = "page" if leg.leg == "staff" and leg.page_id is not None else "callback"
    return CallOrder(
        to=to,
        sender=sender,
        entrance=ENTRANCES[leg.leg, purpose],
        token=leg.token,
        ring=ring,
        watch=watch,
    )


def _staff_leg_wanted(tx: Transaction, leg: Attempt) -> bool:
    if leg.page_id is not None:
        page = pages.find(tx, leg.page_id)
        return page is not None and (page.state == "open" or page.acknowledged_by == leg.staff_id)
    promise = promises.find(tx, leg.callback_id) if leg.callback_id is not None else None
    if leg.leg == "peer":
        return promise is not None and room.find_caller(tx, promise) is not None
    return (
        promise is not None and promise.state == "claimed" and promise.specialist_id == leg.staff_id
    )


def _sleeps(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback | None) -> bool:
    """Nobody is rung for a caller who must sleep now: the promise waits for the morning."""
    if promise is None or leg.page_id is not None or leg.leg == "peer":
        return False
    return callbacks.wait_for_morning(rt, tx, promise, rt.clock.now())


def _rung(rt: Runtime, effect: Effect, leg: Attempt, order: CallOrder) -> Outcome | None:
    """A leg whose creation was cut off is looked up first; a page is rung again instead.

    None when somebody else has the effect by now.
    """
    if leg.state is LegState.PLANNED or (leg.page_id is not None and leg.leg == "staff"):
        return rt.carrier.place_call(order)
    return tries.once(
        rt,
        effect,
        lambda: _rung_before(rt, effect, order),
        lambda: rt.carrier.place_call(order),
    )


def _rung_before(rt: Runtime, effect: Effect, order: CallOrder) -> Outcome | None:
    found = rt.carrier.list_calls(order.to, effect.created_at - CLOCKS_DIFFER)
    with rt.store.read() as tx:
        ours = [call for call in found if not attempts.sid_known(tx, call.sid)]
    return Accepted(ours[0].sid) if ours else None


@retried
def _record_leg(rt: Runtime, effect: Effect, leg: Attempt, outcome: Outcome) -> None:
    """What the carrier said is never lost to a rival: else a telephone might ring twice."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        # The conversation first: a leg that failed moves its case.
        legs.lock(tx, leg.token)
        verdict = tries.settle(rt, tx, effect, outcome)
        if isinstance(outcome, Refused):
            legs.refused(rt, tx, leg, now, outcome.code)
        elif verdict is Verdict.GIVEN_UP:
            code = outcome.code if isinstance(outcome, TryLater) else None
            legs.given_up(rt, tx, leg, now, code)
        elif isinstance(outcome, Accepted):
            attempts.move(tx, leg.id, LegState.QUEUED, now, sid=outcome.sid)
            if leg.page_id is not None:
                pages.mark_sent(tx, leg.page_id, now)
        elif isinstance(outcome, Unknown):
            attempts.move(tx, leg.id, LegState.UNKNOWN, now)


def _deliver_move(rt: Runtime, effect: Effect) -> None:
    """Send a live leg on: a specialist to the words for a caller who was not reached, a caller
    for whom nobody came to the offer of their place."""
    with rt.store.read() as tx:
        leg = attempts.get(tx, effect.row_id)
    _send_on(rt, effect, leg, MOVED[leg.leg], wanted=True)


def _deliver_words(rt: Runtime, effect: Effect) -> None:
    """Send a machine on to the words that it keeps; not when a person has picked up beside it."""
    with rt.store.read() as tx:
        leg = attempts.get(tx, effect.row_id)
    _send_on(rt, effect, leg, answering_machine.WORDS, wanted=leg.result == attempts.MACHINE)


def _deliver_question(rt: Runtime, effect: Effect) -> None:
    """Ask a caller whether they were cut off, if they are still alone."""
    with rt.store.read() as tx:
        leg = attempts.get(tx, effect.row_id)
        promise = promises.find(tx, leg.callback_id) if leg.callback_id is not None else None
        alone = promise is not None and room.is_alone(tx, promise, leg)
    _send_on(rt, effect, leg, CUT_OFF, wanted=alone and leg.result == "connected")


def _send_on(rt: Runtime, effect: Effect, leg: Attempt, entrance: str, *, wanted: bool) -> None:
    if leg.sid is None or leg.state.is_final or not wanted:
        with rt.store.begin() as tx:
            outbox.drop(tx, effect.id, rt.clock.now(), "leg is over, or wanted elsewhere")
        return
    outcome = rt.carrier.redirect_call(leg.sid, entrance, leg.token)
    with rt.store.begin() as tx:
        tries.settle(rt, tx, effect, outcome)


def _deliver_hang_up(rt: Runtime, effect: Effect) -> None:
    """End a leg that nobody wants any more; one that is being created is ended once it is named.

    Whoever picked up a page meanwhile is not cut off: they hear that it is taken.
    """
    with rt.store.begin() as tx:
        leg = attempts.get(tx, effect.row_id)
        listens = leg.page_id is not None and leg.state is LegState.ANSWERED
        if leg.state.is_final or listens:
            outbox.drop(tx, effect.id, rt.clock.now(), "leg is over, or listens")
            return
        if leg.sid is None:
            tries.settle(rt, tx, effect, TryLater(UNNAMED_PAUSE, 0, "not named yet"))
            return
    outcome = rt.carrier.end_call(leg.sid)
    with rt.store.begin() as tx:
        tries.settle(rt, tx, effect, outcome)
