"""Signs of life: every process writes one down, and each watches the others' (RELIABILITY R7).

The guard watches all kinds of process; crisis and default workers watch the guard. Whoever
notices first tells the supervisors, once in an outage and again while it lasts.
"""

import threading
from datetime import datetime, timedelta

import structlog

from helpline.runtime import Runtime
from helpline.service import notices
from helpline.store import Contended, Transaction, alarms, journal, outbox, people
from helpline.store.patience import DATABASE_ERRORS, within

KINDS = ("web", "crisis", "callbacks", "default", "guard")
_NAMES = {
    "web": "web",
    "crisis": "crisis worker",
    "callbacks": "callbacks worker",
    "default": "default worker",
    "guard": "guard",
}
EVERY = 5.0
"""Seconds between two signs of life."""
PATIENCE = 1.0
"""Seconds that the database may take for one."""
FORGOTTEN = timedelta(days=1)

_log = structlog.get_logger(__name__)


def beat(rt: Runtime, kind: str, process: str) -> None:
    """This process of this kind is alive. `process` is its own name, at most 32 letters."""
    with rt.store.begin() as tx:
        journal.beat(tx, process, rt.clock.now(), kind=kind)


def show_life(rt: Runtime, queue: str, process: str) -> None:
    """A worker's sign of life. Crisis and default workers watch the guard, who watches them."""
    with within(PATIENCE):
        beat(rt, queue, process)
        if queue in {"crisis", "default"}:
            watch(rt, ("guard",))
    if queue != "crisis":
        # Its next job is forked: no connection may be open then.
        rt.store.dispose()


def keep(rt: Runtime, kind: str, process: str, stop: threading.Event) -> None:
    """Beat until told to stop, in a thread of its own; a database that is away is waited for."""
    while True:
        try:
            with within(PATIENCE):
                beat(rt, kind, process)
        except DATABASE_ERRORS as error:
            _log.warning("pulse.failed", error=type(error).__name__)
        if stop.wait(EVERY):
            return


def list_silent(rt: Runtime) -> list[str]:
    """Kinds of process that have been alive and show no sign of life now."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        beats = journal.list_beats(tx)
    return [kind for kind in KINDS if _is_silent(rt, beats, kind, now)]


def _is_silent(rt: Runtime, beats: dict[str, datetime], kind: str, now: datetime) -> bool:
    at = beats.get(kind)
    return at is not None and now - at > rt.protocol.escalation.process_silent


def watch(rt: Runtime, kinds: tuple[str, ...] = KINDS) -> int:
    """Tell the supervisors of kinds that fell silent; how many alarms were raised.

    The texts are crisis effects: the guard sends them itself, and where the guard is the
    one that is dead, the bell rings a crisis worker.
    """
    raised = 0
    for kind in kinds:
        try:
            raised += _watch(rt, kind)
        except Contended:
            _log.info("pulse.contended", component=kind)
    return raised


def _watch(rt: Runtime, kind: str) -> bool:
    now = rt.clock.now()
    written: list[int] = []
    with rt.store.read() as tx:
        beats = journal.list_beats(tx)
    silent = _is_silent(rt, beats, kind, now)
    with rt.store.begin() as tx:
        if not silent:
            if alarms.over(tx, _alarm(kind)):
                _log.info("pulse.back", component=kind)
            return False
        if not alarms.tell(tx, _alarm(kind), now, rt.protocol.escalation.alarm_again):
            return False
        written = _tell(rt, tx, kind, now)
    _log.error("pulse.silent", component=kind, count=len(written))
    for outbox_id in written:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return True


def _tell(rt: Runtime, tx: Transaction, kind: str, now: datetime) -> list[int]:
    who = people.list_supervisors(tx) or people.list_active(tx)
    return notices.to_people(
        rt, tx, who, "SYSTEM_SILENT", now, priority=outbox.CRISIS, PROCESS=_NAMES[kind]
    )


def _alarm(kind: str) -> str:
    return f"silent-{kind}"


def forget(rt: Runtime) -> None:
    """Processes that ended a day ago will not come back under that name."""
    with rt.store.begin() as tx:
        journal.forget_beats(tx, rt.clock.now() - FORGOTTEN)
