"""Asking a caller how they are, as agreed: a day, three days, a week after (PROTOCOL 3.3).

Planned when a call is promised: FOLLOWUP from URGENT_60 on unless they want no contact,
WATCH_CHECK in the first weeks without ketamine if they agreed (C1). What made a caller hide
is known only then, so the times are put into their safe window at once. `appointments`
asks when the time has come.
"""

from datetime import UTC, datetime

from helpline.domain.progress import Progress
from helpline.domain.schedule import window_of
from helpline.domain.secrecy import VIOLENT, is_secret
from helpline.runtime import Runtime
from helpline.service import hours, ring_safety
from helpline.store import Transaction, followups
from helpline.store.cases import Case
from helpline.store.conversations import Place

FOLLOWUP, WATCH_CHECK = "FOLLOWUP", "WATCH_CHECK"
_YES, _NO = frozenset({"1", "2", "3"}), "4"
_TIMES_OF_DAY = frozenset({"2", "3", "4"})


def plan(rt: Runtime, tx: Transaction, place: Place, case: Case, progress: Progress,
         now: datetime) -> None:  # fmt: skip
    """Write down when to ask, as far as is known now; what was planned before gives way.

    Nothing is planned where a text may hurt, or against the caller's wish.
    """
    if not followups.clear(tx, case.id):
        return
    kind = _kind(progress)
    if kind is None or not is_safe(progress) or ring_safety.hidden_elsewhere(tx, place, progress):
        return
    times = [
        safe_time(rt, place, progress, now + after)
        for after in rt.protocol.callbacks.follow_ups[kind]
    ]
    followups.plan(
        tx, case_id=case.id, conversation_id=place.conversation_id, kind=kind, due_at=times, now=now
    )


def _kind(progress: Progress) -> str | None:
    """The weeks after ketamine need a yes to C1; the days after danger or urgency no "no"."""
    consent = set(progress.answers.get("C1", ()))
    watched = "WITHDRAWAL_WATCH" in progress.flags and progress.path == "self"
    if watched and consent & _YES:
        return WATCH_CHECK
    return FOLLOWUP if progress.disposition.is_urgent and _NO not in consent else None


def is_safe(progress: Progress) -> bool:
    """Would a text in a day hurt nobody?

    In secret only a chosen time of day is safe, again and again; "as soon as possible" and a
    time in their own words were for one call.
    """
    if progress.opted_out or not VIOLENT.isdisjoint(progress.hits):
        return False
    return not is_secret(progress) or progress.answers.get("C2", [""])[0] in _TIMES_OF_DAY


def safe_time(rt: Runtime, place: Place, progress: Progress, at: datetime) -> datetime:
    """Then, if that is a civil hour and in the window they chose; else the next that is."""
    window = window_of(progress.answers.get("C2", ["1"])[0], hours.local_time(rt, place.phone, at))
    return hours.civil_at(rt, place.phone, window.opens_at.astimezone(UTC) if window else at)
