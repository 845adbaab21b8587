"""A transaction that a rival ended is told apart, and the use case is taken again."""

import threading

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from helpline.store import Contended, Store, retried, tables
from helpline.store.contention import MOST_TRIES, told_apart
from tests.builders import case_of, place_of, race, staff_of


@pytest.mark.postgres
def test_a_deadlock_is_contended_and_the_second_try_succeeds(postgres_store: Store) -> None:
    store = postgres_store
    with store.begin() as tx:
        ids = [staff_of(tx, f"+1202555900{number}") for number in (1, 2)]
    both_have_one = threading.Barrier(2)
    tries: list[int] = []

    @retried
    def take(first: int, second: int) -> None:
        tries.append(first)
        with store.begin() as tx:
            _touch(tx, first)
            if len(tries) <= 2:
                both_have_one.wait(5)
            _touch(tx, second)

    race(lambda: take(*ids), lambda: take(*reversed(ids)))
    assert len(tries) > 2, "one of them was the victim, and tried again"


def _touch(tx: object, staff_id: int) -> None:
    tx.connection.execute(  # type: ignore[attr-defined]
        tables.staff.update().where(tables.staff.c.id == staff_id).values(role="admin")
    )


@pytest.mark.postgres
def test_a_lock_time_out_on_the_hot_road_is_contended_too(postgres_store: Store) -> None:
    store = postgres_store
    with store.begin() as tx:
        staff_id = staff_of(tx)
        tx.connection.exec_driver_sql("SELECT 1")
    with store.begin() as tx:
        _touch(tx, staff_id)
        with pytest.raises(Contended):
            _lock_on_the_hot_road(store, staff_id)


def _lock_on_the_hot_road(store: Store, staff_id: int) -> None:
    with store.swift() as road:
        road.cursor().execute("SET lock_timeout = '50ms'")
        try:
            road.cursor().execute("SELECT 1 FROM staff WHERE id = %s FOR UPDATE", (staff_id,))
        finally:
            road.cursor().execute("RESET lock_timeout")


def test_it_gives_up_after_a_few_tries() -> None:
    tried: list[int] = []

    @retried
    def act() -> None:
        tried.append(1)
        raise Contended("again")

    with pytest.raises(Contended):
        act()
    assert len(tried) == MOST_TRIES


def test_other_errors_stay_what_they_are(store: Store) -> None:
    with store.begin() as tx:
        row = {"case": case_of(tx, place_of(tx))}
    assert row
    with pytest.raises(IntegrityError), store.begin() as tx:
        tx.connection.execute(tables.staff.insert().values(name="x", phone="y", phone_index="z"))
    with pytest.raises(OperationalError), told_apart():
        raise OperationalError("statement", {}, psycopg.OperationalError("server gone"))
