"""May this caller be rung, and from when on? A ring at the wrong time can be the danger itself.

By all that they told any of our lines, by the hours they chose, and by civil hours.
"""

from datetime import UTC, datetime

from helpline.domain import secrecy
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.schedule import Window, understand_time, window_of
from helpline.domain.secrecy import may_ring
from helpline.runtime import Runtime
from helpline.service import hours
from helpline.store import Transaction, conversations
from helpline.store.conversations import Place


def hidden_elsewhere(tx: Transaction, place: Place, progress: Progress) -> bool:
    """Did this caller tell another of our lines that a ring may hurt them?

    What they told there counts here, until they say here when it is safe.
    """
    if {"C2", "EV"}.intersection(progress.answers):
        return False
    told = conversations.list_progress(tx, place.caller_id)
    told.pop(place.conversation_id, None)
    for known in filter(None, told.values()):
        other = Progress.from_json(known)
        other.floor = max(other.disposition, progress.disposition).name
        if not may_ring(other):
            return True
    return False


def is_ring_safe(tx: Transaction, conversation_id: int) -> bool:
    """May this caller be rung, by all that they told any of our lines?"""
    place = conversations.lock_by_id(tx, conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    return may_ring(progress) and not hidden_elsewhere(tx, place, progress)


def may_leave_words(tx: Transaction, caller_id: int) -> bool:
    """May words be left for this caller where others may find them, by all that they told any
    of our lines?"""
    told = conversations.list_progress(tx, caller_id).values()
    return all(secrecy.may_leave_words(Progress.from_json(known)) for known in told if known)


def find_earliest(
    rt: Runtime,
    place: Place,
    progress: Progress,
    disposition: Disposition,
    now: datetime,
    *,
    at_once: bool,
    asked_at: datetime,
) -> datetime | None:
    """The earliest time a ring is right; None until the caller says that it is safe.

    "Tomorrow at three" was said at `asked_at`, which may be long ago: if that is over by now,
    the next time like it.

    Danger to life excuses a ring at any hour, except where the ring is the danger. While
    triage still runs the call waits for its end, for silence, or for the deadline.
    """
    if not may_ring(progress):
        return None
    if disposition is Disposition.EMERGENCY_NOW:
        return now
    window = _window(progress, hours.local_time(rt, place.phone, asked_at))
    if window is not None and window.closes_at <= now:
        window = _window(progress, hours.local_time(rt, place.phone, now))
    if window is not None:
        return window.opens_at.astimezone(UTC)
    policy = rt.protocol.callbacks.by_disposition[disposition]
    if not policy.any_hour:
        return hours.civil_at(rt, place.phone, now)
    asked_everything = progress.state in {"QUEUED", "HUMAN", "HUMAN_VOICE"}
    return now if at_once or asked_everything else asked_at + policy.deadline


def _window(progress: Progress, local_now: datetime) -> Window | None:
    chosen = progress.answers.get("C2")
    if chosen is None:
        return None
    if chosen == ["said"]:
        return understand_time(progress.words.get("time", ""), local_now)
    return window_of(chosen[0], local_now)
