"""Texts to supervisors about promises and machinery: codes and kinds, never who."""

from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.runtime import Runtime
from helpline.service.sending import outgoing
from helpline.store import Transaction, outbox, people
from helpline.store.people import Person


def to_supervisors(
    rt: Runtime, tx: Transaction, key: str, now: datetime, *, priority: int, **values: str
) -> list[int]:
    """The same text to every supervisor; the effects written, for the bell."""
    return to_people(rt, tx, people.list_supervisors(tx), key, now, priority=priority, **values)


def to_people(
    rt: Runtime,
    tx: Transaction,
    who: list[Person],
    key: str,
    now: datetime,
    *,
    priority: int,
    **values: str,
) -> list[int]:
    """The same text to each of them, once; the effects written, for the bell."""
    each = {person.id: person for person in who}.values()
    written = [
        outgoing.text_staff(rt, tx, person, key, now, priority=priority, **values)
        for person in each
    ]
    return [item for item in written if item is not None]


def named(disposition: Disposition) -> str:
    """A disposition as staff read it."""
    return disposition.name.replace("_", " ")


def hurry_of(disposition: Disposition) -> int:
    """A promise of 15 minutes or less is told of at once, Redis or not."""
    return outbox.CRISIS if disposition >= Disposition.URGENT_15 else outbox.URGENT
