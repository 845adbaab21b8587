"""The leg to somebody who is paged: acknowledged by "1", and joined to the caller (CONTRACT 2)."""

from datetime import datetime

from helpline.domain.progress import Progress
from helpline.domain.speech import CallStep, HangUp
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, ring_safety, wording
from helpline.service.calls import conference, legs
from helpline.service.calls.prompts import NOTHING, ask_staff, say
from helpline.service.sending import outgoing
from helpline.store import (
    Transaction,
    attempts,
    cases,
    conversations,
    journal,
    outbox,
    pages,
    people,
    retried,
)
from helpline.store import callbacks as promises
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback
from helpline.store.cases import Case
from helpline.store.people import Person


def answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """A paged person picked up."""
    with rt.store.read() as tx:
        leg = attempts.find_by_token(tx, token)
        found = pages.find(tx, leg.page_id) if leg and leg.page_id else None
    if found is None:
        return NOTHING
    if found.state != "open" and (leg is None or found.acknowledged_by != leg.staff_id):
        return (say(rt, "PAGE_TAKEN"), HangUp())
    return ask_staff(
        rt, token, "PAGE_CALL", "/twilio/voice/page/choice", KIND=wording.kind_word(found.kind)
    )


@retried
def chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 acknowledges the page and joins this person to the caller (CONTRACT 2)."""
    now = rt.clock.now()
    hint: int | None = None
    with rt.store.begin() as tx:
        leg = legs.lock(tx, token)
        if leg is None or leg.page_id is None or leg.staff_id is None:
            return NOTHING
        if digits != "1":
            if attempts.set_result(tx, leg.id, "passed"):
                who = f"staff:{leg.staff_id}"
                journal.note(tx, "passed", "page", leg.page_id, now=now, actor=who)
            return (say(rt, "STAFF_PASS"), HangUp())
        person = people.get(tx, leg.staff_id)
        if not escalation.acknowledge(tx, leg.page_id, person, now):
            found = pages.find(tx, leg.page_id)
            if found is None or found.acknowledged_by != person.id:
                who = f"staff:{person.id}"
                journal.note(tx, "came too late", "page", leg.page_id, now=now, actor=who)
                return (say(rt, "PAGE_TAKEN"), HangUp())
        attempts.set_result(tx, leg.id, "taken")
        cases.hold(tx, leg.case_id, person.id, now)
        steps, hint = _join_caller(rt, tx, leg, person, now)
    if hint is not None:
        rt.bell.hint("crisis", hint)
    return steps


def _join_caller(
    rt: Runtime, tx: Transaction, leg: Attempt, person: Person, now: datetime
) -> tuple[tuple[CallStep, ...], int | None]:
    work = cases.get(tx, leg.case_id)
    promise = promises.find_live(tx, work.caller_id)
    waits = promise is not None and attempts.find_caller_leg(tx, promise.id) is not None
    if not (waits or ring_safety.is_ring_safe(tx, work.conversation_id)):
        return (say(rt, "STAFF_NO_RING", CODE=work.code), HangUp()), None
    promise = promise or _promise_again(rt, tx, work, now)
    if promise is None or (promise.phone is None and not waits):
        return (say(rt, "STAFF_NO_NUMBER", CODE=work.code), HangUp()), None
    attempts.bind(tx, leg.id, promise.id)
    if _take(tx, promise, person, now):
        _release(tx, promise, person, now)
        who = f"staff:{person.id}"
        journal.note(tx, "taken", "callback", promise.id, now=now, actor=who)
    hint = conference.ring_caller(rt, tx, promise, now, priority=outbox.CRISIS)
    return conference.enter(rt, tx, leg, promise), hint


def _promise_again(rt: Runtime, tx: Transaction, work: Case, now: datetime) -> Callback | None:
    """The earlier promise has ended, the danger has not: the person who took it rings now."""
    place = conversations.lock_by_id(tx, work.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    callbacks.book(rt, tx, place, work, progress, now, at_once=True)
    return promises.find_live(tx, work.caller_id)


def _take(tx: Transaction, promise: Callback, person: Person, now: datetime) -> bool:
    """The call is this person's, unless a colleague is talking: then both are in."""
    until = now + conference.LONGEST_TALK
    if promise.state != "talking" or promise.specialist_id is None:
        return promises.take_over(tx, promise.id, person.id, until)
    talks = any(
        leg.staff_id != person.id and leg.result == "taken"
        for leg in attempts.list_staff_legs(tx, callback_id=promise.id)
    )
    if talks:
        return False
    return promises.relieve(tx, promise.id, promise.specialist_id, person.id, until)


def _release(tx: Transaction, promise: Callback, person: Person, now: datetime) -> None:
    """A colleague who was being rung for the same caller is not needed, and did not miss it."""
    for leg in attempts.list_staff_legs(tx, callback_id=promise.id):
        if leg.staff_id != person.id and attempts.set_result(tx, leg.id, "released"):
            outgoing.hang_up(tx, leg, now)
