"""Staff: who they are, whether they can be reached, who has been idle longest."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select, update

from helpline.domain.delivery import LegState
from helpline.domain.phone import PhoneNumber
from helpline.store.database import Transaction
from helpline.store.tables import attempt, caller, case, staff
from helpline.store.upsert import insert_quietly

_OVER = [state for state in LegState if state.is_final]


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff. `languages` are ISO codes, `tier` is the ladder's (1 first).

    `set_aside`: their number failed too often and is not rung. `takes_texts` is False after
    they told the carrier to stop.
    """

    id: int
    name: str
    phone: PhoneNumber
    role: str
    languages: tuple[str, ...]
    tier: int
    available: bool
    disabled: bool
    set_aside: bool = False
    takes_texts: bool = True


_COLUMNS = select(
    staff.c.id,
    staff.c.name,
    staff.c.phone,
    staff.c.role,
    staff.c.languages,
    staff.c.tier,
    staff.c.presence,
    staff.c.disabled_at,
    staff.c.set_aside_at,
    staff.c.texts_refused_at,
)
_ON_A_CALL = exists(
    select(attempt.c.id).where(attempt.c.staff_id == staff.c.id, attempt.c.state.not_in(_OVER))
)
_ACTIVE = staff.c.disabled_at.is_(None)
_OFFERED = _ACTIVE & (staff.c.presence == "available") & staff.c.set_aside_at.is_(None)


def add(
    tx: Transaction,
    *,
    name: str,
    phone: PhoneNumber,
    role: str,
    languages: Collection[str],
    tier: int,
    now: datetime,
) -> int:
    """Add somebody, or update the one with this number, who is rung again; the id."""
    index = tx.keys.index(phone.e164)
    values = {
        "name": name,
        "phone": phone.e164,
        "role": role,
        "languages": ",".join(languages),
        "tier": tier,
        "disabled_at": None,
        "hard_failures": 0,
        "set_aside_at": None,
    }
    added = insert_quietly(
        tx,
        staff,
        **values,
        phone_index=index,
        presence="available",
        idle_since=now,
        created_at=now,
    )
    if added is not None:
        return added
    result = tx.connection.execute(
        update(staff).where(staff.c.phone_index == index).values(**values).returning(staff.c.id)
    )
    return int(result.scalar_one())


def disable(tx: Transaction, staff_id: int, now: datetime) -> bool:
    """They work here no longer; False when there is nobody with this id."""
    result = tx.connection.execute(
        update(staff).where(staff.c.id == staff_id, _ACTIVE).values(disabled_at=now)
    )
    return result.rowcount == 1


def list_all(tx: Transaction) -> list[Person]:
    """Everybody, disabled ones too."""
    return _people(tx, staff.c.id.is_not(None))


def get(tx: Transaction, staff_id: int) -> Person:
    """The person with this id.

    Raises:
        LookupError: there is none.
    """
    found = _people(tx, staff.c.id == staff_id)
    if not found:
        raise LookupError(f"no staff {staff_id}")
    return found[0]


def list_tier(tx: Transaction, tier: int) -> list[Person]:
    """Reachable specialists of a tier: away ones are left out (CONTRACT 2)."""
    return _people(
        tx,
        _ACTIVE
        & (staff.c.role == "specialist")
        & (staff.c.tier == tier)
        & (staff.c.presence == "available"),
    )


def list_supervisors(tx: Transaction) -> list[Person]:
    """Supervisors and admins, away ones too: the page must end at somebody."""
    return _people(tx, _ACTIVE & staff.c.role.in_(("supervisor", "admin")))


def list_active(tx: Transaction) -> list[Person]:
    """All staff who still work here, whatever their presence."""
    return _people(tx, _ACTIVE)


def list_free(tx: Transaction) -> list[Person]:
    """Available specialists who are not being rung and not on a call, longest idle first."""
    return _people(
        tx,
        _OFFERED & (staff.c.role == "specialist") & ~_ON_A_CALL,
        by_idle=True,
    )


def set_presence(tx: Transaction, staff_id: int, *, available: bool) -> None:
    """AVAILABLE or AWAY; whoever is available is rung again, also after hard failures."""
    values: dict[str, object] = {"presence": "available" if available else "away"}
    if available:
        values |= {"hard_failures": 0, "set_aside_at": None}
    tx.connection.execute(update(staff).where(staff.c.id == staff_id).values(**values))


def leave(tx: Transaction, staff_id: int) -> bool:
    """AWAY; False when they were."""
    result = tx.connection.execute(
        update(staff)
        .where(staff.c.id == staff_id, staff.c.presence == "available")
        .values(presence="away")
    )
    return result.rowcount == 1


def number_works(tx: Transaction, staff_id: int) -> None:
    """Their telephone rang: earlier failures do not count any more."""
    tx.connection.execute(
        update(staff)
        .where(staff.c.id == staff_id, staff.c.hard_failures > 0)
        .values(hard_failures=0)
    )


def number_failed(tx: Transaction, staff_id: int, most: int, now: datetime) -> bool:
    """One more hard failure in a row; True when this one sets the number aside."""
    tx.connection.execute(
        update(staff).where(staff.c.id == staff_id).values(hard_failures=staff.c.hard_failures + 1)
    )
    result = tx.connection.execute(
        update(staff)
        .where(
            staff.c.id == staff_id, staff.c.hard_failures >= most, staff.c.set_aside_at.is_(None)
        )
        .values(set_aside_at=now)
    )
    return result.rowcount == 1


def refuse_texts(tx: Transaction, staff_id: int, now: datetime) -> bool:
    """They told the carrier to stop; False when that was known."""
    result = tx.connection.execute(
        update(staff)
        .where(staff.c.id == staff_id, staff.c.texts_refused_at.is_(None))
        .values(texts_refused_at=now)
    )
    return result.rowcount == 1


def accept_texts(tx: Transaction, staff_id: int) -> None:
    """They told the carrier to start again."""
    tx.connection.execute(update(staff).where(staff.c.id == staff_id).values(texts_refused_at=None))


def lock(tx: Transaction, staff_ids: Collection[int]) -> None:
    """Lock these people, in one order: who is free to be rung is then asked by one at a time."""
    tx.connection.execute(
        select(staff.c.id)
        .where(staff.c.id.in_(staff_ids))
        .order_by(staff.c.id)
        .with_for_update(key_share=True)
    )


def is_talking(tx: Transaction, staff_id: int) -> bool:
    """Have they taken a call that is not over?"""
    found = select(attempt.c.id).where(
        attempt.c.staff_id == staff_id,
        attempt.c.result == "taken",
        attempt.c.state.not_in(_OVER),
    )
    return tx.connection.execute(found.limit(1)).first() is not None


def is_rung_for_page(tx: Transaction, staff_id: int, since: datetime) -> bool:
    """Does their telephone ring for a page? One asked for before then has stopped ringing."""
    asked_at = func.coalesce(attempt.c.answered_at, attempt.c.deadline_at, attempt.c.created_at)
    found = select(attempt.c.id).where(
        attempt.c.staff_id == staff_id,
        attempt.c.page_id.is_not(None),
        attempt.c.result.is_(None),
        attempt.c.state.not_in(_OVER),
        asked_at >= since,
    )
    return tx.connection.execute(found.limit(1)).first() is not None


def touch(tx: Transaction, staff_id: int, now: datetime) -> None:
    """They were just rung or on a call: to the back of the line."""
    tx.connection.execute(update(staff).where(staff.c.id == staff_id).values(idle_since=now))


def lock_for_ring(tx: Transaction, staff_id: int) -> bool:
    """Lock the person; False when they are rung or talking by now.

    Two statements: the first may wait for a rival, and only a second one sees what the
    rival planned meanwhile.
    """
    return _lock_idle(tx, (staff.c.id == staff_id) & _OFFERED)


def lock_for_wish(tx: Transaction, staff_id: int) -> bool:
    """The same for somebody who asks to be rung, away or not."""
    return _lock_idle(tx, (staff.c.id == staff_id) & _ACTIVE)


def _lock_idle(tx: Transaction, here: ColumnElement[bool]) -> bool:
    tx.connection.execute(select(staff.c.id).where(here).with_for_update())
    return tx.connection.execute(select(staff.c.id).where(here, ~_ON_A_CALL)).first() is not None


def _people(tx: Transaction, where: ColumnElement[bool], *, by_idle: bool = False) -> list[Person]:
    order = staff.c.idle_since if by_idle else staff.c.id
    rows = tx.connection.execute(_COLUMNS.where(where).order_by(order, staff.c.id))
    return [
        Person(
            id=row.id,
            name=row.name,
            phone=PhoneNumber(row.phone),
            role=row.role,
            languages=tuple(row.languages.split(",")),
            tier=row.tier,
            available=row.presence == "available",
            disabled=row.disabled_at is not None,
            set_aside=row.set_aside_at is not None,
            takes_texts=row.texts_refused_at is None,
        )
        for row in rows
    ]


def find_author(tx: Transaction, case_id: int) -> int | None:
    """The member of staff whose own case this is."""
    found: int | None = tx.connection.execute(
        select(staff.c.id)
        .join(caller, caller.c.address_index == staff.c.phone_index)
        .join(case, case.c.caller_id == caller.c.id)
        .where(case.c.id == case_id)
    ).scalar_one_or_none()
    return found


def find_by_phone(tx: Transaction, phone: PhoneNumber) -> Person | None:
    """Whoever works here and has this telephone."""
    found = _people(tx, _ACTIVE & (staff.c.phone_index == tx.keys.index(phone.e164)))
    return found[0] if found else None
