"""Somebody rang the line and reached nobody: the call itself is the request (CONTRACT 7).

Who rings is spoken to by `triage_leg`; this is for a ring that only the spool could keep. Near
violence, and where somebody must not know of us, ringing in is no wish to be rung back: who
called may have hung up because they had to, and whoever hears the ring may be the danger.
"""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.phone import find_phone
from helpline.domain.progress import Progress
from helpline.domain.secrecy import may_ring
from helpline.domain.speech import CallStep, HangUp, Say
from helpline.runtime import Runtime
from helpline.service import callbacks, ring_safety, steps, wording
from helpline.service.calls import staff_line
from helpline.store import cases, conversations, journal, retried


@retried
def rings(
    rt: Runtime, sid: str, sender: str, recipient: str, *, came_at: datetime | None = None
) -> tuple[CallStep, ...]:
    """Say the numbers and promise a call within the hour; a withheld number only hears them.

    The call is held back until they say when a ring is safe, where one may hurt them.

    The hour counts from `came_at`, when they rang while the database was away.

    A member of staff hears their menu instead.
    """
    menu = staff_line.rung(rt, sender)
    if menu is not None:
        return menu
    now = rt.clock.now()
    rang_at = min(came_at or now, now)
    phone = find_phone(sender)
    line = recipient.strip()[:32] or "unknown"
    if phone is None:
        progress = Progress(country=rt.line.country)
        words = wording.aloud(rt, "SAFE", progress, staffed=False, line=line)
        return (Say(words), HangUp())
    with rt.store.begin() as tx:
        place = conversations.lock(tx, phone.e164, line) or conversations.create(
            tx, phone.e164, line, whatsapp=False, now=now
        )
        progress = steps.read_progress(rt, place)
        progress.heard_at = now.timestamp()
        progress.floor = max(progress.disposition, Disposition.URGENT_60).name
        progress.state = progress.state or "HUMAN"
        safe = may_ring(progress) and not ring_safety.hidden_elsewhere(tx, place, progress)
        if safe:
            progress.answers.setdefault("C2", ["1"])
        conversations.heard(tx, place, progress.to_json(), now)
        work = cases.open_or_raise(
            tx,
            conversation_id=place.conversation_id,
            caller_id=place.caller_id,
            disposition=progress.disposition,
            protocol_hash=rt.protocol.hash,
            now=rang_at,
        )
        journal.note(tx, "rang", "case", work.id, now=now, call=sid[:40])
        callbacks.book(rt, tx, place, work, progress, now, at_once=True, asked_at=rang_at)
        key = "INBOUND_CALL" if safe else "SAFE"
        words = wording.aloud(rt, key, progress, staffed=place.staffed, line=line)
    return (Say(words, rt.protocol.telephone.spoken_as[progress.language]), HangUp())
