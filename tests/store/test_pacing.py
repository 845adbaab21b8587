"""Places in line: one for each, whoever asks at the same moment."""

import itertools
from datetime import datetime, timedelta

import pytest

from helpline.domain.pace import Draw, Lane, Rate
from helpline.store import Store, pacing
from tests.builders import race
from tests.fakes import AFTERNOON

SECOND = timedelta(seconds=1)


def take(
    store: Store, tokens: int = 1, lane: Lane = Lane.ORDINARY, now: datetime = AFTERNOON,
    *, bucket: str = "calls", burst: int = 1,
) -> float:  # fmt: skip
    """When the tokens are due, in seconds from the afternoon."""
    with store.begin() as tx:
        due = pacing.take(tx, Draw(bucket, Rate(1, burst), tokens), lane, now)
    return (due - AFTERNOON).total_seconds()


def test_each_gets_the_next_place(store: Store) -> None:
    assert [take(store) for _ in range(4)] == [0, 1, 2, 3]
    assert take(store, bucket="texts") == 0, "another bucket"
    assert take(store, now=AFTERNOON + 10 * SECOND) == 10, "nobody waits any more"
    assert take(store, 3, now=AFTERNOON + 10 * SECOND) == 11
    assert take(store, now=AFTERNOON + 10 * SECOND) == 14, "three parts took three seconds"


def test_a_pause_saves_a_burst_and_no_more(store: Store) -> None:
    later = AFTERNOON + 3600 * SECOND
    take(store, burst=3)
    due = [take(store, now=later, burst=3) for _ in range(5)]
    assert [item <= 3600 for item in due] == [True, True, True, False, False]
    assert due[3:] == [3601, 3602]


def test_hurried_ones_pass_those_who_wait(store: Store) -> None:
    assert [take(store) for _ in range(3)] == [0, 1, 2]
    assert [take(store, lane=Lane.HURRIED) for _ in range(3)] == [0, 1, 2]
    assert take(store) == 6, "ordinary ones make room for what the hurried took"


def test_a_hurried_first_one_is_seen_by_the_ordinary(store: Store) -> None:
    assert take(store, lane=Lane.HURRIED) == 0
    assert take(store) == 1
    assert take(store, lane=Lane.HURRIED) == 1


def test_time_that_goes_back_gives_nothing_away(store: Store) -> None:
    assert take(store, now=AFTERNOON + 5 * SECOND) == 5
    assert take(store) == 6


@pytest.mark.parametrize("lane", list(Lane))
def test_many_at_the_same_moment_get_different_places(store: Store, lane: Lane) -> None:
    taken = race(*[lambda: [take(store, lane=lane) for _ in range(5)]] * 6)
    assert sorted(itertools.chain(*taken)) == list(range(30))
