"""The life of callbacks against a plain model: whatever order things happen in, both agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from helpline.domain.disposition import Disposition
from helpline.store import Store
from helpline.store import callbacks as promises
from tests.builders import empty, place_of, promise_of, staff_of
from tests.fakes import AFTERNOON

CALLERS = st.integers(1, 3)
PEOPLE = st.integers(0, 1)
BELOW_DANGER = st.sampled_from(
    [Disposition.ROUTINE, Disposition.SOON, Disposition.URGENT_60, Disposition.URGENT_15]
)
MINUTES = st.integers(0, 90)
LIVE = {"waiting", "claimed", "talking"}


@dataclass
class Known:
    """What a callback must look like."""

    id: int
    state: str
    disposition: Disposition
    rank: Disposition
    asked_at: datetime
    due_at: datetime
    not_before: datetime
    specialist: int | None = None
    tries: int = 0
    late: bool = False


def machine(store: Store) -> type[RuleBasedStateMachine]:  # noqa: C901 - one rule per move
    class Queue(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            empty(store)
            self.now = AFTERNOON
            self.live: dict[int, Known] = {}
            self.over: list[Known] = []
            with store.begin() as tx:
                self.people = [staff_of(tx, f"+1202558000{index}") for index in (1, 2)]

        @rule(minutes=st.integers(1, 30))
        def time_passes(self, minutes: int) -> None:
            self.now += timedelta(minutes=minutes)

        @rule(who=CALLERS, disposition=BELOW_DANGER, due=MINUTES, wait=MINUTES)
        def promise(self, who: int, disposition: Disposition, due: int, wait: int) -> None:
            due_at = self.now + timedelta(minutes=due)
            not_before = self.now + timedelta(minutes=wait)
            with store.begin() as tx:
                place = place_of(tx, f"+1202557000{who}")
                booked = promise_of(
                    tx, place, None, disposition, due_at=due_at, not_before=not_before, now=self.now
                )
            known = self.live.get(who)
            if known is None:
                self.live[who] = Known(
                    booked, "waiting", disposition, disposition, self.now, due_at, not_before
                )
                return
            assert booked == known.id
            if disposition > known.disposition:
                known.disposition = known.rank = disposition
                known.due_at = min(known.due_at, due_at)
                known.not_before = min(known.not_before, not_before)
                known.late = False
            else:
                known.not_before = not_before

        @precondition(lambda self: self.live)
        @rule(data=st.data(), person=PEOPLE)
        def claim_next(self, data: st.DataObject, person: int) -> None:
            with store.begin() as tx:
                found = promises.find_next(tx, ("en",), self.now)
                if found is not None:
                    lease = self.now + timedelta(minutes=1)
                    assert promises.claim(tx, found.id, self.people[person], lease)
            ready = [
                k for k in self.live.values() if k.state == "waiting" and k.not_before <= self.now
            ]
            ready.sort(key=lambda k: (-k.rank, k.due_at, k.id))
            assert (found.id if found else None) == (ready[0].id if ready else None)
            if ready:
                ready[0].state, ready[0].specialist = "claimed", self.people[person]

        @precondition(lambda self: self.live)
        @rule(who=CALLERS, person=PEOPLE)
        def accept(self, who: int, person: int) -> None:
            known = self._known(who)
            if known is None:
                return
            mine = known.state == "claimed" and known.specialist == self.people[person]
            with store.begin() as tx:
                assert promises.accept(tx, known.id, self.people[person], self.now) is mine
            if mine:
                known.state = "talking"

        @precondition(lambda self: self.live)
        @rule(who=CALLERS, person=PEOPLE)
        def take_over(self, who: int, person: int) -> None:
            known = self._known(who)
            if known is None:
                return
            may = known.state in {"waiting", "claimed"}
            with store.begin() as tx:
                assert promises.take_over(tx, known.id, self.people[person], self.now) is may
            if may:
                known.state, known.specialist = "talking", self.people[person]

        @precondition(lambda self: self.live)
        @rule(who=CALLERS, tried=st.booleans(), wait=MINUTES)
        def give_back(self, who: int, tried: bool, wait: int) -> None:
            known = self._known(who)
            if known is None:
                return
            not_before = self.now + timedelta(minutes=wait)
            may = known.state in {"claimed", "talking"}
            with store.begin() as tx:
                given = promises.give_back(tx, known.id, not_before=not_before, tried=tried)
            assert given is may
            if may:
                known.state, known.specialist = "waiting", None
                known.not_before, known.tries = not_before, known.tries + tried

        @precondition(lambda self: self.live)
        @rule(who=CALLERS, state=st.sampled_from(["done", "exhausted", "canceled"]))
        def finish(self, who: int, state: str) -> None:
            known = self._known(who)
            if known is None:
                return
            with store.begin() as tx:
                assert promises.finish(tx, known.id, state, "over", self.now)
                assert not promises.finish(tx, known.id, "done", "again", self.now)
            known.state = state
            self.over.append(self.live.pop(who))

        @rule()
        def deadlines_are_watched(self) -> None:
            with store.begin() as tx:
                late = promises.list_late(tx, self.now)
                for callback_id in late:
                    item = promises.find_late(tx, callback_id, self.now)
                    assert item is not None
                    assert promises.promote(tx, item.id, item.disposition.one_higher(), self.now)
            expected = [
                k
                for k in self.live.values()
                if not k.late and k.due_at < self.now and k.state != "talking"
            ]
            assert set(late) == {k.id for k in expected}
            for known in expected:
                known.late, known.rank = True, known.disposition.one_higher()

        def _known(self, who: int) -> Known | None:
            return self.live.get(who)

        @invariant()
        def both_agree(self) -> None:
            with store.read() as tx:
                for known in [*self.live.values(), *self.over]:
                    row = promises.find(tx, known.id)
                    assert row
                    assert row.state == known.state
                    if known.state not in LIVE:
                        continue
                    assert row.disposition is known.disposition
                    assert row.asked_at == known.asked_at
                    assert row.due_at == known.due_at
                    assert row.not_before == known.not_before
                    assert (row.specialist_id, row.tries) == (known.specialist, known.tries)

    return Queue


@contextmanager
def _emptied(store: Store) -> Iterator[None]:
    yield
    empty(store)


def test_the_queue_and_a_plain_model_agree(store: Store) -> None:
    with _emptied(store):
        run_state_machine_as_test(
            machine(store),
            settings=settings(
                max_examples=12,
                stateful_step_count=15,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_the_model_notices_a_lost_promise(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that agrees with anything would be worth nothing."""
    monkeypatch.setattr(promises, "give_back", lambda *_, **__: True)
    with _emptied(sqlite_store), pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine(sqlite_store),
            settings=settings(
                max_examples=60,
                stateful_step_count=15,
                deadline=None,
                database=None,
                print_blob=False,
                phases=(Phase.explicit, Phase.reuse, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
