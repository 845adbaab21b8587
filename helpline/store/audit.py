"""Reading what was noted: the entries of `journal.note`, by whom, about what, since when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from helpline.store.database import Transaction
from helpline.store.tables import audit, callback, page


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: past tense, ids and codes only."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    subject_id: int
    detail: dict[str, object]


def list_entries(
    tx: Transaction,
    *,
    case_id: int | None = None,
    staff_id: int | None = None,
    since: datetime | None = None,
    most: int = 500,
) -> list[Entry]:
    """The newest entries, oldest of them first.

    A case's entries are its own and those of its pages and callbacks; a person's are what
    they did and what was done to them.
    """
    wanted: list[ColumnElement[bool]] = []
    if since is not None:
        wanted.append(audit.c.at >= since)
    if case_id is not None:
        wanted.append(_about_case(case_id))
    if staff_id is not None:
        wanted.append(or_(audit.c.actor == f"staff:{staff_id}", _is("staff", staff_id)))
    rows = tx.connection.execute(
        select(
            audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject,
            audit.c.subject_id, audit.c.detail,
        ).where(*wanted).order_by(audit.c.id.desc()).limit(most)
    )  # fmt: skip
    return [Entry(*row) for row in reversed(rows.all())]


def count_since(tx: Transaction, action: str, since: datetime) -> int:
    """How often this was done since then."""
    counted = select(func.count(audit.c.id)).where(audit.c.at >= since, audit.c.action == action)
    return int(tx.connection.execute(counted).scalar_one())


def count_code_since(tx: Transaction, action: str, subject: str, code: int, since: datetime) -> int:
    """How many different ones this was noted of with this carrier code since then."""
    rows = tx.connection.execute(
        select(audit.c.subject_id, audit.c.detail).where(
            audit.c.at >= since, audit.c.action == action, audit.c.subject == subject
        )
    )
    return len({row.subject_id for row in rows if row.detail.get("code") == code})


def _is(subject: str, subject_id: int) -> ColumnElement[bool]:
    return and_(audit.c.subject == subject, audit.c.subject_id == subject_id)


def _about_case(case_id: int) -> ColumnElement[bool]:
    pages = select(page.c.id).where(page.c.case_id == case_id)
    callbacks = select(callback.c.id).where(callback.c.case_id == case_id)
    return or_(
        _is("case", case_id),
        and_(audit.c.subject == "page", audit.c.subject_id.in_(pages)),
        and_(audit.c.subject == "callback", audit.c.subject_id.in_(callbacks)),
    )
