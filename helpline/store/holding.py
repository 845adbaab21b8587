"""Whose a case is, and since when its caller waits for whoever holds it."""

from datetime import datetime

from sqlalchemy import exists, func, or_, select, update

from helpline.domain.disposition import Disposition
from helpline.store.database import Transaction
from helpline.store.pages import REMINDERS
from helpline.store.tables import attempt, callback, case, page


def find_by_code(tx: Transaction, code: str) -> int | None:
    """The open case of this code, else the last one that had it."""
    found: int | None = tx.connection.execute(
        select(case.c.id)
        .where(case.c.code == code)
        .order_by((case.c.state == "open").desc(), case.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def is_theirs(tx: Transaction, case_id: int, staff_id: int) -> bool:
    """Do they hold the case or talk to its caller, or did they take it and nobody holds it?"""
    talking = exists(
        select(callback.c.id).where(
            callback.c.case_id == case_id,
            callback.c.specialist_id == staff_id,
            callback.c.state == "talking",
        )
    )
    paged = exists(
        select(page.c.id).where(page.c.case_id == case_id, page.c.acknowledged_by == staff_id)
    )
    called = exists(
        select(attempt.c.id).where(
            attempt.c.case_id == case_id,
            attempt.c.staff_id == staff_id,
            attempt.c.result == "taken",
        )
    )
    theirs = or_(
        case.c.holder_id == staff_id, talking, case.c.holder_id.is_(None) & (paged | called)
    )
    found = tx.connection.execute(select(case.c.id).where(case.c.id == case_id, theirs))
    return found.first() is not None


def is_talked_to(tx: Transaction, case_id: int) -> bool:
    """Does anybody talk to its caller?"""
    talking = select(callback.c.id).where(
        callback.c.case_id == case_id, callback.c.state == "talking"
    )
    return tx.connection.execute(talking.limit(1)).first() is not None


def find_reminder(tx: Transaction, case_id: int) -> int | None:
    """The open page of the case, if it only asks after a human and no danger was heard since."""
    found: int | None = tx.connection.execute(
        select(page.c.id).where(
            page.c.case_id == case_id,
            page.c.state == "open",
            or_(page.c.reason.in_(REMINDERS), page.c.kind < int(Disposition.CRISIS_LIVE)),
        )
    ).scalar_one_or_none()
    return found


def find_taken(tx: Transaction, staff_id: int) -> int | None:
    """The page that they acknowledged last and whose case still waits for an outcome."""
    found: int | None = tx.connection.execute(
        select(page.c.id)
        .join(case, case.c.id == page.c.case_id)
        .where(
            page.c.acknowledged_by == staff_id,
            page.c.state == "acknowledged",
            case.c.state == "open",
        )
        .order_by(page.c.acknowledged_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def find_taken_of(tx: Transaction, case_id: int) -> int | None:
    """The acknowledged page of a case."""
    found: int | None = tx.connection.execute(
        select(page.c.id)
        .where(page.c.case_id == case_id, page.c.state == "acknowledged")
        .order_by(page.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def caller_waits(tx: Transaction, case_id: int, now: datetime) -> None:
    """The caller wrote to whoever holds the case; the first unanswered text counts."""
    tx.connection.execute(
        update(case)
        .where(case.c.id == case_id)
        .values(caller_waits_since=func.coalesce(case.c.caller_waits_since, now))
    )


def caller_heard(tx: Transaction, case_id: int) -> None:
    """The caller got an answer from a human: nobody keeps them waiting."""
    tx.connection.execute(update(case).where(case.c.id == case_id).values(caller_waits_since=None))


def list_silent(tx: Transaction, before: datetime, case_id: int | None = None) -> list[int]:
    """Held cases whose caller has waited since before then while nobody talks to them."""
    talking = exists(
        select(callback.c.id).where(callback.c.case_id == case.c.id, callback.c.state == "talking")
    )
    one = [] if case_id is None else [case.c.id == case_id]
    rows = tx.connection.execute(
        select(case.c.id)
        .where(
            case.c.caller_waits_since <= before,
            case.c.state == "open",
            case.c.holder_id.is_not(None),
            ~talking,
            *one,
        )
        .order_by(case.c.caller_waits_since)
        .limit(50)
    )
    return list(rows.scalars())
