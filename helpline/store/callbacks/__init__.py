"""The callback queue. A row is a promise: the time first asked never moves.

States: waiting → claimed (a specialist is rung) → talking (accepted) → done, or back
to waiting; exhausted and canceled are ends. All moves are compare-and-set.
"""

from helpline.store.callbacks.clocks import (
    find_late,
    find_lease_over,
    list_late,
    list_leases_over,
    list_to_warn,
    promote,
    warned,
)
from helpline.store.callbacks.moves import (
    accept,
    agree,
    claim,
    extend,
    finish,
    give_back,
    hurry,
    lower,
    relieve,
    take_over,
)
from helpline.store.callbacks.promising import EndedMeanwhile, Number, promise
from helpline.store.callbacks.queue import BATCH, WINDOW, find_next, has_come, release
from helpline.store.callbacks.rows import (
    ENDS,
    LIVE,
    NEVER,
    Callback,
    conversation_of,
    find,
    find_live,
    get,
)

__all__ = [
    "BATCH",
    "ENDS",
    "LIVE",
    "NEVER",
    "WINDOW",
    "Callback",
    "EndedMeanwhile",
    "Number",
    "accept",
    "agree",
    "claim",
    "conversation_of",
    "extend",
    "find",
    "find_late",
    "find_lease_over",
    "find_live",
    "find_next",
    "finish",
    "get",
    "give_back",
    "has_come",
    "hurry",
    "list_late",
    "list_leases_over",
    "list_to_warn",
    "lower",
    "promise",
    "promote",
    "release",
    "relieve",
    "take_over",
    "warned",
]
