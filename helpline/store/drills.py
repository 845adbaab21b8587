"""Drills: an exercise page to everybody on duty, and who answered it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, insert, select, update

from helpline.domain.delivery import LegState, TextState
from helpline.store.database import Transaction
from helpline.store.tables import attempt, drill, drill_notice, message

_OVER = [state for state in LegState if state.is_final]


@dataclass(frozen=True, slots=True)
class Drill:
    """An exercise. Answers count until `ends_at`, or until it was ended before."""

    id: int
    started_at: datetime
    ends_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person was sent in a drill: a text and a ring.

    `ring` is "waiting", "asked" (of the carrier), "accepted", "refused", "unknown", "too late"
    or "on a call"; `text` is the state of the text at the carrier, None when there was none.
    """

    id: int
    drill_id: int
    staff_id: int
    token: str
    ring: str
    error: str | None
    text: TextState | None
    text_answered_at: datetime | None
    call_answered_at: datetime | None

    @property
    def answered_at(self) -> datetime | None:
        """The first answer, by either channel."""
        answers = [at for at in (self.text_answered_at, self.call_answered_at) if at is not None]
        return min(answers, default=None)


_NOTICES = select(
    drill_notice.c.id,
    drill_notice.c.drill_id,
    drill_notice.c.staff_id,
    drill_notice.c.token,
    drill_notice.c.state.label("ring"),
    drill_notice.c.error,
    message.c.state.label("text"),
    drill_notice.c.text_answered_at,
    drill_notice.c.call_answered_at,
).outerjoin(message, message.c.id == drill_notice.c.message_id)
_DRILLS = select(drill.c.id, drill.c.started_at, drill.c.ends_at, drill.c.ended_at)


def start(tx: Transaction, now: datetime, ends_at: datetime) -> int:
    """A new drill; its id."""
    made = insert(drill).values(started_at=now, ends_at=ends_at).returning(drill.c.id)
    return int(tx.connection.execute(made).scalar_one())


def notify(tx: Transaction, drill_id: int, staff_id: int, token: str, message_id: int) -> int:
    """Write down what one person is sent; the notice's id."""
    made = insert(drill_notice).values(
        drill_id=drill_id, staff_id=staff_id, token=token, message_id=message_id, state="waiting"
    )
    return int(tx.connection.execute(made.returning(drill_notice.c.id)).scalar_one())


def find_open(tx: Transaction, now: datetime) -> Drill | None:
    """The drill that is going on."""
    going_on = _DRILLS.where(drill.c.ended_at.is_(None), drill.c.ends_at > now)
    row = tx.connection.execute(going_on.order_by(drill.c.id.desc()).limit(1)).first()
    return None if row is None else Drill(*row)


def find_latest(tx: Transaction) -> Drill | None:
    """The drill that was started last, over or not."""
    row = tx.connection.execute(_DRILLS.order_by(drill.c.id.desc()).limit(1)).first()
    return None if row is None else Drill(*row)


def get(tx: Transaction, drill_id: int) -> Drill:
    """The drill with this id.

    Raises:
        LookupError: there is none.
    """
    row = tx.connection.execute(_DRILLS.where(drill.c.id == drill_id)).first()
    if row is None:
        raise LookupError(f"no drill {drill_id}")
    return Drill(*row)


def end(tx: Transaction, drill_id: int, now: datetime) -> bool:
    """The drill is over; False when it was."""
    done = update(drill).where(drill.c.id == drill_id, drill.c.ended_at.is_(None))
    return tx.connection.execute(done.values(ended_at=now)).rowcount == 1


def list_notices(tx: Transaction, drill_id: int) -> list[Notice]:
    """Everybody who was sent something."""
    rows = tx.connection.execute(
        _NOTICES.where(drill_notice.c.drill_id == drill_id).order_by(drill_notice.c.id)
    )
    return [_notice(row) for row in rows]


def get_notice(tx: Transaction, notice_id: int) -> Notice:
    """The notice with this id.

    Raises:
        LookupError: there is none.
    """
    row = tx.connection.execute(_NOTICES.where(drill_notice.c.id == notice_id)).first()
    if row is None:
        raise LookupError(f"no notice {notice_id}")
    return _notice(row)


def find_by_token(tx: Transaction, token: str) -> Notice | None:
    """The notice whose opaque id stands in a callback address."""
    row = tx.connection.execute(_NOTICES.where(drill_notice.c.token == token)).first()
    return None if row is None else _notice(row)


def find_of_person(tx: Transaction, drill_id: int, staff_id: int) -> Notice | None:
    """What this person was sent in this drill."""
    mine = (drill_notice.c.drill_id == drill_id) & (drill_notice.c.staff_id == staff_id)
    row = tx.connection.execute(_NOTICES.where(mine)).first()
    return None if row is None else _notice(row)


def move_ring(
    tx: Transaction, notice_id: int, before: str, after: str, error: str | None = None
) -> bool:
    """What came of asking the carrier to ring; False when it was no longer as `before`."""
    done = (
        update(drill_notice)
        .where(drill_notice.c.id == notice_id, drill_notice.c.state == before)
        .values(state=after, error=error and error[:64])
    )
    return tx.connection.execute(done).rowcount == 1


def answer_call(tx: Transaction, notice_id: int, now: datetime) -> bool:
    """They pressed 1; False when they had."""
    mine = (drill_notice.c.id == notice_id) & drill_notice.c.call_answered_at.is_(None)
    done = update(drill_notice).where(mine).values(call_answered_at=now)
    return tx.connection.execute(done).rowcount == 1


def answer_text(tx: Transaction, notice_id: int, now: datetime) -> bool:
    """They texted OK; False when they had."""
    mine = (drill_notice.c.id == notice_id) & drill_notice.c.text_answered_at.is_(None)
    done = update(drill_notice).where(mine).values(text_answered_at=now)
    return tx.connection.execute(done).rowcount == 1


def is_on_a_call(tx: Transaction, staff_id: int) -> bool:
    """Is this person being rung or talking for the line?"""
    live = exists().where(attempt.c.staff_id == staff_id, attempt.c.state.not_in(_OVER))
    return bool(tx.connection.execute(select(live)).scalar_one())


def _notice(row: object) -> Notice:
    known = dict(row._mapping)  # type: ignore[attr-defined]
    known["text"] = TextState(known["text"]) if known["text"] else None
    return Notice(**known)
