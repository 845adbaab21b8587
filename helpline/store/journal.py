"""What was done by whom, what was approved, and which processes are alive."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, text

from helpline.store.database import Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import audit, heartbeat, sign_off
from helpline.store.upsert import upsert

_NOTED = ("at", "actor", "action", "subject", "subject_id", "detail")
_NOTE = Prepared(
    insert(audit).values({name: bindparam(name, type_=audit.c[name].type) for name in _NOTED})
)


def note(
    tx: Transaction,
    action: str,
    subject: str,
    subject_id: int,
    *,
    now: datetime,
    actor: str = "system",
    **detail: str | int | bool | None,
) -> None:
    """Write an audit entry: past tense, ids and codes only, never words or numbers."""
    _NOTE.run(
        tx,
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        subject_id=subject_id,
        detail=detail,
    )


def list_notes(
    tx: Transaction, subject: str, subject_id: int
) -> list[tuple[str, str, dict[str, object]]]:
    """(actor, action, detail) of everything noted about a row, oldest first."""
    rows = tx.connection.execute(
        select(audit.c.actor, audit.c.action, audit.c.detail)
        .where(audit.c.subject == subject, audit.c.subject_id == subject_id)
        .order_by(audit.c.id)
    )
    return [(row.actor, row.action, row.detail) for row in rows]


def sign(tx: Transaction, *, by: str, role: str, covers: str, now: datetime) -> None:
    """Record a clinical sign-off of one exact version of the protocol."""
    tx.connection.execute(insert(sign_off).values(at=now, by=by, role=role, covers=covers))


def is_signed(tx: Transaction, covers: str) -> bool:
    """Has a clinician signed this exact version?"""
    found = select(sign_off.c.id).where(sign_off.c.covers == covers).limit(1)
    return tx.connection.execute(found).first() is not None


def beat(tx: Transaction, process: str, now: datetime, *, kind: str | None = None) -> None:
    """This process is alive; `kind` is what several like it have in common."""
    upsert(tx, heartbeat, "process", process=process[:32], kind=kind or process[:16], at=now)


def list_beats(tx: Transaction) -> dict[str, datetime]:
    """When the last process of each kind was alive."""
    kind = func.coalesce(heartbeat.c.kind, heartbeat.c.process)
    rows = tx.connection.execute(
        select(kind.label("kind"), func.max(heartbeat.c.at).label("at")).group_by(kind)
    )
    return {row.kind: row.at for row in rows}


def forget_beats(tx: Transaction, before: datetime) -> None:
    """Processes gone for so long will not come back under that name."""
    tx.connection.execute(delete(heartbeat).where(heartbeat.c.at < before))


def probe(tx: Transaction) -> None:
    """Raise unless the database answers."""
    tx.connection.execute(text("SELECT 1"))
