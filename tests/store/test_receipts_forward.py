"""What the carrier reports arrives late, twice and out of order: states only move forward."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpline.domain.delivery import _LEG_RANK, _TEXT_RANK, LegState, TextState
from helpline.store import Store, Transaction, attempts, messages, outbox, tables
from tests.builders import case_of, place_of, race, rows, staff_of
from tests.fakes import AFTERNOON

NOW = AFTERNOON
_ON_ONE_DATABASE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def text(
    store: Store, token: str, state: TextState = TextState.QUEUED, sid: str | None = None
) -> int:
    with store.begin() as tx:
        place = place_of(tx)
        made = messages.plan(
            tx, token=token, body="hello", now=NOW, conversation_id=place.conversation_id
        )
        messages.mark(tx, made, state, sid=sid)
    return made


def leg(store: Store, token: str) -> int:
    with store.begin() as tx:
        case = case_of(tx, place_of(tx))
        return attempts.plan(tx, token=token, leg="caller", case_id=case.id, now=NOW)


def report(store: Store, token: str, state: TextState, sid: str = "SM1") -> bool:
    with store.begin() as tx:
        return messages.receipt(tx, sid=sid, token=token, state=state, error_code=None) is not None


_counter = iter(range(10**9))


@_ON_ONE_DATABASE
@given(reported=st.lists(st.sampled_from(list(TextState)), min_size=1, max_size=8))
def test_texts_move_forward_only(store: Store, reported: list[TextState]) -> None:
    token = f"t{next(_counter)}"
    made, seen = text(store, token, TextState.SENDING), [TextState.SENDING]
    for state in reported:
        moved = report(store, token, state, sid=f"SM{token}")
        row = next(row for row in rows(store, tables.message) if row["id"] == made)
        assert moved is (TextState(row["state"]) is not seen[-1])
        seen.append(TextState(row["state"]))
    ranks = [_TEXT_RANK[state] for state in seen]
    assert ranks == sorted(ranks)
    assert ranks[-1] == max(_TEXT_RANK[state] for state in [TextState.SENDING, *reported])


@_ON_ONE_DATABASE
@given(reported=st.lists(st.sampled_from(list(LegState)), min_size=1, max_size=8))
def test_legs_move_forward_only(store: Store, reported: list[LegState]) -> None:
    token, ended, states = f"l{next(_counter)}", 0, [LegState.PLANNED]
    made = leg(store, token)
    for at, state in enumerate(reported):
        with store.begin() as tx:
            moved = attempts.move(tx, made, state, NOW + timedelta(seconds=at), sid=f"CA{token}")
            now = attempts.get(tx, made)
        ended += moved and state.is_final
        assert moved is (now.state is not states[-1])
        states.append(now.state)
    ranks = [_LEG_RANK[state] for state in states]
    assert ranks == sorted(ranks)
    assert ended <= 1, "a leg ends once"
    assert ended == any(state.is_final for state in reported)


def test_one_of_many_equal_receipts_counts(store: Store) -> None:
    text(store, "one")
    assert sum(race(*[lambda: report(store, "one", TextState.DELIVERED)] * 4)) == 1
    made = leg(store, "leg")

    def move() -> bool:
        with store.begin() as tx:
            return attempts.move(tx, made, LegState.COMPLETED, NOW)

    assert sum(race(*[move] * 4)) == 1


def test_receipts_find_their_text_by_token_or_by_sid(store: Store) -> None:
    made = text(store, "mine", sid="SM1")
    text(store, "other", sid="SM2")
    with store.begin() as tx:
        unknown = messages.receipt(
            tx, sid="SM9", token="nobody", state=TextState.SENT, error_code=None
        )
        by_sid = messages.receipt(tx, sid="SM1", token=None, state=TextState.SENT, error_code=None)
        by_token = messages.receipt(
            tx, sid="SM1", token="mine", state=TextState.UNDELIVERED, error_code=30006
        )
    assert unknown is None
    assert by_sid
    assert by_token
    assert by_sid.id == by_token.id == made
    assert rows(store, tables.message)[0]["error_code"] == 30006
    assert rows(store, tables.message)[1]["state"] == TextState.QUEUED


def test_a_receipt_keeps_the_carrier_id_that_is_known(store: Store) -> None:
    """A receipt without a sid gets one made of its form; it must not replace the real one."""
    text(store, "mine", sid="SM1")
    assert report(store, "mine", TextState.SENT, sid="XXmade-of-the-form")
    assert rows(store, tables.message)[0]["sid"] == "SM1"


def test_an_inbound_text_is_never_moved_by_a_receipt(store: Store) -> None:
    with store.begin() as tx:
        place = place_of(tx)
        messages.keep_inbound(
            tx, conversation_id=place.conversation_id, sid="SM7", body="hi", answer=("hello",),
            media=0, level=0, now=NOW,
        )  # fmt: skip
    assert not report(store, "nobody", TextState.FAILED, sid="SM7")
    assert rows(store, tables.message)[0]["state"] is None


@pytest.mark.parametrize("word", ["taken", "passed"])
def test_only_the_first_result_of_a_leg_counts(store: Store, word: str) -> None:
    made = leg(store, "leg")

    def result(text: str) -> bool:
        with store.begin() as tx:
            return attempts.set_result(tx, made, text)

    assert sum(race(lambda: result(word), lambda: result("not taken"))) == 1
    assert not result("late")


def test_the_caller_counts_as_reached_in_this_round_only(store: Store) -> None:
    """After "call again" an earlier conversation is not this one."""
    with store.begin() as tx:
        place = place_of(tx)
        case = case_of(tx, place)
        from tests.builders import promise_of

        callback_id = promise_of(tx, place, case)
        first = attempts.plan(
            tx, token="one", leg="caller", case_id=case.id, now=NOW, callback_id=callback_id
        )
        assert attempts.find_caller_leg(tx, callback_id)
        attempts.set_result(tx, first, "connected")
        assert attempts.latest_connected(tx, callback_id)
        attempts.move(tx, first, LegState.COMPLETED, NOW)
        assert attempts.latest_connected(tx, callback_id), "until the outcome is told"
        assert attempts.find_caller_leg(tx, callback_id) is None
        attempts.plan(
            tx, token="two", leg="caller", case_id=case.id, now=NOW, callback_id=callback_id
        )
        assert attempts.latest_connected(tx, callback_id) is None


def lost(tx: Transaction, seconds: float) -> list[int]:
    """Legs without news for more than this many seconds, seen an hour after `NOW`."""
    before = NOW + timedelta(hours=1, seconds=-seconds)
    found = attempts.list_lost(tx, unanswered=before, doubtful=before)
    return [item.id for item in found]


def answered(tx: Transaction, seconds: float, since: float = 3600) -> list[int]:
    """Legs picked up more than `seconds` and less than `since` ago, at the same hour."""
    hour = NOW + timedelta(hours=1)
    after, before = hour - timedelta(seconds=since), hour - timedelta(seconds=seconds)
    return [item.id for item in attempts.list_answered(tx, after=after, before=before)]


def test_a_leg_is_lost_when_the_carrier_was_asked_long_ago(store: Store) -> None:
    """It may have waited long before: what counts is when the carrier was asked last."""
    made = leg(store, "leg")
    asked = NOW + timedelta(minutes=50)
    with store.begin() as tx:
        assert lost(tx, 0) == [], "planned: its effect is still to be carried out"
        attempts.move(tx, made, LegState.SENDING, NOW, deadline_at=asked)
        assert (lost(tx, 599), lost(tx, 600)) == ([made], [])
        attempts.move(tx, made, LegState.RINGING, NOW, sid="CA1")
        assert (lost(tx, 599), lost(tx, 600)) == ([made], [])
        attempts.move(tx, made, LegState.ANSWERED, asked)
        assert lost(tx, 0) == []
        assert answered(tx, 599) == [made], "picked up ten minutes ago"
        assert answered(tx, 600) == [], "it is not older than that"
        assert answered(tx, 0, since=600) == [], "nor younger"
        attempts.move(tx, made, LegState.COMPLETED, asked)
        assert answered(tx, 0) == []


def test_a_leg_in_doubt_that_somebody_still_tries_is_not_lost(store: Store) -> None:
    made = leg(store, "leg")
    with store.begin() as tx:
        effect = outbox.put(
            tx, key="leg", kind="leg", row_id=made, queue="crisis", priority=0, due_at=NOW, now=NOW
        )
        assert effect
        attempts.move(tx, made, LegState.UNKNOWN, NOW, deadline_at=NOW)
        assert lost(tx, 60) == []
        outbox.done(tx, effect, NOW, error="gave up")
        assert lost(tx, 60) == [made]


def test_legs_of_a_page_and_known_sids(store: Store) -> None:
    made = leg(store, "leg")
    text(store, "text", sid="SM1")
    with store.begin() as tx:
        ana = staff_of(tx)
        assert messages.sid_known(tx, "SM1")
        assert messages.sid_known(tx, "SM2") is False
        assert attempts.list_staff_legs(tx, page_id=99) == []
        assert attempts.sid_known(tx, "CA1") is False
        attempts.move(tx, made, LegState.QUEUED, NOW, sid="CA1")
        assert attempts.sid_known(tx, "CA1")
        assert ana
