"""Legs whose last receipt was lost: the carrier is asked what became of them.

Otherwise a specialist would count as on a call, and a caller as being rung, for ever.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from helpline.domain.delivery import Accepted, LegState, Refused
from helpline.runtime import Runtime
from helpline.service.calls import legs, triage_leg
from helpline.store import attempts, calls
from helpline.store.attempts import Attempt

NO_NEWS = timedelta(minutes=2)
IN_DOUBT = timedelta(seconds=60)
STUCK = timedelta(minutes=5)
"""No telephone rings this long: the carrier has forgotten to tell, or never began."""

LOOKED_BACK = timedelta(days=2)
"""A line that was down for so long still ends the talks from before."""

_log = structlog.get_logger(__name__)


def close_lost_rings(rt: Runtime) -> int:
    """End every leg that was never picked up and is over; how many. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        lost = attempts.list_lost(tx, unanswered=now - NO_NEWS, doubtful=now - IN_DOUBT)
    return _close_each(rt, lost, now)


def close_lost_talks(rt: Runtime) -> int:
    """End every leg whose talk is over without our knowing; how many. Run by the guard.

    Until then nobody rings whoever it was: nobody on a call is rung (CONTRACT 2).
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        talking = attempts.list_answered(tx, after=now - LOOKED_BACK, before=now - NO_NEWS)
    return _close_each(rt, talking, now)


def close_lost_calls(rt: Runtime) -> int:
    """What is owed after calls that ended without our being told; how many. Run by the guard."""
    with rt.store.read() as tx:
        unended = calls.list_open(tx, rt.clock.now() - NO_NEWS)
    ended = 0
    for sid in unended:
        try:
            known = rt.carrier.find_call(sid)
            if known is None or known.state.is_final:
                ended += triage_leg.left(rt, sid)
        except ConnectionError:
            _log.warning("lost_leg.unreadable")
        except Exception:  # noqa: BLE001 - one bad call must not keep the others open
            _log.error("lost_leg.failed", exc_info=True)
    return ended


def _close_each(rt: Runtime, lost: Iterable[Attempt], now: datetime) -> int:
    closed = 0
    for leg in lost:
        try:
            closed += _close(rt, leg, now)
        except ConnectionError:
            _log.warning("lost_leg.unreadable", attempt_id=leg.id)
        except Exception:  # noqa: BLE001 - one bad leg must not keep the others open
            _log.error("lost_leg.failed", attempt_id=leg.id, exc_info=True)
    return closed


def _close(rt: Runtime, leg: Attempt, now: datetime) -> bool:
    known = rt.carrier.find_call(leg.sid) if leg.sid is not None else None
    if known is not None and known.state.is_final:
        legs.reported(rt, leg.token, leg.sid, known.state)
        return True
    if known is not None and not (_is_stuck(leg, known.state, now) and _hung_up(rt, leg)):
        return False
    with rt.store.begin() as tx:
        return legs.given_up(rt, tx, leg, now)


def _is_stuck(leg: Attempt, said: LegState, now: datetime) -> bool:
    return said is not LegState.ANSWERED and now - leg.asked_at > STUCK


def _hung_up(rt: Runtime, leg: Attempt) -> bool:
    """Before a leg is given up its telephone must be silent; asked again in the next round."""
    return leg.sid is not None and isinstance(rt.carrier.end_call(leg.sid), Accepted | Refused)
