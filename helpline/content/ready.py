"""The checked configuration, kept ready: whoever died must be back before it is missed.

Reading, checking and compiling takes seconds, and every process of the line does it when it
starts. The first one keeps the result in a file for the others. The file holds Python objects,
which may run anything when they are read, so it is sealed with a key of the line; what is not
sealed, not whole, or of other files, other code or other libraries is made anew (ADR 0020).
"""

import hashlib
import hmac
import os
import pickle  # nosec B403 - only what our own key sealed is read
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from helpline.content.garbage import all_of_it_stays
from helpline.content.loading import load_protocol
from helpline.domain.protocol import Protocol

_PACKAGE = Path(__file__).parents[1]
_CODE = ("content", "domain")
_LIBRARIES = ("google-re2", "PyYAML", "pyspellchecker")
_SEAL = hashlib.sha256().digest_size


def load_kept(config_dir: Path, file: Path, key: str) -> Protocol:
    """The protocol of `config_dir`, from `file` when that still holds it.

    A file that cannot be read or written costs time, nothing else.

    Raises:
        ContentError: with every mistake of every file.
    """
    made_of = _fingerprint(config_dir)
    kept = _read(file, key, made_of)
    if kept is not None:
        return kept
    protocol = load_protocol(config_dir)
    if _fingerprint(config_dir) == made_of:  # else somebody edits while we read
        with suppress(OSError):
            _write(file, _sealed(protocol, key, made_of))
    return protocol


def _fingerprint(config_dir: Path) -> bytes:
    """Of everything that the result depends on."""
    mark = hashlib.sha256(repr((sys.version, *map(version, _LIBRARIES))).encode())
    for path in _ingredients(config_dir):
        content = path.read_bytes() if path.is_file() else b""
        mark.update(f"{path} {len(content)}\n".encode())
        mark.update(content)
    return mark.digest()


def _ingredients(config_dir: Path) -> Iterator[Path]:
    for kind in ("*.yaml", "*.tsv"):
        yield from sorted(config_dir.rglob(kind))
    for part in _CODE:
        yield from sorted((_PACKAGE / part).rglob("*.py"))


def _seal(content: bytes, key: str, made_of: bytes) -> bytes:
    return hmac.new(f"kept protocol {key}".encode(), made_of + content, "sha256").digest()


def _sealed(protocol: Protocol, key: str, made_of: bytes) -> bytes:
    content = pickle.dumps(protocol, pickle.HIGHEST_PROTOCOL)
    return _seal(content, key, made_of) + content


def _read(file: Path, key: str, made_of: bytes) -> Protocol | None:
    try:
        kept = file.read_bytes()
    except OSError:
        return None
    seal, content = kept[:_SEAL], kept[_SEAL:]
    if not hmac.compare_digest(seal, _seal(content, key, made_of)):
        return None
    with all_of_it_stays():
        protocol: Protocol = pickle.loads(content)  # noqa: S301  # nosec B301 - sealed by us
    return protocol


def _write(file: Path, sealed: bytes) -> None:
    """Whole or not at all, readable for the line alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
            output.write(sealed)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
