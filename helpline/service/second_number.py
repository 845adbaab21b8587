"""The other number of a caller: when it is rung, and what is learned of it (CONTRACT 3)."""

from datetime import datetime

from helpline.domain import numbers
from helpline.domain.disposition import Disposition
from helpline.domain.numbers import Numbers
from helpline.domain.phone import PhoneNumber, find_phone
from helpline.domain.progress import Progress
from helpline.domain.secrecy import is_secret
from helpline.runtime import Runtime
from helpline.store import Transaction, attempts, conversations, second_numbers
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback
from helpline.store.conversations import Place


def keep_given(tx: Transaction, place: Place, progress: Progress) -> PhoneNumber | None:
    """The number they gave beside the one that we know, if they did: kept with the caller."""
    given = find_phone(progress.words.get("phone", ""), progress.country)
    if given is None or given == place.phone:
        return None
    second_numbers.keep(tx, place.caller_id, given)
    return given


def next_number(rt: Runtime, tx: Transaction, promise: Callback) -> PhoneNumber | None:
    """Where the next attempt rings; None when there is no number left that may be rung."""
    return _after(rt, _numbers_of(tx, promise), promise, promise.tries)


def is_last(rt: Runtime, tx: Transaction, promise: Callback) -> bool:
    """Was the attempt that just failed the last one of its ladder? Danger has no last one."""
    if promise.disposition.is_danger:
        return False
    known, tries = _numbers_of(tx, promise), promise.tries + 1
    over = tries >= numbers.attempts_of(known, _retries(rt, promise))
    return over or _after(rt, known, promise, tries) is None


def _after(rt: Runtime, known: Numbers, promise: Callback, tries: int) -> PhoneNumber | None:
    return numbers.find_next(
        known,
        tries=tries,
        retries=_retries(rt, promise),
        endless=promise.disposition.is_danger,
    )


def _retries(rt: Runtime, promise: Callback) -> int:
    return len(rt.protocol.callbacks.by_disposition[promise.disposition].retries)


def _numbers_of(tx: Transaction, promise: Callback) -> Numbers:
    place = conversations.get(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    chosen = promise.phone is not None and promise.phone != place.phone
    known = second_numbers.find(tx, promise.caller_id)
    if chosen and (known is None or known.phone != promise.phone):
        # Promised on another line, or before the number was kept: nothing is known of it.
        return Numbers(place.phone, promise.phone, chosen=True)
    if known is None:
        return Numbers(place.phone)
    life = promise.disposition is Disposition.EMERGENCY_NOW
    return Numbers(
        place.phone,
        known.phone,
        chosen=chosen,
        tried=known.tried_at is not None,
        theirs=known.theirs_at is not None,
        first_may_ring=life or not is_secret(progress),
    )


def is_doubtful(tx: Transaction, leg: Attempt, promise: Callback) -> bool:
    """Does this leg go to a number that may be a stranger's, where nobody ever pressed a key?"""
    if leg.phone is None:
        return False
    known = second_numbers.find(tx, promise.caller_id)
    return known is None or known.phone != leg.phone or known.theirs_at is None


def dialled(tx: Transaction, leg: Attempt, promise: Callback, now: datetime) -> None:
    """A leg is over: what it was rung for is not rung again unless it is theirs."""
    if leg.leg == "caller" and leg.phone is not None:
        second_numbers.tried(tx, promise.caller_id, leg.phone, now)


def pressed_a_key(tx: Transaction, leg: Attempt, promise: Callback, now: datetime) -> None:
    """Somebody there pressed a key after our words: the number is theirs."""
    if leg.phone is not None:
        second_numbers.answered_as_theirs(tx, promise.caller_id, leg.phone, now)


def was_a_strangers(tx: Transaction, promise: Callback | None, now: datetime) -> bool:
    """Whoever was spoken to last had the second number and is not the caller: it is not rung
    again. False where it is the only number that there is."""
    leg = attempts.latest_connected(tx, promise.id) if promise is not None else None
    if promise is None or leg is None or leg.phone is None:
        return False
    second_numbers.not_theirs(tx, promise.caller_id, leg.phone, now)
    return conversations.get(tx, promise.conversation_id).phone is not None
