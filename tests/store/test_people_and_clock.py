"""Who is free, who is found by telephone, and what time it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from helpline.domain.delivery import LegState
from helpline.domain.phone import PhoneNumber
from helpline.store import DatabaseClock, Store, attempts, journal, people, tables
from tests.builders import case_of, place_of, race, rows, staff_of
from tests.fakes import AFTERNOON

NOW = AFTERNOON
MINUTE = timedelta(minutes=1)


def test_adding_the_same_telephone_again_updates(store: Store) -> None:
    with store.begin() as tx:
        first = staff_of(tx, name="Ana")
        assert people.disable(tx, first, NOW)
        assert not people.disable(tx, first, NOW)
        assert not people.disable(tx, 999_999, NOW)
        again = staff_of(tx, name="Ana B", role="supervisor", languages=("en", "es"), tier=2)
        found = people.get(tx, first)
    assert again == first
    assert (found.name, found.role, found.tier, found.disabled) == ("Ana B", "supervisor", 2, False)
    assert found.languages == ("en", "es")


def test_the_free_are_those_nobody_rings_longest_idle_first(store: Store) -> None:
    with store.begin() as tx:
        late = staff_of(tx, "+12025569001", NOW + 2 * MINUTE)
        early = staff_of(tx, "+12025569002", NOW)
        away = staff_of(tx, "+12025569003", NOW)
        people.set_presence(tx, away, available=False)
        staff_of(tx, "+12025569004", NOW, role="supervisor")
        gone = staff_of(tx, "+12025569005", NOW)
        people.disable(tx, gone, NOW)
        assert [one.id for one in people.list_free(tx)] == [early, late]
        case = case_of(tx, place_of(tx))
        leg = attempts.plan(tx, token="t", leg="staff", case_id=case.id, now=NOW, staff_id=early)
        assert [one.id for one in people.list_free(tx)] == [late]
        assert not people.lock_for_ring(tx, early)
        assert people.lock_for_ring(tx, late)
        attempts.move(tx, leg, LegState.NO_ANSWER, NOW)
        people.touch(tx, early, NOW + 5 * MINUTE)
        assert [one.id for one in people.list_free(tx)] == [late, early]


def test_tiers_supervisors_and_everybody(store: Store) -> None:
    with store.begin() as tx:
        one = staff_of(tx, "+12025569001")
        two = staff_of(tx, "+12025569002", tier=2)
        boss = staff_of(tx, "+12025569003", role="supervisor")
        people.set_presence(tx, boss, available=False)
        people.set_presence(tx, two, available=False)
        assert [person.id for person in people.list_tier(tx, 1)] == [one]
        assert people.list_tier(tx, 2) == []
        assert [person.id for person in people.list_supervisors(tx)] == [boss]
        assert [person.id for person in people.list_active(tx)] == [one, two, boss]
        found = people.find_by_phone(tx, PhoneNumber("+12025569002"))
        assert found
        assert found.id == two
        assert people.find_by_phone(tx, PhoneNumber("+12025569009")) is None
        with pytest.raises(LookupError):
            people.get(tx, 999_999)


def test_one_person_is_rung_once_by_two_who_lock_at_the_same_moment(store: Store) -> None:
    """The second waits for the first; what the first planned meanwhile must be seen."""
    with store.begin() as tx:
        ana, case = staff_of(tx), case_of(tx, place_of(tx))

    def ring(token: str) -> bool:
        with store.begin() as tx:
            people.list_free(tx)
            if not people.lock_for_ring(tx, ana):
                return False
            people.touch(tx, ana, NOW)
            attempts.plan(tx, token=token, leg="staff", case_id=case.id, now=NOW, staff_id=ana)
            tx.connection.exec_driver_sql(PAUSE[tx.connection.dialect.name])
            return True

    assert sorted(race(lambda: ring("a"), lambda: ring("b"))) == [False, True]
    assert len(rows(store, tables.attempt)) == 1


PAUSE = {"postgresql": "SELECT pg_sleep(0.3)", "sqlite": "SELECT 1"}


def test_beats_and_sign_offs(store: Store) -> None:
    with store.begin() as tx:
        journal.beat(tx, "guard", NOW)
        journal.beat(tx, "guard", NOW + MINUTE)
        assert journal.list_beats(tx) == {"guard": NOW + MINUTE}
        journal.sign(tx, by="Dr X", role="physician", covers="protocol@1", now=NOW)
        assert journal.is_signed(tx, "protocol@1")
        assert not journal.is_signed(tx, "protocol@2")
        journal.note(tx, "paged", "page", 7, now=NOW, kind=6)
        assert journal.list_notes(tx, "page", 7) == [("system", "paged", {"kind": 6})]
        journal.probe(tx)


# --- the clock --------------------------------------------------------------------


def test_the_clock_is_the_databases_and_moves(store: Store) -> None:
    clock = DatabaseClock(store)
    first = clock.now()
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now() >= first


def test_the_clock_takes_an_offset_that_may_be_nonsense(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = DatabaseClock(store, file)
    base = clock.now()
    file.write_text("3600")
    assert timedelta(minutes=59) < clock.now() - base < timedelta(minutes=61)
    for nonsense in ("", "soon", "\x00"):
        file.write_text(nonsense)
        assert clock.now() - base < MINUTE


def test_the_clock_goes_on_while_the_database_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = DatabaseClock(store)
    first = clock.now()

    def away() -> datetime:
        raise OperationalError("SELECT 1", {}, Exception("away"))

    monkeypatch.setattr(clock, "_read", away)
    monkeypatch.setattr(clock, "_base_at", clock._base_at - 60)
    monkeypatch.setattr(clock, "_read_again_at", 0)
    assert MINUTE <= clock.now() - first < 2 * MINUTE
