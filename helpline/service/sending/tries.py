"""One try of an effect at the carrier: may it leave now, and what its outcome means for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto

from helpline.domain.delivery import Accepted, Outcome, Refused, TryLater, Unknown
from helpline.domain.pace import Draw, Lane
from helpline.runtime import Runtime
from helpline.store import Transaction, journal, outbox, pacing
from helpline.store.outbox import Effect

CLOCKS_DIFFER = timedelta(seconds=60)
"""How far the carrier's clock may be behind ours when its log is searched."""


class Verdict(Enum):
    """What became of an effect."""

    DONE = auto()
    AGAIN = auto()
    REFUSED = auto()
    GIVEN_UP = auto()


LEASE = timedelta(seconds=10)
"""How long whoever claimed an effect has for it: twice the carrier's patience, and some."""


def claim(rt: Runtime, outbox_id: int) -> Effect | None:
    """Take an effect that is due; None when somebody has it, it is done, or it is not yet time."""
    with rt.store.begin() as tx:
        return outbox.claim(tx, outbox_id, rt.clock.now(), LEASE)


def still_ours(rt: Runtime, tx: Transaction, effect: Effect) -> bool:
    """Has nobody else taken it while we waited? Then it is ours for a whole lease again."""
    return outbox.hold(tx, effect, rt.clock.now(), LEASE)


def may_leave(
    rt: Runtime, tx: Transaction, effect: Effect, draws: tuple[Draw, ...], lane: Lane
) -> bool:
    """Is it this effect's turn? If not it is put off until it is, and nothing was tried.

    Crisis effects never wait, and take no tokens before they are out (`note_crisis`): not
    even the lock of a bucket may hold them. Takes its tokens before other rows are locked.
    """
    if effect.priority == outbox.CRISIS:
        return True
    if effect.slot_at is not None:
        outbox.use_slot(tx, effect.id)
        return True
    now = rt.clock.now()
    turn = max((pacing.take(tx, draw, lane, now) for draw in draws), default=now)
    if turn <= now:
        return True
    outbox.put_off(tx, effect, turn, slot_at=turn)
    return False


def note_crisis(rt: Runtime, effect: Effect, draws: tuple[Draw, ...]) -> None:
    """A crisis effect is out: what is ordinary makes room for what it used."""
    if effect.priority != outbox.CRISIS or not draws:
        return
    with rt.store.begin() as tx:
        for draw in draws:
            pacing.take(tx, draw, Lane.HURRIED, rt.clock.now())


def once(
    rt: Runtime,
    effect: Effect,
    look: Callable[[], Outcome | None],
    send: Callable[[], Outcome],
) -> Outcome | None:
    """Send what may have been sent before, unless the carrier's own log says that it was.

    A log that cannot be read means wait, never "not there". None: reading it took so long
    that somebody else has the effect by now.
    """
    try:
        known = look()
    except ConnectionError as error:
        return TryLater(timedelta(seconds=2), 0, f"log unreadable: {type(error).__name__}")
    if known is not None:
        return known
    with rt.store.begin() as tx:
        if not still_ours(rt, tx, effect):
            return None
    return send()


def settle(rt: Runtime, tx: Transaction, effect: Effect, outcome: Outcome) -> Verdict:
    """Write down what the outcome means for the effect itself."""
    now = rt.clock.now()
    match outcome:
        case Accepted():
            outbox.done(tx, effect.id, now)
            return Verdict.DONE
        case Refused(code, reason):
            outbox.done(tx, effect.id, now, error=f"{code} {reason}")
            return Verdict.REFUSED
        case TryLater(after, code, reason):
            return _again(rt, tx, effect, after, f"{code} {reason}", now)
        case Unknown(reason):
            return _again(rt, tx, effect, timedelta(0), reason, now)


def _again(
    rt: Runtime, tx: Transaction, effect: Effect, asked: timedelta, reason: str, now: datetime
) -> Verdict:
    """Try again after the pause, at least the one the carrier asked for; crisis has no last try."""
    rules = rt.protocol.outbound.retries
    pause = max(asked, rules.pause(effect.tries, effect.id))
    if effect.priority == outbox.CRISIS:
        pause = min(pause, rules.crisis_within)
    elif effect.tries >= rules.most:
        outbox.done(tx, effect.id, now, error=f"gave up: {reason}")
        journal.note(tx, "gave up", "outbox", effect.id, now=now, tries=effect.tries)
        return Verdict.GIVEN_UP
    outbox.later(tx, effect, now + pause, reason)
    return Verdict.AGAIN
