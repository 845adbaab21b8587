"""The life of a promised call: claimed, accepted, given back, ended. All compare-and-set."""

from datetime import datetime

from sqlalchemy import text, update

from helpline.domain.disposition import Disposition
from helpline.store.callbacks.rows import LIVE, NEVER
from helpline.store.database import Transaction
from helpline.store.tables import OFFERED, callback


def rung_from(not_before: datetime) -> dict[str, object]:
    """Rung from this time on. Whoever writes the time writes it with this.

    A row whose time has changed is not ready before the guard has looked at the new one.
    """
    return {"not_before": not_before, "ready": False}


def claim(tx: Transaction, callback_id: int, specialist_id: int, lease_until: datetime) -> bool:
    """Ring this specialist for it; False when somebody else has it, or it is offered no longer."""
    return move(
        tx,
        callback_id,
        ("waiting",),
        text(OFFERED),
        callback.c.not_before < NEVER,
        state="claimed",
        specialist_id=specialist_id,
        lease_until=lease_until,
    )


def accept(tx: Transaction, callback_id: int, specialist_id: int, lease_until: datetime) -> bool:
    """The specialist who was rung takes it."""
    return move(
        tx,
        callback_id,
        ("claimed",),
        callback.c.specialist_id == specialist_id,
        state="talking",
        lease_until=lease_until,
    )


def take_over(tx: Transaction, callback_id: int, specialist_id: int, lease_until: datetime) -> bool:
    """Whoever acknowledged the page takes the call from the queue, or from a ringing colleague."""
    return move(
        tx,
        callback_id,
        ("waiting", "claimed"),
        state="talking",
        specialist_id=specialist_id,
        lease_until=lease_until,
    )


def relieve(
    tx: Transaction, callback_id: int, former_id: int, specialist_id: int, lease_until: datetime
) -> bool:
    """Whoever acknowledged the page takes the call from one who has hung up; False when it has
    moved on. The same person may come in again."""
    return move(
        tx,
        callback_id,
        ("talking",),
        callback.c.specialist_id == former_id,
        specialist_id=specialist_id,
        lease_until=lease_until,
    )


def give_back(
    tx: Transaction,
    callback_id: int,
    *,
    not_before: datetime,
    tried: bool,
    specialist_id: int | None = None,
) -> bool:
    """Back to the pool; `tried` counts an attempt at the caller. The time first asked stays."""
    mine = [] if specialist_id is None else [callback.c.specialist_id == specialist_id]
    return move(
        tx,
        callback_id,
        ("claimed", "talking"),
        *mine,
        state="waiting",
        specialist_id=None,
        lease_until=None,
        **rung_from(not_before),
        tries=callback.c.tries + (1 if tried else 0),
    )


def finish(tx: Transaction, callback_id: int, state: str, result: str, now: datetime) -> bool:
    """End it: done, exhausted or canceled; False when it had ended before."""
    return move(tx, callback_id, LIVE, state=state, result=result, finished_at=now,
                 lease_until=None)  # fmt: skip


def extend(tx: Transaction, callback_id: int, lease_until: datetime) -> None:
    """The call goes on: keep the lease alive."""
    move(tx, callback_id, ("claimed", "talking"), lease_until=lease_until)


def hurry(tx: Transaction, callback_id: int, not_before: datetime) -> bool:
    """Texts cannot arrive: ring as soon as somebody is free, unless a ring is held back."""
    rings = callback.c.not_before < NEVER
    return move(tx, callback_id, ("waiting",), rings, **rung_from(not_before))


def agree(tx: Transaction, callback_id: int, *, not_before: datetime, due_at: datetime) -> bool:
    """Caller and human agreed on a time; the time first asked stays. False when it is taken."""
    return move(
        tx,
        callback_id,
        ("waiting",),
        **rung_from(not_before),
        due_at=due_at,
        text_only=False,
        warn_at=None,
        late_at=None,
    )


def lower(tx: Transaction, callback_id: int, to: Disposition, due_at: datetime) -> bool:
    """A human decided that it is less urgent; whoever is rung or talks goes on."""
    return move(
        tx, callback_id, LIVE, disposition=int(to), rank=int(to), due_at=due_at, warn_at=None,
        late_at=None,
    )  # fmt: skip


def move(
    tx: Transaction, callback_id: int, from_states: tuple[str, ...], *where: object, **to: object
) -> bool:
    """From one of these states to what is given, where all the rest is true; did it?"""
    result = tx.connection.execute(
        update(callback)
        .where(callback.c.id == callback_id, callback.c.state.in_(from_states), *where)  # type: ignore[arg-type]
        .values(**to)
    )
    return result.rowcount == 1
