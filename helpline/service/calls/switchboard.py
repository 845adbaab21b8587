"""What a specialist can do by key while they talk: ``*``, then whom to ask in, or the end.

``*`` takes their leg out of the room, where the caller waits. Whatever they press or do not
press, they go back to the caller, unless they said that it is over: nobody leaves a caller
alone by accident.
"""

from datetime import datetime

from helpline.domain.speech import Ask, CallStep, HangUp, Redirect, Say
from helpline.runtime import Runtime
from helpline.service.calls import conference, farewell, legs, room
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING, say
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, guests, journal, outbox, people, retried
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback


def keys(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The caller waits in the room: what shall happen?"""
    with rt.store.read() as tx:
        leg, promise = talk(tx, attempts.find_by_token(tx, token))
        if leg is None or promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
    return ask(leg, promise, (say(rt, "STAFF_KEYS"),), "/twilio/voice/staff/key", digits=1)


@retried
def chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 back, 2 a colleague, 3 another number, 4 it is over; all else goes back."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = talk(tx, legs.lock(tx, token))
        if leg is None or promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
        if digits == "3":
            note(tx, "asked for a number", leg, promise, now)
            return (Redirect(f"/twilio/voice/staff/number?attempt={token}"),)
        if digits == "4":
            return _over(rt, tx, leg, promise, now)
        if digits == "2":
            return back(rt, tx, leg, promise, _colleague(tx, leg, promise, now), now)
        if digits:
            note(tx, "went back", leg, promise, now)
        return back(rt, tx, leg, promise, "STAFF_BACK", now)


def talk(tx: Transaction, leg: Attempt | None) -> tuple[Attempt | None, Callback | None]:
    """A leg of staff and the promise whose caller they talk to; nothing of any other leg."""
    if leg is None or leg.callback_id is None or leg.result != "taken":
        return None, None
    if leg.leg not in attempts.STAFF:
        return None, None
    return leg, promises.find(tx, leg.callback_id)


def ask(
    leg: Attempt, promise: Callback, prompts: tuple[Say, ...], path: str, *, digits: int
) -> tuple[CallStep, ...]:
    """A question to somebody whose caller waits: silence goes back to them."""
    question = Ask(
        prompts,
        f"{path}?attempt={leg.token}",
        digits=digits,
        timeout=CHOICE_WITHIN,
        silence_to_action=True,
    )
    return (question, conference.join(leg, promise))


def back(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, key: str, now: datetime
) -> tuple[CallStep, ...]:
    """A word, and back to the caller."""
    guests.returned(tx, leg.id, now)
    return (say(rt, key), conference.join(leg, promise))


def priority(promise: Callback) -> int:
    """Whoever is asked in to a danger is rung like one who is paged."""
    return outbox.CRISIS if promise.disposition.is_danger else outbox.URGENT


def note(tx: Transaction, action: str, leg: Attempt, promise: Callback, now: datetime) -> None:
    """What they did with a key is theirs, whatever it comes to."""
    journal.note(tx, action, "callback", promise.id, now=now, actor=f"staff:{leg.staff_id}")


def _colleague(tx: Transaction, leg: Attempt, promise: Callback, now: datetime) -> str:
    """Ring the colleague whose turn it is; the message that says what comes of it."""
    there = guests.find_rung(tx, promise.id, "peer", but=leg.id)
    if there is not None:
        return "STAFF_COLLEAGUE_THERE" if there.result == "taken" else "STAFF_COLLEAGUE_RUNG"
    declined = guests.list_declined(tx, promise.id)
    for person in people.list_free(tx):
        if promise.language not in person.languages or person.id in declined:
            continue
        if not people.lock_for_ring(tx, person.id):
            continue
        people.touch(tx, person.id, now)
        outgoing.ring(
            tx,
            leg="peer",
            case_id=promise.case_id,
            callback_id=promise.id,
            staff_id=person.id,
            host_id=leg.id,
            now=now,
            priority=priority(promise),
        )
        actor = f"staff:{leg.staff_id}"
        journal.note(tx, "asked in", "callback", promise.id, now=now, actor=actor, staff=person.id)
        return "STAFF_COLLEAGUE_RUNG"
    note(tx, "found no colleague", leg, promise, now)
    return "STAFF_COLLEAGUE_NONE"


def _over(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> tuple[CallStep, ...]:
    """They leave: to a colleague who stays with the caller, or with an outcome that ends the call.

    Where the outcome was told by text meanwhile the call ends at once.
    """
    note(tx, "left", leg, promise, now)
    if promise.state != "talking":
        room.end(tx, promise, leg, now)
        return (say(rt, "STAFF_GOODBYE"), HangUp())
    has_it = promise.specialist_id == leg.staff_id
    if has_it and not room.hand_over(rt, tx, promise, leg.staff_id or 0, now):
        return farewell.ask_outcome(rt, tx, leg, promise)
    return (say(rt, "STAFF_LEAVES"), HangUp())
