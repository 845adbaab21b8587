"""A number that a specialist types to bring somebody into the call: read, said again, rung.

Nobody is contacted without their own agreement (PROTOCOL 3.9): the question before the ring
says so. A typed number stands in the ledger, sealed, and is rung only after one more key.
"""

from datetime import datetime

from helpline.domain.forbidden import Forbidden, dialled
from helpline.domain.phone import PhoneNumber, written
from helpline.domain.progress import Progress
from helpline.domain.protocol import Facility
from helpline.domain.speech import Ask, CallStep
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.calls import conference, farewell, legs, room, switchboard
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING, say
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, conversations, guests, people, retried
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback
from helpline.store.conversations import Place

MOST_KEYS = 18
"""Two noughts, the fifteen digits of the longest number, one to spare."""
_WRONG = {
    Forbidden.NOT_A_NUMBER: "STAFF_NUMBER_WRONG",
    Forbidden.EMERGENCY: "STAFF_NUMBER_EMERGENCY",
    Forbidden.SHORT: "STAFF_NUMBER_EMERGENCY",
}


@retried
def asked(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """They want another number in the call: which? One at a time."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = switchboard.talk(tx, legs.lock(tx, token))
        if leg is None or promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
        if guests.find_rung(tx, promise.id, "third") is not None:
            return switchboard.back(rt, tx, leg, promise, "STAFF_THIRD_THERE", now)
        return _question(rt, tx, leg, promise)


@retried
def typed(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """The keys of a number or of a facility: what they mean is said, and waits for one more key."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        leg, promise = switchboard.talk(tx, legs.lock(tx, token))
        if leg is None or promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
        if not digits:
            return switchboard.back(rt, tx, leg, promise, "STAFF_BACK", now)
        place = conversations.get(tx, promise.conversation_id)
        named = _by_key(rt, place).get(digits)
        phone = PhoneNumber(named.phone) if named else _read(rt, place, digits)
        wrong = _wrong(rt, tx, phone, promise, place)
        if wrong is not None or isinstance(phone, Forbidden):
            switchboard.note(tx, "typed a number in vain", leg, promise, now)
            return _question(rt, tx, leg, promise, wrong)
        switchboard.note(tx, "typed a number", leg, promise, now)
        third = _planned(tx, leg, promise, phone, now)
    check = (
        say(rt, "STAFF_FACILITY_CHECK", NAME=named.name)
        if named
        else say(rt, "STAFF_NUMBER_CHECK", NUM=written(phone))
    )
    # The address names the leg of the number: what is confirmed is what was said.
    path = f"/twilio/voice/staff/number/choice?attempt={third.token}"
    ask = Ask((check,), path, timeout=CHOICE_WITHIN, silence_to_action=True)
    return (ask, conference.join(leg, promise))


@retried
def confirmed(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 rings the number; anything else, and silence, leave it. Back to the caller."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        third = legs.lock(tx, token)
        if third is None or third.leg != "third" or third.host_id is None:
            return NOTHING
        leg, promise = switchboard.talk(tx, attempts.get(tx, third.host_id))
        if leg is None or promise is None:
            return NOTHING
        if room.find_caller(tx, promise) is None:
            return farewell.ask_outcome(rt, tx, leg, promise)
        if digits != "1" or third.state.is_final:
            guests.forget_typed(tx, leg.id, now)
            return switchboard.back(rt, tx, leg, promise, "STAFF_BACK", now)
        other = guests.find_rung(tx, promise.id, "third", but=third.id)
        if other is not None:
            guests.forget_typed(tx, leg.id, now)
            return switchboard.back(rt, tx, leg, promise, "STAFF_THIRD_THERE", now)
        if (
            outgoing.ring_planned(tx, third.id, now, priority=switchboard.priority(promise))
            is not None
        ):
            switchboard.note(tx, "had a number rung", leg, promise, now)
        return switchboard.back(rt, tx, leg, promise, "STAFF_THIRD_RUNG", now)


def _question(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback, first: str | None = None
) -> tuple[CallStep, ...]:
    """Which number? `first` is said before it: why the last one was not rung."""
    place = conversations.get(tx, promise.conversation_id)
    prompts = [] if first is None else [say(rt, first)]
    for key, facility in _by_key(rt, place).items():
        prompts.append(say(rt, "STAFF_FACILITY", NAME=facility.name, CODE=key))
    prompts.append(say(rt, "STAFF_NUMBER"))
    path = "/twilio/voice/staff/number/typed"
    return switchboard.ask(leg, promise, tuple(prompts), path, digits=MOST_KEYS)


def _by_key(rt: Runtime, place: Place) -> dict[str, Facility]:
    """The facilities of the caller's country by the key that brings each in."""
    country = _country(rt, place)
    here = [facility for facility in rt.protocol.facilities if country in facility.countries]
    return {str(number): facility for number, facility in enumerate(here, 1)}


def _country(rt: Runtime, place: Place) -> str:
    """The caller's country, by whose dialling a number is read; else the line's own."""
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    iso = wording.country_of(rt, progress).iso
    return rt.line.country if iso == rt.protocol.fallback_country else iso


def _read(rt: Runtime, place: Place, digits: str) -> PhoneNumber | Forbidden:
    packs = rt.protocol.countries
    never = frozenset[str]().union(*(pack.never_dial for pack in packs.values()))
    return dialled(digits, _country(rt, place), frozenset(packs) | {rt.line.country}, never)


def _wrong(
    rt: Runtime, tx: Transaction, phone: PhoneNumber | Forbidden, promise: Callback, place: Place
) -> str | None:
    """Why it is not rung, as a message; None when it may be."""
    if isinstance(phone, Forbidden):
        return _WRONG.get(phone, "STAFF_NUMBER_REFUSED")
    ours = (*rt.line.voice_numbers, *rt.line.sms_numbers, *rt.line.crisis_numbers)
    theirs = (promise.phone, place.phone)
    if phone in (*ours, *theirs) or people.find_by_phone(tx, phone) is not None:
        return "STAFF_NUMBER_OURS"
    return None


def _planned(
    tx: Transaction, leg: Attempt, promise: Callback, phone: PhoneNumber, now: datetime
) -> Attempt:
    """The leg of this number, which nothing rings yet; typed once more it is the same one."""
    known = guests.find_typed(tx, leg.id, phone)
    if known is not None:
        return known
    guests.forget_typed(tx, leg.id, now)
    leg_id = attempts.plan(
        tx,
        token=outgoing.new_token(),
        leg="third",
        case_id=promise.case_id,
        callback_id=promise.id,
        host_id=leg.id,
        phone=phone,
        now=now,
    )
    return attempts.get(tx, leg_id)
