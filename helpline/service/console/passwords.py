"""Passwords, second factors and recovery codes: how they are made and checked.

Passwords are hashed with argon2id at the parameters the library recommends (RFC 9106); second
factors are time-based codes (RFC 6238).
"""

import hmac
import secrets
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 256
"""Letters of a password. Long ones are better than odd ones (NIST SP 800-63B, 5.1.1)."""
CODES = 10
_STEP = 30
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that looks like something else on paper."""

_hasher = PasswordHasher()
_NOBODYS = PasswordHasher().hash(secrets.token_hex(16))
"""Checked when a name is nobody's, so that the time it takes tells nothing."""


class WeakPassword(Exception):
    """It cannot be a password; the text is the key of the words that say why."""


def check_new(password: str, login: str, name: str) -> None:
    """Refuse what others would try first.

    Raises:
        WeakPassword: too short, too long, or made of the person's own name.
    """
    if len(password) < SHORTEST:
        raise WeakPassword("password_short")
    if len(password) > LONGEST:
        raise WeakPassword("password_long")
    plain = password.casefold()
    own = {part for word in (login, name) for part in word.casefold().split() if len(part) > 3}
    if len(set(plain)) < 5 or any(part in plain for part in own):
        raise WeakPassword("password_guessable")


def make_hash(password: str) -> str:
    """What is kept of a password. Takes a good part of 0.1 s on purpose: in no transaction."""
    return _hasher.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Is this the password? Takes as long when nobody has the name."""
    try:
        return _hasher.verify(kept or _NOBODYS, password[: 2 * LONGEST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Was it hashed with weaker parameters than are used now?"""
    return _hasher.check_needs_rehash(kept)


def new_secret() -> str:
    """The secret of a second factor, in base 32."""
    return pyotp.random_base32()


def address_of(secret: str, *, login: str, org: str) -> str:
    """What the QR code holds for an authenticator (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=org)


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, one step early or late allowed; None for a wrong code."""
    given = "".join(code.split())
    current = int(now.timestamp()) // _STEP
    totp = pyotp.TOTP(secret)
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.at(step * _STEP).encode(), given.encode()):
            return step
    return None


def new_codes() -> list[str]:
    """Recovery codes, each good for one sign-in without the second factor."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))
        for _ in range(CODES)
    ]


def new_token() -> str:
    """Something nobody guesses."""
    return secrets.token_urlsafe(32)
