"""The carrier's word on our texts: forward only, and a refusal changes the road to voice."""

from datetime import datetime

from helpline.domain.delivery import TextState, text_state
from helpline.domain.progress import Progress
from helpline.domain.refusals import LANDLINES, Refusal, refusal_of
from helpline.domain.secrecy import may_ring, may_ring_now
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, shift
from helpline.store import Transaction, cases, conversations, journal, messages, retried
from helpline.store import callbacks as promises
from helpline.store.conversations import Place
from helpline.store.messages import OutgoingText

NO_CODE = 0
"""The carrier named no reason."""


@retried
def text_reported(
    rt: Runtime, sid: str, token: str | None, status: str, error_code: int | None
) -> None:
    """A receipt for a text; unknown ones and old news change nothing."""
    state = text_state(status)
    if state is None:
        return
    now = rt.clock.now()
    with rt.store.begin() as tx:
        text = messages.receipt(tx, sid=sid, token=token, state=state, error_code=error_code)
        failed = state in {TextState.FAILED, TextState.UNDELIVERED}
        if text is not None and failed:
            text_failed(rt, tx, text, error_code or NO_CODE, now)


def text_failed(rt: Runtime, tx: Transaction, text: OutgoingText, code: int, now: datetime) -> None:
    """It will never arrive, says the carrier at once or in a receipt: both are the same."""
    if text.conversation_id is not None:
        text_impossible(rt, tx, text.conversation_id, code, now)
    elif text.staff_id is not None:
        journal.note(
            tx, "text refused", "staff", text.staff_id, now=now, code=code, kind=refusal_of(code)
        )
        if refusal_of(code) is Refusal.OPTED_OUT:
            shift.texts_stopped(rt, tx, text.staff_id, now)


def text_impossible(
    rt: Runtime, tx: Transaction, conversation_id: int, code: int, now: datetime
) -> None:
    """A text can never arrive (opted out, landline): what is open goes on by voice.

    That is remembered of them, so that the next text is not tried.
    """
    place = conversations.lock_by_id(tx, conversation_id)
    if refusal_of(code) is Refusal.OPTED_OUT:
        conversations.opt(tx, conversation_id, now)
    elif code in LANDLINES and not place.whatsapp:
        conversations.refuse_texts(tx, place.caller_id, now)
        journal.note(tx, "texts refused", "conversation", conversation_id, now=now, code=code)
    go_on_by_voice(rt, tx, place, code, now)


def go_on_by_voice(rt: Runtime, tx: Transaction, place: Place, code: int, now: datetime) -> None:
    """What this caller is owed is rung for, where a ring is safe; in danger staff are paged.

    Their conversation is locked.
    """
    work = cases.find_open(tx, place.conversation_id)
    if work is None:
        return
    journal.note(tx, "text refused", "case", work.id, now=now, code=code, kind=refusal_of(code))
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    promise = promises.find_live(tx, work.caller_id)
    if promise is not None and work.disposition.is_urgent and promise.state == "waiting":
        if may_ring_now(progress):
            promises.hurry(tx, promise.id, now)
        callbacks.look(tx, now, key=f"match-voice-{promise.id}-{int(now.timestamp() * 1000)}")
    if work.disposition.is_danger and work.holder_id is None:
        ring = may_ring(progress)
        escalation.page(rt, tx, work, work.disposition, f"text refused {code}", ring, now)
