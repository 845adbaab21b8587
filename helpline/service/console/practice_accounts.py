"""Accounts of practice mode: nobody is real there, so a password alone will do."""

from helpline.service import staff
from helpline.service.console import signing_in
from helpline.service.staff import Desk

PASSWORD = "practice makes perfect"  # noqa: S105 - shown on the sign-in page of practice mode
_PEOPLE = (
    ("ana", "Ana", "+12025550111", "specialist", ["en", "es"]),
    ("sam", "Sam", "+12025550112", "supervisor", ["en"]),
    ("ada", "Ada", "+12025550113", "admin", ["en"]),
)


def keep(desk: Desk) -> list[tuple[str, str]]:
    """Three people of three roles who can sign in, as (login, role). May be called again."""
    for login, name, phone, role, languages in _PEOPLE:
        staff_id = staff.add(desk, name=name, phone=phone, role=role, languages=languages, tier=1)
        signing_in.keep_practice_account(
            desk.store, desk.clock, staff_id=staff_id, login=login, password=PASSWORD
        )
    return [(login, role) for login, _, _, role, _ in _PEOPLE]
