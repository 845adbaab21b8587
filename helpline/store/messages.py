"""Texts in and out. An inbound text is stored once, with the answer it was given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, text, update

from helpline.domain.delivery import TextState, text_forward
from helpline.domain.phone import PhoneNumber
from helpline.store.database import Road, Transaction
from helpline.store.outbox import CRISIS
from helpline.store.prepared import Prepared
from helpline.store.tables import caller, conversation, message, outbox, staff
from helpline.store.upsert import prepared_insert

_KEEP_INBOUND = prepared_insert(
    message,
    "conversation_id",
    "staff_id",
    "inbound",
    "sid",
    "body",
    "answer",
    "media",
    "level",
    "created_at",
)


_ANSWER = Prepared(
    select(message.c.answer).where(message.c.sid == bindparam("sid"), message.c.inbound.is_(True))
)


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text that waits to be sent, and to whom; `heard_at` is the caller's last word.

    `textless` when texts never reach their telephone, a landline.
    """

    id: int
    token: str
    body: str
    state: TextState
    to: PhoneNumber | None
    line: str | None
    whatsapp: bool
    opted_out: bool
    textless: bool
    conversation_id: int | None
    staff_id: int | None
    heard_at: datetime | None


def find_answer(tx: Transaction | Road, sid: str) -> tuple[str, ...] | None:
    """What was answered to this carrier id before; None when it is new."""
    rows = _ANSWER.run(tx, sid=sid)
    return tuple(json.loads(rows[0][0] or "[]")) if rows else None


def list_said_since(tx: Transaction, conversation_id: int, sid: str) -> tuple[str, ...]:
    """What was written down to be sent to this caller after the text of this carrier id."""
    heard = select(message.c.id).where(message.c.sid == sid).scalar_subquery()
    rows = tx.connection.execute(
        select(message.c.body).where(
            message.c.conversation_id == conversation_id,
            message.c.inbound.is_(False),
            message.c.id > heard,
        )
    )
    return tuple(rows.scalars())


def keep_inbound(
    tx: Transaction,
    *,
    conversation_id: int | None,
    staff_id: int | None = None,
    sid: str,
    body: str,
    answer: tuple[str, ...],
    media: int,
    level: int,
    now: datetime,
) -> int | None:
    """Store an inbound text with its answer; None when its carrier id is already here."""
    rows = _KEEP_INBOUND.run(
        tx,
        conversation_id=conversation_id,
        staff_id=staff_id,
        inbound=True,
        sid=sid,
        body=body,
        answer=json.dumps(answer, ensure_ascii=False) if answer else None,
        media=media,
        level=level,
        created_at=now,
    )
    return int(rows[0][0]) if rows else None


def plan(
    tx: Transaction,
    *,
    token: str,
    body: str,
    now: datetime,
    conversation_id: int | None = None,
    staff_id: int | None = None,
) -> int:
    """Write down a text that is to be sent; its id."""
    result = tx.connection.execute(
        insert(message)
        .values(
            conversation_id=conversation_id,
            staff_id=staff_id,
            inbound=False,
            token=token,
            body=body,
            media=0,
            level=0,
            state=TextState.WAITING,
            created_at=now,
        )
        .returning(message.c.id)
    )
    return int(result.scalar_one())


def list_staff_unsent(tx: Transaction, staff_ids: Sequence[int]) -> set[int]:
    """Those of them to whom a text about danger was written that has not left yet."""
    rows = tx.connection.execute(
        select(message.c.staff_id)
        .distinct()
        .join_from(outbox, message, message.c.id == outbox.c.row_id)
        .where(
            # As the index of open effects is defined, or SQLite reads every effect there ever was.
            text("outbox.state IN ('new', 'claimed')"),
            outbox.c.priority == CRISIS,
            outbox.c.kind == "text",
            message.c.staff_id.in_(staff_ids),
        )
    )
    return set(rows.scalars())


def get_outgoing(tx: Transaction, message_id: int) -> OutgoingText:
    """The text to send and its address.

    Raises:
        LookupError: there is none.
    """
    row = tx.connection.execute(
        select(
            message.c.id,
            message.c.token,
            message.c.body,
            message.c.state,
            message.c.conversation_id,
            message.c.staff_id,
            conversation.c.line,
            conversation.c.whatsapp,
            conversation.c.opted_out_at,
            conversation.c.heard_at,
            caller.c.address,
            caller.c.texts_refused_at,
            staff.c.phone,
        )
        .outerjoin(conversation, conversation.c.id == message.c.conversation_id)
        .outerjoin(caller, caller.c.id == conversation.c.caller_id)
        .outerjoin(staff, staff.c.id == message.c.staff_id)
        .where(message.c.id == message_id)
    ).first()
    if row is None:
        raise LookupError(f"no message {message_id}")
    address = row.phone if row.staff_id is not None else row.address
    return OutgoingText(
        id=row.id,
        token=row.token,
        body=row.body,
        state=TextState(row.state),
        to=PhoneNumber(address) if address and address.startswith("+") else None,
        line=row.line,
        whatsapp=bool(row.whatsapp),
        opted_out=row.opted_out_at is not None,
        textless=row.texts_refused_at is not None and not row.whatsapp,
        conversation_id=row.conversation_id,
        staff_id=row.staff_id,
        heard_at=row.heard_at,
    )


def mark(
    tx: Transaction,
    message_id: int,
    state: TextState,
    *,
    sid: str | None = None,
    error_code: int | None = None,
) -> None:
    """Record what became of an outgoing text."""
    values: dict[str, object] = {"state": state}
    if sid is not None:
        values["sid"] = sid
    if error_code is not None:
        values["error_code"] = error_code
    tx.connection.execute(update(message).where(message.c.id == message_id).values(**values))


def forward(tx: Transaction, message_id: int, state: TextState, *, sid: str | None = None) -> None:
    """What the carrier answered; its receipts may have been faster and are not undone."""
    known = tx.connection.execute(
        select(message.c.state, message.c.sid).where(message.c.id == message_id).with_for_update()
    ).one()
    new = text_forward(TextState(known.state), state)
    mark(tx, message_id, new, sid=None if known.sid else sid)


def sid_known(tx: Transaction, sid: str) -> bool:
    """Does a text of ours already carry this carrier id?"""
    found = select(message.c.id).where(message.c.sid == sid).limit(1)
    return tx.connection.execute(found).first() is not None


def not_sent(tx: Transaction, message_id: int, before: TextState) -> None:
    """It was not sent this time: what was in doubt before is still in doubt."""
    tx.connection.execute(
        update(message)
        .where(message.c.id == message_id, message.c.state == TextState.SENDING)
        .values(state=before)
    )


def receipt(
    tx: Transaction, *, sid: str, token: str | None, state: TextState, error_code: int | None
) -> OutgoingText | None:
    """Move an outgoing text forward by the carrier's receipt; None when it is not ours or old."""
    by_sid = (message.c.sid == sid) & message.c.inbound.is_(False)
    wanted = by_sid if token is None else by_sid | (message.c.token == token)
    row = tx.connection.execute(
        select(message.c.id, message.c.state, message.c.sid).where(wanted).with_for_update()
    ).first()
    if row is None:
        return None
    current = TextState(row.state)
    forward = text_forward(current, state)
    if forward is current:
        return None
    mark(tx, row.id, forward, sid=None if row.sid else sid, error_code=error_code)
    return get_outgoing(tx, row.id)
