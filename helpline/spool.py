"""The spool: a sealed, fsynced folder for what came in while the database was away (DESIGN 7).

One file is one record, written beside its place, synced and renamed into it: a process
killed in mid-write leaves a draft that nobody reads and that nobody was promised. Several
processes write without a lock, because names never meet. Everything is sealed with the
database's own keys.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from helpline.runtime import SpoolBroken, UnreadableRecord
from helpline.store import KeyRing, Sealed

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_RECORDS, _ASIDE, _NOTES, _LOCKS = "records", "aside", "notes", "locks"


class FileSpool:
    """`helpline.runtime.Spool` in a folder. Safe for threads and processes; made when needed."""

    def __init__(self, folder: Path, keys: KeyRing) -> None:
        self._folder = folder
        self._keys = keys

    def append(self, text: str) -> None:
        """Keep a record; on return it is on the disk.

        Raises:
            SpoolBroken: it could not be kept.
        """
        # Nanoseconds first: names sort in the order of arrival.
        self._write(_RECORDS, f"{time.time_ns():020}-{secrets.token_hex(4)}", text)

    def list_waiting(self) -> tuple[str, ...]:
        """Names of the records, oldest first."""
        return self._names(_RECORDS)

    def read(self, name: str) -> str:
        """A record.

        Raises:
            UnreadableRecord: it is damaged, or sealed with a key that is gone.
            LookupError: it is there no longer.
        """
        found = self._read(_RECORDS, name)
        if found is None:
            raise LookupError(f"no record {name}")
        return found

    def remove(self, name: str) -> None:
        """It is in the database now."""
        (self._folder / _RECORDS / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """It cannot be taken in: kept for a human, out of the way of the others."""
        aside = self._folder / _ASIDE
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _broken_as_such():
            (self._folder / _RECORDS / name).rename(aside / name)
            _sync_folder(aside)

    def length(self) -> int:
        """How many records wait to be taken in."""
        return len(self.list_waiting())

    def count_aside(self) -> int:
        """How many records could not be taken in; each needs a human."""
        return len(self._names(_ASIDE))

    def probe(self) -> None:
        """Write, sync and remove something.

        Raises:
            SpoolBroken: a record could not be kept now.
        """
        name = f"probe-{secrets.token_hex(4)}"
        self._write(_NOTES, name, "")
        self.forget(name)

    def keep(self, name: str, text: str) -> None:
        """Keep a note under a name, in place of the one there was.

        Raises:
            SpoolBroken: it could not be kept.
        """
        self._write(_NOTES, name, text)

    def find(self, name: str) -> str | None:
        """The note of this name; None when there is none or nobody can read it."""
        try:
            return self._read(_NOTES, name)
        except UnreadableRecord:
            return None

    def list_notes(self, prefix: str) -> tuple[str, ...]:
        """Names of notes that begin so, sorted."""
        return tuple(name for name in self._names(_NOTES) if name.startswith(prefix))

    def forget(self, name: str) -> None:
        """Throw a note away."""
        (self._folder / _NOTES / name).unlink(missing_ok=True)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Nobody else is in a block of this name meanwhile, in no process of this machine.

        Raises:
            SpoolBroken: the folder cannot be used.
        """
        place = self._folder / _LOCKS / _checked(name)
        with _broken_as_such():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(place)
        with lock:
            try:
                yield
            finally:
                # One that stays does no harm: the next holder takes it.
                with suppress(OSError):
                    place.unlink()

    def _write(self, kind: str, name: str, text: str) -> None:
        folder = self._folder / kind
        draft = folder / f".{_checked(name)}-{secrets.token_hex(4)}"
        with _broken_as_such():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with open(draft, "xb", opener=_private) as file:
                    file.write(self._keys.seal(text))
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(folder / name)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(folder)

    def _read(self, kind: str, name: str) -> str | None:
        try:
            return self._keys.open((self._folder / kind / _checked(name)).read_bytes())
        except FileNotFoundError:
            return None
        except (Sealed, OSError, ValueError) as error:
            raise UnreadableRecord(type(error).__name__) from error

    def _names(self, kind: str) -> tuple[str, ...]:
        try:
            names = os.listdir(self._folder / kind)
        except OSError:
            # Nothing was ever kept, or the folder cannot be read: `probe` tells which.
            return ()
        return tuple(sorted(name for name in names if _NAME.fullmatch(name)))


@contextmanager
def _broken_as_such() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolBroken(type(error).__name__) from error


def _locked(place: Path) -> IO[str]:
    """The lock's file, held. Whoever held it before has removed it: then the next one counts."""
    while True:
        lock = place.open("a")
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), place.stat()):
                return lock
        lock.close()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("not a name of the spool")
    return name


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
