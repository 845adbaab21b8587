"""Whoever is next: always whom a plain sort over all rows would name, marked ready or not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from helpline.domain.disposition import Disposition
from helpline.service.callbacks import HELD
from helpline.store import Store, Transaction, invariants
from helpline.store import callbacks as promises
from helpline.store.callbacks import queue
from helpline.store.cases import Case
from helpline.store.conversations import Place
from helpline.store.tables import callback
from tests.builders import case_of, place_of, promise_of, race, rows, staff_of
from tests.fakes import AFTERNOON

NOW = AFTERNOON
MINUTE = timedelta(minutes=1)
CALLERS = 8
LANGUAGES = ("en", "es")
DANGER = int(Disposition.CRISIS_LIVE)
BOTH = frozenset(LANGUAGES)


@dataclass(frozen=True)
class Wish:
    """What is done to a caller's promise, in minutes from NOW; the last may be left out."""

    who: int
    disposition: Disposition
    language: str
    due: int
    opens: int | None
    text_only: bool
    then: str


@dataclass(frozen=True)
class Story:
    """Promises, the guard's rounds between them, and when somebody asks who is next."""

    wishes: tuple[Wish, ...]
    rounds: tuple[int, ...]
    asked: int
    languages: frozenset[str]


FEW_MINUTES = st.integers(0, 6)
WISHES = st.builds(
    Wish,
    who=st.integers(0, CALLERS - 1),
    disposition=st.sampled_from(
        [
            Disposition.ROUTINE,
            Disposition.SOON,
            Disposition.SOON,
            Disposition.URGENT_60,
            Disposition.URGENT_15,
            Disposition.URGENT_15,
            Disposition.CRISIS_LIVE,
        ]
    ),
    language=st.sampled_from(LANGUAGES),
    due=FEW_MINUTES,
    opens=st.sampled_from([0, 0, 1, 2, 3, 5, None]),
    text_only=st.sampled_from([False, False, False, False, False, True]),
    then=st.sampled_from(["", "", "", "", "claimed", "passed", "tried", "hurried", "late", "done"]),
)
STORIES = st.builds(
    Story,
    wishes=st.lists(WISHES, min_size=4, max_size=14).map(tuple),
    rounds=st.lists(st.integers(0, 13), max_size=3).map(tuple),
    asked=st.integers(2, 6),
    languages=st.sampled_from([BOTH, BOTH, frozenset({"en"}), frozenset({"es"})]),
)
WAITS_AGAIN = Story(
    wishes=(
        Wish(0, Disposition.URGENT_15, "en", 1, 0, False, "tried"),
        Wish(1, Disposition.SOON, "en", 5, 0, False, ""),
    ),
    rounds=(0, 1),
    asked=1,
    languages=frozenset({"en"}),
)
SAME_URGENCY = Story(
    wishes=tuple(
        Wish(who, Disposition.SOON, "en", due, 0, False, "")
        for who, due in enumerate((5, 3, 4, 6, 1, 2))
    ),
    rounds=(2,),
    asked=1,
    languages=frozenset({"en"}),
)


class Queue:
    """Callers who stay, whose promises are made anew for each story."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.begin() as tx:
            self.person = staff_of(tx)
            self.callers: list[tuple[Place, Case]] = []
            for index in range(CALLERS):
                place = place_of(tx, f"+120255501{index:02}")
                self.callers.append((place, case_of(tx, place, Disposition.SOON)))

    def play(self, story: Story) -> list[int]:
        """The ids in the order in which they are claimed; each compared with the plain sort."""
        with self.store.begin() as tx:
            tx.connection.execute(callback.delete())
        for index, wish in enumerate(story.wishes):
            now = NOW + timedelta(seconds=index)
            self._do(wish, now)
            if index in story.rounds:
                self._mark(now)
        now = NOW + story.asked * MINUTE
        claimed: list[int] = []
        while True:
            expected = first_of(rows(self.store, callback), story.languages, now)
            with self.store.begin() as tx:
                found = promises.find_next(tx, story.languages, now)
                assert (found.id if found else None) == expected
                if found is None:
                    return claimed
                assert promises.claim(tx, found.id, self.person, now + MINUTE)
            claimed.append(found.id)
            if len(claimed) in story.rounds:
                self._mark(now)

    def _mark(self, now: datetime) -> None:
        with self.store.begin() as tx:
            promises.release(tx, now)
            assert not promises.has_come(tx, now)

    def _do(self, wish: Wish, now: datetime) -> None:
        place, case = self.callers[wish.who]
        opens = HELD if wish.opens is None else NOW + wish.opens * MINUTE
        with self.store.begin() as tx:
            booked = promise_of(
                tx, place, case, wish.disposition, language=wish.language, now=now,
                due_at=NOW + wish.due * MINUTE, not_before=opens, text_only=wish.text_only,
            )  # fmt: skip
            if wish.then in {"claimed", "passed", "tried"}:
                promises.claim(tx, booked, self.person, now + MINUTE)
            if wish.then == "passed":
                promises.give_back(tx, booked, not_before=now, tried=False)
            if wish.then == "tried":
                promises.give_back(tx, booked, not_before=now + 5 * MINUTE, tried=True)
            if wish.then == "hurried":
                promises.hurry(tx, booked, now)
            if wish.then == "late":
                promises.promote(tx, booked, wish.disposition.one_higher(), now)
            if wish.then == "done":
                promises.finish(tx, booked, "done", "helped", now)


def first_of(every: list[dict[str, Any]], languages: frozenset[str], now: datetime) -> int | None:
    """The definition: of all who may be rung now the highest rank, then the earliest due."""
    may = [
        row
        for row in every
        if row["state"] == "waiting"
        and not row["text_only"]
        and row["disposition"] < DANGER
        and row["language"] in languages
        and row["not_before"] <= now
    ]
    may.sort(key=lambda row: (-row["rank"], row["due_at"], row["id"]))
    return may[0]["id"] if may else None


def _settings(**more: Any) -> settings:
    return settings(deadline=None, suppress_health_check=list(HealthCheck), **more)


def test_the_next_is_whom_a_plain_sort_names(store: Store) -> None:
    line = Queue(store)

    @_settings(max_examples=120)
    @example(WAITS_AGAIN)
    @example(SAME_URGENCY)
    @given(STORIES)
    def every_story(story: Story) -> None:
        line.play(story)

    every_story()


@pytest.mark.parametrize("overlooked", ["_NEXT_READY", "_JUST_COME"])
def test_the_stories_notice_who_is_overlooked(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, overlooked: str
) -> None:
    """Stories that agree with any order would be worth nothing."""
    line = Queue(sqlite_store)
    monkeypatch.setattr(getattr(queue, overlooked), "run", lambda *_, **__: [])

    @_settings(max_examples=200, database=None, print_blob=False, phases=(Phase.generate,))
    @given(STORIES)
    def every_story(story: Story) -> None:
        line.play(story)

    with pytest.raises(AssertionError):
        every_story()


def test_a_mark_never_outlives_its_time(store: Store) -> None:
    """Who is given back for later is not among the ready, or thousands would lie in front."""
    line = Queue(store)
    line.play(replace(WAITS_AGAIN, wishes=(replace(WAITS_AGAIN.wishes[0], then=""),), asked=-1))
    booked = rows(store, callback)[0]
    assert booked["ready"]
    steps = (
        lambda tx: promises.hurry(tx, booked["id"], NOW + MINUTE),
        lambda tx: (
            promises.claim(tx, booked["id"], line.person, NOW)
            and promises.give_back(tx, booked["id"], not_before=NOW + MINUTE, tried=True)
        ),
    )
    for step in steps:
        with store.begin() as tx:
            assert step(tx)
            assert not rows_now(tx)[0]["ready"]
            assert promises.release(tx, NOW) == 0
            assert promises.release(tx, NOW + MINUTE) == 1
    line._do(replace(WAITS_AGAIN.wishes[0], opens=None, then=""), NOW)
    assert not rows(store, callback)[0]["ready"]


def rows_now(tx: Transaction) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.connection.execute(select(callback)).mappings()]


# --- many at the same hour ---------------------------------------------------------------


def crowd(store: Store, count: int, **columns: Callable[[int], object]) -> list[int]:
    """So many promises, made directly; their ids."""
    soon = int(Disposition.SOON)
    usual: dict[str, Any] = {
        "state": "waiting", "disposition": soon, "rank": soon, "language": "en",
        "voicemail": False, "text_only": False, "asked_at": NOW, "due_at": NOW,
        "not_before": NOW, "tries": 0, "ready": False,
    }  # fmt: skip
    with store.begin() as tx:
        made = []
        for index in range(count):
            place = place_of(tx, f"+1202556{index:04}")
            own = {
                "case_id": case_of(tx, place, Disposition.SOON).id,
                "caller_id": place.caller_id,
                "conversation_id": place.conversation_id,
                "token": f"crowd{index}",
            }
            made.append(usual | own | {name: value(index) for name, value in columns.items()})
        tx.connection.execute(insert(callback), made)
    return [row["id"] for row in rows(store, callback)]


def next_of(store: Store, now: datetime, *languages: str) -> int | None:
    with store.read() as tx:
        found = promises.find_next(tx, languages or LANGUAGES, now)
    return found.id if found else None


def test_the_most_urgent_of_a_crowd_that_comes_at_one_moment(store: Store) -> None:
    """When the day begins, with more people than a look sees and before any is marked."""
    urgent = int(Disposition.URGENT_15)
    count = promises.WINDOW + 20
    ids = crowd(
        store,
        count,
        rank=lambda index: urgent if index >= count - 2 else int(Disposition.SOON),
        due_at=lambda index: NOW + (count - index) * MINUTE,
    )
    assert next_of(store, NOW - MINUTE) is None
    assert next_of(store, NOW) == ids[-1]
    with store.begin() as tx:
        assert promises.claim(tx, ids[-1], staff_of(tx), NOW)
    assert next_of(store, NOW) == ids[-2]


def test_nobody_is_lost_while_no_guard_lives(store: Store) -> None:
    """More than a look sees, one after the other: some are rung, and the first round sorts them."""
    count = promises.WINDOW + 20
    ids = crowd(
        store,
        count,
        rank=lambda index: int(Disposition.SOON if index < count - 1 else Disposition.URGENT_15),
        not_before=lambda index: NOW + timedelta(seconds=index),
    )
    later = NOW + timedelta(hours=1)
    assert next_of(store, later) == ids[0]
    with store.begin() as tx:
        assert promises.release(tx, later) == count
    assert next_of(store, later) == ids[-1]


def test_a_round_marks_a_batch_the_earliest_and_most_urgent_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "BATCH", 2)
    moments = [NOW, NOW - MINUTE, NOW, HELD, NOW - MINUTE, NOW - MINUTE, NOW - MINUTE]
    ids = crowd(
        store,
        len(moments),
        not_before=lambda index: moments[index],
        rank=lambda index: index if index < 5 else 1,
        text_only=lambda index: index == 5,
        disposition=lambda index: DANGER if index == 6 else 1,
    )

    def marked() -> set[int]:
        return {ids.index(row["id"]) for row in rows(store, callback) if row["ready"]}

    seen = []
    for now in (NOW - 2 * MINUTE, NOW - MINUTE, NOW, NOW, NOW):
        with store.begin() as tx:
            count = promises.release(tx, now)
        seen.append((count, marked()))
    both = {1, 4}
    assert seen == [(0, set()), (2, both), (2, both | {0, 2}), *[(0, both | {0, 2})] * 2]


def test_a_round_waits_for_nobody(postgres_store: Store) -> None:
    """It holds rows of many callers: waiting for one of them could be waiting for each other."""
    ids = crowd(postgres_store, 3)
    with postgres_store.begin() as rival:
        promises.claim(rival, ids[1], staff_of(rival), NOW)
        with postgres_store.begin() as tx:
            assert promises.release(tx, NOW) == 2
    ready = {row["id"]: row["ready"] for row in rows(postgres_store, callback)}
    assert ready == {ids[0]: True, ids[1]: False, ids[2]: True}


def test_rounds_side_by_side_mark_everybody_once(store: Store) -> None:
    crowd(store, 20)
    counts = []

    def go() -> None:
        with store.begin() as tx:
            counts.append(promises.release(tx, NOW))

    race(go, go, go)
    assert sum(counts) == 20
    assert all(row["ready"] for row in rows(store, callback))


def test_a_guard_that_marks_nobody_is_seen(store: Store) -> None:
    (made,) = crowd(store, 1)
    with store.begin() as tx:
        assert invariants.list_not_ready(tx, NOW + MINUTE, MINUTE) == []
        assert invariants.list_not_ready(tx, NOW + 2 * MINUTE, MINUTE) == [made]
        promises.release(tx, NOW)
        assert invariants.list_not_ready(tx, NOW + 2 * MINUTE, MINUTE) == []
