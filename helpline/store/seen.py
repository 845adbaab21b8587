"""What of the carrier's log is here already, and what of ours it never finished telling about."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from helpline.domain.delivery import TextState
from helpline.domain.phone import PhoneNumber
from helpline.store.database import Transaction
from helpline.store.tables import (
    audit,
    call,
    caller,
    conversation,
    heartbeat,
    message,
    outbox,
    staff,
)

_RANG = ("rang", "missed call")
_UNFINISHED = (TextState.QUEUED, TextState.UNKNOWN)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class UnfinishedText:
    """A text that the carrier took, and whose end we were never told."""

    sid: str
    to: PhoneNumber
    created_at: datetime


def unseen_texts(tx: Transaction, sids: Collection[str]) -> set[str]:
    """Which of these carrier ids no message has."""
    wanted = sorted(sids)
    unseen = set(wanted)
    for start in range(0, len(wanted), _AT_ONCE):
        batch = wanted[start : start + _AT_ONCE]
        rows = tx.connection.execute(select(message.c.sid).where(message.c.sid.in_(batch)))
        unseen.difference_update(rows.scalars())
    return unseen


def list_seen_calls(tx: Transaction, since: datetime) -> set[str]:
    """Carrier ids of inbound calls that were answered or noted since then."""
    rows = tx.connection.execute(
        select(audit.c.detail).where(audit.c.at >= since, audit.c.action.in_(_RANG))
    )
    noted = {str(detail["call"]) for detail in rows.scalars() if "call" in detail}
    spoken = tx.connection.execute(select(call.c.sid).where(call.c.started_at >= since))
    return noted | set(spoken.scalars())


def find_good_time(tx: Transaction, process: str) -> datetime | None:
    """When this process last finished its work."""
    found: datetime | None = tx.connection.execute(
        select(heartbeat.c.at).where(heartbeat.c.process == process)
    ).scalar_one_or_none()
    return found


def list_unfinished_texts(
    tx: Transaction, *, after: datetime, before: datetime, most: int
) -> list[UnfinishedText]:
    """Texts handed to the carrier in this time without a final word since, oldest first."""
    rows = tx.connection.execute(
        select(message.c.sid, message.c.created_at, caller.c.address, staff.c.phone)
        .join(outbox, (outbox.c.kind == "text") & (outbox.c.row_id == message.c.id))
        .outerjoin(conversation, conversation.c.id == message.c.conversation_id)
        .outerjoin(caller, caller.c.id == conversation.c.caller_id)
        .outerjoin(staff, staff.c.id == message.c.staff_id)
        .where(
            outbox.c.done_at >= after,
            outbox.c.done_at < before,
            message.c.inbound.is_(False),
            message.c.sid.is_not(None),
            message.c.state.in_(_UNFINISHED),
        )
        .order_by(outbox.c.done_at)
        .limit(most)
    )
    found = ((row.sid, row.phone or row.address, row.created_at) for row in rows)
    return [
        UnfinishedText(sid, PhoneNumber(to), created_at)
        for sid, to, created_at in found
        if to and to.startswith("+")
    ]
