"""What each role may do. The pages ask, and the service asks again."""

from enum import StrEnum


class Right(StrEnum):
    """Kinds of acts, from what everybody does to what few may."""

    WORK = "work"
    """Take cases, read and write to whoever they are about, call, record what came of it."""
    SUPERVISE = "supervise"
    """See everybody's work, hand cases over, read reports, block, merge callers."""
    ADMINISTER = "administer"
    """Add and disable staff, invite them to sign in."""


_OF_ROLE = {
    "specialist": frozenset({Right.WORK}),
    "supervisor": frozenset({Right.WORK, Right.SUPERVISE}),
    "admin": frozenset(Right),
}


class NotAllowed(Exception):
    """This member of staff may not do that; nothing was done."""


def may(role: str, right: Right) -> bool:
    """Does this role have this right? An unknown role has none."""
    return right in _OF_ROLE.get(role, frozenset())


def need(role: str, right: Right) -> None:
    """Go on only with this right.

    Raises:
        NotAllowed: the role does not have it.
    """
    if not may(role, right):
        raise NotAllowed(right.value)
