"""All that happened with one caller, on every channel: read for the page of a case."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from helpline.domain.disposition import Disposition
from helpline.store.database import Transaction
from helpline.store.tables import (
    attempt,
    audit,
    call,
    caller,
    case,
    conversation,
    follow_up,
    message,
    note,
    page,
    recording,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text, or a turn of a call: what came in and what was answered at once, or what we sent.

    `answer` is JSON, a list of texts. `spoken` when it was said or pressed on a call.
    """

    id: int
    at: datetime
    inbound: bool
    body: str
    answer: str | None
    level: int
    state: str | None
    spoken: bool
    media: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One try at a telephone: whose, when, what came of it."""

    id: int
    at: datetime
    leg: str
    case_id: int
    staff_id: int | None
    page_id: int | None
    state: str
    result: str | None
    answered_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A page of one of the caller's cases."""

    id: int
    at: datetime
    case_id: int
    kind: Disposition
    state: str
    reason: str
    acknowledged_at: datetime | None
    acknowledged_by: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What a colleague wrote down; `outcome` is 0 when it came with none."""

    id: int
    at: datetime
    staff_id: int
    outcome: int
    body: str


@dataclass(frozen=True, slots=True)
class Left:
    """A message left on the telephone. `words` may be empty, the sound may be gone."""

    id: int
    at: datetime
    sid: str
    seconds: int
    words: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """One case of the caller, past or present."""

    case_id: int
    code: str
    state: str
    disposition: Disposition
    outcome: str | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """A time at which the caller is asked how they are."""

    id: int
    kind: str
    state: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Who:
    """What is known of a caller beside their words. Addresses are for masking, not for showing."""

    caller_id: int
    address: str
    second_phone: str | None
    texts_refused_at: datetime | None
    blocked_at: datetime | None
    blocked_why: str | None
    same_as_id: int | None
    changed_hands_at: datetime | None


def get_who(tx: Transaction, caller_id: int) -> Who:
    """The caller with this id.

    Raises:
        LookupError: there is none.
    """
    row = tx.connection.execute(
        select(
            caller.c.id,
            caller.c.address,
            caller.c.second_phone,
            caller.c.texts_refused_at,
            caller.c.blocked_at,
            caller.c.blocked_why,
            caller.c.same_as_id,
            caller.c.changed_hands_at,
        ).where(caller.c.id == caller_id)
    ).first()
    if row is None:
        raise LookupError(f"no caller {caller_id}")
    return Who(*row)


def list_same(tx: Transaction, who: Who) -> list[int]:
    """Every caller who is the same person, this one first."""
    first = who.same_as_id or who.caller_id
    rows = tx.connection.execute(
        select(caller.c.id).where((caller.c.same_as_id == first) | (caller.c.id == first))
    )
    others = sorted(set(rows.scalars()) - {who.caller_id})
    return [who.caller_id, *others]


def list_said(
    tx: Transaction, callers: Collection[int], since: datetime | None, *, most: int
) -> list[Said]:
    """The newest texts and turns of these callers, oldest first."""
    where: list[ColumnElement[bool]] = [conversation.c.caller_id.in_(callers)]
    if since is not None:
        where.append(message.c.created_at > since)
    rows = tx.connection.execute(
        select(
            message.c.id, message.c.created_at, message.c.inbound, message.c.body,
            message.c.answer, message.c.level, message.c.state, message.c.sid, message.c.media,
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(*where).order_by(message.c.id.desc()).limit(most)
    )  # fmt: skip
    return [
        Said(row.id, row.created_at, bool(row.inbound), row.body, row.answer, row.level,
             row.state, (row.sid or "").startswith("CA"), row.media)
        for row in reversed(rows.all())
    ]  # fmt: skip


def list_legs(tx: Transaction, cases: Collection[int]) -> list[Leg]:
    """Every try at a telephone for these cases."""
    rows = tx.connection.execute(
        select(
            attempt.c.id, attempt.c.created_at, attempt.c.leg, attempt.c.case_id,
            attempt.c.staff_id, attempt.c.page_id, attempt.c.state, attempt.c.result,
            attempt.c.answered_at, attempt.c.ended_at,
        ).where(attempt.c.case_id.in_(cases)).order_by(attempt.c.id)
    )  # fmt: skip
    return [Leg(*tuple(row)) for row in rows]


def list_alarms(tx: Transaction, cases: Collection[int]) -> list[Alarm]:
    """Every page of these cases."""
    rows = tx.connection.execute(
        select(
            page.c.id, page.c.opened_at, page.c.case_id, page.c.kind, page.c.state, page.c.reason,
            page.c.acknowledged_at, page.c.acknowledged_by,
        ).where(page.c.case_id.in_(cases)).order_by(page.c.id)
    )  # fmt: skip
    return [
        Alarm(row.id, row.opened_at, row.case_id, Disposition(row.kind), row.state, row.reason,
              row.acknowledged_at, row.acknowledged_by)
        for row in rows
    ]  # fmt: skip


def list_written(tx: Transaction, cases: Collection[int]) -> list[Written]:
    """What colleagues wrote about these cases."""
    rows = tx.connection.execute(
        select(note.c.id, note.c.created_at, note.c.staff_id, note.c.outcome, note.c.body)
        .where(note.c.case_id.in_(cases))
        .order_by(note.c.id)
    )
    return [Written(*row) for row in rows]


def list_left(tx: Transaction, cases: Collection[int]) -> list[Left]:
    """Messages that were left on the telephone."""
    rows = tx.connection.execute(
        select(
            recording.c.id, recording.c.created_at, recording.c.sid, recording.c.seconds,
            recording.c.words, recording.c.deleted_at,
        ).where(recording.c.case_id.in_(cases)).order_by(recording.c.id)
    )  # fmt: skip
    return [
        Left(row.id, row.created_at, row.sid, row.seconds, row.words, row.deleted_at is not None)
        for row in rows
    ]


def find_left(tx: Transaction, recording_id: int) -> tuple[int, Left] | None:
    """(case, message) of this recording."""
    row = tx.connection.execute(
        select(
            recording.c.case_id, recording.c.id, recording.c.created_at, recording.c.sid,
            recording.c.seconds, recording.c.words, recording.c.deleted_at,
        ).where(recording.c.id == recording_id)
    ).first()  # fmt: skip
    if row is None:
        return None
    gone = row.deleted_at is not None
    return row.case_id, Left(row.id, row.created_at, row.sid, row.seconds, row.words, gone)


def list_episodes(
    tx: Transaction, callers: Collection[int], since: datetime | None
) -> list[Episode]:
    """The cases of these callers, the newest first."""
    where: list[ColumnElement[bool]] = [case.c.caller_id.in_(callers)]
    if since is not None:
        where.append(case.c.opened_at > since)
    rows = tx.connection.execute(
        select(
            case.c.id, case.c.code, case.c.state, case.c.disposition, case.c.outcome,
            case.c.opened_at, case.c.closed_at,
        ).where(*where).order_by(case.c.id.desc())
    )  # fmt: skip
    return [
        Episode(row.id, row.code, row.state, Disposition(row.disposition), row.outcome,
                row.opened_at, row.closed_at)
        for row in rows
    ]  # fmt: skip


def list_agreed(tx: Transaction, case_id: int) -> list[Agreed]:
    """When the caller of this case is, and was, asked how they are."""
    rows = tx.connection.execute(
        select(follow_up.c.id, follow_up.c.kind, follow_up.c.state, follow_up.c.due_at)
        .where(follow_up.c.case_id == case_id, follow_up.c.state != "canceled")
        .order_by(follow_up.c.due_at)
    )
    return [Agreed(*row) for row in rows]


def is_on_the_line(tx: Transaction, callers: Collection[int]) -> bool:
    """Is one of these callers on a call to us just now?"""
    found = (
        select(call.c.id)
        .join(conversation, conversation.c.id == call.c.conversation_id)
        .where(call.c.ended_at.is_(None), conversation.c.caller_id.in_(callers))
        .limit(1)
    )
    return tx.connection.execute(found).first() is not None


def newest(tx: Transaction) -> tuple[int, ...]:
    """Marks that move whenever anything is written that a page may show."""
    marks: list[Any] = [
        tx.connection.execute(select(func.max(column))).scalar_one() or 0
        for column in (audit.c.id, message.c.id, attempt.c.id, recording.c.id)
    ]
    return tuple(int(mark) for mark in marks)
