"""The audit as the command line lists it: who did what to which row, never words or numbers."""

from datetime import timedelta

from helpline.service.staff import Desk
from helpline.store import audit
from helpline.store.audit import Entry


def list_lines(
    desk: Desk,
    *,
    case_id: int | None = None,
    staff_id: int | None = None,
    within: timedelta | None = None,
    most: int = 500,
) -> list[str]:
    """One line for each act, the newest last.

    Args:
        case_id: only this case, its pages and its callbacks.
        staff_id: only what this person did, or what was done to them.
        within: only the acts of so long ago at the most.
        most: how many at the most, the newest of them.
    """
    since = None if within is None else desk.clock.now() - within
    with desk.store.read() as tx:
        found = audit.list_entries(tx, case_id=case_id, staff_id=staff_id, since=since, most=most)
    return [_line(entry) for entry in found]


def _line(entry: Entry) -> str:
    detail = " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items()))
    at = entry.at.isoformat(timespec="seconds")
    what = f"{entry.action}\t{entry.subject}:{entry.subject_id}"
    return f"{entry.id}\t{at}\t{entry.actor}\t{what}\t{detail}".rstrip()
