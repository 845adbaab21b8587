"""The queue's clock: whoever may be rung from now on is marked ready, and the queue looked at."""

from helpline.runtime import Runtime
from helpline.service import callbacks
from helpline.store import callbacks as promises
from helpline.store import retried


def keep(rt: Runtime) -> None:
    """Have the queue looked at where that helps, and mark whose time has come. Run by the guard.

    In this order: a look needs no mark, and at the hour when the day begins there is much to mark.
    """
    callbacks.look_if_ready(rt)
    mark_ready(rt)


@retried
def mark_ready(rt: Runtime) -> int:
    """Mark a batch of those whose time has come; how many."""
    now = rt.clock.now()
    with rt.store.read() as tx:
        if not promises.has_come(tx, now):
            return 0
    with rt.store.begin() as tx:
        return promises.release(tx, now)
