"""When a ring may hurt the person it is meant for (CONTRACT 3, SAFE_CONTACT and violence)."""

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress

VIOLENT = frozenset({"emergency.violence", "emergency.child_in_danger"})
SECRET = frozenset({"SAFE_CONTACT", "DISCREET"})


def is_secret(progress: Progress) -> bool:
    """Somebody near must not know of us: no names, no voicemail, no text that tells."""
    return not SECRET.isdisjoint(progress.flags)


def may_leave_words(progress: Progress) -> bool:
    """May words be left on a machine that others can hear? Never where somebody near must not
    know or may hurt them, whatever they agreed to."""
    return not is_secret(progress) and VIOLENT.isdisjoint(progress.hits)


def may_ring(progress: Progress) -> bool:
    """False near violence unless the caller asked to be rung, and below EMERGENCY until a
    caller who must be rung in secret has said when."""
    if not VIOLENT.isdisjoint(progress.hits):
        return "1" in progress.answers.get("EV", ())
    if progress.disposition is Disposition.EMERGENCY_NOW:
        return True
    return not is_secret(progress) or "C2" in progress.answers


def may_ring_now(progress: Progress) -> bool:
    """May a ring come earlier than the time the caller chose? Only when life is at risk."""
    asked_for_now = progress.answers.get("C2", ["1"]) == ["1"]
    return may_ring(progress) and (
        asked_for_now or progress.disposition is Disposition.EMERGENCY_NOW
    )
