"""Staff as the command line manages them. Works while everything runs."""

from dataclasses import dataclass

from helpline.domain.phone import PhoneNumber, parse_phone
from helpline.runtime import Clock
from helpline.store import Store, accounts, journal, people
from helpline.store.people import Person


@dataclass(frozen=True, slots=True)
class Desk:
    """What managing staff needs: no carrier, no bell."""

    store: Store
    clock: Clock
    line_numbers: frozenset[PhoneNumber]


COMMAND_LINE = "command line"


def add(
    desk: Desk,
    *,
    name: str,
    phone: str,
    role: str,
    languages: list[str],
    tier: int,
    actor: str = COMMAND_LINE,
) -> int:
    """Add somebody, or update the one with this number (idempotent by phone); the id.

    Raises:
        ValueError: a number that cannot be one, one of the line's own, no name, no language.
    """
    number = parse_phone(phone)
    if number in desk.line_numbers:
        raise ValueError("this is a number of the line itself; staff need their own telephone")
    if not name.strip():
        raise ValueError("a name is needed: callers never hear it, colleagues do")
    if not languages or not all(len(item) == 2 and item.isalpha() for item in languages):
        raise ValueError("languages are two-letter codes, like en,es")
    now = desk.clock.now()
    with desk.store.begin() as tx:
        staff_id = people.add(
            tx,
            name=name.strip(),
            phone=number,
            role=role,
            languages=[item.lower() for item in languages],
            tier=tier,
            now=now,
        )
        journal.note(tx, "added", "staff", staff_id, now=now, actor=actor, role=role)
    return staff_id


def list_lines(desk: Desk) -> list[str]:
    """One line each, numbers masked."""
    with desk.store.read() as tx:
        everybody = people.list_all(tx)
    return [
        f"{person.id}\t{person.name}\t{person.phone}\t{person.role}\ttier {person.tier}\t"
        f"{','.join(person.languages)}\t{_state(person)}"
        for person in everybody
    ]


def _state(person: Person) -> str:
    if person.disabled:
        return "disabled"
    presence = "available" if person.available else "away"
    aside = ", number set aside" if person.set_aside else ""
    stopped = "" if person.takes_texts else ", no texts"
    return f"{presence}{aside}{stopped}"


def disable(desk: Desk, staff_id: int, *, actor: str = COMMAND_LINE) -> bool:
    """They work here no longer, and are signed in nowhere; False when nobody has this id."""
    now = desk.clock.now()
    with desk.store.begin() as tx:
        gone = people.disable(tx, staff_id, now)
        if gone:
            accounts.end_sessions_of(tx, staff_id)
            journal.note(tx, "disabled", "staff", staff_id, now=now, actor=actor)
    return gone


def sign_off(desk: Desk, *, by: str, role: str, covers: str) -> None:
    """Record that a clinician approved one exact version of the protocol."""
    with desk.store.begin() as tx:
        journal.sign(tx, by=by, role=role, covers=covers, now=desk.clock.now())
