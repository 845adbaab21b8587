"""The leg to a caller: nothing private until a key is pressed or a word spoken (CONTRACT 3)."""

from helpline.domain.answers import is_a_person
from helpline.domain.progress import Progress
from helpline.domain.speech import Ask, CallStep, HangUp, Redirect, Say
from helpline.runtime import Runtime
from helpline.service import second_number, wording
from helpline.service.calls import answering_machine, conference, legs
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING
from helpline.store import attempts, conversations, holding, journal, retried
from helpline.store import callbacks as promises


@retried
def answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """Somebody picked up: words that reveal nothing, until a key or a voice."""
    with rt.store.begin() as tx:
        leg = attempts.find_by_token(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or promise.state not in promises.LIVE:
            return NOTHING
        place = conversations.lock_by_id(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    language = f"{progress.language}-US"
    words = wording.aloud(rt, "BEFORE_CONNECT", progress, staffed=True, line=place.line)
    ask = Ask(
        (Say(words, language),),
        f"/twilio/voice/caller/ready?attempt={token}",
        timeout=CHOICE_WITHIN,
        speech=True,
        language=language,
    )
    return (ask, ask, HangUp())


@retried
def ready(rt: Runtime, token: str, *, speech: str | None = None) -> tuple[CallStep, ...]:
    """A key (no `speech`) or a voice: connect them.

    Below CRISIS a voice must sound like somebody who picked up, or a voicemail's greeting
    would count; it is asked once more, then hung up on and tried again later. In danger any
    voice connects (CONTRACT 3). Where words may be left on a machine, its greeting is waited
    for. A specialist who hung up meanwhile is replaced while the caller holds.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg = legs.lock(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or promise.state not in promises.LIVE:
            return NOTHING
        doubtful = speech is not None and not is_a_person(speech)
        if doubtful and not promise.disposition.is_danger:
            if attempts.set_result(tx, leg.id, "unclear"):
                return (Redirect(f"/twilio/voice/caller?attempt={token}"),)
            return answering_machine.patience(rt, tx, leg, promise)
        if leg.result in {attempts.MACHINE, attempts.VOICEMAIL_LEFT}:
            if speech is not None and not promise.disposition.is_danger:
                return answering_machine.patience(rt, tx, leg, promise)
            # No machine presses a key: a person has picked up beside it. In danger a voice will do.
            attempts.change_result(tx, leg.id, leg.result, "unclear")
        if speech is None:
            second_number.pressed_a_key(tx, leg, promise, now)
        if promise.state == "talking":
            attempts.set_result(tx, leg.id, "connected")
            holding.caller_heard(tx, promise.case_id)
            journal.note(tx, "connected", "callback", promise.id, now=now)
            return (conference.join(leg, promise),)
        attempts.set_result(tx, leg.id, "holding")
        place = conversations.lock_by_id(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.aloud(rt, "HOLD", progress, staffed=place.staffed, line=place.line)
    return (Say(words, f"{progress.language}-US"), conference.join(leg, promise))


def after(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """The conversation is over for the caller: nothing more is said."""
    return NOTHING
