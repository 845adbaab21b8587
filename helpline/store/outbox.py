"""Effects that wait to be carried out: committed with their reason, claimed by compare-and-set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update

from helpline.store.database import Transaction
from helpline.store.tables import outbox
from helpline.store.upsert import insert_quietly

CRISIS, URGENT, ORDINARY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do: `kind` says what, `row_id` with which row.

    `slot_at` is its place in the line of our own pace, if it was given one.
    """

    id: int
    kind: str
    row_id: int
    queue: str
    priority: int
    tries: int
    created_at: datetime
    slot_at: datetime | None


_READY = or_(
    outbox.c.state == "new",
    and_(outbox.c.state == "claimed", outbox.c.claimed_until < bindparam("now")),
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id == bindparam("outbox_id"), outbox.c.due_at <= bindparam("now"), _READY)
    .values(state="claimed", claimed_until=bindparam("until"), tries=outbox.c.tries + 1)
    .returning(
        outbox.c.id,
        outbox.c.kind,
        outbox.c.row_id,
        outbox.c.queue,
        outbox.c.priority,
        outbox.c.tries,
        outbox.c.created_at,
        outbox.c.slot_at,
    )
)
_TO_RING = (
    select(outbox.c.id, outbox.c.queue, outbox.c.rung_at.is_not(None).label("rung"))
    .where(
        or_(
            and_(
                outbox.c.state == "new",
                or_(outbox.c.rung_at.is_(None), outbox.c.rung_at < bindparam("again")),
            ),
            and_(
                outbox.c.state == "claimed",
                outbox.c.claimed_until < bindparam("now"),
                or_(outbox.c.rung_at.is_(None), outbox.c.rung_at < bindparam("again")),
            ),
        ),
        outbox.c.due_at <= bindparam("now"),
    )
    .order_by(outbox.c.priority, outbox.c.id)
    .limit(20)
)
_LATE_CRISIS = (
    select(outbox.c.id)
    .where(
        outbox.c.priority == CRISIS,
        outbox.c.due_at <= bindparam("late"),
        or_(
            outbox.c.state == "new",
            and_(outbox.c.state == "claimed", outbox.c.claimed_until < bindparam("now")),
        ),
    )
    .order_by(outbox.c.id)
    .limit(20)
)
_LATE_OF = (
    select(outbox.c.id)
    .where(outbox.c.queue == bindparam("queue"), outbox.c.due_at <= bindparam("late"), _READY)
    .order_by(outbox.c.priority, outbox.c.id)
    .limit(20)
)


def _is_held_by(effect: Effect) -> tuple[ColumnElement[bool], ...]:
    """Each claim counts a try, by which its holder is known."""
    return (outbox.c.id == effect.id, outbox.c.state == "claimed", outbox.c.tries == effect.tries)


def put(
    tx: Transaction,
    *,
    key: str,
    kind: str,
    row_id: int,
    queue: str,
    priority: int,
    due_at: datetime,
    now: datetime,
) -> int | None:
    """Write an effect down; its id, None when the same effect is already here."""
    return insert_quietly(
        tx,
        outbox,
        key=key,
        kind=kind,
        row_id=row_id,
        queue=queue,
        priority=priority,
        state="new",
        due_at=due_at,
        tries=0,
        created_at=now,
    )


def claim(tx: Transaction, outbox_id: int, now: datetime, lease: timedelta) -> Effect | None:
    """Take an effect that is due; None when somebody has it, it is done, or it is not yet time."""
    row = tx.connection.execute(
        _CLAIM, {"outbox_id": outbox_id, "now": now, "until": now + lease}
    ).first()
    return None if row is None else Effect(*row)


def hold(tx: Transaction, effect: Effect, now: datetime, lease: timedelta) -> bool:
    """Have a claimed effect for so long from now; False when somebody else has it by now.

    Whoever waited for a lock or for the carrier's log may have lost it meanwhile, and must
    not do what another does already.
    """
    held = tx.connection.execute(
        update(outbox).where(*_is_held_by(effect)).values(claimed_until=now + lease)
    )
    return held.rowcount > 0


def done(tx: Transaction, outbox_id: int, now: datetime, error: str | None = None) -> None:
    """It happened (or never will: `error` says why)."""
    tx.connection.execute(
        update(outbox)
        .where(outbox.c.id == outbox_id)
        .values(state="failed" if error else "done", done_at=now, error=error and error[:64])
    )


def drop(tx: Transaction, outbox_id: int, now: datetime, why: str) -> None:
    """It is not wanted any more: nothing failed, nothing was done."""
    tx.connection.execute(
        update(outbox)
        .where(outbox.c.id == outbox_id)
        .values(state="done", done_at=now, error=why[:64])
    )


def count_failed(tx: Transaction, since: datetime) -> int:
    """Effects that the carrier refused or that were given up since then."""
    counted = select(func.count(outbox.c.id)).where(
        outbox.c.state == "failed", outbox.c.done_at >= since
    )
    return int(tx.connection.execute(counted).scalar_one())


def later(tx: Transaction, effect: Effect, due_at: datetime, error: str) -> None:
    """Try again then; what is done or claimed anew stays so, whoever comes late."""
    tx.connection.execute(
        update(outbox)
        .where(*_is_held_by(effect))
        .values(state="new", due_at=due_at, claimed_until=None, rung_at=None, error=error[:64])
    )


def put_off(
    tx: Transaction, effect: Effect, due_at: datetime, *, slot_at: datetime | None = None
) -> None:
    """Nothing was tried: come back then. `slot_at` keeps a place in line until it is used."""
    tx.connection.execute(
        update(outbox)
        .where(*_is_held_by(effect))
        .values(
            state="new",
            due_at=due_at,
            slot_at=slot_at,
            claimed_until=None,
            rung_at=None,
            tries=outbox.c.tries - 1,
        )
    )


def use_slot(tx: Transaction, outbox_id: int) -> None:
    """The place in line is used up: another try needs another one."""
    tx.connection.execute(update(outbox).where(outbox.c.id == outbox_id).values(slot_at=None))


def list_to_ring(
    tx: Transaction, now: datetime, ring_again_after: timedelta
) -> list[tuple[int, str, bool]]:
    """(id, queue, rung before) of due effects not rung, or rung long ago; crisis first."""
    rows = tx.connection.execute(_TO_RING, {"now": now, "again": now - ring_again_after})
    return [(row.id, row.queue, bool(row.rung)) for row in rows]


def mark_rung(tx: Transaction, ids: list[int], now: datetime) -> None:
    """Their bell was rung."""
    tx.connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(rung_at=now))


def list_late_crisis(tx: Transaction, now: datetime, late: timedelta) -> list[int]:
    """Crisis effects that nobody has started in time."""
    rows = tx.connection.execute(_LATE_CRISIS, {"now": now, "late": now - late})
    return list(rows.scalars())


def list_late_of(tx: Transaction, queue: str, now: datetime, late: timedelta) -> list[int]:
    """Effects of this queue that nobody has started in time, the most urgent first; 20 at most."""
    rows = tx.connection.execute(_LATE_OF, {"queue": queue, "now": now, "late": now - late})
    return list(rows.scalars())


def has_open(tx: Transaction, kind: str) -> bool:
    """Is an effect of this kind waiting or being carried out?"""
    found = select(outbox.c.id).where(outbox.c.kind == kind, outbox.c.state.in_(("new", "claimed")))
    return tx.connection.execute(found.limit(1)).first() is not None


def cancel(tx: Transaction, kind: str, row_id: int, now: datetime) -> bool:
    """Not wanted any more, if nobody has started it; False when somebody has."""
    result = tx.connection.execute(
        update(outbox)
        .where(outbox.c.kind == kind, outbox.c.row_id == row_id, outbox.c.state == "new")
        .values(state="done", done_at=now, error="canceled")
    )
    return result.rowcount > 0


def count_open(tx: Transaction) -> int:
    """Effects not yet carried out."""
    counted = select(func.count(outbox.c.id)).where(outbox.c.state.in_(("new", "claimed")))
    return int(tx.connection.execute(counted).scalar_one())


def oldest_due(tx: Transaction, now: datetime) -> datetime | None:
    """When the oldest effect that is due became due."""
    found: datetime | None = tx.connection.execute(
        select(outbox.c.due_at)
        .where(outbox.c.state.in_(("new", "claimed")), outbox.c.due_at <= now)
        .order_by(outbox.c.due_at)
        .limit(1)
    ).scalar_one_or_none()
    return found
