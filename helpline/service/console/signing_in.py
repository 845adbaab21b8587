"""Signing in to the staff pages: password, second factor, sessions that lock and end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from helpline.domain.rights import Right, need
from helpline.runtime import Clock, Runtime
from helpline.service.console import passwords
from helpline.store import Store, Transaction, accounts, journal, people
from helpline.store.accounts import Credential, Session, Stage
from helpline.store.people import Person

WATCHED = timedelta(minutes=15)
"""Failures count for so long."""
MOST_BY_NAME, MOST_BY_ADDRESS = 5, 30
"""So many failures in that time, and the next try is refused unread."""
IDLE = timedelta(minutes=30)
"""Without a sign of the person the page locks; the password opens it again."""
LONGEST = timedelta(hours=14)
"""A shift with its hand-over: then everybody signs in anew."""
SECOND_WITHIN = timedelta(minutes=5)
SEEN_EVERY = timedelta(seconds=30)
INVITED_FOR = timedelta(hours=72)


class Refusal(StrEnum):
    """Why somebody is not let in; the value is the key of the words that say so."""

    WRONG = "signin_wrong"
    OFTEN = "signin_often"
    EXPIRED = "signin_expired"
    TAKEN = "login_taken"
    NO_LOGIN = "login_missing"
    CODE = "code_wrong"


@dataclass(frozen=True, slots=True)
class Opened:
    """A session was opened or rotated: this token is the browser's; `stage` is what is missing."""

    token: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sits at the browser. `locked`: they were away, the password is asked again."""

    person: Person
    session_id: int
    stage: Stage
    locked: bool


def begin(rt: Runtime, *, login: str, password: str, address: str) -> Opened | Refusal:
    """Name and password. What is wrong is not said: neither whether the name exists."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        if _too_often(tx, login, address, now):
            return Refusal.OFTEN
        known = accounts.find_credential(tx, login)
        person = people.get(tx, known.staff_id) if known else None
    # Outside the transaction: it takes its time on purpose.
    fits = passwords.fits(password, known.password if known else None)
    if known is None or person is None or not fits or person.disabled:
        _failed(rt, login, address, known, now)
        return Refusal.WRONG
    renewed = passwords.make_hash(password) if passwords.is_outdated(known.password) else None
    stage = Stage.OPEN if known.totp is None else Stage.SECOND
    token = passwords.new_token()
    with rt.store.begin() as tx:
        if renewed:
            accounts.keep_password(tx, known.staff_id, renewed, now)
        accounts.open_session(tx, staff_id=known.staff_id, token=token, stage=stage, now=now)
        if stage is Stage.OPEN:
            accounts.tried(tx, login=login, address=address, worked=True, now=now)
            _note(tx, "signed in", known.staff_id, now)
    return Opened(token, stage)


def second(rt: Runtime, token: str, *, code: str, address: str) -> Opened | Refusal:
    """The code of the authenticator, or one from paper. The session gets a new token."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        found = accounts.find_session(tx, token)
        if found is None or now - found.created_at > SECOND_WITHIN:
            return Refusal.EXPIRED
        known = accounts.find_credential_of(tx, found.staff_id)
        if known is None or found.stage is not Stage.SECOND:
            return Refusal.EXPIRED
        if _too_often(tx, known.login, address, now):
            return Refusal.OFTEN
        how = _used(tx, known, code, now)
        accounts.tried(tx, login=known.login, address=address, worked=bool(how), now=now)
        if how is None:
            _note(tx, "second factor refused", known.staff_id, now)
            return Refusal.CODE
        _note(tx, "signed in", known.staff_id, now, how=how)
        return _rotate(tx, found, now)


def _used(tx: Transaction, known: Credential, code: str, now: datetime) -> str | None:
    step = passwords.find_step(known.totp or "", code, now) if known.totp else None
    if step is not None and accounts.use_step(tx, known.staff_id, step):
        return "code"
    plain = code.strip().lower()
    return "recovery" if accounts.use_recovery(tx, known.staff_id, plain, now) else None


def _rotate(tx: Transaction, old: Session, now: datetime) -> Opened:
    """Another token for the same person: one that somebody planted before opens nothing."""
    accounts.end_session(tx, old.id)
    token = passwords.new_token()
    accounts.open_session(tx, staff_id=old.staff_id, token=token, stage=Stage.OPEN, now=now)
    return Opened(token, Stage.OPEN)


def find_visitor(rt: Runtime, token: str, *, active: bool) -> Visitor | None:
    """Whose browser this is. `active`: the person did something, a page that refreshes did not."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        found = accounts.find_session(tx, token)
        if found is None or now - found.created_at > LONGEST:
            return None
        if found.stage is Stage.SECOND and now - found.created_at > SECOND_WITHIN:
            return None
        person = people.get(tx, found.staff_id)
    if person.disabled:
        return None
    locked = now - found.seen_at > IDLE
    if active and not locked and now - found.seen_at > SEEN_EVERY:
        with rt.store.begin() as tx:
            accounts.saw_session(tx, found.id, now)
    return Visitor(person, found.id, found.stage, locked)


def unlock(rt: Runtime, token: str, *, password: str, address: str) -> Opened | Refusal:
    """Back at the page after a pause: the password alone, and a new token."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        found = accounts.find_session(tx, token)
        known = accounts.find_credential_of(tx, found.staff_id) if found else None
        if found is None or known is None or found.stage is not Stage.OPEN:
            return Refusal.EXPIRED
        if _too_often(tx, known.login, address, now):
            return Refusal.OFTEN
    if not passwords.fits(password, known.password):
        _failed(rt, known.login, address, known, now)
        return Refusal.WRONG
    with rt.store.begin() as tx:
        accounts.tried(tx, login=known.login, address=address, worked=True, now=now)
        _note(tx, "unlocked", known.staff_id, now)
        return _rotate(tx, found, now)


def sign_out(rt: Runtime, token: str) -> None:
    """This browser is nobody's any more."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        found = accounts.find_session(tx, token)
        if found is not None and accounts.end_session(tx, found.id):
            _note(tx, "signed out", found.staff_id, now)


@dataclass(frozen=True, slots=True)
class Invited:
    """Whoever opened a link of ours: their name, and the secret of their second factor to be."""

    person: Person
    totp: str


def invite(store: Store, clock: Clock, staff_id: int, *, actor: str) -> str:
    """The token of a link with which this person chooses how to sign in; it works once.

    Raises:
        LookupError: nobody with this id works here.
    """
    now = clock.now()
    token = passwords.new_token()
    with store.begin() as tx:
        person = people.get(tx, staff_id)
        if person.disabled:
            raise LookupError(f"staff {staff_id} works here no longer")
        accounts.invite(
            tx, staff_id=staff_id, token=token, totp=passwords.new_secret(),
            expires_at=now + INVITED_FOR,
        )  # fmt: skip
        journal.note(tx, "invited", "staff", staff_id, now=now, actor=actor)
    return token


def invite_from_page(rt: Runtime, by: Person, staff_id: int) -> str:
    """The same, asked for by an admin on a page.

    Raises:
        NotAllowed: they are no admin.
        LookupError: nobody with this id works here.
    """
    need(by.role, Right.ADMINISTER)
    return invite(rt.store, rt.clock, staff_id, actor=f"staff:{by.id}")


def find_invited(rt: Runtime, token: str) -> Invited | None:
    """Whose link this is; None when it was used or is too old."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        found = accounts.find_invitation(tx, token, now)
        if found is None:
            return None
        person = people.get(tx, found.staff_id)
    return None if person.disabled else Invited(person, found.totp)


def accept(
    rt: Runtime, token: str, *, login: str, password: str, code: str
) -> tuple[Opened, list[str]] | Refusal:
    """Name, password and a first code of the authenticator: the session and recovery codes.

    Raises:
        WeakPassword: the password would not do; the link still works.
    """
    now = rt.clock.now()
    invited = find_invited(rt, token)
    if invited is None:
        return Refusal.EXPIRED
    if not login.strip():
        return Refusal.NO_LOGIN
    passwords.check_new(password, login, invited.person.name)
    step = passwords.find_step(invited.totp, code, now)
    if step is None:
        return Refusal.CODE
    kept = passwords.make_hash(password)
    codes = passwords.new_codes()
    fresh = passwords.new_token()
    staff_id = invited.person.id
    with rt.store.begin() as tx:
        found = accounts.find_invitation(tx, token, now)
        if found is None:
            return Refusal.EXPIRED
        if not accounts.keep_credential(
            tx, staff_id=staff_id, login=login, password=kept, totp=invited.totp, now=now
        ):
            return Refusal.TAKEN
        if not accounts.use_invitation(tx, found.id, now):
            return Refusal.EXPIRED
        accounts.use_step(tx, staff_id, step)
        accounts.replace_recovery(tx, staff_id, codes)
        accounts.end_sessions_of(tx, staff_id)
        accounts.open_session(tx, staff_id=staff_id, token=fresh, stage=Stage.OPEN, now=now)
        _note(tx, "accepted invitation", staff_id, now)
    return Opened(fresh, Stage.OPEN), codes


def keep_practice_account(store: Store, clock: Clock, *, staff_id: int, login: str,
                          password: str) -> None:  # fmt: skip
    """An account without a second factor, for practice mode alone, where nobody is real."""
    now = clock.now()
    kept = passwords.make_hash(password)
    with store.begin() as tx:
        if accounts.find_credential_of(tx, staff_id) is None:
            accounts.keep_credential(
                tx, staff_id=staff_id, login=login, password=kept, totp=None, now=now
            )


def forget_old(rt: Runtime) -> None:
    """Sessions that are over and tries that count no more. Run by the guard."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        accounts.end_old_sessions(tx, now - LONGEST)
        accounts.forget_tries(tx, now - 2 * WATCHED)


def _too_often(tx: Transaction, login: str, address: str, now: datetime) -> bool:
    by_name, by_address = accounts.count_failures(
        tx, login=login, address=address, since=now - WATCHED
    )
    return by_name >= MOST_BY_NAME or by_address >= MOST_BY_ADDRESS


def _failed(rt: Runtime, login: str, address: str, known: Credential | None, now: datetime) -> None:
    with rt.store.begin() as tx:
        accounts.tried(tx, login=login, address=address, worked=False, now=now)
        if known is not None:
            _note(tx, "sign-in refused", known.staff_id, now)


def _note(tx: Transaction, action: str, staff_id: int, now: datetime, **detail: str) -> None:
    journal.note(tx, action, "staff", staff_id, now=now, actor=f"staff:{staff_id}", **detail)
