"""Logs: JSON lines on stderr that cannot hold a number or a word (DESIGN promise 9).

Fields are an allow-list, and each value must look like an id, a code or a count.
Whatever else is passed is dropped and counted in the line's ``dropped``. Errors are
logged by type and place, never by message: messages quote the data they choke on.
Libraries' records keep their template when the library is known to keep data out of
it, never their arguments.

Write ``structlog.get_logger().info("page.sent", page_id=7, attempt=2)``: the event is a
dotted name, not a sentence.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    """
    action attempt attempt_id call_id callback_id carrier_code case_id code component
    conversation_id count country disposition due_in_ms duplicate duration_ms effect effect_id
    error event_kind exit_code failures flag_count http_status inbound_id job kind language
    lateness_ms level_found lock_ms message_id method mistakes mode new_state
    oldest_ms old_state outbox_id outcome page_id page_ms pid policy priority
    protocol_hash purpose queue reason_code recovered ring_ms route rows sequence service shift_id
    sid signal_count signature_ok skipped spool_id staff_id started state status step
    step_index taken_over tier total tries user_id version wait_ms worker
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Every field a line may have besides event, level, at, process, where, error, frames."""

LARGEST = 10**9
"""Integers beyond are dropped: a telephone number is one."""

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,4}")
_VALUE = re.compile(r"[A-Za-z0-9_.:/<>-]{1,64}")
_CARRIER_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_MANY_DIGITS = re.compile(r"[0-9][0-9 ().-]{5,}[0-9]|[0-9]{6,}")
_TEMPLATES = ("rq", "gunicorn.error", "alembic", "helpline", "workers")
_FRAMES = 12
_RESERVED = frozenset({"event", "level", "at", "process", "where", "exc_info"})

_dropped_lock = threading.Lock()
_dropped = 0


def dropped_total() -> int:
    """Fields dropped by this process so far: each is a mistake in a call to the logger."""
    return _dropped


def configure(level: str = "INFO", process: str = "helpline") -> None:
    """Send structlog's and the standard library's records to stderr, filtered.

    Args:
        level: a name such as ``INFO``; libraries never go below WARNING.
        process: how this process is called in the Procfile.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _Stamp(process),
            keep_allowed,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(LibraryFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(
        args.exc_type, args.exc_value, args.exc_traceback
    )


class _Stderr:
    """Whatever stderr is now: pytest and supervisors change it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Stamp:
    """Adds the time and the process."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(
        self, _logger: Any, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        line["at"] = _now()
        line["process"] = self._process
        return line


def keep_allowed(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: only allowed fields with harmless values survive."""
    kept: dict[str, Any] = {
        "at": line.get("at"),
        "level": line.get("level"),
        "process": line.get("process"),
    }
    event = line.get("event")
    named = isinstance(event, str) and len(event) <= 64 and bool(_EVENT.fullmatch(event))
    kept["event"] = event if named else "unnamed"
    if not named:
        kept["where"] = _caller()
    dropped = 0 if named else 1
    for name, value in line.items():
        if name in _RESERVED:
            continue
        if name in ALLOWED_FIELDS and is_harmless(value):
            kept[name] = value
        else:
            dropped += 1
    kept.update(describe_error(line.get("exc_info")))
    if dropped:
        kept["dropped"] = dropped
        _count_dropped(dropped)
    return kept


def is_harmless(value: object) -> bool:
    """True for None, truth values, small numbers, and words that look like an id or a code."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return abs(value) < LARGEST
    if not isinstance(value, str):
        return False
    if _CARRIER_SID.fullmatch(value):
        return True
    return bool(_VALUE.fullmatch(value)) and not _MANY_DIGITS.search(value)


def describe_error(exc_info: Any) -> dict[str, Any]:
    """The types of an error and its causes, and where it came from; never a message."""
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "error": " < ".join(_types(error)),
        "frames": [f"{_place(frame.filename)}:{frame.lineno}" for frame in frames],
    }


class LibraryFormatter(logging.Formatter):
    """A library's record as one JSON line: who and where, its template at most."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line; `record.args` are never read."""
        line: dict[str, Any] = {
            "at": _now(),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": "library",
            "logger": record.name,
            "where": f"{record.module}:{record.lineno}",
        }
        template = record.msg if isinstance(record.msg, str) else ""
        known = any(record.name == n or record.name.startswith(n + ".") for n in _TEMPLATES)
        if known and len(template) <= 200 and not _MANY_DIGITS.search(template):
            line["template"] = template
        return _dumps(line | describe_error(record.exc_info))


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))


def _types(error: BaseException) -> Iterator[str]:
    seen: BaseException | None = error
    for _ in range(4):
        if seen is None:
            return
        yield type(seen).__name__
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _place(filename: str) -> str:
    parts = filename.removesuffix(".py").replace("\\", "/").split("/")
    return ".".join(parts[-2:])


def _caller() -> str:
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith((__name__, "structlog")):
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '')}:{frame.f_lineno}"


def _count_dropped(number: int) -> None:
    global _dropped
    with _dropped_lock:
        _dropped += number


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _dumps(line: MutableMapping[str, Any], **_: Any) -> str:
    return json.dumps(line, ensure_ascii=True, default=lambda value: type(value).__name__)
