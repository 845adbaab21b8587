"""What must never last: rows that break a promise, found by the guard (RELIABILITY R6).

Each function lists ids, the oldest first, at most `MOST`: a count that reaches it says
"at least so many".
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text, update

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.store.callbacks import NEVER
from helpline.store.database import Transaction
from helpline.store.tables import (
    NOT_YET,
    attempt,
    callback,
    caller,
    case,
    conversation,
    message,
    outbox,
    page,
    staff,
)

MOST = 1000
CLOCKS_DIFFER = timedelta(seconds=1)
"""Each process carries the database's time forward by itself: of two texts a moment apart the
later may have the earlier date, and the conversation with it."""
RECENT = 2000
"""So many of the newest texts are looked at: older ones were looked at before."""


def list_unsent(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Effects that nobody has started though they are due."""
    return _ids(
        tx, select(outbox.c.id).where(outbox.c.state == "new", outbox.c.due_at < now - late)
    )


def list_rung_in_vain(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Effects whose bell was rung and that nobody has started: the ring was lost."""
    where = and_(
        outbox.c.state == "new", outbox.c.due_at < now - late, outbox.c.rung_at < now - late
    )
    return _ids(tx, select(outbox.c.id).where(where))


def list_past_lease(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Effects that somebody took and did not finish in time."""
    where = and_(outbox.c.state == "claimed", outbox.c.claimed_until < now - late)
    return _ids(tx, select(outbox.c.id).where(where))


def list_pages_unsent(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Open pages of which the carrier has taken no call; those that begin later are not due."""
    where = and_(
        page.c.state == "open",
        page.c.sent_at.is_(None),
        page.c.opened_at < now - late,
        or_(page.c.step > 0, page.c.next_at < now - late, page.c.next_at.is_(None)),
    )
    return _ids(tx, select(page.c.id).where(where))


def list_pages_without_clock(tx: Transaction) -> list[int]:
    """Open pages that nobody would ever climb again."""
    return _ids(tx, select(page.c.id).where(page.c.state == "open", page.c.next_at.is_(None)))


def start_clock(tx: Transaction, page_id: int, now: datetime) -> bool:
    """An open page without a next step takes it now."""
    result = tx.connection.execute(
        update(page)
        .where(page.c.id == page_id, page.c.state == "open", page.c.next_at.is_(None))
        .values(next_at=now)
    )
    return result.rowcount == 1


def list_stuck_sending(tx: Transaction, now: datetime) -> list[int]:
    """Legs that we were asking the carrier for when whoever asked was lost."""
    return _ids(tx, select(attempt.c.id).where(_stuck_sending(now)))


def doubt(tx: Transaction, attempt_id: int, now: datetime) -> bool:
    """Whether that leg rang is unknown; False when it has moved on."""
    result = tx.connection.execute(
        update(attempt)
        .where(attempt.c.id == attempt_id, _stuck_sending(now))
        .values(state=LegState.UNKNOWN)
    )
    return result.rowcount == 1


def _stuck_sending(now: datetime) -> ColumnElement[bool]:
    at_work = exists(
        select(outbox.c.id).where(
            outbox.c.kind == "leg",
            outbox.c.row_id == attempt.c.id,
            outbox.c.state == "claimed",
            outbox.c.claimed_until >= now,
        )
    )
    return and_(attempt.c.state == LegState.SENDING, attempt.c.deadline_at < now, ~at_work)


def list_in_doubt(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Legs of which it is unknown for too long whether they rang."""
    where = and_(attempt.c.state == LegState.UNKNOWN, attempt.c.deadline_at < now - late)
    return _ids(tx, select(attempt.c.id).where(where))


def list_without_clock(tx: Transaction, now: datetime) -> list[int]:
    """Open cases at URGENT_60 or above that nothing in the future would bring to a human."""
    return _ids(tx, select(case.c.id).where(_without_clock(now)))


def is_without_clock(tx: Transaction, case_id: int, now: datetime) -> bool:
    """Is this case still one, now that it is locked?"""
    found = select(case.c.id).where(case.c.id == case_id, _without_clock(now))
    return tx.connection.execute(found).first() is not None


def _without_clock(now: datetime) -> ColumnElement[bool]:
    """No open or acknowledged page, no call that will be rung or become late, no silence due."""
    paged = exists(
        select(page.c.id).where(
            page.c.case_id == case.c.id, page.c.state.in_(("open", "acknowledged"))
        )
    )
    # Danger is never offered from the queue: its ring is the page's.
    rings = and_(
        callback.c.not_before < NEVER,
        callback.c.text_only.is_(False),
        callback.c.disposition < int(Disposition.CRISIS_LIVE),
    )
    called = exists(
        select(callback.c.id).where(
            callback.c.caller_id == case.c.caller_id,
            or_(
                callback.c.state.in_(("claimed", "talking")),
                and_(callback.c.state == "waiting", or_(rings, callback.c.late_at.is_(None))),
            ),
        )
    )
    watched = exists(
        select(conversation.c.id).where(
            conversation.c.caller_id == case.c.caller_id, conversation.c.wake_at.is_not(None)
        )
    )
    urgent = case.c.disposition >= int(Disposition.URGENT_60)
    return and_(case.c.state == "open", urgent, ~paged, ~called, ~watched)


def list_not_ready(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Promised calls whose time has come and that the guard has not marked ready."""
    where = and_(text(NOT_YET), callback.c.not_before < now - late)
    return _ids(tx, select(callback.c.id).where(where))


def list_unread(tx: Transaction) -> list[int]:
    """Texts that were stored while their conversation did not move; not commands of staff."""
    newest = tx.connection.execute(select(func.max(message.c.id))).scalar_one() or 0
    of_staff = exists(select(staff.c.id).where(staff.c.phone_index == caller.c.address_index))
    where = and_(
        message.c.id > newest - RECENT,
        message.c.inbound.is_(True),
        conversation.c.heard_at < message.c.created_at,
        ~of_staff,
    )
    found = tx.connection.execute(
        select(message.c.id, message.c.created_at, conversation.c.heard_at)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .join(caller, caller.c.id == conversation.c.caller_id)
        .where(where)
        .order_by(message.c.id)
    )
    unread = [row.id for row in found if row.created_at - row.heard_at > CLOCKS_DIFFER]
    return unread[:MOST]


def _ids(tx: Transaction, found: Select[int]) -> list[int]:
    first = found.selected_columns[0]
    return list(tx.connection.execute(found.order_by(first).limit(MOST)).scalars())
