"""Effects are carried out once, in order, and never forgotten."""

from collections import Counter
from datetime import timedelta

from helpline.store import Store, outbox, tables
from tests.builders import race, rows
from tests.fakes import AFTERNOON

NOW = AFTERNOON
SECOND = timedelta(seconds=1)
LEASE = 10 * SECOND


def put(
    store: Store, key: str, *, priority: int = outbox.URGENT, wait: timedelta = 0 * SECOND
) -> int:
    with store.begin() as tx:
        made = outbox.put(
            tx, key=key, kind="text", row_id=1, queue="default", priority=priority,
            due_at=NOW + wait, now=NOW,
        )  # fmt: skip
    assert made
    return made


def claim(store: Store, outbox_id: int, at: timedelta = 0 * SECOND) -> outbox.Effect | None:
    with store.begin() as tx:
        return outbox.claim(tx, outbox_id, NOW + at, LEASE)


def test_the_same_effect_is_written_once(store: Store) -> None:
    put(store, "text-1")
    with store.begin() as tx:
        again = outbox.put(
            tx,
            key="text-1",
            kind="text",
            row_id=1,
            queue="default",
            priority=1,
            due_at=NOW,
            now=NOW,
        )
    assert again is None
    assert len(rows(store, tables.outbox)) == 1


def test_eight_threads_claim_every_row_once(store: Store) -> None:
    ids = [put(store, f"text-{index}") for index in range(40)]

    def work(turn: int) -> list[int]:
        mine = ids[turn * 5 :] + ids[: turn * 5]
        return [outbox_id for outbox_id in mine if claim(store, outbox_id)]

    won = Counter(
        outbox_id
        for taken in race(*[lambda turn=turn: work(turn) for turn in range(8)])
        for outbox_id in taken
    )
    assert won == Counter(ids)
    assert {row["tries"] for row in rows(store, tables.outbox)} == {1}


def test_a_claim_ends_and_is_taken_once_more(store: Store) -> None:
    effect = put(store, "text-1")
    assert claim(store, effect)
    assert claim(store, effect, LEASE - SECOND) is None
    won = race(*[lambda: claim(store, effect, LEASE + SECOND)] * 4)
    again = [item for item in won if item]
    assert len(again) == 1
    assert again[0].tries == 2


def test_what_is_not_due_done_or_failed_is_not_claimed(store: Store) -> None:
    early, done, failed = put(store, "a", wait=SECOND), put(store, "b"), put(store, "c")
    with store.begin() as tx:
        outbox.done(tx, done, NOW)
        outbox.done(tx, failed, NOW, error="x" * 500)
    assert [claim(store, one) for one in (early, done, failed)] == [None] * 3
    assert claim(store, early, SECOND)
    with store.read() as tx:
        assert outbox.count_open(tx) == 1
    assert rows(store, tables.outbox)[2]["error"] == "x" * 64


def test_whoever_has_a_claim_may_have_it_longer(store: Store) -> None:
    made = put(store, "text-1")
    mine = claim(store, made)
    assert mine
    with store.begin() as tx:
        assert outbox.hold(tx, mine, NOW + 9 * SECOND, LEASE)
    assert claim(store, made, 18 * SECOND) is None


def test_a_claim_that_is_lost_changes_nothing_any_more(store: Store) -> None:
    made = put(store, "text-1")
    lost = claim(store, made)
    theirs = claim(store, made, LEASE + SECOND)
    assert lost
    assert theirs
    before = rows(store, tables.outbox)
    with store.begin() as tx:
        assert not outbox.hold(tx, lost, NOW + LEASE + SECOND, LEASE)
        outbox.later(tx, lost, NOW, "too late")
        outbox.put_off(tx, lost, NOW)
    assert rows(store, tables.outbox) == before


def test_later_waits_and_rings_again(store: Store) -> None:
    effect = put(store, "text-1")
    mine = claim(store, effect)
    assert mine
    with store.begin() as tx:
        outbox.mark_rung(tx, [effect], NOW)
        outbox.later(tx, mine, NOW + 4 * SECOND, "busy")
        assert outbox.list_to_ring(tx, NOW + 3 * SECOND, LEASE) == []
        assert outbox.list_to_ring(tx, NOW + 4 * SECOND, LEASE)[0][0] == effect
    assert claim(store, effect, 3 * SECOND) is None
    assert claim(store, effect, 4 * SECOND)


def test_a_worker_that_comes_late_does_not_open_what_is_done(store: Store) -> None:
    effect = put(store, "text-1")
    mine = claim(store, effect)
    assert mine
    with store.begin() as tx:
        outbox.done(tx, effect, NOW)
    with store.begin() as tx:
        outbox.later(tx, mine, NOW, "slow answer of a worker whose claim had ended")
    assert claim(store, effect) is None


def test_bells_are_rung_in_the_order_of_danger(store: Store) -> None:
    ordinary = put(store, "a", priority=outbox.ORDINARY)
    urgent = put(store, "b", priority=outbox.URGENT)
    crisis = put(store, "c", priority=outbox.CRISIS)
    second = put(store, "d", priority=outbox.CRISIS)
    with store.begin() as tx:
        wanted = [crisis, second, urgent, ordinary]
        assert [item[0] for item in outbox.list_to_ring(tx, NOW, LEASE)] == wanted
        outbox.mark_rung(tx, [crisis, urgent], NOW)
        assert [item[0] for item in outbox.list_to_ring(tx, NOW, LEASE)] == [second, ordinary]
        late = NOW + LEASE + SECOND
        assert [item[0] for item in outbox.list_to_ring(tx, late, LEASE)] == wanted


def test_a_claim_that_ended_is_rung_for_even_when_no_bell_ever_was(store: Store) -> None:
    """A hint took it, or the relay was killed before it wrote down that it rang."""
    effect = put(store, "a")
    assert claim(store, effect)
    with store.read() as tx:
        assert outbox.list_to_ring(tx, NOW + SECOND, LEASE) == []
        assert outbox.list_to_ring(tx, NOW + 2 * LEASE, LEASE)[0][0] == effect


def test_late_crisis_effects_are_seen_and_nothing_else(store: Store) -> None:
    crisis, taken = (put(store, key, priority=outbox.CRISIS) for key in "ab")
    put(store, "c", priority=outbox.URGENT)
    put(store, "d", priority=outbox.CRISIS, wait=60 * SECOND)
    claim(store, taken)
    with store.read() as tx:
        assert outbox.list_late_crisis(tx, NOW, SECOND) == []
        assert outbox.list_late_crisis(tx, NOW + SECOND, SECOND) == [crisis]
        assert outbox.list_late_crisis(tx, NOW + 2 * LEASE, SECOND) == [crisis, taken]


def test_only_what_nobody_started_is_canceled(store: Store) -> None:
    waiting, started = put(store, "a"), put(store, "b")
    claim(store, started)
    with store.begin() as tx:
        outbox.cancel(tx, "text", 1, NOW)
        assert outbox.has_open(tx, "text")
        assert not outbox.has_open(tx, "leg")
        assert outbox.oldest_due(tx, NOW) == NOW
    states = {row["id"]: row["state"] for row in rows(store, tables.outbox)}
    assert states == {waiting: "done", started: "claimed"}
