"""The callback queue at work: promised, matched to a specialist, given back, ended.

The order is disposition, then the time due; a late one sorts one level higher. Danger
is never offered from the queue: its page rings people until one joins the caller.
"""

from datetime import UTC, datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.protocol import CallbackRules
from helpline.domain.schedule import after_staffed_time
from helpline.domain.secrecy import is_secret
from helpline.runtime import Runtime
from helpline.service import escalation, hours, missed_calls, notices, ring_safety, second_number
from helpline.service.sending import outgoing
from helpline.store import (
    Transaction,
    attempts,
    cases,
    conversations,
    journal,
    outbox,
    people,
    retried,
)
from helpline.store import callbacks as promises
from helpline.store.callbacks import Callback
from helpline.store.cases import Case
from helpline.store.conversations import Place
from helpline.store.people import Person

HELD = datetime(9999, 1, 1, tzinfo=UTC)
"""Not before the caller says that a ring is safe (CONTRACT 3, SAFE_CONTACT and violence)."""


def book(
    rt: Runtime,
    tx: Transaction,
    place: Place,
    case: Case,
    progress: Progress,
    now: datetime,
    *,
    at_once: bool,
    asked_at: datetime | None = None,
) -> int:
    """Promise a call, or make the one already promised more urgent; the callback's id.

    `asked_at` is when a text or ring that came late had arrived: its time counts from there.
    """
    asked_at = asked_at or now
    disposition = max(progress.disposition, Disposition.ROUTINE)
    consent = progress.answers.get("C1", [])
    rules = rt.protocol.callbacks
    local_asked = hours.local_time(rt, place.phone, asked_at)
    hidden = ring_safety.hidden_elsewhere(tx, place, progress)
    earliest = ring_safety.find_earliest(
        rt, place, progress, disposition, now, at_once=at_once, asked_at=asked_at
    )
    not_before = HELD if hidden or earliest is None else earliest
    other = second_number.keep_given(tx, place, progress)
    unreachable = place.phone is None and other is None
    on_this_one = consent == ["1"] and place.phone is not None
    text_only = unreachable or bool({"3", "4"}.intersection(consent))
    callback_id = promises.promise(
        tx,
        token=outgoing.new_token(),
        case_id=case.id,
        caller_id=place.caller_id,
        conversation_id=place.conversation_id,
        disposition=disposition,
        language=progress.language,
        due_at=_due_at(rules, disposition, local_asked),
        warn_at=_due_at(rules, disposition, local_asked, rules.warn_share),
        not_before=not_before,
        now=asked_at,
        phone=promises.Number.FIRST if on_this_one else other,
        voicemail=progress.answers.get("C3") == ["1"] and not (hidden or is_secret(progress)),
        text_only=text_only,
    )
    if text_only or not_before >= HELD:
        _stop_unwanted(tx, callback_id, now)
    if unreachable and consent == ["3"]:
        _tell_text_only(rt, tx, case, disposition, now)
    look(tx, now, key=f"match-booked-{callback_id}-{int(now.timestamp() * 1000)}")
    return callback_id


def _stop_unwanted(tx: Transaction, callback_id: int, now: datetime) -> None:
    """They hide, or want no call, while one is under way: no telephone rings on for it."""
    known = promises.find(tx, callback_id)
    if known is None or known.state == "waiting" or attempts.latest_connected(tx, known.id):
        return
    if known.not_before < HELD and not known.text_only:
        return
    hold_back(tx, known, now)
    theirs = attempts.find_caller_leg(tx, known.id)
    for leg in (*filter(None, (theirs,)), *attempts.list_staff_legs(tx, callback_id=known.id)):
        attempts.set_result(tx, leg.id, "released")
        outgoing.hang_up(tx, leg, now)


def hold_back(tx: Transaction, callback: Callback, now: datetime) -> None:
    """Back to the pool, and nobody is rung for it before the caller says that a ring is safe."""
    promises.give_back(tx, callback.id, not_before=HELD, tried=False)
    journal.note(tx, "held back", "callback", callback.id, now=now)


def _tell_text_only(
    rt: Runtime, tx: Transaction, case: Case, disposition: Disposition, now: datetime
) -> None:
    """A caller who wants no call is nobody's ring: the supervisors are told at once."""
    notices.to_supervisors(
        rt,
        tx,
        "LIST_TEXT_ONLY",
        now,
        priority=outbox.URGENT,
        CODE=case.code,
        DISPOSITION=notices.named(disposition),
    )


def look(tx: Transaction, now: datetime, *, key: str) -> None:
    """Write down that the queue should be looked at."""
    outbox.put(
        tx, key=key, kind="match", row_id=0, queue="callbacks",
        priority=outbox.URGENT, due_at=now, now=now,
    )  # fmt: skip


def match(rt: Runtime) -> int:
    """Ring specialists for as many waiting callbacks as there are free ones; how many.

    Each pair is claimed in one transaction with the leg that rings the specialist, so
    a worker killed afterwards loses nothing and rings nobody twice.
    """
    matched = 0
    while _match_one(rt):
        matched += 1
    return matched


@retried
def _match_one(rt: Runtime) -> bool:
    now = rt.clock.now()
    with rt.store.begin() as tx:
        free = people.list_free(tx)
        languages = {language for person in free for language in person.languages}
        waiting = promises.find_next(tx, languages, now) if languages else None
        if waiting is None:
            return False
        person = next(item for item in free if waiting.language in item.languages)
        conversations.lock_by_id(tx, waiting.conversation_id)
        if not people.lock_for_ring(tx, person.id):
            return True
        offer(rt, tx, waiting, person, now)
        return True


def offer(
    rt: Runtime,
    tx: Transaction,
    waiting: Callback,
    person: Person,
    now: datetime,
    *,
    after: timedelta = timedelta(0),
) -> bool:
    """Claim the callback for this person and ring them; False when it is taken or held back now.

    Its conversation is locked, and after it the person: a text of danger takes both in this order.
    """
    rules = rt.protocol.callbacks
    if not promises.claim(tx, waiting.id, person.id, now + after + rules.lease):
        return False
    people.touch(tx, person.id, now)
    outgoing.ring(
        tx,
        leg="staff",
        case_id=waiting.case_id,
        callback_id=waiting.id,
        staff_id=person.id,
        now=now,
        priority=outbox.URGENT,
        after=after,
    )
    journal.note(tx, "offered", "callback", waiting.id, now=now, staff=person.id)
    return True


@retried
def look_if_ready(rt: Runtime) -> None:
    """Have the queue looked at when somebody waits and somebody is free. Run by the guard."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        if outbox.has_open(tx, "match"):
            return
        languages = {item for person in people.list_free(tx) for item in person.languages}
        ready = promises.find_next(tx, languages, now) is not None
    if ready:
        with rt.store.begin() as tx:
            look(tx, now, key=f"match-{int(now.timestamp() * 1000)}")


def pass_on(rt: Runtime, tx: Transaction, callback: Callback, staff_id: int, now: datetime) -> None:
    """The specialist passed or did not answer: the next one, after a short pause for the same."""
    others = [
        person
        for person in people.list_free(tx)
        if person.id != staff_id and callback.language in person.languages
    ]
    pause = timedelta(0) if others else rt.protocol.callbacks.pass_pause
    if promises.give_back(
        tx, callback.id, not_before=now + pause, tried=False, specialist_id=staff_id
    ):
        people.touch(tx, staff_id, now)
        journal.note(tx, "passed", "callback", callback.id, now=now, staff=staff_id)
        look(tx, now + pause, key=f"match-passed-{callback.id}-{int(now.timestamp() * 1000)}")


def not_reached(rt: Runtime, tx: Transaction, callback: Callback, now: datetime) -> timedelta:
    """The caller did not answer: the retry ladder of PROTOCOL 3.6, then the supervisor's list.

    Returns the pause until the next attempt; danger has no last one.
    """
    tries = callback.tries + 1
    missed_calls.text_instead(rt, tx, callback, now)
    if not second_number.is_last(rt, tx, callback):
        pause = _pause(rt.protocol.callbacks, callback)
        promises.give_back(tx, callback.id, not_before=now + pause, tried=True)
        journal.note(tx, "not reached", "callback", callback.id, now=now, tries=tries)
        return pause
    promises.finish(tx, callback.id, "exhausted", "not reached", now)
    journal.note(tx, "exhausted", "callback", callback.id, now=now, tries=tries)
    outgoing.text_caller(
        rt,
        tx,
        callback.conversation_id,
        "ATTEMPTS_END",
        now,
        priority=outbox.URGENT if callback.disposition.is_urgent else outbox.ORDINARY,
    )
    work = cases.get(tx, callback.case_id)
    notices.to_supervisors(rt, tx, "LIST_EXHAUSTED", now, priority=outbox.URGENT, CODE=work.code)
    leave_to_supervisors(rt, tx, callback, "attempts are over", now)
    return timedelta(0)


def leave_to_supervisors(
    rt: Runtime, tx: Transaction, callback: Callback, reason: str, now: datetime
) -> None:
    """A promise has ended and its case has not: where it is urgent a supervisor decides.

    Paged until one does, for nothing else would ever look at the case again.
    """
    work = cases.get(tx, callback.case_id)
    if work.disposition.is_urgent and work.is_open:
        ring = ring_safety.is_ring_safe(tx, work.conversation_id)
        escalation.page_supervisor(rt, tx, work, work.disposition, reason, now, ring_caller=ring)


def wait_for_morning(rt: Runtime, tx: Transaction, callback: Callback, now: datetime) -> bool:
    """Outside civil hours a promise that is not urgent goes back until they begin; did it?

    Not when the caller asked for another time (PROTOCOL 3.6.7). Checked before a specialist
    is rung, because a retry or a lease that ended may have come round at night.
    """
    if rt.protocol.callbacks.by_disposition[callback.disposition].any_hour:
        return False
    civil_at = hours.civil_at(rt, callback.phone, now)
    if civil_at <= now:
        return False
    place = conversations.lock_by_id(tx, callback.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    if progress.answers.get("C2") == ["said"]:
        return False
    waits = promises.give_back(
        tx, callback.id, not_before=civil_at, tried=False, specialist_id=callback.specialist_id
    )
    if waits:
        journal.note(tx, "postponed", "callback", callback.id, now=now)
    return waits


def due_at(rt: Runtime, callback: Callback, disposition: Disposition) -> datetime:
    """When this promise would have been due, had it been of that disposition from the first."""
    local_asked = hours.local_time(rt, callback.phone, callback.asked_at)
    return _due_at(rt.protocol.callbacks, disposition, local_asked)


def _pause(rules: CallbackRules, callback: Callback) -> timedelta:
    """The ladder counts from the first attempt: the time between this try and the next.

    The number in reserve is rung soon after the last attempt at the other.
    """
    retries, tries = rules.by_disposition[callback.disposition].retries, callback.tries
    if tries >= len(retries) and not callback.disposition.is_danger:
        return rules.pass_pause
    index = min(tries, len(retries) - 1)
    return retries[index] - (retries[index - 1] if index else timedelta(0))


def _due_at(
    rules: CallbackRules, disposition: Disposition, local_now: datetime, share: float = 1
) -> datetime:
    """Urgent promises run by the clock, others by staffed hours (``callbacks.yaml``).

    `share` of the time: when most of it is gone somebody is warned.
    """
    policy = rules.by_disposition[disposition]
    length = policy.deadline * share
    if policy.any_hour:
        return (local_now + length).astimezone(UTC)
    end = after_staffed_time(local_now, length, rules.staffed_from, rules.staffed_to)
    return end.astimezone(UTC)
