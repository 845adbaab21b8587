"""The guard: works without Redis, owns every clock, starts crisis effects that are late.

Each duty has a thread of its own, so that a hung Redis or carrier stalls nothing else
(DESIGN 6). Several guards may run: every claim is compare-and-set.
"""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import structlog

from config.settings import SettingsError, load_settings
from helpline import logs
from helpline.runtime import BellBroken, Runtime
from helpline.service import (
    appointments,
    correspondence,
    deadlines,
    dispatch,
    escalation,
    readiness,
    reopening,
    silence,
)
from helpline.service import relay as relaying
from helpline.service.calls import lost_legs, voicemail
from helpline.service.console import signing_in
from helpline.service.outage import direct, reconciler, replay
from helpline.service.upkeep import invariants, pulse
from helpline.service.upkeep.sealing import Sealer
from helpline.wiring import build_runtime
from workers.deadman import EVERY_SECONDS, DeadMan

CRISIS_LATE = timedelta(milliseconds=250)
AT_ONCE = 16
"""Carrier calls that the guard makes side by side: with all of them hung, ten people are still
rung and texted within two time-outs."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
STOPS = frozenset((signal.SIGTERM, signal.SIGINT))

Duty = Callable[[Runtime], object]

_log = structlog.get_logger(__name__)


class TakeOver:
    """Starts crisis effects that nobody has started within 250 ms, several at once.

    It never waits for the carrier: one that hangs holds up a thread of the pool, not the
    people who are paged next.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="takeover")
        self._under_way: dict[int, Future[None]] = {}

    def __call__(self, rt: Runtime) -> None:
        """One round: hand what is late to the pool, except what waits there already."""
        self._under_way = {
            outbox_id: future for outbox_id, future in self._under_way.items() if not future.done()
        }
        for outbox_id in dispatch.list_late(rt, CRISIS_LATE):
            if outbox_id not in self._under_way:
                self._under_way[outbox_id] = self._pool.submit(_take_over, rt, outbox_id)

    def close(self) -> None:
        """What is at the carrier is finished and written down; the rest stays in the outbox."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _take_over(rt: Runtime, outbox_id: int) -> None:
    if dispatch.take_over(rt, outbox_id):
        _log.warning("guard.took_over", outbox_id=outbox_id)


def relay(rt: Runtime) -> None:
    """Ring the bell for what the web process committed, the most urgent first."""
    relaying.ring_waiting(rt)


def beat(rt: Runtime) -> None:
    """Show that the guard is alive."""
    pulse.beat(rt, "guard", f"guard-{os.getpid()}")


DUTIES: dict[str, tuple[Duty, float]] = {
    "ladder": (escalation.climb_due, 0.1),
    "relay": (relay, 0.1),
    "silence": (silence.wake_due, 0.3),
    "leases": (deadlines.expire_leases, 0.3),
    "warnings": (deadlines.warn_early, 0.5),
    "deadlines": (deadlines.watch, 0.3),
    "outcomes": (reopening.reopen_without_outcome, 0.3),
    "holders": (correspondence.page_for_silent_holders, 0.3),
    "in_line": (dispatch.carry_on_in_line, 1.0),
    "matching": (readiness.keep, 0.3),
    "lost_rings": (lost_legs.close_lost_rings, 15.0),
    "lost_talks": (lost_legs.close_lost_talks, 60.0),
    "lost_calls": (lost_legs.close_lost_calls, 60.0),
    "roster": (direct.remember_on_call, 60.0),
    "direct_pages": (direct.climb_due, 1.0),
    "spool": (replay.replay, 0.5),
    "old_recordings": (voicemail.delete_old, 3600.0),
    "reconciler": (reconciler.reconcile_if_due, 1.0),
    "follow_ups": (appointments.keep_due, 5.0),
    "invariants": (invariants.repair, 5.0),
    "pulse": (pulse.watch, 5.0),
    "old_pulses": (pulse.forget, 3600.0),
    "old_sessions": (signing_in.forget_old, 600.0),
    "beat": (beat, 3.0),
}
"""Each duty, and the pause between its rounds in seconds; `TakeOver` joins them in `main`."""


def keep(name: str, duty: Duty, every: float, rt: Runtime,
         stop: threading.Event) -> None:  # fmt: skip
    """Do a duty again and again; a failure is logged and tried again, never the end."""
    pause = 0.0
    while not stop.wait(pause):
        try:
            duty(rt)
            pause = every
        except BellBroken:
            pause = min(max(pause, FIRST_PAUSE) * 2, LONGEST_PAUSE)
        except Exception:  # noqa: BLE001 - the guard outlives every failure
            _log.error("guard.failed", component=name, exc_info=True)
            pause = min(max(pause, FIRST_PAUSE) * 2, LONGEST_PAUSE)


def main() -> int:
    """Run every duty until told to stop."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    logs.configure(settings.log_level, "guard")
    faulthandler.register(signal.SIGUSR1)
    # Before any thread is made: threads inherit this, and the main one waits for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    rt = build_runtime(settings)
    stop = threading.Event()
    take_over = TakeOver()
    more: dict[str, tuple[Duty, float]] = {"takeover": (take_over, 0.1), "seals": (Sealer(), 5.0)}
    if settings.deadman_url is not None:
        more["deadman"] = (DeadMan(settings.deadman_url), EVERY_SECONDS)
    try:
        return _run(rt, stop, DUTIES | more)
    finally:
        stop.set()
        take_over.close()
        rt.store.dispose()


def _run(rt: Runtime, stop: threading.Event, duties: dict[str, tuple[Duty, float]]) -> int:
    """Every duty in its thread until told to stop: 0; 1 when one of them died."""
    threads = [
        threading.Thread(target=keep, args=(name, duty, every, rt, stop), name=name, daemon=True)
        for name, (duty, every) in duties.items()
    ]
    for thread in threads:
        thread.start()
    # Waited for, not handled: a handler that sets an event may run in the thread that is
    # just waiting for it, inside the lock it needs.
    while signal.sigtimedwait(STOPS, 1.0) is None and not stop.is_set():
        dead = [thread.name for thread in threads if not thread.is_alive()]
        if dead:
            _log.error("guard.thread_died", count=len(dead))
            return 1
    stop.set()
    for thread in threads:
        thread.join(timeout=5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
