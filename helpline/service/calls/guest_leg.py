"""The legs to whoever a specialist asks into a call: a colleague, or another number.

A key is pressed before anybody joins, so that a voicemail never does. Before it a colleague
hears only that somebody asks, and everybody else hears nothing of whom or of what.
"""

from datetime import datetime

from helpline.domain.progress import Progress
from helpline.domain.speech import Ask, CallStep, HangUp, Say
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.calls import conference, legs, room
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING, say
from helpline.store import Transaction, attempts, conversations, guests, journal, retried
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback


def colleague_answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """A colleague picked up: 1 joins, all else passes."""
    with rt.store.read() as tx:
        _, promise = _asked_in(tx, attempts.find_by_token(tx, token), "peer")
        if promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return (say(rt, "STAFF_NOT_ASKED"), HangUp())
    question = (say(rt, "STAFF_ASKED_IN"),)
    ask = Ask(question, f"/twilio/voice/peer/choice?attempt={token}", timeout=CHOICE_WITHIN)
    return (ask, ask, say(rt, "STAFF_NOT_ASKED"), HangUp())


@retried
def colleague_chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 joins the caller and whoever asked; who comes when they have gone has the case."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = _asked_in(tx, legs.lock(tx, token), "peer")
        if leg is None or promise is None or leg.staff_id is None:
            return NOTHING
        if leg.result == "taken":
            return conference.enter(rt, tx, leg, promise)
        comes = digits == "1" and room.find_caller(tx, promise) is not None
        if not comes or not attempts.set_result(tx, leg.id, "taken"):
            if attempts.set_result(tx, leg.id, "released" if digits == "1" else "passed"):
                _note(tx, "came too late" if digits == "1" else "passed", leg, promise, now)
            return (say(rt, "STAFF_NOT_ASKED"), HangUp())
        _note(tx, "joined", leg, promise, now)
        asked_by = promise.specialist_id
        if asked_by is not None and not guests.is_there(tx, promise.id, asked_by):
            room.hand_over(rt, tx, promise, asked_by, now)
        return conference.enter(rt, tx, leg, promise)


def third_answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """Somebody picked up at the number that was typed: any key joins, a voice does not."""
    with rt.store.read() as tx:
        _, promise = _asked_in(tx, attempts.find_by_token(tx, token), "third")
        if promise is None or room.find_caller(tx, promise) is None:
            return NOTHING
        place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.aloud(rt, "JOIN_CALL", progress, staffed=True, line=place.line)
    question = (Say(words, rt.protocol.telephone.spoken_as[progress.language]),)
    ask = Ask(question, f"/twilio/voice/third/ready?attempt={token}", timeout=CHOICE_WITHIN)
    return (ask, ask, HangUp())


@retried
def third_ready(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """They pressed a key: they are in the call, as long as the caller is."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = _asked_in(tx, legs.lock(tx, token), "third")
        if leg is None or promise is None or room.find_caller(tx, promise) is None or not digits:
            return NOTHING
        if attempts.set_result(tx, leg.id, "taken"):
            journal.note(tx, "joined", "callback", promise.id, now=now, leg=leg.id)
        elif leg.result != "taken":
            return NOTHING
        return (conference.join(leg, promise),)


def third_after(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The call is over for them: nothing more is said."""
    return NOTHING


def _asked_in(
    tx: Transaction, leg: Attempt | None, kind: str
) -> tuple[Attempt | None, Callback | None]:
    """This leg and the promise whose call it was asked into; nothing of a leg of another kind."""
    if leg is None or leg.leg != kind or leg.callback_id is None:
        return None, None
    return leg, promises.find(tx, leg.callback_id)


def _note(tx: Transaction, action: str, leg: Attempt, promise: Callback, now: datetime) -> None:
    journal.note(tx, action, "callback", promise.id, now=now, actor=f"staff:{leg.staff_id}")
