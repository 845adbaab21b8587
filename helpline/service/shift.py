"""A shift: available or away, the next case on request, telephones that are of no use."""

from datetime import datetime, timedelta
from enum import StrEnum

from helpline.runtime import Runtime
from helpline.service import callbacks
from helpline.service.sending import outgoing
from helpline.store import Transaction, conversations, journal, outbox, pages, people
from helpline.store import callbacks as promises
from helpline.store.people import Person

MOST_FAILURES = 3
"""A number that failed hard so many times in a row is not rung any more."""


def presence_words(person: Person, available: bool) -> str:
    """The message for whoever has come or gone: supervisors are paged though away (CONTRACT 2)."""
    if available:
        return "STAFF_AVAILABLE"
    return "STAFF_AWAY" if person.role == "specialist" else "STAFF_AWAY_PAGED"


class Wish(StrEnum):
    """What becomes of NEXT; the value is the message that says so."""

    RINGS = "STAFF_NEXT"
    ENGAGED = "STAFF_ENGAGED"
    SET_ASIDE = "STAFF_SET_ASIDE"
    NOTHING = "STAFF_NOTHING"


def set_presence(
    rt: Runtime, tx: Transaction, person: Person, available: bool, now: datetime
) -> None:
    """They come or go; whoever comes is rung again, also after hard failures."""
    people.set_presence(tx, person.id, available=available)
    action = "available" if available else "away"
    journal.note(tx, action, "staff", person.id, now=now, actor=f"staff:{person.id}")
    if available:
        callbacks.look(tx, now, key=f"match-here-{person.id}-{int(now.timestamp() * 1000)}")


def ring_next(
    rt: Runtime,
    tx: Transaction,
    person: Person,
    now: datetime,
    *,
    after: timedelta = timedelta(0),
) -> tuple[Wish, tuple[int, ...]]:
    """Ring this person with the most urgent case; crisis effects to ring the bell for.

    A page comes first, and is not acknowledged before a key is pressed. Whoever asks is rung
    though away.
    """
    journal.note(tx, "asked for next", "staff", person.id, now=now, actor=f"staff:{person.id}")
    if person.set_aside:
        return Wish.SET_ASIDE, ()
    found = pages.find_most_urgent(tx, person.id)
    if found is not None:
        conversations.lock_by_id(tx, found.conversation_id)
        if not people.lock_for_wish(tx, person.id):
            return Wish.ENGAGED, ()
        rung = outgoing.ring(
            tx,
            leg="staff",
            case_id=found.case_id,
            page_id=found.id,
            staff_id=person.id,
            now=now,
            priority=outbox.CRISIS,
            after=after,
        )
        return Wish.RINGS, () if rung is None else (rung,)
    while (waiting := promises.find_next(tx, person.languages, now)) is not None:
        conversations.lock_by_id(tx, waiting.conversation_id)
        if not people.lock_for_wish(tx, person.id):
            return Wish.ENGAGED, ()
        if callbacks.offer(rt, tx, waiting, person, now, after=after):
            return Wish.RINGS, ()
    return Wish.NOTHING if people.lock_for_wish(tx, person.id) else Wish.ENGAGED, ()


def missed(rt: Runtime, tx: Transaction, staff_id: int, now: datetime) -> None:
    """A ring for a callback was not answered by a human: away, with a text that says so."""
    if not people.leave(tx, staff_id):
        return
    journal.note(tx, "away after a missed ring", "staff", staff_id, now=now)
    person = people.get(tx, staff_id)
    outgoing.text_staff(rt, tx, person, "STAFF_MISSED", now, priority=outbox.URGENT)


def number_failed(rt: Runtime, tx: Transaction, staff_id: int, now: datetime) -> None:
    """Their number cannot be rung; after three times in a row it is set aside, and told."""
    if not people.number_failed(tx, staff_id, MOST_FAILURES, now):
        return
    journal.note(tx, "number set aside", "staff", staff_id, now=now)
    person = people.get(tx, staff_id)
    outgoing.text_staff(rt, tx, person, "STAFF_SET_ASIDE", now, priority=outbox.URGENT)
    _tell_supervisors(rt, tx, person, "LIST_SET_ASIDE", now)


def texts_stopped(
    rt: Runtime, tx: Transaction, staff_id: int, now: datetime, *, actor: str = "system"
) -> None:
    """They told the carrier to stop: an alarm, once; their pages go by voice.

    `actor`: who says so, the person themselves or the carrier's refusal of a text.
    """
    if not people.refuse_texts(tx, staff_id, now):
        return
    journal.note(tx, "opted out", "staff", staff_id, now=now, actor=actor)
    _tell_supervisors(rt, tx, people.get(tx, staff_id), "LIST_OPTED_OUT", now)


def texts_again(tx: Transaction, staff_id: int, now: datetime) -> None:
    """They told the carrier to start again."""
    people.accept_texts(tx, staff_id)
    journal.note(tx, "opted in", "staff", staff_id, now=now, actor=f"staff:{staff_id}")


def _tell_supervisors(rt: Runtime, tx: Transaction, about: Person, key: str, now: datetime) -> None:
    for boss in people.list_supervisors(tx):
        if boss.id != about.id:
            outgoing.text_staff(
                rt, tx, boss, key, now, priority=outbox.URGENT, NAME=about.name[:20]
            )
