"""Callers and conversations: found by blind index, locked, saved."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, func, select, text, update

from helpline.domain.phone import PhoneNumber
from helpline.store.database import Road, Transaction
from helpline.store.prepared import Prepared
from helpline.store.tables import callback, caller, case, conversation, staff
from helpline.store.upsert import insert_quietly


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation, with what a decision about it needs to know.

    `version` counts its moves: who decided without a lock may move it only if it is still
    the same. A newcomer has no row yet: `conversation_id` is 0.

    `progress` is JSON, empty for a new caller. The open case is the caller's, whichever
    of our lines it came from; `holder_id` is the human who has it. `staffed` when somebody
    below supervisor can be reached. `textless` when the carrier said that texts never reach
    this telephone, a landline. `blocked` when a supervisor decided that only danger is answered.
    """

    conversation_id: int
    caller_id: int
    line: str
    whatsapp: bool
    progress: str
    opted_out: bool
    case_id: int | None
    holder_id: int | None
    staffed: bool
    is_staff: bool
    promised: bool
    version: int
    textless: bool
    blocked: bool
    address: str

    @property
    def phone(self) -> PhoneNumber | None:
        """The caller's number; None for a WhatsApp user id."""
        return PhoneNumber(self.address) if self.address.startswith("+") else None


_STAFFED = exists(
    select(staff.c.id).where(
        staff.c.presence == "available",
        staff.c.role == "specialist",
        staff.c.disabled_at.is_(None),
        staff.c.set_aside_at.is_(None),
    )
)
_OPEN_CASE = (case.c.caller_id == conversation.c.caller_id) & (case.c.state == "open")
PLACES = (
    select(
        conversation.c.id,
        conversation.c.caller_id,
        conversation.c.line,
        conversation.c.whatsapp,
        conversation.c.progress,
        conversation.c.opted_out_at.is_not(None).label("opted_out"),
        case.c.id.label("case_id"),
        case.c.holder_id,
        _STAFFED.label("staffed"),
        exists(
            select(staff.c.id).where(
                staff.c.phone_index == caller.c.address_index, staff.c.disabled_at.is_(None)
            )
        ).label("is_staff"),
        exists(
            select(callback.c.id).where(
                callback.c.caller_id == conversation.c.caller_id,
                text("callback.state IN ('waiting', 'claimed', 'talking')"),
            )
        ).label("promised"),
        conversation.c.version,
        (caller.c.texts_refused_at.is_not(None) & conversation.c.whatsapp.is_(False)).label(
            "textless"
        ),
        caller.c.blocked_at.is_not(None).label("blocked"),
    )
    .join(caller, caller.c.id == conversation.c.caller_id)
    .outerjoin(case, _OPEN_CASE)
)
"""The fields of a `Place` in their order, all but the last, the address."""
_BY_ADDRESS = PLACES.where(
    caller.c.address_index == bindparam("address_index"),
    conversation.c.line == bindparam("line"),
)
_FIND = Prepared(_BY_ADDRESS)
_BY_ID = Prepared(
    PLACES.add_columns(caller.c.address).where(conversation.c.id == bindparam("conversation_id"))
)
_ours = conversation.alias("ours")
_LOCK_ALL = Prepared(
    select(conversation.c.id)
    .where(
        conversation.c.caller_id
        == select(_ours.c.caller_id)
        .where(_ours.c.id == bindparam("conversation_id"))
        .scalar_subquery()
    )
    .order_by(conversation.c.id)
    .with_for_update()
)
_LOCK_BY_ADDRESS = Prepared(
    select(conversation.c.id)
    .where(
        conversation.c.caller_id
        == select(caller.c.id)
        .where(caller.c.address_index == bindparam("address_index"))
        .scalar_subquery()
    )
    .order_by(conversation.c.id)
    .with_for_update()
)
"""Every conversation of the caller, in one order: their case and their promise are one, and two
transactions that come from two of our lines must not wait for each other in a circle."""
_NEWCOMER = Prepared(
    select(
        _STAFFED.label("staffed"),
        exists(
            select(staff.c.id).where(
                staff.c.phone_index == bindparam("address_index"), staff.c.disabled_at.is_(None)
            )
        ).label("is_staff"),
    )
)
_SAVE = Prepared(
    update(conversation)
    .where(conversation.c.id == bindparam("conversation_id"))
    .values(
        {
            name: bindparam(name, type_=conversation.c[name].type)
            for name in ("progress", "wake_at", "heard_at", "whatsapp")
        }
        | {"version": conversation.c.version + 1}
    )
)
_HEARD = Prepared(
    update(conversation)
    .where(conversation.c.id == bindparam("conversation_id"))
    .values(
        {
            name: bindparam(name, type_=conversation.c[name].type)
            for name in ("progress", "heard_at")
        }
        | {"version": conversation.c.version + 1}
    )
)
_PROGRESS = Prepared(
    select(conversation.c.id, conversation.c.progress).where(
        conversation.c.caller_id == bindparam("caller_id")
    )
)
_WAKE = (
    select(conversation.c.id)
    .where(conversation.c.wake_at <= bindparam("now"))
    .order_by(conversation.c.wake_at)
)


def find(tx: Transaction | Road, address: str, line: str) -> Place:
    """The conversation of this address with this line, not locked; a newcomer's when none is."""
    index = tx.keys.index(address)
    rows = _FIND.run(tx, address_index=index, line=line)
    if rows:
        return Place(*(*rows[0], address))
    staffed, is_staff = _NEWCOMER.run(tx, address_index=index)[0]
    return Place(
        0, 0, line, False, "", False, None, None, staffed, is_staff, False, 0, False, False, address
    )


def lock(tx: Transaction, address: str, line: str) -> Place | None:
    """The conversation of this address with this line; the caller's are locked. None when new.

    First the lock, then the reading: PostgreSQL sees what a rival wrote meanwhile only in a
    statement that begins after the wait.
    """
    index = tx.keys.index(address)
    _LOCK_BY_ADDRESS.run(tx, address_index=index)
    rows = _FIND.run(tx, address_index=index, line=line)
    return Place(*(*rows[0], address)) if rows else None


def lock_by_id(tx: Transaction, conversation_id: int) -> Place:
    """The conversation with this id; all of its caller's are locked, then it is read.

    Raises:
        LookupError: there is none.
    """
    _LOCK_ALL.run(tx, conversation_id=conversation_id)
    rows = _BY_ID.run(tx, conversation_id=conversation_id)
    if not rows:
        raise LookupError(f"no conversation {conversation_id}")
    return Place(*rows[0])


def get(tx: Transaction, conversation_id: int) -> Place:
    """The conversation with this id, not locked.

    Raises:
        LookupError: there is none.
    """
    rows = _BY_ID.run(tx, conversation_id=conversation_id)
    if not rows:
        raise LookupError(f"no conversation {conversation_id}")
    return Place(*rows[0])


def create(tx: Transaction, address: str, line: str, *, whatsapp: bool, now: datetime) -> Place:
    """A new caller or a new conversation, locked; somebody else may create it just now."""
    introduce(tx, address, line, whatsapp=whatsapp, now=now)
    place = lock(tx, address, line)
    assert place is not None  # noqa: S101 - inserted or found one line above
    return place


def introduce(
    tx: Transaction, address: str, line: str, *, whatsapp: bool, now: datetime
) -> tuple[int, int] | None:
    """The new conversation's and its caller's ids; None when somebody was quicker."""
    index = tx.keys.index(address)
    caller_id = insert_quietly(tx, caller, address=address, address_index=index, created_at=now)
    if caller_id is None:
        known = select(caller.c.id).where(caller.c.address_index == index)
        caller_id = int(tx.connection.execute(known).scalar_one())
    conversation_id = insert_quietly(
        tx,
        conversation,
        caller_id=caller_id,
        line=line,
        whatsapp=whatsapp,
        progress="",
        version=0,
        heard_at=now,
        created_at=now,
    )
    return None if conversation_id is None else (conversation_id, caller_id)


def save(
    tx: Transaction,
    place: Place,
    progress: str,
    *,
    wake_at: datetime | None,
    heard_at: datetime,
    whatsapp: bool,
) -> None:
    """Keep where the caller stands and when to look again."""
    _SAVE.run(
        tx,
        conversation_id=place.conversation_id,
        progress=progress,
        wake_at=wake_at,
        heard_at=heard_at,
        whatsapp=whatsapp,
    )


def heard(tx: Transaction, place: Place, progress: str, now: datetime) -> None:
    """Keep where a caller stands who rang; what silence after their texts owes is still owed."""
    _HEARD.run(tx, conversation_id=place.conversation_id, progress=progress, heard_at=now)


def keep_progress(tx: Transaction, place: Place, progress: str) -> None:
    """What staff learned of a caller who said nothing just now: their own clocks go on."""
    tx.connection.execute(
        update(conversation)
        .where(conversation.c.id == place.conversation_id)
        .values(progress=progress, version=conversation.c.version + 1)
    )


def opt(tx: Transaction, conversation_id: int, opted_out_at: datetime | None) -> None:
    """Texts are unwelcome since then, or welcome again (None)."""
    tx.connection.execute(
        update(conversation)
        .where(conversation.c.id == conversation_id)
        .values(opted_out_at=opted_out_at, version=conversation.c.version + 1)
    )


def refuse_texts(tx: Transaction, caller_id: int, now: datetime) -> None:
    """Texts never reach this caller's telephone."""
    tx.connection.execute(
        update(caller).where(caller.c.id == caller_id).values(texts_refused_at=now)
    )


def accept_texts(tx: Transaction, caller_id: int) -> None:
    """They wrote: texts may reach them after all."""
    tx.connection.execute(
        update(caller).where(caller.c.id == caller_id).values(texts_refused_at=None)
    )


def list_to_wake(tx: Transaction, now: datetime) -> list[int]:
    """Conversations whose silence has lasted as long as their policy says, oldest first."""
    return list(tx.connection.execute(_WAKE, {"now": now}).scalars())


def is_to_wake(tx: Transaction, conversation_id: int, now: datetime) -> bool:
    """Is this one's silence still due, now that it is locked?"""
    found = select(conversation.c.id).where(
        conversation.c.id == conversation_id, conversation.c.wake_at <= now
    )
    return tx.connection.execute(found).first() is not None


def list_progress(tx: Transaction, caller_id: int) -> dict[int, str]:
    """Where a caller stands in each of their conversations: JSON by conversation id."""
    rows = _PROGRESS.run(tx, caller_id=caller_id)
    return {int(row[0]): str(row[1]) for row in rows}


def count(tx: Transaction) -> int:
    """How many conversations there are."""
    return int(tx.connection.execute(select(func.count(conversation.c.id))).scalar_one())
