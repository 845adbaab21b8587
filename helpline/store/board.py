"""The work of the line as staff see it: who waits, who is in danger, who talks to whom.

Read models, page by page: nothing here moves a row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.store.callbacks import LIVE
from helpline.store.database import Transaction
from helpline.store.tables import attempt, callback, caller, case, conversation, page, staff

_IS_LIVE = text("callback.state IN ('waiting', 'claimed', 'talking')")
"""As the index of live promises is defined, or neither database sees the match."""
_OVER = [state for state in LegState if state.is_final]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A promised call in the queue; `progress` is JSON."""

    callback_id: int
    case_id: int
    code: str
    state: str
    disposition: Disposition
    language: str
    asked_at: datetime
    due_at: datetime
    not_before: datetime
    late_at: datetime | None
    text_only: bool
    whatsapp: bool
    specialist_id: int | None
    tries: int
    progress: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A page that nobody has acknowledged."""

    page_id: int
    case_id: int
    code: str
    kind: Disposition
    reason: str
    step: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """An open case, whoever has it, and since when its caller waits for an answer."""

    case_id: int
    code: str
    disposition: Disposition
    holder_id: int | None
    held_at: datetime | None
    caller_waits_since: datetime | None
    opened_at: datetime
    progress: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody on the staff, and what they are doing now."""

    id: int
    name: str
    role: str
    tier: int
    languages: tuple[str, ...]
    available: bool
    set_aside: bool
    engaged: str | None
    """None, "ringing" or "talking"."""
    cases: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which promises to list."""

    disposition: Disposition | None = None
    language: str | None = None
    late_at: datetime | None = None
    """Only those whose time was over by then."""


_WAITING = (
    select(
        callback.c.id,
        callback.c.case_id,
        case.c.code,
        callback.c.state,
        callback.c.disposition,
        callback.c.language,
        callback.c.asked_at,
        callback.c.due_at,
        callback.c.not_before,
        callback.c.late_at,
        callback.c.text_only,
        conversation.c.whatsapp,
        callback.c.specialist_id,
        callback.c.tries,
        conversation.c.progress,
    )
    .join(case, case.c.id == callback.c.case_id)
    .join(conversation, conversation.c.id == callback.c.conversation_id)
)


def list_waiting(tx: Transaction, wanted: Filter, *, skip: int, most: int) -> list[Waiting]:
    """Live promises, the most urgent first."""
    # The page of ids is found in the index alone; only then are rows joined and opened.
    ids = (
        select(callback.c.id)
        .where(*_matching(wanted))
        .order_by(callback.c.rank.desc(), callback.c.due_at, callback.c.id)
        .offset(skip)
        .limit(most)
    )
    found = list(tx.connection.execute(ids).scalars())
    rows = tx.connection.execute(_WAITING.where(callback.c.id.in_(found)))
    by_id = {row[0]: _waiting(row) for row in rows}
    return [by_id[callback_id] for callback_id in found if callback_id in by_id]


def count_waiting(tx: Transaction, wanted: Filter) -> dict[Disposition, int]:
    """How many live promises there are of each disposition."""
    rows = tx.connection.execute(
        select(callback.c.disposition, func.count(callback.c.id))
        .where(*_matching(wanted))
        .group_by(callback.c.disposition)
    )
    return {Disposition(disposition): count for disposition, count in rows}


def _matching(wanted: Filter) -> list[ColumnElement[bool]]:
    where: list[Any] = [_IS_LIVE]
    if wanted.disposition is not None:
        where.append(callback.c.disposition == int(wanted.disposition))
    if wanted.language is not None:
        where.append(callback.c.language == wanted.language)
    if wanted.late_at is not None:
        where.append((callback.c.due_at < wanted.late_at) & (callback.c.state != "talking"))
    return where


def _waiting(row: Any) -> Waiting:
    values = list(row)
    values[4] = Disposition(values[4])
    return Waiting(*values)


def list_alerts(tx: Transaction, now: datetime) -> list[Alert]:
    """Open pages that have begun to ring, the most urgent and oldest first."""
    rows = tx.connection.execute(
        select(
            page.c.id,
            page.c.case_id,
            case.c.code,
            page.c.kind,
            page.c.reason,
            page.c.step,
            page.c.opened_at,
        )
        .join(case, case.c.id == page.c.case_id)
        .where(page.c.state == "open", or_(page.c.step > 0, page.c.next_at <= now))
        .order_by(page.c.kind.desc(), page.c.opened_at)
        .limit(200)
    )
    return [
        Alert(row.id, row.case_id, row.code, Disposition(row.kind), row.reason, row.step,
              row.opened_at)
        for row in rows
    ]  # fmt: skip


_HELD = select(
    case.c.id,
    case.c.code,
    case.c.disposition,
    case.c.holder_id,
    case.c.held_at,
    case.c.caller_waits_since,
    case.c.opened_at,
    conversation.c.progress,
).join(conversation, conversation.c.id == case.c.conversation_id)


def list_held_by(tx: Transaction, staff_id: int) -> list[Held]:
    """Open cases that this person has: held, acknowledged without an outcome, or on the phone."""
    acknowledged = exists().where(
        page.c.case_id == case.c.id,
        page.c.acknowledged_by == staff_id,
        page.c.state == "acknowledged",
    )
    talking = exists().where(
        callback.c.case_id == case.c.id,
        callback.c.specialist_id == staff_id,
        callback.c.state.in_(("claimed", "talking")),
    )
    theirs = or_(
        case.c.holder_id == staff_id, and_(case.c.holder_id.is_(None), acknowledged), talking
    )
    return _held(tx, _HELD.where(case.c.state == "open", theirs))


def list_without_call(tx: Transaction, *, most: int) -> list[Held]:
    """Open cases that nobody has and no call is promised for: somebody must look."""
    promised = exists().where(callback.c.case_id == case.c.id, callback.c.state.in_(LIVE))
    return _held(
        tx,
        _HELD.where(case.c.state == "open", case.c.holder_id.is_(None), ~promised).limit(most),
    )


def list_all_held(tx: Transaction, *, most: int) -> list[Held]:
    """Open cases that somebody has."""
    return _held(tx, _HELD.where(case.c.state == "open", case.c.holder_id.is_not(None)).limit(most))


def _held(tx: Transaction, wanted: Select[Any]) -> list[Held]:
    rows = tx.connection.execute(
        wanted.order_by(case.c.disposition.desc(), case.c.opened_at, case.c.id)
    )
    return [
        Held(row.id, row.code, Disposition(row.disposition), row.holder_id, row.held_at,
             row.caller_waits_since, row.opened_at, row.progress)
        for row in rows
    ]  # fmt: skip


def list_colleagues(tx: Transaction) -> list[Colleague]:
    """Everybody who works here now, with what they are doing."""
    legs = tx.connection.execute(
        select(attempt.c.staff_id, attempt.c.result).where(
            attempt.c.staff_id.is_not(None), attempt.c.state.not_in(_OVER)
        )
    )
    engaged: dict[int, str] = {}
    for staff_id, result in legs:
        if result == "taken" or staff_id not in engaged:
            engaged[staff_id] = "talking" if result == "taken" else "ringing"
    held = select(case.c.holder_id, func.count(case.c.id)).where(
        case.c.state == "open", case.c.holder_id.is_not(None)
    )
    counted = tx.connection.execute(held.group_by(case.c.holder_id))
    cases: dict[int, int] = {row[0]: row[1] for row in counted}
    rows = tx.connection.execute(
        select(
            staff.c.id, staff.c.name, staff.c.role, staff.c.tier, staff.c.languages,
            staff.c.presence, staff.c.set_aside_at,
        ).where(staff.c.disabled_at.is_(None)).order_by(staff.c.tier, staff.c.id)
    )  # fmt: skip
    return [
        Colleague(
            row.id,
            row.name,
            row.role,
            row.tier,
            tuple(row.languages.split(",")),
            row.presence == "available",
            row.set_aside_at is not None,
            engaged.get(row.id),
            cases.get(row.id, 0),
        )
        for row in rows
    ]


def list_exhausted(tx: Transaction, *, most: int) -> list[Waiting]:
    """Promises whose attempts are over while their case is open, the newest first."""
    rows = tx.connection.execute(
        _WAITING.where(callback.c.state == "exhausted", case.c.state == "open")
        .order_by(callback.c.finished_at.desc())
        .limit(most)
    )
    return [_waiting(row) for row in rows]


def count_broken_since(tx: Transaction, since: datetime) -> int:
    """Promises that became late since then."""
    late = select(func.count(callback.c.id)).where(callback.c.late_at >= since)
    return int(tx.connection.execute(late).scalar_one())


@dataclass(frozen=True, slots=True)
class Blocked:
    """A caller whom nobody answers; danger is read all the same."""

    caller_id: int
    address: str
    since: datetime
    why: str


def list_blocked(tx: Transaction) -> list[Blocked]:
    """Everybody who is blocked, the newest first."""
    rows = tx.connection.execute(
        select(caller.c.id, caller.c.address, caller.c.blocked_at, caller.c.blocked_why)
        .where(caller.c.blocked_at.is_not(None))
        .order_by(caller.c.blocked_at.desc())
    )
    return [Blocked(row.id, row.address, row.blocked_at, row.blocked_why or "") for row in rows]
