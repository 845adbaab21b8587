"""A caller whom everybody has left, and who may not have been done.

Telephones fail, and nobody leaves a caller alone by accident. So whoever is alone in the room is
taken out of it and told. Who is done hangs up; who stays, or says nothing, waits on the line
again and a person is rung. The former specialist owes an outcome only if they hang up.
"""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.speech import Ask, CallStep, HangUp, Redirect, Say
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, wording
from helpline.service.calls import conference, legs, room, waiting_room
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING
from helpline.store import Transaction, attempts, cases, conversations, journal, retried
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback

STAYS = "/twilio/voice/caller/stays"


def asked(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """That they are alone; any key, or no word at all, means that they stay."""
    with rt.store.read() as tx:
        leg, promise = legs.with_promise(tx, token)
        if leg is None or promise is None:
            return NOTHING
        place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.aloud(rt, "CUT_OFF", progress, staffed=place.staffed, line=place.line)
    said = Say(words, rt.protocol.telephone.spoken_as[progress.language])
    stays = f"{STAYS}?attempt={token}"
    return (Ask((said,), stays, timeout=CHOICE_WITHIN), Redirect(stays))


@retried
def stays(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """They were cut off: they wait on the line, and everybody on call is rung."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg = legs.lock(tx, token)
        promise = promises.find(tx, leg.callback_id) if leg and leg.callback_id else None
        if leg is None or promise is None or promise.state not in promises.LIVE:
            return NOTHING
        urgent: tuple[int, ...] = ()
        if promise.state == "talking" and not room.is_alone(tx, promise, leg):
            return (conference.join(leg, promise),)
        if attempts.change_result(tx, leg.id, "connected", "holding"):
            urgent = _ring_again(rt, tx, leg, promise, now)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return (waiting_room.join_when_somebody_comes(promise, token, waiting_room.HOLD),)


def _ring_again(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, now: datetime
) -> tuple[int, ...]:
    """As for whoever waits on the line: the leg holds before anybody is paged."""
    former = promise.specialist_id
    promises.give_back(tx, promise.id, not_before=now, tried=False)
    journal.note(tx, "cut off", "callback", promise.id, now=now, staff=former)
    work = cases.get(tx, promise.case_id)
    kind = max(promise.disposition, Disposition.SOON)
    urgent = escalation.begin_live(rt, tx, work, now)
    urgent += escalation.page(rt, tx, work, kind, waiting_room.WAITS, True, now)
    callbacks.look(tx, now, key=f"match-cut-off-{leg.id}-{int(now.timestamp() * 1000)}")
    return tuple(urgent)


def nobody_came(rt: Runtime, tx: Transaction, token: str) -> tuple[CallStep, ...]:
    """Their place in the queue is kept, and they are called back."""
    leg, promise = legs.with_promise(tx, token)
    if leg is None or promise is None:
        return NOTHING
    place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    words = wording.aloud(rt, "PLACE_KEPT", progress, staffed=place.staffed, line=place.line)
    return (Say(words, rt.protocol.telephone.spoken_as[progress.language]), HangUp())
