"""Who a caller is: blocked, the same person as another, not the same person any more."""

from helpline.domain.phone import PhoneNumber
from helpline.domain.rights import Right, need
from helpline.runtime import Runtime
from helpline.service.console import reading
from helpline.service.console.acts import LONGEST_REASON, Done, Refused, Result
from helpline.store import board, cases, conversations, identity, journal, pages, retried
from helpline.store.board import Blocked
from helpline.store.people import Person


def list_blocked(rt: Runtime, reader: Person) -> list[tuple[Blocked, str]]:
    """Blocked callers with their masked numbers."""
    need(reader.role, Right.SUPERVISE)
    with rt.store.read() as tx:
        return [(item, _masked(item.address)) for item in board.list_blocked(tx)]


def _masked(address: str) -> str:
    return str(PhoneNumber(address)) if address.startswith("+") else "…"


@retried
def block(rt: Runtime, person: Person, case_id: int, reason: str) -> Result:
    """Texts of this caller get no answer from now on. Danger is read in them, and answered."""
    need(person.role, Right.SUPERVISE)
    if not reason.strip():
        return Refused.NO_REASON
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        reading.check_may_read(tx, person, work)
        if work.is_open and pages.find_open(tx, work.id) is not None:
            return Refused.PAGE_OPEN
        identity.block(tx, work.caller_id, reason.strip()[:LONGEST_REASON], now)
        journal.note(tx, "blocked", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.BLOCKED


@retried
def unblock(rt: Runtime, person: Person, caller_id: int) -> Result:
    """Their texts are answered again."""
    need(person.role, Right.SUPERVISE)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        if identity.unblock(tx, caller_id):
            journal.note(tx, "unblocked", "caller", caller_id, now=now, actor=f"staff:{person.id}")
    return Done.UNBLOCKED


@retried
def merge(rt: Runtime, person: Person, case_id: int, other_code: str) -> Result:
    """The callers of two cases are one person: each page shows both histories from now on.

    Numbers, promises and consent stay each number's own: who may be rung where is not for a
    click to decide.
    """
    need(person.role, Right.SUPERVISE)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        other = identity.find_caller_by_code(tx, other_code.strip())
        if other is None or other == work.caller_id:
            return Refused.NO_SUCH_CASE
        identity.join(tx, work.caller_id, other)
        journal.note(
            tx, "merged", "case", work.id, now=now, actor=f"staff:{person.id}", caller=other
        )
    return Done.MERGED


@retried
def part(rt: Runtime, person: Person, case_id: int) -> Result:
    """They are not the same person after all."""
    need(person.role, Right.SUPERVISE)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        work = cases.get(tx, case_id)
        identity.part(tx, work.caller_id)
        journal.note(tx, "parted", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.PARTED


@retried
def changed_hands(rt: Runtime, person: Person, case_id: int) -> Result:
    """Somebody else has this number now: what was before is shown to nobody, and not counted.

    The open case is closed as a wrong person's first (CONTRACT 2, outcome 6).
    """
    need(person.role, Right.WORK)
    now = rt.clock.now()
    with rt.store.begin() as tx:
        conversations.lock_by_id(tx, cases.get(tx, case_id).conversation_id)
        work = cases.get(tx, case_id)
        reading.check_may_read(tx, person, work)
        if work.is_open:
            return Refused.STILL_OPEN
        identity.change_hands(tx, work.caller_id, now)
        journal.note(tx, "changed hands", "case", work.id, now=now, actor=f"staff:{person.id}")
    return Done.FRESH
