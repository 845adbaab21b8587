"""What leaves when: in turn, crisis before all, at civil hours, from the right number."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from helpline.domain.delivery import CallOrder, LegState, TextOrder, TryLater
from helpline.domain.disposition import Disposition
from helpline.domain.pace import Rate
from helpline.domain.phone import PhoneNumber
from helpline.service import dispatch
from helpline.service.sending import outgoing
from helpline.store import callbacks as promises
from helpline.store import conversations, outbox, people, tables
from tests.builders import (
    LINE_NUMBER,
    OUR_LINE,
    VOICE_NUMBER,
    Phone,
    Scene,
    at_pace,
    case_of,
    place_of,
    promise_of,
    race,
)

ONE = Rate(per_second=1, burst=1)
CRISIS_NUMBER = PhoneNumber("+12025550102")


@pytest.fixture
def paced(scene: Scene) -> Scene:
    """A line that may start one call and send one part of a text in a second."""
    scene.rt = replace(scene.rt, protocol=at_pace(ONE))
    return scene


def texts(scene: Scene, count: int, *, priority: int = outbox.URGENT, words: str = "Hello") -> Any:
    """Texts to one caller that wait; their effects."""
    with scene.store.begin() as tx:
        place = place_of(tx, now=scene.now)
        return [
            outgoing.text_words(tx, place.conversation_id, words, scene.now, priority=priority)
            for _ in range(count)
        ]


def due_in(scene: Scene, effect: int) -> float:
    row = scene.only(tables.outbox, id=effect)
    return float((row["due_at"] - scene.now).total_seconds())


def state(scene: Scene, effect: int) -> tuple[str, int]:
    row = scene.only(tables.outbox, id=effect)
    return row["state"], row["tries"]


def test_an_effect_without_a_token_is_put_off_and_not_counted(paced: Scene) -> None:
    first, second, third = texts(paced, 3)
    for effect in (first, second, third):
        assert dispatch.deliver(paced.rt, effect)
    assert len(paced.carrier.texts) == 1
    assert state(paced, first) == ("done", 1)
    assert [state(paced, effect) for effect in (second, third)] == [("new", 0)] * 2
    assert [due_in(paced, effect) for effect in (second, third)] == [1, 2]
    assert not dispatch.deliver(paced.rt, second), "not yet its turn"
    paced.clock.advance(1)
    assert dispatch.deliver(paced.rt, second)
    assert len(paced.carrier.texts) == 2, "its place was kept"
    paced.clock.advance(1)
    dispatch.deliver(paced.rt, third)
    assert [state(paced, effect) for effect in (second, third)] == [("done", 1)] * 2
    assert paced.rows(tables.message)[-1]["state"] == "queued"


def test_a_hundred_leave_in_a_hundred_seconds_and_each_is_put_off_once(paced: Scene) -> None:
    texts(paced, 100)
    began, left_at, claims = paced.now, [], 0
    paced.carrier.during = lambda _: left_at.append((paced.now - began).total_seconds())
    for _ in range(110):
        claims += paced.work()
        paced.clock.advance(1)
    assert left_at == list(range(100))
    assert claims == 199


def test_a_long_text_takes_the_time_of_its_parts(paced: Scene) -> None:
    (long,) = texts(paced, 1, words="x" * 400)
    (short,) = texts(paced, 1)
    dispatch.deliver(paced.rt, long)
    dispatch.deliver(paced.rt, short)
    assert due_in(paced, short) == 3


def test_crisis_never_waits_and_ordinary_makes_room(paced: Scene) -> None:
    waiting, crisis = texts(paced, 4), texts(paced, 5, priority=outbox.CRISIS)
    for effect in waiting:
        dispatch.deliver(paced.rt, effect)
    for effect in crisis:
        assert dispatch.deliver(paced.rt, effect)
        assert state(paced, effect) == ("done", 1)
    assert len(paced.carrier.texts) == 6
    (late,) = texts(paced, 1)
    dispatch.deliver(paced.rt, late)
    assert due_in(paced, late) >= 5


def test_the_bucket_is_not_locked_while_the_carrier_is_asked(paced: Scene) -> None:
    first, second = texts(paced, 2)

    def meanwhile(_: TextOrder | CallOrder) -> None:
        paced.carrier.during = None
        assert race(lambda: dispatch.deliver(paced.rt, second)) == [True]

    paced.carrier.during = meanwhile
    dispatch.deliver(paced.rt, first)
    assert due_in(paced, second) == 1


def test_another_try_needs_another_token(paced: Scene) -> None:
    first, second = texts(paced, 2)
    dispatch.deliver(paced.rt, first)
    dispatch.deliver(paced.rt, second)
    paced.clock.advance(1)
    paced.carrier.text_script.append(TryLater(timedelta(seconds=1), 20429, "busy"))
    dispatch.deliver(paced.rt, second)
    assert paced.only(tables.outbox, id=second)["slot_at"] is None
    (third,) = texts(paced, 1)
    dispatch.deliver(paced.rt, third)
    paced.clock.advance(1.3)
    dispatch.deliver(paced.rt, second)
    assert state(paced, second)[0] == "new"
    assert len(paced.carrier.texts) == 2


def test_twenty_workers_on_twenty_texts_send_one(paced: Scene) -> None:
    effects = texts(paced, 12)
    race(*[lambda effect=effect: dispatch.deliver(paced.rt, effect) for effect in effects])
    assert len(paced.carrier.texts) == 1
    assert sorted(due_in(paced, effect) for effect in effects)[1:] == list(range(1, 12))


def offered(scene: Scene, disposition: Disposition) -> tuple[int, str]:
    """A leg that rings a specialist for a promise; its effect."""
    person = scene.staff()
    with scene.store.begin() as tx:
        place = place_of(tx, scene.number(), now=scene.now)
        work = case_of(tx, place, disposition, scene.now)
        made = promise_of(tx, place, work, disposition, not_before=scene.now)
        assert promises.claim(tx, made, person.id, scene.now + timedelta(hours=1))
        effect = outgoing.ring(
            tx, leg="staff", case_id=work.id, callback_id=made, staff_id=person.id,
            now=scene.now, priority=outbox.URGENT,
        )  # fmt: skip
    assert effect
    return effect, place.address


def test_calls_wait_their_turn_and_urgent_ones_pass(paced: Scene) -> None:
    soon = [offered(paced, Disposition.SOON)[0] for _ in range(3)]
    for effect in soon:
        dispatch.deliver(paced.rt, effect)
    urgent, _ = offered(paced, Disposition.URGENT_15)
    dispatch.deliver(paced.rt, urgent)
    assert [due_in(paced, effect) for effect in soon[1:]] == [1, 2]
    assert len(paced.carrier.calls) == 2, "the urgent one left at once"
    assert [row["state"] for row in paced.rows(tables.attempt)][1:3] == [LegState.PLANNED] * 2


# --- from which number ----------------------------------------------------------------


def test_staff_are_rung_from_all_numbers_in_turn(quick: Scene) -> None:
    numbers = tuple(PhoneNumber(f"+1202555015{n}") for n in range(3))
    quick.rt = replace(quick.rt, line=replace(OUR_LINE, voice_numbers=numbers))
    ana, ben = quick.staff(), quick.staff("Ben")
    with quick.store.begin() as tx:
        place = place_of(tx)
        work = case_of(tx, place, Disposition.URGENT_60)
        made = promise_of(tx, place, work, Disposition.URGENT_60)
    for person in (ana, ben) * 6:
        with quick.store.begin() as tx:
            tx.connection.execute(
                tables.callback.update().values(state="claimed", specialist_id=person.id)
            )
            effect = outgoing.ring(
                tx, leg="staff", case_id=work.id, callback_id=made, staff_id=person.id,
                now=quick.now, priority=outbox.URGENT,
            )  # fmt: skip
        assert effect
        dispatch.deliver(quick.rt, effect)
    for person in (ana, ben):
        used = [order.sender for order in person.rings()]
        assert used == list(numbers) * 2, "no number rings one handset more than a third"


def test_the_crisis_accounts_numbers_page_staff_and_nobody_else(scene: Scene) -> None:
    scene.rt = replace(
        scene.rt,
        protocol=at_pace(ONE),
        line=replace(OUR_LINE, crisis_numbers=(CRISIS_NUMBER,)),
    )
    ana, caller = scene.staff(), scene.phone()
    caller.texts("i want to kill myself").expects_words("988")
    scene.work()
    assert {order.sender for order in ana.rings()} == {CRISIS_NUMBER}
    assert {order.sender for order in scene.carrier.texts if order.to.e164 == ana.number} == {
        CRISIS_NUMBER
    }
    ana.presses("1")
    scene.work()
    assert [order.sender.e164 for order in caller.rings()] == [VOICE_NUMBER]
    sent = [order for order in scene.carrier.texts if order.to.e164 == caller.number]
    assert {order.sender.e164 for order in sent} <= {LINE_NUMBER}
    caller.read = len(sent)
    assert not [row for row in scene.rows(tables.pace) if CRISIS_NUMBER.e164 in row["bucket"]]


# --- civil hours ----------------------------------------------------------------------

NIGHT = timedelta(hours=12)
"""One o'clock at night in New York, after the afternoon of the clock."""


def closing(scene: Scene, priority: int = outbox.ORDINARY) -> int:
    (made,) = texts(scene, 1, priority=priority)
    return int(made)


@pytest.mark.parametrize(
    ("hours", "waits"), [(0, 0), (7.9, 0), (8, 11), (12, 7), (18.9, 0.1), (19, 0), (20, 0)]
)
def test_closing_texts_keep_civil_hours(quick: Scene, hours: float, waits: float) -> None:
    """13:00 in New York and later; texts nobody waits for leave between 8 and 21."""
    texts(quick, 0)
    quick.clock.advance(hours=hours)
    made = closing(quick)
    dispatch.deliver(quick.rt, made)
    awake = hours * 3600 < 3600
    assert len(quick.carrier.texts) == (1 if not waits or awake else 0)
    if waits:
        assert state(quick, made) == ("new", 0)
        assert due_in(quick, made) == pytest.approx(waits * 3600)
        quick.clock.advance(hours=waits)
        dispatch.deliver(quick.rt, made)
        assert len(quick.carrier.texts) == 1


def test_whoever_texts_at_night_is_awake(quick: Scene) -> None:
    texts(quick, 0)
    quick.clock.advance(hours=12)
    with quick.store.begin() as tx:
        tx.connection.execute(tables.conversation.update().values(heard_at=quick.now))
    dispatch.deliver(quick.rt, closing(quick))
    assert len(quick.carrier.texts) == 1


@pytest.mark.parametrize("priority", [outbox.URGENT, outbox.CRISIS])
def test_answers_and_warnings_leave_at_night(quick: Scene, priority: int) -> None:
    texts(quick, 0)
    quick.clock.advance(hours=12)
    dispatch.deliver(quick.rt, closing(quick, priority))
    assert len(quick.carrier.texts) == 1


@pytest.mark.parametrize(
    ("disposition", "rung"),
    [
        (Disposition.ROUTINE, False),
        (Disposition.SOON, False),
        (Disposition.URGENT_60, True),
        (Disposition.URGENT_15, True),
    ],
)
def test_nobody_is_rung_at_night_for_what_can_wait(
    scene: Scene, disposition: Disposition, rung: bool
) -> None:
    scene.clock.advance(hours=12)
    effect, _ = offered(scene, disposition)
    dispatch.deliver(scene.rt, effect)
    assert bool(scene.carrier.calls) == rung
    promise = scene.only(tables.callback)
    if not rung:
        assert promise["state"] == "waiting"
        assert (promise["not_before"] - scene.now) == timedelta(hours=7)
        assert scene.only(tables.attempt)["state"] == "canceled"
        with scene.store.read() as tx:
            assert people.list_free(tx), "she is free for others"


def test_another_time_that_the_caller_asked_for_is_kept(scene: Scene) -> None:
    scene.clock.advance(hours=9)
    effect, address = offered(scene, Disposition.SOON)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, address, LINE_NUMBER)
        assert place
        conversations.save(
            tx, place, '{"answers": {"C2": ["said"]}, "words": {"time": "10 pm"}}',
            wake_at=None, heard_at=scene.now, whatsapp=False,
        )  # fmt: skip
    dispatch.deliver(scene.rt, effect)
    assert len(scene.carrier.calls) == 1


def test_the_text_of_a_closed_case_waits_for_the_morning(scene: Scene) -> None:
    caller: Phone = scene.phone()
    scene.clock.advance(hours=6)
    caller.texts("hi").expects_words("Harbor")
    scene.passes(27 * 3600, step=1800)
    came = scene.carrier.texts_to(caller.number)
    caller.read = len(came)
    closed = scene.rows(tables.message)[-1]
    assert closed["state"] == "queued"
    rows = [row for row in scene.rows(tables.outbox) if row["row_id"] == closed["id"]]
    assert rows[-1]["priority"] == outbox.ORDINARY
