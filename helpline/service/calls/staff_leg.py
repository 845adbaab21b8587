"""The leg to a specialist for a callback: offered, taken or passed, and what follows.

Their telephone hears only that a caller is waiting until "1" is pressed (CONTRACT 3). Each
function returns what the leg is told next.
"""

from datetime import datetime

from helpline.domain.speech import CallStep, HangUp, Pause, Redirect
from helpline.runtime import Runtime
from helpline.service import callbacks, ring_safety
from helpline.service.calls import conference, farewell, legs, waiting_room
from helpline.service.calls.prompts import NOTHING, ask_staff, say
from helpline.store import Transaction, attempts, journal, outbox, retried
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback


def answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """A specialist picked up: "a caller is waiting", nothing more."""
    return _asked(rt, token, "STAFF_WAITING", "/twilio/voice/staff/choice")


def _asked(rt: Runtime, token: str, key: str, action: str) -> tuple[CallStep, ...]:
    with rt.store.read() as tx:
        leg = attempts.find_by_token(tx, token)
    return NOTHING if leg is None else ask_staff(rt, token, key, action)


@retried
def chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 takes the callback and has the caller rung; anything else passes it on."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg = legs.lock(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or leg.staff_id is None:
            return NOTHING
        if digits != "1":
            if attempts.set_result(tx, leg.id, "passed"):
                _note(tx, "pressed to pass", leg, promise, now)
                callbacks.pass_on(rt, tx, promise, leg.staff_id, now)
            return (say(rt, "STAFF_PASS"), HangUp())
        if leg.result == "taken":
            return conference.enter(rt, tx, leg, promise)
        if not ring_safety.is_ring_safe(tx, promise.conversation_id):
            return _not_rung(rt, tx, leg, promise, now)
        if not promises.accept(tx, promise.id, leg.staff_id, now + conference.LONGEST_TALK):
            _note(tx, "came too late", leg, promise, now)
            return (say(rt, "STAFF_TAKEN"), HangUp())
        attempts.set_result(tx, leg.id, "taken")
        waiting_room.left(tx, leg, now)
        _note(tx, "taken", leg, promise, now)
        conference.ring_caller(rt, tx, promise, now, priority=outbox.URGENT)
        return conference.enter(rt, tx, leg, promise)


def _note(tx: Transaction, action: str, leg: Attempt, promise: Callback, now: datetime) -> None:
    """What they did with a key is theirs, whatever it comes to."""
    journal.note(tx, action, "callback", promise.id, now=now, actor=f"staff:{leg.staff_id}")


def _not_rung(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> tuple[CallStep, ...]:
    """The caller said meanwhile that a ring may hurt them: it is held back until they say when."""
    _note(tx, "came too late", leg, promise, now)
    if attempts.set_result(tx, leg.id, "released"):
        callbacks.hold_back(tx, promise, now)
    return (say(rt, "STAFF_HELD_BACK"), HangUp())


def alone(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """Nobody is in the room: the caller was not reached, which needs no outcome, or has left."""
    with rt.store.read() as tx:
        leg, promise = legs.with_promise(tx, token)
        if leg is not None and promise is not None and attempts.latest_connected(tx, promise.id):
            return farewell.ask_outcome(rt, tx, leg, promise)
    return NOTHING if leg is None else (say(rt, "STAFF_NOT_REACHED"), HangUp())


def after(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The specialist's leg left the conference: by ``*``, or because the caller hung up.

    Only the caller's receipt tells which, so that one is given a moment to come.
    """
    with rt.store.read() as tx:
        leg, promise = legs.with_promise(tx, token)
        if leg is None or promise is None:
            return NOTHING
        theirs = attempts.find_caller_leg(tx, promise.id)
        if theirs is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
        if theirs.result != "connected":
            # They are still being rung: the room stays ready for them.
            rung = promise.state == "talking"
            return (conference.join(leg, promise),) if rung else NOTHING
    onward = Redirect(f"/twilio/voice/staff/keys?attempt={token}")
    return (say(rt, "STAFF_MOMENT"), Pause(), onward)


def outcome(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """Ask once more what came of it: a key that means nothing was pressed."""
    with rt.store.read() as tx:
        leg, promise = legs.with_promise(tx, token)
        if leg is None or promise is None:
            return NOTHING
        return farewell.ask_outcome(rt, tx, leg, promise)
