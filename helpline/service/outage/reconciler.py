"""What the carrier knows and we do not: read back from its own log, once (RELIABILITY R1).

While the line was down, or a webhook was lost, the carrier's log is the only copy. Texts go
through the same intake as ever; their answers, for which no response waits any more, are
sent. Danger is paged, the oldest first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from helpline.domain.delivery import CarrierCall, CarrierText, TextState
from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber, find_phone
from helpline.domain.secrecy import may_ring
from helpline.runtime import Runtime
from helpline.service import callbacks, intake, steps
from helpline.service.intake import IncomingText
from helpline.service.sending import receipts
from helpline.store import Transaction, cases, conversations, journal, people, seen

NAME = "reconciler"
"""The row that holds the last good time: everything that came before it is here."""

LOOKED_BACK = timedelta(hours=2)
"""A text without its final receipt is looked up for so long, then left as it is."""

LOOKED_UP = 20
_LOOK = "reconciler_look"
_ENDS = frozenset({TextState.DELIVERED, TextState.UNDELIVERED, TextState.FAILED})
_WHATSAPP = "whatsapp:"
_Row = TypeVar("_Row", CarrierText, CarrierCall)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What one look brought: texts and calls that we had never seen, and those among them that
    could not be taken in (an unread log of the crisis account counts too); texts that were
    closed."""

    texts: int
    calls: int
    failed: int
    closed: int


def reconcile_if_due(rt: Runtime) -> Found | None:
    """Look when the last good look is long enough ago; None when it is not. Run by the guard.

    Raises:
        ConnectionError: the carrier's log could not be read; the next look begins as early.
    """
    now = rt.clock.now()
    rules = rt.protocol.reconciler
    with rt.store.read() as tx:
        looked = seen.find_good_time(tx, _LOOK)
        last = seen.find_good_time(tx, NAME)
    if looked is not None and looked <= now < looked + rules.every:
        return None
    # What waits in the spool was seen, though the database does not know it yet.
    if rt.spool.length():
        return None
    with rt.store.begin() as tx:
        journal.beat(tx, _LOOK, now)
    earliest = now - rules.at_start
    known = last is not None and last <= now
    since = max(last - rules.overlap, earliest) if known and last else earliest
    found = reconcile(rt, since, now)
    if not found.failed:
        with rt.store.begin() as tx:
            journal.beat(tx, NAME, now)
    return found


def reconcile(rt: Runtime, since: datetime, now: datetime) -> Found:
    """Take in everything since then that is not here.

    Raises:
        ConnectionError: the carrier's log could not be read.
    """
    rules = rt.protocol.reconciler
    settled = now - rules.settle
    texts, no_texts = _list_texts(rt, since)
    calls, no_calls = _list_calls(rt, since)
    with rt.store.read() as tx:
        unseen = seen.unseen_texts(tx, {text.sid for text in texts})
        answered = seen.list_seen_calls(tx, since - rules.overlap)
    missed = [text for text in texts if text.sid in unseen and _is_settled(text.sent_at, settled)]
    unheard = [
        call for call in calls if call.sid not in answered and _is_settled(call.started_at, settled)
    ]
    taken = [_attempted(partial(_ingest, rt, text)) for text in missed]
    noted = [_attempted(partial(_note_call, rt, call)) for call in unheard]
    found = Found(
        texts=taken.count(True),
        calls=noted.count(True),
        failed=taken.count(None) + noted.count(None) + no_texts + no_calls,
        closed=_close_lost_texts(rt, now),
    )
    if found.texts or found.calls:
        _log.warning("reconciler.found", count=found.texts, total=found.texts + found.calls)
    return found


def _attempted(act: Callable[[], bool]) -> bool | None:
    """What came of it; None when it failed, which keeps no other from being taken in."""
    try:
        return act()
    except Exception:  # noqa: BLE001 - one bad text must not keep the others out
        _log.error("reconciler.failed", exc_info=True)
        return None


def _is_settled(at: datetime | None, before: datetime) -> bool:
    """Younger ones may be on their way to us, and are answered in their own response."""
    return at is None or at <= before


def _list_texts(rt: Runtime, since: datetime) -> tuple[list[CarrierText], int]:
    read = rt.carrier.list_inbound_texts
    found, unread = _read(read, rt.line.sms_numbers, rt.line.crisis_numbers, since)
    return sorted(found, key=lambda text: (text.sent_at or since, text.sid)), unread


def _list_calls(rt: Runtime, since: datetime) -> tuple[list[CarrierCall], int]:
    read = rt.carrier.list_inbound_calls
    found, unread = _read(read, rt.line.voice_numbers, rt.line.crisis_numbers, since)
    return sorted(found, key=lambda call: (call.started_at or since, call.sid)), unread


def _read(
    read: Callable[[PhoneNumber, datetime], tuple[_Row, ...]],
    lines: tuple[PhoneNumber, ...],
    crisis_lines: tuple[PhoneNumber, ...],
    since: datetime,
) -> tuple[list[_Row], int]:
    """What came to these numbers; and 1 when the crisis account did not tell what came to its own.

    Staff reply to pages there. An account of its own may fail alone, which must not keep the
    callers' texts out.
    """
    found = [row for line in lines for row in read(line, since)]
    try:
        found += [row for line in crisis_lines for row in read(line, since)]
    except ConnectionError as error:
        _log.warning("reconciler.crisis_account_unread", error=type(error).__name__)
        return found, 1
    return found, 0


def _is_ours(rt: Runtime, sender: str) -> bool:
    """One of our own numbers wrote: never a caller."""
    line = rt.line
    ours = {
        number.e164 for number in (*line.sms_numbers, *line.voice_numbers, *line.crisis_numbers)
    }
    return sender.removeprefix(_WHATSAPP) in ours


def _ingest(rt: Runtime, text: CarrierText) -> bool:
    """Through the same intake as ever; was it new?"""
    if not text.inbound or _is_ours(rt, text.sender):
        return False
    answer = intake.receive(
        rt,
        IncomingText(
            sid=text.sid,
            sender=text.sender.removeprefix(_WHATSAPP),
            recipient=text.to.removeprefix(_WHATSAPP),
            body=text.body,
            media=text.media,
            whatsapp=text.sender.startswith(_WHATSAPP),
            said=(),
            came_at=text.sent_at,
        ),
    )
    if not answer.repeated:
        _note_reconciled(rt, "text", text.sid)
    return not answer.repeated


def _note_reconciled(rt: Runtime, kind: str, sid: str) -> None:
    with rt.store.begin() as tx:
        journal.note(tx, "reconciled", "carrier", 0, now=rt.clock.now(), kind=kind, sid=sid[:40])


def _note_call(rt: Runtime, call: CarrierCall) -> bool:
    """Somebody rang and we never heard of it: noted, and called back when that can do no harm.

    Conservative: nothing is known of why they rang, so the call is owed at ROUTINE. It is not
    booked for staff, for whoever asked for no contact or whom a ring may endanger, and not
    over a promise that stands (PROTOCOL 3.6, CONTRACT 3).
    """
    phone = find_phone(call.sender)
    if phone is None or _is_ours(rt, call.sender):
        return False
    now = rt.clock.now()
    with rt.store.begin() as tx:
        if people.find_by_phone(tx, phone) is not None:
            return False
        _missed(rt, tx, phone, call, now)
    _note_reconciled(rt, "call", call.sid)
    return True


def _missed(
    rt: Runtime, tx: Transaction, phone: PhoneNumber, call: CarrierCall, now: datetime
) -> None:
    place = conversations.lock(tx, phone.e164, call.to) or conversations.create(
        tx, phone.e164, call.to, whatsapp=False, now=now
    )
    progress = steps.read_progress(rt, place)
    rang_at = min(call.started_at or now, now)
    work = cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=max(progress.disposition, Disposition.ROUTINE),
        protocol_hash=rt.protocol.hash,
        now=rang_at,
    )
    owed = may_ring(progress) and not place.opted_out and not place.promised
    journal.note(tx, "missed call", "case", work.id, now=now, call=call.sid[:40], owed=owed)
    if owed:
        callbacks.book(rt, tx, place, work, progress, now, at_once=False, asked_at=rang_at)


def _close_lost_texts(rt: Runtime, now: datetime) -> int:
    """Ask what became of texts whose last receipt was lost; how many are over."""
    with rt.store.read() as tx:
        unfinished = seen.list_unfinished_texts(
            tx,
            after=now - LOOKED_BACK,
            before=now - rt.protocol.reconciler.lost_after,
            most=LOOKED_UP,
        )
    closed = 0
    for text in unfinished:
        listed = rt.carrier.list_texts(text.to, text.created_at - rt.protocol.reconciler.settle)
        known = next((item.state for item in listed if item.sid == text.sid), None)
        if known in _ENDS:
            receipts.text_reported(rt, text.sid, None, str(known), None)
            closed += 1
    return closed
