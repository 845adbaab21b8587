"""Who is with a caller beside the specialist: colleagues and others who were asked in."""

from datetime import datetime

from sqlalchemy import exists, func, or_, select, update

from helpline.domain.delivery import LegState
from helpline.domain.phone import PhoneNumber
from helpline.store import attempts
from helpline.store.attempts import Attempt
from helpline.store.database import Transaction
from helpline.store.tables import attempt, outbox

KINDS = ("peer", "third")

_OPEN = attempt.c.state.not_in([state for state in LegState if state.is_final])
_rung = or_(
    attempt.c.state != LegState.PLANNED,
    exists().where(outbox.c.kind == "leg", outbox.c.row_id == attempt.c.id),
)
"""A number that was typed and not confirmed yet has a leg, and nothing that would ring it."""


def list_open(tx: Transaction, callback_id: int) -> list[Attempt]:
    """Whoever was asked into this call, and is rung or there; typed numbers too."""
    return attempts.list_where(
        tx, attempt.c.callback_id == callback_id, attempt.c.leg.in_(KINDS), _OPEN
    )


def find_rung(
    tx: Transaction, callback_id: int, kind: str, *, but: int | None = None
) -> Attempt | None:
    """The one of this kind who is being rung or is there: never two at a time.

    `but` is the leg that asks.
    """
    found = attempts.list_where(
        tx, attempt.c.callback_id == callback_id, attempt.c.leg == kind, _OPEN, _rung
    )
    return next((leg for leg in found if leg.id != but), None)


def list_typed(tx: Transaction, host_id: int) -> list[Attempt]:
    """Numbers that were typed on this leg and not confirmed."""
    return attempts.list_where(
        tx, attempt.c.host_id == host_id, attempt.c.leg == "third", _OPEN, ~_rung
    )


def forget_typed(tx: Transaction, host_id: int, now: datetime) -> None:
    """Whatever was typed on this leg and not confirmed is never rung."""
    for leg in list_typed(tx, host_id):
        attempts.move(tx, leg.id, LegState.CANCELED, now)


def find_typed(tx: Transaction, host_id: int, phone: PhoneNumber) -> Attempt | None:
    """This number, if it was typed on this leg and not confirmed."""
    return next((leg for leg in list_typed(tx, host_id) if leg.phone == phone), None)


def find_colleague(tx: Transaction, callback_id: int, than_id: int) -> Attempt | None:
    """A leg on which somebody else of the staff talks to the caller, the first who came."""
    found = attempts.list_where(
        tx,
        attempt.c.callback_id == callback_id,
        attempt.c.leg.in_(attempts.STAFF),
        attempt.c.result == "taken",
        attempt.c.staff_id != than_id,
        _OPEN,
    )
    return found[0] if found else None


def is_there(tx: Transaction, callback_id: int, staff_id: int) -> bool:
    """Does this person talk to the caller?"""
    found = attempts.list_where(
        tx,
        attempt.c.callback_id == callback_id,
        attempt.c.staff_id == staff_id,
        attempt.c.result == "taken",
        _OPEN,
    )
    return bool(found)


def list_declined(tx: Transaction, callback_id: int) -> set[int]:
    """Colleagues who were asked into this call and did not come: they are not asked again."""
    found = select(attempt.c.staff_id).where(
        attempt.c.callback_id == callback_id, attempt.c.leg == "peer", ~_OPEN
    )
    return set(tx.connection.execute(found).scalars())


def returned(tx: Transaction, leg_id: int, now: datetime) -> None:
    """They left the room for the keys and went back into it; the first time is kept."""
    tx.connection.execute(
        update(attempt)
        .where(attempt.c.id == leg_id)
        .values(returned_at=func.coalesce(attempt.c.returned_at, now))
    )


def list_returned(tx: Transaction, callback_id: int) -> list[Attempt]:
    """Legs of staff that once went back into the room of this call and are not over."""
    return attempts.list_where(
        tx, attempt.c.callback_id == callback_id, attempt.c.returned_at.is_not(None), _OPEN
    )
