"""The ledger of telephone legs: written before the carrier is asked, moved forward only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update

from helpline.domain.delivery import LegState, leg_forward
from helpline.domain.phone import PhoneNumber
from helpline.store.database import Transaction
from helpline.store.tables import attempt, callback, outbox

MACHINE, VOICEMAIL_LEFT = "machine", "voicemail left"
"""Results: a machine has ended its greeting; words were left on it."""

STAFF = ("staff", "peer")

_OVER = [state for state in LegState if state.is_final]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One leg, of one of these kinds (`leg`):

    "staff", "caller", "outside": the crisis line; "peer": a colleague asked into a call, and
    "third": anybody else asked in, at `phone`. `host_id` is the leg from which these were asked.

    `asked_at` is when the carrier was asked last (at the latest); before that, when the leg
    was planned. A leg may wait long before it is rung, so its age is counted from here.
    """

    id: int
    token: str
    leg: str
    case_id: int
    callback_id: int | None
    page_id: int | None
    staff_id: int | None
    state: LegState
    sid: str | None
    result: str | None
    created_at: datetime
    asked_at: datetime
    host_id: int | None = None
    phone: PhoneNumber | None = None


_asked_at = func.coalesce(attempt.c.deadline_at, attempt.c.created_at)
_COLUMNS = select(
    attempt.c.id,
    attempt.c.token,
    attempt.c.leg,
    attempt.c.case_id,
    attempt.c.callback_id,
    attempt.c.page_id,
    attempt.c.staff_id,
    attempt.c.state,
    attempt.c.sid,
    attempt.c.result,
    attempt.c.created_at,
    _asked_at.label("asked_at"),
    attempt.c.host_id,
    attempt.c.phone,
)


def plan(
    tx: Transaction,
    *,
    token: str,
    leg: str,
    case_id: int,
    now: datetime,
    callback_id: int | None = None,
    page_id: int | None = None,
    staff_id: int | None = None,
    host_id: int | None = None,
    phone: PhoneNumber | None = None,
) -> int:
    """Write down a leg that is to be rung; its id."""
    result = tx.connection.execute(
        insert(attempt)
        .values(
            token=token,
            leg=leg,
            case_id=case_id,
            callback_id=callback_id,
            page_id=page_id,
            staff_id=staff_id,
            host_id=host_id,
            phone=phone.e164 if phone else None,
            state=LegState.PLANNED,
            created_at=now,
        )
        .returning(attempt.c.id)
    )
    return int(result.scalar_one())


def get(tx: Transaction, attempt_id: int) -> Attempt:
    """The leg with this id.

    Raises:
        LookupError: there is none.
    """
    found = _one(tx, attempt.c.id == attempt_id)
    if found is None:
        raise LookupError(f"no attempt {attempt_id}")
    return found


def find_by_token(tx: Transaction, token: str) -> Attempt | None:
    """The leg whose opaque id stands in a callback address."""
    return _one(tx, attempt.c.token == token)


def find_caller_leg(tx: Transaction, callback_id: int) -> Attempt | None:
    """The leg to the caller that is not over: never two (DESIGN promise 6)."""
    return _one(
        tx,
        (attempt.c.callback_id == callback_id)
        & (attempt.c.leg == "caller")
        & attempt.c.state.not_in(_OVER),
    )


def find_holding(tx: Transaction, case_id: int) -> Attempt | None:
    """The leg of a caller who waits on the line for a person, if they do."""
    return _one(
        tx,
        (attempt.c.case_id == case_id)
        & (attempt.c.leg == "caller")
        & (attempt.c.result == "holding")
        & (attempt.c.state == LegState.ANSWERED),
    )


def find_outside(tx: Transaction, case_id: int) -> Attempt | None:
    """The leg to an outside line about this case that is not over."""
    return _one(
        tx,
        (attempt.c.case_id == case_id)
        & (attempt.c.leg == "outside")
        & attempt.c.state.not_in(_OVER),
    )


def list_staff_legs(
    tx: Transaction, *, page_id: int | None = None, callback_id: int | None = None
) -> list[Attempt]:
    """Legs to staff that are not over, of a page or a callback; colleagues asked in are staff."""
    where = attempt.c.page_id == page_id if page_id else attempt.c.callback_id == callback_id
    return list_where(tx, where, attempt.c.leg.in_(STAFF), attempt.c.state.not_in(_OVER))


def list_engaged(
    tx: Transaction, staff_ids: Collection[int], case_id: int, since: datetime
) -> tuple[set[int], set[int]]:
    """Of these people: whose telephone rings for a page, and who talks about another case
    than `case_id`.

    A leg asked for before `since` that nobody picked up has stopped ringing, whatever its
    receipts say: a lost one must not keep a telephone silent.
    """
    open_leg = and_(
        attempt.c.staff_id.in_(staff_ids), attempt.c.leg.in_(STAFF), attempt.c.state.not_in(_OVER)
    )
    ringing = select(attempt.c.staff_id).where(
        open_leg,
        attempt.c.page_id.is_not(None),
        attempt.c.result.is_(None),
        func.coalesce(attempt.c.answered_at, _asked_at) >= since,
    )
    talking = (
        select(attempt.c.staff_id)
        .join(callback, callback.c.id == attempt.c.callback_id)
        .where(
            open_leg,
            attempt.c.result == "taken",
            callback.c.state == "talking",
            or_(callback.c.specialist_id == attempt.c.staff_id, attempt.c.leg == "peer"),
            callback.c.case_id != case_id,
        )
    )
    return (
        set(tx.connection.execute(ringing).scalars()),
        set(tx.connection.execute(talking).scalars()),
    )


def count_rings_before(tx: Transaction, leg: Attempt) -> int:
    """How often the telephone of this member of staff was rung before this leg."""
    counted = select(func.count(attempt.c.id)).where(
        attempt.c.staff_id == leg.staff_id, attempt.c.id < leg.id
    )
    return int(tx.connection.execute(counted).scalar_one())


def latest_connected(tx: Transaction, callback_id: int) -> Attempt | None:
    """The last leg to the caller, if they were spoken to on it: an earlier round's is not."""
    last = _one(tx, (attempt.c.callback_id == callback_id) & (attempt.c.leg == "caller"))
    return last if last is not None and last.result == "connected" else None


def move(
    tx: Transaction,
    attempt_id: int,
    state: LegState,
    now: datetime,
    *,
    sid: str | None = None,
    error_code: int | None = None,
    deadline_at: datetime | None = None,
) -> bool:
    """Move a leg forward; False when it is already as far (a late or repeated receipt)."""
    current = tx.connection.execute(
        select(attempt.c.state).where(attempt.c.id == attempt_id).with_for_update()
    ).scalar_one()
    forward = leg_forward(LegState(current), state)
    values: dict[str, object] = {}
    if sid is not None:
        values["sid"] = sid
    if error_code is not None:
        values["error_code"] = error_code
    if deadline_at is not None:
        values["deadline_at"] = deadline_at
    if forward is state and state.value != current:
        values["state"] = state
        if state is LegState.ANSWERED:
            values["answered_at"] = now
        if state.is_final:
            values["ended_at"] = now
    if values:
        tx.connection.execute(update(attempt).where(attempt.c.id == attempt_id).values(**values))
    return "state" in values


def set_result(tx: Transaction, attempt_id: int, result: str) -> bool:
    """What came of the leg (taken, passed, connected, …); only the first clear word counts."""
    settled_by: list[ColumnElement[bool]] = [attempt.c.result.is_(None)]
    if result != "unclear":
        settled_by.append(attempt.c.result == "unclear")
    done = tx.connection.execute(
        update(attempt).where(attempt.c.id == attempt_id, or_(*settled_by)).values(result=result)
    )
    return done.rowcount == 1


def change_result(tx: Transaction, attempt_id: int, was: str, result: str) -> bool:
    """What came of the leg after all; False when it is not what it was thought to be."""
    done = tx.connection.execute(
        update(attempt)
        .where(attempt.c.id == attempt_id, attempt.c.result == was)
        .values(result=result)
    )
    return done.rowcount == 1


def has_other_with_result(tx: Transaction, leg: Attempt, result: str) -> bool:
    """Did another leg of the same promise come to this?"""
    found = select(attempt.c.id).where(
        attempt.c.callback_id == leg.callback_id,
        attempt.c.id != leg.id,
        attempt.c.result == result,
    )
    return tx.connection.execute(found.limit(1)).first() is not None


def list_lost(tx: Transaction, *, unanswered: datetime, doubtful: datetime) -> list[Attempt]:
    """Rings without news for too long: their last receipt may be lost, oldest first.

    Waiting or ringing since before `unanswered`, or in doubt since before `doubtful` with
    nobody trying any more.
    """
    tried = exists().where(
        outbox.c.kind == "leg",
        outbox.c.row_id == attempt.c.id,
        outbox.c.state.in_(("new", "claimed")),
    )
    waits = attempt.c.state.in_([LegState.QUEUED, LegState.RINGING])
    in_doubt = attempt.c.state.in_([LegState.SENDING, LegState.UNKNOWN])
    lost = or_(
        and_(waits, _asked_at < unanswered),
        and_(in_doubt, _asked_at < doubtful, ~tried),
    )
    rows = tx.connection.execute(_COLUMNS.where(lost).order_by(attempt.c.id).limit(50))
    return [_attempt(row) for row in rows]


def list_answered(tx: Transaction, *, after: datetime, before: datetime) -> list[Attempt]:
    """Legs that were picked up between these times and have not ended, oldest first."""
    talks = and_(
        attempt.c.state == LegState.ANSWERED,
        attempt.c.answered_at > after,
        attempt.c.answered_at < before,
    )
    rows = tx.connection.execute(_COLUMNS.where(talks).order_by(attempt.c.id))
    return [_attempt(row) for row in rows]


def list_where(tx: Transaction, *where: ColumnElement[bool]) -> list[Attempt]:
    """Legs of which all this is true, oldest first."""
    rows = tx.connection.execute(_COLUMNS.where(*where).order_by(attempt.c.id))
    return [_attempt(row) for row in rows]


def _one(tx: Transaction, where: ColumnElement[bool]) -> Attempt | None:
    row = tx.connection.execute(
        _COLUMNS.where(where).order_by(attempt.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _attempt(row)


def _attempt(row: object) -> Attempt:
    known = dict(row._mapping)  # type: ignore[attr-defined]
    known["state"] = LegState(known["state"])
    known["phone"] = PhoneNumber(known["phone"]) if known["phone"] else None
    return Attempt(**known)


def connect_holding(tx: Transaction, callback_id: int) -> None:
    """A caller who held for the next specialist is spoken to now."""
    tx.connection.execute(
        update(attempt)
        .where(
            attempt.c.callback_id == callback_id,
            attempt.c.leg == "caller",
            attempt.c.result == "holding",
            attempt.c.state.not_in(_OVER),
        )
        .values(result="connected")
    )


def sid_known(tx: Transaction, sid: str) -> bool:
    """Does a leg of ours already carry this carrier id?"""
    found = select(attempt.c.id).where(attempt.c.sid == sid).limit(1)
    return tx.connection.execute(found).first() is not None


def bind(tx: Transaction, attempt_id: int, callback_id: int) -> None:
    """A paged person's leg now serves the callback it joined."""
    tx.connection.execute(
        update(attempt).where(attempt.c.id == attempt_id).values(callback_id=callback_id)
    )
