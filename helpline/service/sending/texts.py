"""Sending one text: still wanted, at a civil hour, in its turn; never twice where that is known."""

from datetime import datetime

from helpline.domain.delivery import (
    Accepted,
    Outcome,
    Refused,
    TextOrder,
    TextState,
    TryLater,
    Unknown,
)
from helpline.domain.pace import Draw, Lane
from helpline.domain.phone import PhoneNumber
from helpline.domain.refusals import LANDLINE
from helpline.runtime import Runtime
from helpline.service import hours
from helpline.service.sending import receipts, senders, tries
from helpline.service.sending.tries import CLOCKS_DIFFER, Verdict
from helpline.store import Transaction, conversations, journal, messages, outbox, retried
from helpline.store.messages import OutgoingText
from helpline.store.outbox import Effect

_LANDLINE = "landline"
_UNSENT = {TextState.WAITING, TextState.SENDING, TextState.UNKNOWN}


def deliver(rt: Runtime, effect: Effect) -> None:
    """Carry out a claimed effect of the kind "text"."""
    with rt.store.begin() as tx:
        if not tries.still_ours(rt, tx, effect):
            return
        text = messages.get_outgoing(tx, effect.row_id)
        if not _is_wanted(rt, tx, effect, text) or text.to is None:
            return
        order = _order(rt, text, text.to, effect)
        draws = senders.draws_of_text(rt, order.sender, order.body)
        if not _may_leave(rt, tx, effect, text, draws):
            return
        messages.mark(tx, text.id, TextState.SENDING)
    outcome = _sent(rt, effect, text, order)
    if outcome is None:
        return
    _record(rt, effect, text, outcome)
    tries.note_crisis(rt, effect, draws)


def _is_wanted(rt: Runtime, tx: Transaction, effect: Effect, text: OutgoingText) -> bool:
    now = rt.clock.now()
    if text.state not in _UNSENT:
        outbox.done(tx, effect.id, now)
        return False
    reason = _why_not(text)
    if reason is _LANDLINE and text.conversation_id is not None:
        place = conversations.lock_by_id(tx, text.conversation_id)
        receipts.go_on_by_voice(rt, tx, place, LANDLINE, now)
    if reason is not None:
        messages.mark(tx, text.id, TextState.FAILED)
        outbox.drop(tx, effect.id, now, reason)
    return reason is None


def _why_not(text: OutgoingText) -> str | None:
    """Why it can never arrive, as far as that is known before it is sent."""
    if text.to is None:
        return "no telephone number"
    if text.conversation_id is None:
        return None
    return "opted out" if text.opted_out else _LANDLINE if text.textless else None


def _may_leave(
    rt: Runtime, tx: Transaction, effect: Effect, text: OutgoingText, draws: tuple[Draw, ...]
) -> bool:
    """Ordinary texts to callers wait for a civil hour, unless the caller is up; then the pace."""
    now = rt.clock.now()
    if effect.priority == outbox.ORDINARY and text.heard_at is not None:
        civil_at = hours.civil_at(rt, text.to, now)
        if civil_at > now >= text.heard_at + rt.protocol.outbound.awake:
            outbox.put_off(tx, effect, civil_at)
            return False
    lane = Lane.ORDINARY if effect.priority == outbox.ORDINARY else Lane.HURRIED
    return tries.may_leave(rt, tx, effect, draws, lane)


def _order(rt: Runtime, text: OutgoingText, to: PhoneNumber, effect: Effect) -> TextOrder:
    crisis = effect.priority == outbox.CRISIS
    if text.conversation_id is not None:
        sender = senders.for_caller_text(rt, text.line)
    else:
        sender = senders.for_staff_text(rt, crisis=crisis, turn=text.id)
    return TextOrder(
        to=to,
        sender=sender,
        body=text.body,
        token=text.token,
        whatsapp=text.whatsapp,
    )


def _sent(rt: Runtime, effect: Effect, text: OutgoingText, order: TextOrder) -> Outcome | None:
    """A text whose sending was cut off is looked up, except a crisis one: it is repeated.

    None when somebody else has the effect by now.
    """
    is_first = effect.tries < 2 or text.state is TextState.WAITING
    if is_first or effect.priority == outbox.CRISIS:
        return rt.carrier.send_text(order)
    return tries.once(
        rt,
        effect,
        lambda: _sent_before(rt, effect, text, order),
        lambda: rt.carrier.send_text(order),
    )


def _sent_before(
    rt: Runtime, effect: Effect, text: OutgoingText, order: TextOrder
) -> Outcome | None:
    since = effect.created_at - CLOCKS_DIFFER
    same = [
        found
        for found in rt.carrier.list_texts(order.to, since)
        if not found.inbound and found.body == text.body
    ]
    with rt.store.read() as tx:
        # The same words may have been sent before: those are another text of ours.
        ours = [found for found in same if not messages.sid_known(tx, found.sid)]
    return Accepted(ours[0].sid) if ours else None


@retried
def _record(rt: Runtime, effect: Effect, text: OutgoingText, outcome: Outcome) -> None:
    """What the carrier said is never lost to a rival: else the text might come twice."""
    now, code = rt.clock.now(), receipts.NO_CODE
    with rt.store.begin() as tx:
        match outcome:
            case Accepted(sid):
                messages.forward(tx, text.id, TextState.QUEUED, sid=sid)
                _note_page_sent(tx, text, now)
            case TryLater(_, code, _):
                messages.not_sent(tx, text.id, text.state)
            case Unknown():
                messages.forward(tx, text.id, TextState.UNKNOWN)
            case Refused(code, _):
                messages.mark(tx, text.id, TextState.FAILED, error_code=code)
        match tries.settle(rt, tx, effect, outcome):
            case Verdict.REFUSED:
                receipts.text_failed(rt, tx, text, code, now)
            case Verdict.GIVEN_UP:
                _given_up(rt, tx, text, code, now)
            case Verdict.DONE | Verdict.AGAIN:
                pass


def _given_up(rt: Runtime, tx: Transaction, text: OutgoingText, code: int, now: datetime) -> None:
    """That was the last try, unless a receipt says that an earlier one did arrive."""
    if messages.get_outgoing(tx, text.id).state in _UNSENT:
        messages.mark(tx, text.id, TextState.FAILED, error_code=code)
        receipts.text_failed(rt, tx, text, code, now)


def _note_page_sent(tx: Transaction, text: OutgoingText, now: datetime) -> None:
    """The clock of "paged within a second" stops when the first notice is accepted."""
    if text.staff_id is not None:
        journal.note(tx, "text accepted", "staff", text.staff_id, now=now)
