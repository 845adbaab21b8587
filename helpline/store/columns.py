"""Column types: text sealed with a key ring, and times that are always aware UTC."""

import base64
import hashlib
import hmac
import os
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Sealed(RuntimeError):
    """A stored text cannot be opened with any of HELPLINE_ENCRYPTION_KEYS."""


_NO_KEY = "no key of HELPLINE_ENCRYPTION_KEYS opens this row"
_SEALED = b"\x01"
"""First byte of what is sealed now; a Fernet token begins with 0x80."""
_NONCE_BYTES = 12
_PURPOSE = b"helpline column seal 1"
_BLOCK = 16
_END = b"\x80"


class KeyRing:
    """Seals texts (first key) and opens them (any key); makes blind indexes with its own key.

    AES-256-GCM under keys derived from the Fernet keys (ADR 0010). What was sealed with
    Fernet itself is still opened.
    """

    def __init__(self, encryption_keys: tuple[str, ...], index_key: str) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in encryption_keys])
        self._ciphers = tuple(_cipher(key) for key in encryption_keys)
        self._index_key = index_key.encode()

    def seal(self, text: str) -> bytes:
        """The sealed form. It tells the length of the text to the next sixteen bytes only."""
        plain = text.encode("utf-8", "replace") + _END
        padded = plain + bytes(-len(plain) % _BLOCK)
        nonce = os.urandom(_NONCE_BYTES)
        return _SEALED + nonce + self._ciphers[0].encrypt(nonce, padded, _SEALED)

    def open(self, sealed: bytes) -> str:
        """The text again.

        Raises:
            Sealed: no key of the ring fits.
        """
        if not sealed.startswith(_SEALED):
            return self._open_token(sealed)
        nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for cipher in self._ciphers:
            try:
                padded = cipher.decrypt(nonce, content, _SEALED)
            except (InvalidTag, ValueError):
                # Another key's, or too short to be anybody's.
                continue
            return padded[: padded.rindex(_END)].decode()
        raise Sealed(_NO_KEY)

    def _open_token(self, sealed: bytes) -> str:
        """A row from before ADR 0010: a Fernet token without its base64."""
        try:
            return self._fernet.decrypt(base64.urlsafe_b64encode(sealed)).decode()
        except InvalidToken as error:
            raise Sealed(_NO_KEY) from error

    def index(self, text: str) -> str:
        """A keyed hash by which a number is found without being readable."""
        return hmac.new(self._index_key, text.encode(), hashlib.sha256).hexdigest()


def _cipher(fernet_key: str) -> AESGCM:
    """Never the Fernet key itself: one key serves one algorithm."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return AESGCM(derive.derive(base64.urlsafe_b64decode(fernet_key)))


class Encrypted(TypeDecorator[str]):
    """Text at rest under the engine's key ring (`database.open_engine` attaches it)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Seal on the way in."""
        return None if value is None else _ring(dialect).seal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Open on the way out."""
        return None if value is None else _ring(dialect).open(bytes(value))


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they have no meaning."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _ring(dialect: Dialect) -> KeyRing:
    ring: KeyRing = dialect.helpline_key_ring  # type: ignore[attr-defined]
    return ring
