"""Nobody is free now: how long it may take, and what a caller may do instead of holding.

Their promise stands already and keeps the time first asked, whatever they choose
(DESIGN promise 6). Holding is a leg in the ledger; a message is a recording.
"""

from datetime import datetime, timedelta
from statistics import median

from helpline.domain.answers import whole
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.speech import Ask, CallStep, HangUp, Say, dump_steps, load_steps
from helpline.runtime import Runtime
from helpline.service import callbacks, steps, wording
from helpline.service.calls import cut_off, voicemail, waiting_room
from helpline.service.calls.prompts import NOTHING
from helpline.service.sending import outgoing
from helpline.store import Transaction, calls, cases, conversations, figures, journal, retried
from helpline.store.calls import Call, CallState
from helpline.store.conversations import Place

CHOSEN = "/twilio/voice/place/chosen"
LAST_HOUR = timedelta(hours=1)
HOLD, MESSAGE = "1", "3"
_WORDS = {
    "hold": HOLD, "wait": HOLD, "i will wait": HOLD, "stay": HOLD, "esperar": HOLD, "espero": HOLD,
    "me espero": HOLD, "prefiero esperar": HOLD, "espero en la linea": HOLD, "en la linea": HOLD,
    "message": MESSAGE, "leave a message": MESSAGE, "voicemail": MESSAGE, "mensaje": MESSAGE,
    "un mensaje": MESSAGE, "dejar un mensaje": MESSAGE, "dejar mensaje": MESSAGE,
}  # fmt: skip


def expected_wait(rt: Runtime, tx: Transaction, disposition: Disposition, now: datetime) -> int:
    """Minutes that callers like this one waited in the last hour; without any, what is promised."""
    waited = figures.callback_waits(tx, now - LAST_HOUR).get(disposition)
    if waited:
        return max(1, round(median(waited) / 60))
    policy = rt.protocol.callbacks.by_disposition.get(disposition)
    return round(policy.deadline.total_seconds() / 60) if policy else 60


def offer(
    rt: Runtime, tx: Transaction, place: Place, progress: Progress, token: str, now: datetime
) -> tuple[CallStep, ...]:
    """Say honestly how long it may take; hold, be called back, or leave a message."""
    rules = rt.protocol.telephone
    tag = rules.spoken_as[progress.language]
    disposition = max(progress.disposition, Disposition.ROUTINE)
    words = wording.aloud(
        rt, "PLACE", progress, staffed=place.staffed, line=place.line,
        MINUTES=str(min(expected_wait(rt, tx, disposition, now), 999)),
    )  # fmt: skip
    ask = Ask(
        (Say(words, tag),),
        f"{CHOSEN}?attempt={token}",
        timeout=rules.listen,
        speech=True,
        language=tag,
        hints=tuple(_WORDS),
        silence_to_action=True,
    )
    return (ask,)


@retried
def moved_here(rt: Runtime, sid: str, leg: str) -> tuple[CallStep, ...]:
    """Nobody came to who waited on the line: their place in the queue is offered.

    Whom we rang, and who was cut off, has their place anyway: `leg` is the token of theirs.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None:
            return cut_off.nobody_came(rt, tx, leg)
        if known.state is CallState.OVER:
            return NOTHING
        place = conversations.lock_by_id(tx, known.conversation_id)
        known = calls.find(tx, sid) or known
        if known.state is not CallState.HOLDING:
            return load_steps(known.answer)  # a repeat: they were moved already
        progress = steps.read_progress(rt, place)
        token = outgoing.new_token()
        answer = offer(rt, tx, place, progress, token, now)
        calls.told(tx, known, state=CallState.ASKING, token=token, answer=dump_steps(answer))
    return answer


@retried
def chosen(
    rt: Runtime, sid: str, token: str, *, digits: str | None, speech: str | None
) -> tuple[CallStep, ...]:
    """1 holds, 3 leaves a message; anything else, silence too, is called back."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None or known.state is CallState.OVER:
            return NOTHING
        place = conversations.lock_by_id(tx, known.conversation_id)
        known = calls.find(tx, sid) or known
        if token != known.token:
            return load_steps(known.answer)
        progress = steps.read_progress(rt, place)
        key = digits or _WORDS.get(whole(speech or ""), "")
        answer, state = _chosen(rt, tx, known, place, progress, key, now)
        calls.told(tx, known, state=state, token=outgoing.new_token(), answer=dump_steps(answer))
    return answer


def _chosen(
    rt: Runtime,
    tx: Transaction,
    known: Call,
    place: Place,
    progress: Progress,
    key: str,
    now: datetime,
) -> tuple[tuple[CallStep, ...], CallState]:
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=max(progress.disposition, Disposition.ROUTINE),
        protocol_hash=rt.protocol.hash,
        now=now,
    )
    hold = key == HOLD
    callback_id = callbacks.book(rt, tx, place, work, progress, now, at_once=hold)
    if hold:
        journal.note(tx, "holds", "callback", callback_id, now=now, actor="caller")
        return (waiting_room.stand_in_line(tx, known, work, callback_id, now),), CallState.HOLDING
    if key == MESSAGE:
        return voicemail.consent(rt, place, progress), CallState.LEAVING
    tag = rt.protocol.telephone.spoken_as[progress.language]
    words = wording.aloud(rt, "PLACE_KEPT", progress, staffed=place.staffed, line=place.line)
    return (Say(words, tag), HangUp()), CallState.LEAVING
