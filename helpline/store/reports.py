"""Rows for the reports: what was promised, kept, answered, paged and written in a span of time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from helpline.domain.disposition import Disposition
from helpline.store.database import Transaction
from helpline.store.tables import attempt, audit, call, callback, case, conversation, page


@dataclass(frozen=True, slots=True)
class Promise:
    """A call that was asked for in the span. `reached_at`: first word spoken, if it was."""

    disposition: Disposition
    asked_at: datetime
    due_at: datetime
    state: str
    result: str | None
    tries: int
    whatsapp: bool
    by_phone: bool
    reached_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A page of the span."""

    kind: Disposition
    opened_at: datetime
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A call that came in. `talked`: somebody of the staff was joined to it."""

    started_at: datetime
    ended_at: datetime | None
    talked: bool
    waited_for: bool
    """Did the caller come so far as to wait for a person?"""


def list_promises(tx: Transaction, since: datetime, until: datetime) -> list[Promise]:
    """Every call asked for in the span."""
    reached = (
        select(func.min(attempt.c.answered_at))
        .where(
            attempt.c.callback_id == callback.c.id,
            attempt.c.leg == "caller",
            attempt.c.result == "connected",
        )
        .scalar_subquery()
    )
    phoned = (
        select(func.count(call.c.id))
        .where(call.c.conversation_id == callback.c.conversation_id)
        .scalar_subquery()
    )
    rows = tx.connection.execute(
        select(
            callback.c.disposition, callback.c.asked_at, callback.c.due_at, callback.c.state,
            callback.c.result, callback.c.tries, conversation.c.whatsapp, phoned > 0,
            reached.label("reached_at"),
        )
        .join(conversation, conversation.c.id == callback.c.conversation_id)
        .where(callback.c.asked_at >= since, callback.c.asked_at < until)
    )  # fmt: skip
    return [
        Promise(Disposition(row[0]), row[1], row[2], row[3], row[4], row[5], bool(row[6]),
                bool(row[7]), row[8])
        for row in rows
    ]  # fmt: skip


def list_notices(tx: Transaction, since: datetime, until: datetime) -> list[Notice]:
    """Every page opened in the span that was danger or asked for a human."""
    rows = tx.connection.execute(
        select(page.c.kind, page.c.opened_at, page.c.acknowledged_at).where(
            page.c.opened_at >= since, page.c.opened_at < until, page.c.reason != "taken unasked"
        )
    )
    return [Notice(Disposition(row[0]), row[1], row[2]) for row in rows]


def list_arrived(tx: Transaction, since: datetime, until: datetime) -> list[Arrived]:
    """Every call that came in during the span."""
    rows = tx.connection.execute(
        select(call.c.started_at, call.c.ended_at, attempt.c.result, call.c.attempt_id)
        .outerjoin(attempt, attempt.c.id == call.c.attempt_id)
        .where(call.c.started_at >= since, call.c.started_at < until)
    )
    return [Arrived(row[0], row[1], row[2] == "connected", row[3] is not None) for row in rows]


def count_outcomes(tx: Transaction, since: datetime, until: datetime) -> dict[int, int]:
    """How often each outcome (1 to 6) was recorded."""
    rows = tx.connection.execute(
        select(audit.c.detail).where(
            audit.c.at >= since, audit.c.at < until, audit.c.action == "outcome"
        )
    )
    found: dict[int, int] = {}
    for (detail,) in rows:
        outcome = int(detail.get("outcome", 0))
        found[outcome] = found.get(outcome, 0) + 1
    return found


def count_acts(tx: Transaction, actions: tuple[str, ...], since: datetime,
               until: datetime) -> dict[str, int]:  # fmt: skip
    """How often each of these was noted."""
    rows = tx.connection.execute(
        select(audit.c.action, func.count(audit.c.id))
        .where(audit.c.at >= since, audit.c.at < until, audit.c.action.in_(actions))
        .group_by(audit.c.action)
    )
    return dict.fromkeys(actions, 0) | {row[0]: row[1] for row in rows}


def count_contacts(tx: Transaction, since: datetime, until: datetime) -> dict[int, int]:
    """How many callers had so many cases in the span."""
    each = (
        select(func.count(case.c.id).label("cases"))
        .where(case.c.opened_at >= since, case.c.opened_at < until)
        .group_by(case.c.caller_id)
        .subquery()
    )
    rows = tx.connection.execute(
        select(each.c.cases, func.count()).group_by(each.c.cases).order_by(each.c.cases)
    )
    return {row[0]: row[1] for row in rows}
