"""The callback queue and what the database itself promises: one live, one open, one winner."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.service.callbacks import HELD
from helpline.store import Store, pages, tables
from helpline.store import callbacks as promises
from tests.builders import case_of, place_of, promise_of, race, rows, staff_of
from tests.fakes import AFTERNOON

NOW = AFTERNOON
MINUTE = timedelta(minutes=1)
LEASE = NOW + MINUTE


def number(index: int) -> str:
    return f"+1202557{index:04}"


def promised(
    store: Store, disposition: Disposition = Disposition.SOON, *, who: int = 1, **more: object
) -> int:
    with store.begin() as tx:
        return promise_of(tx, place_of(tx, number(who)), None, disposition, **more)


def person(store: Store, index: int = 1, **more: Any) -> int:
    with store.begin() as tx:
        return staff_of(tx, f"+1202558{index:04}", **more)


def next_of(store: Store, *languages: str, now: datetime = NOW) -> int | None:
    with store.read() as tx:
        found = promises.find_next(tx, languages or ("en",), now)
    return found.id if found else None


def state_of(store: Store, callback_id: int) -> str:
    with store.read() as tx:
        found = promises.find(tx, callback_id)
    assert found
    return found.state


# --- promises that hold without code ---------------------------------------------


def test_one_live_callback_per_caller(store: Store) -> None:
    first = promised(store)
    assert promised(store, token="another") == first
    row = rows(store, tables.callback)[0] | {"token": "rival"}
    del row["id"]
    with pytest.raises(IntegrityError), store.begin() as tx:
        tx.connection.execute(tables.callback.insert().values(**row))
    with store.begin() as tx:
        assert promises.finish(tx, first, "done", "helped", NOW)
    assert promised(store) != first


def test_one_open_case_per_conversation_and_code(store: Store) -> None:
    with store.begin() as tx:
        place = place_of(tx)
        first = case_of(tx, place)
        assert case_of(tx, place).id == first.id
    for column, value in (("code", "0000000"), ("conversation_id", None)):
        row = rows(store, tables.case)[0]
        del row["id"]
        if column == "code":
            row["code"] = value
        else:
            with store.begin() as tx:
                row["conversation_id"] = place_of(tx, number(2)).conversation_id
        with pytest.raises(IntegrityError), store.begin() as tx:
            tx.connection.execute(tables.case.insert().values(**row))


def test_one_open_page_per_case(store: Store) -> None:
    def open_one() -> int | None:
        with store.begin() as tx:
            case = case_of(tx, place_of(tx))
            return pages.open_page(
                tx, case_id=case.id, kind=Disposition.CRISIS_LIVE, reason="words", ring_caller=True,
                next_at=NOW, now=NOW,
            )  # fmt: skip

    first, ana = open_one(), person(store)
    assert first is not None
    assert open_one() is None, "whoever comes second is told so"
    with store.begin() as tx:
        assert pages.acknowledge(tx, first, ana, NOW)
    second = open_one()
    assert second is not None
    with store.read() as tx:
        before, after = pages.find(tx, first), pages.find(tx, second)
    assert before
    assert after
    assert (before.state, after.state) == ("closed", "open")


# --- raising ----------------------------------------------------------------------


def test_raising_keeps_the_time_first_asked_and_only_improves(store: Store) -> None:
    first = promised(
        store, Disposition.SOON, due_at=NOW + 60 * MINUTE, not_before=NOW + 30 * MINUTE
    )
    again = promised(
        store, Disposition.URGENT_15, due_at=NOW + 15 * MINUTE, not_before=NOW, now=NOW + 5 * MINUTE
    )
    with store.read() as tx:
        found = promises.find(tx, first)
    assert again == first
    assert found
    assert (found.asked_at, found.due_at, found.not_before) == (NOW, NOW + 15 * MINUTE, NOW)
    assert found.disposition is Disposition.URGENT_15
    promised(
        store, Disposition.ROUTINE, due_at=NOW + 900 * MINUTE, not_before=NOW, now=NOW + 9 * MINUTE
    )
    with store.read() as tx:
        calm = promises.find(tx, first)
    assert calm
    assert (calm.disposition, calm.due_at, calm.asked_at) == (
        Disposition.URGENT_15,
        found.due_at,
        NOW,
    )


def test_rising_never_lets_go_of_a_call_that_is_held_back(store: Store) -> None:
    """SAFE_CONTACT learned late: "when is it safe" comes before any dial (CONTRACT 3)."""
    first = promised(store, Disposition.ROUTINE, not_before=NOW)
    promised(store, Disposition.URGENT_60, not_before=HELD)
    with store.read() as tx:
        found = promises.find(tx, first)
    assert found
    assert found.not_before == HELD
    assert next_of(store) is None


def test_a_late_one_stays_late_when_it_is_asked_again(store: Store) -> None:
    first = promised(store, Disposition.SOON)
    with store.begin() as tx:
        assert promises.promote(tx, first, Disposition.URGENT_60, NOW)
        assert not promises.promote(tx, first, Disposition.URGENT_15, NOW)
    promised(store, Disposition.SOON)
    assert rows(store, tables.callback)[0]["rank"] == Disposition.URGENT_60


# --- the order ---------------------------------------------------------------------


def test_the_order_is_disposition_then_the_time_due(store: Store) -> None:
    late_soon = promised(store, Disposition.SOON, who=1, due_at=NOW - MINUTE)
    soon = promised(store, Disposition.SOON, who=2, due_at=NOW + MINUTE)
    hour = promised(store, Disposition.URGENT_60, who=3, due_at=NOW + 60 * MINUTE)
    quarter = promised(store, Disposition.URGENT_15, who=4, due_at=NOW + 70 * MINUTE)
    routine = promised(store, Disposition.ROUTINE, who=5, due_at=NOW - 60 * MINUTE)
    ana, order = person(store), []
    for _ in range(5):
        found = next_of(store)
        assert found
        order.append(found)
        with store.begin() as tx:
            assert promises.claim(tx, found, ana, LEASE)
    assert order == [quarter, hour, late_soon, soon, routine]
    assert next_of(store) is None


def test_a_late_one_sorts_one_level_higher(store: Store) -> None:
    promised(store, Disposition.URGENT_60, who=1, due_at=NOW + 60 * MINUTE)
    late = promised(store, Disposition.SOON, who=2, due_at=NOW - MINUTE)
    with store.begin() as tx:
        assert promises.list_late(tx, NOW) == [late]
        assert promises.promote(tx, late, Disposition.SOON.one_higher(), NOW)
        assert promises.list_late(tx, NOW) == []
    assert next_of(store) == late
    with store.read() as tx:
        found = promises.find(tx, late)
    assert found
    assert found.disposition is Disposition.SOON, "lateness sorts, it is not a diagnosis"


def test_danger_texts_only_held_and_other_languages_are_not_offered(store: Store) -> None:
    promised(store, Disposition.CRISIS_LIVE, who=1)
    promised(store, Disposition.EMERGENCY_NOW, who=2)
    promised(store, Disposition.URGENT_15, who=3, text_only=True)
    promised(store, Disposition.URGENT_15, who=4, not_before=NOW + MINUTE)
    spanish = promised(store, Disposition.URGENT_15, who=5, language="es")
    assert next_of(store, "en") is None
    assert next_of(store, "en", "es") == spanish
    assert next_of(store, "en", now=NOW + MINUTE) is not None


# --- one winner --------------------------------------------------------------------


def moves(store: Store, callback_id: int, who: list[int]) -> dict[str, list[object]]:
    def moving(act: object, *args: object, **more: object) -> object:
        def once() -> bool:
            with store.begin() as tx:
                return bool(act(tx, callback_id, *args, **more))  # type: ignore[operator]

        return once

    later = NOW + MINUTE
    return {
        "claim": [moving(promises.claim, one, LEASE) for one in who],
        "accept": [moving(promises.accept, who[0], LEASE)] * 2,
        "take over": [moving(promises.take_over, one, LEASE) for one in who],
        "give back": [moving(promises.give_back, not_before=later, tried=True)] * 2,
        "finish": [
            moving(promises.finish, "done", "helped", NOW),
            moving(promises.finish, "canceled", "dropped", NOW),
        ],
        "promote": [moving(promises.promote, Disposition.URGENT_60, NOW)] * 2,
    }


@pytest.mark.parametrize("move", ["claim", "accept", "take over", "give back", "finish", "promote"])
def test_two_at_the_same_moment_have_one_winner(store: Store, move: str) -> None:
    who = [person(store, 1), person(store, 2)]
    for round_ in range(4):
        callback_id = promised(store, who=round_)
        if move in {"accept", "give back"}:
            with store.begin() as tx:
                assert promises.claim(tx, callback_id, who[0], LEASE)
        answers = race(*moves(store, callback_id, who)[move])  # type: ignore[arg-type]
        assert sorted(answers) == [False, True], move
    assert all(row["tries"] <= 1 for row in rows(store, tables.callback))


def test_accept_is_for_the_one_who_was_rung(store: Store) -> None:
    ana, bo = person(store, 1), person(store, 2)
    callback_id = promised(store)
    with store.begin() as tx:
        assert promises.claim(tx, callback_id, ana, LEASE)
        assert not promises.accept(tx, callback_id, bo, LEASE)
        assert not promises.give_back(
            tx, callback_id, not_before=NOW, tried=False, specialist_id=bo
        )
        assert promises.accept(tx, callback_id, ana, LEASE)
        assert not promises.claim(tx, callback_id, bo, LEASE)
        assert not promises.take_over(tx, callback_id, bo, LEASE)
    assert state_of(store, callback_id) == "talking"


def test_taking_and_dropping_at_the_same_moment_end_in_one_state(store: Store) -> None:
    ana = person(store)
    for round_ in range(4):
        callback_id = promised(store, who=round_)

        def act(do: object, *args: object, _id: int = callback_id) -> bool:
            with store.begin() as tx:
                return bool(do(tx, _id, *args))  # type: ignore[operator]

        claimed, finished = race(
            lambda: act(promises.claim, ana, LEASE),
            lambda: act(promises.finish, "canceled", "dropped", NOW),
        )
        assert finished
        assert state_of(store, callback_id) == "canceled", claimed
        with store.begin() as tx:
            assert not promises.claim(tx, callback_id, ana, LEASE)
            assert not promises.accept(tx, callback_id, ana, LEASE)


def test_two_promises_for_one_caller_at_the_same_moment_are_one(store: Store) -> None:
    with store.begin() as tx:
        place = place_of(tx)
        case = case_of(tx, place)

    def once() -> int:
        with store.begin() as tx:
            place_of(tx)
            return promise_of(tx, place, case)

    assert len(set(race(*[once] * 4))) == 1
    assert len(rows(store, tables.callback)) == 1


def test_leases_end_and_are_extended(store: Store) -> None:
    ana, callback_id = person(store), promised(store)
    with store.begin() as tx:
        promises.claim(tx, callback_id, ana, LEASE)
        assert promises.list_leases_over(tx, LEASE) == []
        assert promises.list_leases_over(tx, LEASE + MINUTE) == [callback_id]
        promises.extend(tx, callback_id, LEASE + 5 * MINUTE)
        assert promises.list_leases_over(tx, LEASE + MINUTE) == []
        assert promises.give_back(tx, callback_id, not_before=NOW, tried=False)
        assert promises.list_leases_over(tx, LEASE + 99 * MINUTE) == []


def test_hurry_never_moves_a_call_that_is_held_back(store: Store) -> None:
    held, waiting = (
        promised(store, who=1, not_before=HELD),
        promised(store, who=2, not_before=LEASE),
    )
    with store.begin() as tx:
        assert not promises.hurry(tx, held, NOW)
        assert promises.hurry(tx, waiting, NOW)
    assert next_of(store) == waiting


def test_a_safe_number_and_consents_are_kept(store: Store) -> None:
    other = PhoneNumber("+12025559876")
    callback_id = promised(store, phone=other, voicemail=True)
    promised(store, voicemail=True)
    with store.begin() as tx:
        found = promises.find(tx, callback_id)
        tx.connection.execute(update(tables.conversation).values(opted_out_at=NOW))
        gone = promises.find(tx, callback_id)
    assert found
    assert gone
    assert (found.phone, found.voicemail, found.opted_out) == (other, True, False)
    assert gone.opted_out
