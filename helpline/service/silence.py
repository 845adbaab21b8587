"""Nothing was said for as long as the protocol allows: nudge, ask, call, page (PROTOCOL 3.7)."""

from helpline.domain.effects import CloseCase
from helpline.domain.risk import NOTHING
from helpline.domain.said import Silence
from helpline.runtime import Runtime
from helpline.service import steps
from helpline.service.rounds import take_each
from helpline.service.sending import outgoing
from helpline.store import conversations, outbox, retried


def wake_due(rt: Runtime) -> int:
    """Take the step of every conversation whose silence is due; how many. Run by the guard.

    One that fails is due again in the next round and keeps no other waiting.
    """
    with rt.store.read() as tx:
        due = conversations.list_to_wake(tx, rt.clock.now())
    return take_each(
        due,
        lambda conversation_id: wake(rt, conversation_id),
        event="silence.failed",
        name=lambda conversation_id: {"conversation_id": conversation_id},
    )


@retried
def wake(rt: Runtime, conversation_id: int) -> bool:
    """One conversation was silent; False when it is so no longer."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        place = conversations.lock_by_id(tx, conversation_id)
        # Only under the lock is it sure that nobody wrote, or woke it, since it was listed.
        if not conversations.is_to_wake(tx, conversation_id, now):
            return False
        progress = steps.read_progress(rt, place)
        decision = steps.decide(rt, place, progress, Silence(), NOTHING, now)
        steps.save(tx, place, decision, now)
        urgent = steps.carry_out(rt, tx, place, decision, now)
        # A closing text can wait for the morning; what asks or warns cannot.
        closes = CloseCase() in decision.effects
        priority = outbox.ORDINARY if closes else outbox.URGENT
        if not place.opted_out:
            for words in decision.texts:
                outgoing.text_words(tx, place.conversation_id, words, now, priority=priority)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return True
