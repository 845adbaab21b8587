"""Messages that callers leave: asked first, scanned like a text, deleted by age (PROTOCOL 3.8)."""

from datetime import timedelta

import structlog

from helpline.domain.delivery import Accepted, Refused
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.risk import Level, assess_speech
from helpline.domain.said import Words
from helpline.domain.secrecy import is_secret
from helpline.domain.speech import Ask, CallStep, HangUp, Record, Say
from helpline.runtime import Runtime
from helpline.service import notices, steps, wording
from helpline.service.calls.prompts import NOTHING
from helpline.service.sending import outgoing
from helpline.store import (
    Transaction,
    calls,
    cases,
    conversations,
    journal,
    outbox,
    recordings,
    retried,
)
from helpline.store.conversations import Place

ENTRANCE = "/twilio/voice/voicemail"
CHANGE_OF_MIND = timedelta(seconds=2)
"""So long after the words of consent a key still goes on without a recording."""

_log = structlog.get_logger(__name__)


def consent(rt: Runtime, place: Place, progress: Progress) -> tuple[CallStep, ...]:
    """What happens with a message, and a key to go on without; then the tone."""
    rules = rt.protocol.telephone
    tag = rules.spoken_as[progress.language]
    words = wording.aloud(rt, "VOICEMAIL_CONSENT", progress, staffed=place.staffed, line=place.line)
    ask = Ask((Say(words, tag),), f"{ENTRANCE}/declined", timeout=CHANGE_OF_MIND)
    record = Record(
        f"{ENTRANCE}/taken",
        transcript=f"{ENTRANCE}/words",
        status=f"{ENTRANCE}/status",
        limit=rules.voicemail_longest,
    )
    return (ask, record)


@retried
def taken(
    rt: Runtime, sid: str, recording_sid: str | None, seconds: int | None
) -> tuple[CallStep, ...]:
    """The message is recorded, or not wanted: their place is kept, and the call ends."""
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None:
            return NOTHING
        place = conversations.lock_by_id(tx, known.conversation_id)
        if recording_sid is not None:
            _keep(rt, tx, place, recording_sid, seconds or 0)
    progress = steps.read_progress(rt, place)
    tag = rt.protocol.telephone.spoken_as[progress.language]
    words = wording.aloud(rt, "PLACE_KEPT", progress, staffed=place.staffed, line=place.line)
    return (Say(words, tag), HangUp())


@retried
def recorded(rt: Runtime, sid: str, recording_sid: str | None, seconds: int | None) -> None:
    """The carrier's own word that a recording is complete, also when the caller hung up."""
    if recording_sid is None:
        return
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is not None:
            place = conversations.lock_by_id(tx, known.conversation_id)
            _keep(rt, tx, place, recording_sid, seconds or 0)


def _keep(rt: Runtime, tx: Transaction, place: Place, recording_sid: str, seconds: int) -> None:
    """One row for one message, and the supervisors are told that somebody must listen."""
    now = rt.clock.now()
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=Disposition.ROUTINE,
        protocol_hash=rt.protocol.hash,
        now=now,
    )
    kept = recordings.keep(
        tx,
        sid=recording_sid,
        case_id=work.id,
        conversation_id=place.conversation_id,
        seconds=seconds,
        now=now,
    )
    if kept is None:
        return
    journal.note(tx, "left a message", "case", work.id, now=now, seconds=seconds)
    notices.to_supervisors(
        rt, tx, "LIST_MESSAGE", now, priority=outbox.URGENT, CODE=work.code,
    )  # fmt: skip


@retried
def understood(rt: Runtime, sid: str, recording_sid: str | None, words: str | None) -> None:
    """What was said, written down by the carrier: scanned like a text, answered by text.

    A machine's transcript of a whole message is believed: nobody can be asked about it.
    """
    if recording_sid is None or not words:
        return
    now = rt.clock.now()
    urgent: tuple[int, ...] = ()
    with rt.store.begin() as tx:
        known = calls.find(tx, sid)
        if known is None:
            return
        place = conversations.lock_by_id(tx, known.conversation_id)
        _keep(rt, tx, place, recording_sid, 0)
        found = recordings.find(tx, recording_sid)
        if found is None or not recordings.understood(tx, found.id, words, now):
            return
        progress = steps.read_progress(rt, place)
        rules = rt.protocol.telephone
        danger = assess_speech(
            words,
            rt.protocol.lexicon,
            confidence=1.0,
            sure=rules.sure,
            sounds_like=rules.sounds_like.get(progress.language, ()),
            hot=progress.heard_danger(now),
        )
        if danger.level < Level.ASK:
            return
        progress.opted_out = False
        decision = steps.decide(rt, place, progress, Words(words, on_call=True), danger, now)
        urgent = steps.carry_out(rt, tx, place, decision, now)
        steps.save(tx, place, decision, now)
        if not place.opted_out and not is_secret(decision.step.progress):
            for text in decision.texts:
                outgoing.text_words(tx, place.conversation_id, text, now, priority=outbox.CRISIS)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break


def delete_old(rt: Runtime) -> int:
    """Delete at the carrier what is older than the rules keep; how many. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        old = recordings.list_old(tx, now - rt.protocol.telephone.voicemail_kept)
    deleted = 0
    for item in old:
        outcome = rt.carrier.delete_recording(item.sid)
        if not isinstance(outcome, Accepted | Refused):
            _log.warning("recording.kept", recording_id=item.id)
            continue
        with rt.store.begin() as tx:
            recordings.forget(tx, item.id, now)
            journal.note(tx, "deleted", "recording", item.id, now=now)
        deleted += 1
    return deleted
