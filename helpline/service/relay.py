"""From the outbox to the workers' bells, in priority order; what was rung in vain is rung again."""

from collections import defaultdict
from datetime import timedelta

from helpline.runtime import Runtime
from helpline.store import outbox

RING_AGAIN = timedelta(seconds=10)


def ring_waiting(rt: Runtime) -> int:
    """Ring for effects that are due; how many.

    A ring that still waits in Redis is not rung twice, however long the queue: only when
    the queue is empty and the effect still undone was its ring lost.

    Raises:
        helpline.runtime.BellBroken: Redis cannot be reached; the rows stay as they are.
    """
    rung = 0
    while True:
        now = rt.clock.now()
        with rt.store.read() as tx:
            due = outbox.list_to_ring(tx, now, RING_AGAIN)
        if not due:
            return rung
        by_queue: dict[str, list[int]] = defaultdict(list)
        for outbox_id, queue, rung_before in due:
            if not rung_before or rt.bell.waiting(queue) == 0:
                by_queue[queue].append(outbox_id)
        for queue, ids in by_queue.items():
            rt.bell.ring(queue, tuple(ids))
            rung += len(ids)
        with rt.store.begin() as tx:
            outbox.mark_rung(tx, [outbox_id for outbox_id, _, _ in due], now)
