"""A text in the place of a voicemail, for who asked for that (C3 = 3)."""

from datetime import datetime

from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import ring_safety
from helpline.service.sending import outgoing
from helpline.store import Transaction, conversations, outbox
from helpline.store.callbacks import Callback

TEXT_INSTEAD = ["3"]


def text_instead(rt: Runtime, tx: Transaction, promise: Callback, now: datetime) -> None:
    """After the first call that they missed, once for a promise: neutral, and how to ring us.

    Not in danger, where the next call comes at once, and not to who hides from somebody near.
    """
    if promise.tries or promise.disposition.is_danger:
        return
    place = conversations.lock_by_id(tx, promise.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    if progress.answers.get("C3") != TEXT_INSTEAD:
        return
    if ring_safety.may_leave_words(tx, promise.caller_id):
        urgent = promise.disposition.is_urgent
        outgoing.text_caller(
            rt, tx, promise.conversation_id, "C7", now,
            priority=outbox.URGENT if urgent else outbox.ORDINARY,
        )  # fmt: skip
