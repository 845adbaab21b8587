"""The files in which web processes count: what one leaves behind is added up, once.

prometheus-client gives each process files of its own and never removes them, and gunicorn
replaces its processes all day long. The files of those that are gone become one per kind, so
that nothing that was counted is lost and nothing grows.
"""

import fcntl
import os
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client.mmap_dict import MmapedDict

KINDS = ("counter", "histogram")
"""Kinds of which the sum over processes is the truth. Gauges are read, never kept in files."""

NOBODY = 0
"""No process has this id: the file under it holds what the gone have counted."""

_UNREADABLE = (RuntimeError, ValueError, struct.error)
_log = structlog.get_logger(__name__)


@contextmanager
def steady(folder: Path) -> Iterator[None]:
    """No file is added to another while somebody reads them all."""
    with _lock_file(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


def gather(folder: Path) -> int:
    """Add what the gone have counted to one file per kind; how many files went.

    Never waits: when somebody reads just now, the files stay until the next process ends.
    """
    with _lock_file(folder) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        return sum(_gather(folder, kind) for kind in KINDS)


def _gather(folder: Path, kind: str) -> int:
    kept = folder / f"{kind}_{NOBODY}.db"
    gone = [path for path in folder.glob(f"{kind}_*.db") if path != kept and _is_gone(path)]
    if not gone:
        return 0
    sums: defaultdict[str, float] = defaultdict(float)
    for path in (kept, *gone):
        for key, value in _counts(path).items():
            sums[key] += value
    _write(kept, sums)
    for path in gone:
        path.unlink()
    return len(gone)


def _counts(path: Path) -> dict[str, float]:
    """What is in a file; nothing where it is damaged, which would hide all others too."""
    if not path.exists():
        return {}
    try:
        rows = MmapedDict.read_all_values_from_file(path)
        return {key: value for key, value, _, _ in rows}
    except _UNREADABLE as error:
        _log.warning("metrics.unreadable", error=type(error).__name__)
        return {}


def _write(path: Path, sums: dict[str, float]) -> None:
    """Under another name first: a file half written is never read."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    written = MmapedDict(str(part))
    for key, value in sums.items():
        written.write_value(key, value, 0.0)
    written.close()
    part.replace(path)


def _is_gone(path: Path) -> bool:
    number = path.stem.partition("_")[2]
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def _lock_file(folder: Path) -> Iterator[int]:
    """Closing the file opens the lock."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
