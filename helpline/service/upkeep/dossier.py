"""A case as a supervisor may read it at the command line, with what staff wrote; it is noted."""

from helpline.domain.commands import CallOutcome
from helpline.service.staff import Desk
from helpline.store import Transaction, cases, holding, journal, notes, people
from helpline.store import callbacks as promises
from helpline.store.cases import Case
from helpline.store.notes import Note


def show(desk: Desk, code: str, *, reader_id: int) -> list[str]:
    """The case of this code, its promised call, and every note about its caller, newest first.

    No number and no words of the caller. The open case of the code, else the last that had it.

    Raises:
        LookupError: there is no case with this code, or nobody with this id works here.
        PermissionError: the reader is neither supervisor nor admin.
    """
    now = desk.clock.now()
    with desk.store.begin() as tx:
        _check(tx, reader_id)
        case_id = holding.find_by_code(tx, code)
        if case_id is None:
            raise LookupError(f"there is no case with code {code}")
        work = cases.get(tx, case_id)
        found = notes.list_of_caller(tx, work.caller_id)
        who = f"staff:{reader_id}"
        journal.note(tx, "case shown", "case", work.id, now=now, actor=who, notes=len(found))
        return [_case(work), *_call(tx, work), *(_note(item) for item in found)]


def _check(tx: Transaction, reader_id: int) -> None:
    reader = people.get(tx, reader_id)
    if reader.disabled:
        raise LookupError(f"staff {reader_id} works here no longer")
    if reader.role == "specialist":
        raise PermissionError("only a supervisor or an admin may read what was written")


def _case(work: Case) -> str:
    state = "open" if work.is_open else "closed"
    held = "nobody has it" if work.holder_id is None else f"staff:{work.holder_id} has it"
    return f"case:{work.id}\tcode {work.code}\t{state}\t{work.disposition.name}\t{held}"


def _call(tx: Transaction, work: Case) -> list[str]:
    promise = promises.find_live(tx, work.caller_id)
    if promise is None:
        return []
    due = promise.due_at.isoformat(timespec="seconds")
    return [f"callback:{promise.id}\t{promise.state}\t{promise.disposition.name}\tdue {due}"]


def _note(item: Note) -> str:
    outcome = CallOutcome(item.outcome).name.lower().replace("_", " ")
    at = item.at.isoformat(timespec="seconds")
    words = " ".join(item.body.split())
    return f"note:{item.id}\t{at}\tcase:{item.case_id}\tstaff:{item.staff_id}\t{outcome}\t{words}"
