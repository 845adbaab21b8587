"""What a sealed value is: opened again by any key of the ring, changed by nobody, silent about its
length; what Fernet sealed before is still opened (ADR 0010)."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from helpline.store import KeyRing, Sealed

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


def ring(*keys: str) -> KeyRing:
    return KeyRing(keys, "index key of the tests, long enough")


@pytest.mark.parametrize(
    "words", ["", "a", "x" * 15, "x" * 16, "é" * 40, "ends\0\0", "\0", "\x80", "a\x80\0", "🐴"]
)
def test_every_text_comes_back(words: str) -> None:
    assert ring(NEW).open(ring(NEW).seal(words)) == words


def test_the_first_key_seals_and_all_open() -> None:
    sealed = ring(NEW, OLD).seal("hi")
    assert ring(FOREIGN, NEW).open(sealed) == "hi"
    assert ring(NEW, OLD).open(ring(OLD).seal("hi")) == "hi"
    with pytest.raises(Sealed):
        ring(OLD).open(sealed)


def test_what_fernet_sealed_is_still_opened() -> None:
    token = base64.urlsafe_b64decode(Fernet(OLD).encrypt("héllo".encode()))
    assert ring(NEW, OLD).open(token) == "héllo"
    with pytest.raises(Sealed):
        ring(NEW).open(token)


def test_a_fernet_key_itself_never_serves_the_new_cipher() -> None:
    sealed, key = ring(NEW).seal("hi"), base64.urlsafe_b64decode(NEW)
    for plain_key in (key, key[:16], key[16:]):
        with pytest.raises(InvalidTag):
            AESGCM(plain_key).decrypt(sealed[1:13], sealed[13:], sealed[:1])


def test_a_changed_byte_opens_nothing() -> None:
    sealed = ring(NEW).seal("I am fine")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Sealed):
            ring(NEW).open(bytes(changed))


@pytest.mark.parametrize(
    "sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x01" + bytes(20), b"\x80"]
)
def test_what_is_too_short_opens_nothing(sealed: bytes) -> None:
    with pytest.raises(Sealed):
        ring(NEW).open(sealed)


def test_short_answers_are_equally_long() -> None:
    assert len({len(ring(NEW).seal(words)) for words in ("", "1", "12", "no", "x" * 15)}) == 1
    assert len(ring(NEW).seal("x" * 16)) > len(ring(NEW).seal("x" * 15))
