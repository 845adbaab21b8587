"""The end of a talk for staff: what came of it, asked of whoever has the case."""

from helpline.domain.speech import Ask, CallStep, HangUp
from helpline.runtime import Runtime
from helpline.service.calls.prompts import CHOICE_WITHIN, NOTHING, say
from helpline.store import Transaction, attempts
from helpline.store.attempts import Attempt
from helpline.store.callbacks import Callback


def ask_outcome(
    rt: Runtime, tx: Transaction, leg: Attempt, promise: Callback
) -> tuple[CallStep, ...]:
    """Ask what came of it; a colleague of whoever has the case is only thanked."""
    if attempts.latest_connected(tx, promise.id) is None:
        return NOTHING
    if promise.state == "talking" and promise.specialist_id != leg.staff_id:
        return (say(rt, "STAFF_GOODBYE"), HangUp())
    question = say(rt, "STAFF_OUTCOME")
    path = f"/twilio/voice/staff/outcome?attempt={leg.token}"
    ask = Ask((question,), path, timeout=CHOICE_WITHIN)
    return (ask, ask, HangUp())
