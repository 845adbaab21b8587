"""The people of the line, for admins: added, changed, disabled, invited."""

from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service import staff
from helpline.store import accounts, people
from helpline.store.people import Person

MOST_NAME = 60


def list_everybody(rt: Runtime, reader: Person) -> list[tuple[Person, bool]]:
    """Everybody with whether they can sign in, those who left last."""
    need(reader.role, Right.ADMINISTER)
    with rt.store.read() as tx:
        found = [
            (person, accounts.find_credential_of(tx, person.id) is not None)
            for person in people.list_all(tx)
        ]
    return sorted(found, key=lambda item: (item[0].disabled, item[0].id))


def add(
    rt: Runtime, by: Person, *, name: str, phone: str, role: str, languages: list[str], tier: int
) -> int:
    """Add somebody, or update whoever has this number; the id.

    Raises:
        ValueError: a number that cannot be one, one of the line's own, no name, no language, an
            unknown role or tier.
    """
    need(by.role, Right.ADMINISTER)
    if role not in {"specialist", "supervisor", "admin"} or tier not in {1, 2, 3}:
        raise ValueError("role or tier is none of ours")
    return staff.add(
        desk_of(rt),
        name=name[:MOST_NAME],
        phone=phone,
        role=role,
        languages=languages,
        tier=tier,
        actor=f"staff:{by.id}",
    )


def disable(rt: Runtime, by: Person, staff_id: int) -> bool:
    """They work here no longer, and are signed in nowhere; False when they did not.

    Raises:
        ValueError: nobody locks themselves out.
    """
    need(by.role, Right.ADMINISTER)
    if staff_id == by.id:
        raise ValueError("nobody disables themselves")
    return staff.disable(desk_of(rt), staff_id, actor=f"staff:{by.id}")


def desk_of(rt: Runtime) -> staff.Desk:
    """What managing staff needs."""
    line = rt.line
    numbers = frozenset((*line.sms_numbers, *line.voice_numbers, *line.crisis_numbers))
    return staff.Desk(rt.store, rt.clock, numbers)
