"""A machine picked up at a caller's number: neutral words after its greeting, if they agreed.

Doubt never speaks (CONTRACT 3): without the caller's own yes nobody listens for a machine, a
verdict that is not plainly the end of a greeting does nothing, and whoever presses a key is a
person, whatever was heard. Never in danger (PROTOCOL 3.6 item 1).
"""

from helpline.domain.delivery import MachineWatch, greeting_is_over
from helpline.domain.progress import Progress
from helpline.domain.speech import CallStep, HangUp, Pause, Say
from helpline.runtime import Runtime
from helpline.service import ring_safety, second_number, wording
from helpline.service.calls import conference, legs
from helpline.service.calls.prompts import NOTHING
from helpline.service.sending import outgoing, senders
from helpline.store import Transaction, attempts, conversations, journal, retried
from helpline.store import callbacks as promises
from helpline.store.attempts import MACHINE, VOICEMAIL_LEFT, Attempt
from helpline.store.callbacks import Callback

VERDICT = "/twilio/voice/caller/machine"
"""Where the carrier tells who answered."""
WORDS = "/twilio/voice/caller/message"
"""Where a leg goes on whose machine has ended its greeting."""


def watch(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback) -> MachineWatch | None:
    """Should the carrier find out whether a machine answers this leg? None: it should not."""
    if not _may_leave(tx, leg, promise):
        return None
    return MachineWatch(VERDICT, rt.protocol.telephone.greeting)


def patience(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback) -> tuple[CallStep, ...]:
    """What answers here talks like a machine: wait for the end of its greeting, or hang up."""
    if not _may_leave(tx, leg, promise):
        return NOTHING
    return (Pause(rt.protocol.telephone.greeting), HangUp())


@retried
def heard(rt: Runtime, token: str, answered_by: str | None) -> None:
    """The carrier's verdict on who answered; late, twice and after a key it changes nothing."""
    if not greeting_is_over(answered_by):
        return
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = _find(tx, token)
        if leg is None or promise is None or leg.state.is_final:
            return
        if _may_leave(tx, leg, promise) and attempts.set_result(tx, leg.id, MACHINE):
            outgoing.leave_words(tx, leg, now)
            journal.note(tx, "machine answered", "callback", promise.id, now=now)


@retried
def words(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The greeting is over: who we are to be rung at, and nothing of what it is about.

    Whoever pressed a key while the leg was on its way here goes on to their specialist.
    """
    with rt.store.begin() as tx:
        leg, promise = _find(tx, token)
        if leg is None or promise is None:
            return NOTHING
        if leg.result in {"connected", "holding"}:
            return (conference.join(leg, promise),)
        if leg.result != VOICEMAIL_LEFT and not _leave(rt, tx, leg, promise):
            return NOTHING
        place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    number = senders.for_caller_call(rt, promise.line).e164
    text = wording.aloud(rt, "C7", progress, staffed=True, line=place.line, NUM=number)
    return (Say(text, rt.protocol.telephone.spoken_as[progress.language]), HangUp())


def _leave(rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback) -> bool:
    """Once for a promise, and only while the caller may still have it."""
    if not _may_leave(tx, leg, promise):
        return False
    if not attempts.change_result(tx, leg.id, MACHINE, VOICEMAIL_LEFT):
        return False
    journal.note(tx, "left voicemail", "callback", promise.id, now=rt.clock.now())
    return True


def _find(tx: Transaction, token: str) -> tuple[Attempt | None, Callback | None]:
    """The leg to a caller and the live promise that it serves, the conversation locked."""
    leg = legs.lock(tx, token)
    if leg is None or leg.leg != "caller" or leg.callback_id is None:
        return None, None
    promise = promises.find(tx, leg.callback_id)
    return leg, promise if promise is not None and promise.state in promises.LIVE else None


def _may_leave(tx: Transaction, leg: Attempt, promise: Callback) -> bool:
    """Their own yes, at a number that is theirs, once for a promise; never in danger, and never
    for whoever hides on any of our lines."""
    if not promise.voicemail or promise.disposition.is_danger:
        return False
    if second_number.is_doubtful(tx, leg, promise):
        return False
    if attempts.has_other_with_result(tx, leg, VOICEMAIL_LEFT):
        return False
    return ring_safety.may_leave_words(tx, promise.caller_id)
