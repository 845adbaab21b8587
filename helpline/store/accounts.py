"""Signing in: credentials, invitations, recovery codes, sessions, tries.

Tokens and codes are kept as keyed hashes only: who reads the database can use none of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, func, insert, select, update

from helpline.store.database import Transaction
from helpline.store.tables import credential, invitation, recovery_code, session, sign_in_try
from helpline.store.upsert import upsert


class Stage(StrEnum):
    """How far a sign-in has come: the second factor is missing, or nothing is."""

    SECOND = "second"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Credential:
    """How somebody signs in. `totp` is the secret of their second factor; None in practice mode.

    `totp_step` is the last time step that was used: a code works once (RFC 6238, 5.2).
    """

    staff_id: int
    login: str
    password: str
    totp: str | None
    totp_step: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at a browser. `seen_at` is when they last did something."""

    id: int
    staff_id: int
    stage: Stage
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """One use of a link with which somebody chooses login and password."""

    id: int
    staff_id: int
    totp: str
    expires_at: datetime


_CREDENTIAL = select(
    credential.c.staff_id,
    credential.c.login,
    credential.c.password,
    credential.c.totp,
    credential.c.totp_step,
)


def _plain(login: str) -> str:
    return "login:" + login.strip().casefold()


def find_credential(tx: Transaction, login: str) -> Credential | None:
    """Whoever signs in under this name; capitals make no difference."""
    row = tx.connection.execute(
        _CREDENTIAL.where(credential.c.login_index == tx.keys.index(_plain(login)))
    ).first()
    return None if row is None else Credential(*row)


def find_credential_of(tx: Transaction, staff_id: int) -> Credential | None:
    """How this person signs in."""
    row = tx.connection.execute(_CREDENTIAL.where(credential.c.staff_id == staff_id)).first()
    return None if row is None else Credential(*row)


def keep_credential(
    tx: Transaction, *, staff_id: int, login: str, password: str, totp: str | None, now: datetime
) -> bool:
    """Theirs from now on, in place of what they had; False when the name is a colleague's."""
    index = tx.keys.index(_plain(login))
    taken = select(credential.c.staff_id).where(
        credential.c.login_index == index, credential.c.staff_id != staff_id
    )
    if tx.connection.execute(taken).first() is not None:
        return False
    upsert(
        tx, credential, "staff_id", staff_id=staff_id, login=login.strip(), login_index=index,
        password=password, totp=totp, totp_step=0, changed_at=now,
    )  # fmt: skip
    return True


def keep_password(tx: Transaction, staff_id: int, password: str, now: datetime) -> None:
    """Another password, or the same one hashed anew."""
    tx.connection.execute(
        update(credential)
        .where(credential.c.staff_id == staff_id)
        .values(password=password, changed_at=now)
    )


def use_step(tx: Transaction, staff_id: int, step: int) -> bool:
    """This time step's code is used up; False when it was, or a later one."""
    moved = tx.connection.execute(
        update(credential)
        .where(credential.c.staff_id == staff_id, credential.c.totp_step < step)
        .values(totp_step=step)
    )
    return moved.rowcount == 1


def replace_recovery(tx: Transaction, staff_id: int, codes: Collection[str]) -> None:
    """These codes, and none of those before."""
    tx.connection.execute(delete(recovery_code).where(recovery_code.c.staff_id == staff_id))
    tx.connection.execute(
        insert(recovery_code),
        [{"staff_id": staff_id, "code_index": _code(tx, staff_id, code)} for code in codes],
    )


def use_recovery(tx: Transaction, staff_id: int, code: str, now: datetime) -> bool:
    """This recovery code is used up; False when it is none of theirs, or was used."""
    used = tx.connection.execute(
        update(recovery_code)
        .where(
            recovery_code.c.code_index == _code(tx, staff_id, code),
            recovery_code.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return used.rowcount == 1


def count_recovery(tx: Transaction, staff_id: int) -> int:
    """How many recovery codes they have left."""
    left = select(func.count(recovery_code.c.id)).where(
        recovery_code.c.staff_id == staff_id, recovery_code.c.used_at.is_(None)
    )
    return int(tx.connection.execute(left).scalar_one())


def _code(tx: Transaction, staff_id: int, code: str) -> str:
    return tx.keys.index(f"recovery:{staff_id}:{code}")


def invite(tx: Transaction, *, staff_id: int, token: str, totp: str, expires_at: datetime) -> None:
    """A link for this person; links of theirs that were not used work no longer."""
    tx.connection.execute(
        delete(invitation).where(invitation.c.staff_id == staff_id, invitation.c.used_at.is_(None))
    )
    tx.connection.execute(
        insert(invitation).values(
            staff_id=staff_id,
            token_index=tx.keys.index(f"invitation:{token}"),
            totp=totp,
            expires_at=expires_at,
        )
    )


def find_invitation(tx: Transaction, token: str, now: datetime) -> Invitation | None:
    """The invitation of this link, unless it is used or too old."""
    row = tx.connection.execute(
        select(
            invitation.c.id, invitation.c.staff_id, invitation.c.totp, invitation.c.expires_at
        ).where(
            invitation.c.token_index == tx.keys.index(f"invitation:{token}"),
            invitation.c.used_at.is_(None),
            invitation.c.expires_at > now,
        )
    ).first()
    return None if row is None else Invitation(*row)


def use_invitation(tx: Transaction, invitation_id: int, now: datetime) -> bool:
    """This link is used up; False when it was."""
    used = tx.connection.execute(
        update(invitation)
        .where(invitation.c.id == invitation_id, invitation.c.used_at.is_(None))
        .values(used_at=now)
    )
    return used.rowcount == 1


def open_session(
    tx: Transaction, *, staff_id: int, token: str, stage: Stage, now: datetime
) -> None:
    """Somebody is at a browser that holds this token."""
    tx.connection.execute(
        insert(session).values(
            staff_id=staff_id,
            token_index=tx.keys.index(f"session:{token}"),
            stage=stage,
            created_at=now,
            seen_at=now,
        )
    )


def find_session(tx: Transaction, token: str) -> Session | None:
    """The session of this token, however old."""
    row = tx.connection.execute(
        select(
            session.c.id,
            session.c.staff_id,
            session.c.stage,
            session.c.created_at,
            session.c.seen_at,
        ).where(session.c.token_index == tx.keys.index(f"session:{token}"))
    ).first()
    if row is None:
        return None
    return Session(row.id, row.staff_id, Stage(row.stage), row.created_at, row.seen_at)


def saw_session(tx: Transaction, session_id: int, now: datetime) -> None:
    """They did something just now."""
    tx.connection.execute(update(session).where(session.c.id == session_id).values(seen_at=now))


def end_session(tx: Transaction, session_id: int) -> bool:
    """The token opens nothing any more; False when it was ended."""
    ended = tx.connection.execute(delete(session).where(session.c.id == session_id))
    return ended.rowcount == 1


def end_sessions_of(tx: Transaction, staff_id: int) -> None:
    """Everywhere this person is signed in they are no longer."""
    tx.connection.execute(delete(session).where(session.c.staff_id == staff_id))


def end_old_sessions(tx: Transaction, before: datetime) -> None:
    """Sessions begun before then are over."""
    tx.connection.execute(delete(session).where(session.c.created_at < before))


def tried(tx: Transaction, *, login: str, address: str, worked: bool, now: datetime) -> None:
    """Somebody tried to sign in from this network address."""
    tx.connection.execute(
        insert(sign_in_try).values(
            login_index=tx.keys.index(_plain(login)),
            address_index=tx.keys.index(f"address:{address}"),
            at=now,
            worked=worked,
        )
    )


def count_failures(
    tx: Transaction, *, login: str, address: str, since: datetime
) -> tuple[int, int]:
    """Failures since then: under this name since it last worked, and from this address."""
    name = sign_in_try.c.login_index == tx.keys.index(_plain(login))
    place = sign_in_try.c.address_index == tx.keys.index(f"address:{address}")
    last = select(func.max(sign_in_try.c.id)).where(
        name, sign_in_try.c.worked.is_(True), sign_in_try.c.at >= since
    )
    worked_at = tx.connection.execute(last).scalar_one() or 0
    failed = sign_in_try.c.worked.is_(False) & (sign_in_try.c.at >= since)
    count = func.count(sign_in_try.c.id)
    under = select(count).where(name, failed, sign_in_try.c.id > worked_at)
    from_here = select(count).where(place, failed)
    return (
        int(tx.connection.execute(under).scalar_one()),
        int(tx.connection.execute(from_here).scalar_one()),
    )


def forget_tries(tx: Transaction, before: datetime) -> None:
    """Tries so old count for nothing."""
    tx.connection.execute(delete(sign_in_try).where(sign_in_try.c.at < before))
