"""R8 rows 20 and 21: the carrier's bad days, and receipts that come as they like."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from helpline.domain.delivery import (
    CarrierCall,
    LegState,
    Outcome,
    Refused,
    TryLater,
    Unknown,
)
from helpline.domain.refusals import Refusal, refusal_of
from helpline.service import dispatch
from helpline.service.calls import legs, lost_legs
from helpline.service.sending import outgoing, receipts
from helpline.store import outbox, tables
from tests.builders import Phone, Scene, StaffPhone, place_of, report

CRISIS = "i want to kill myself"
SECOND = timedelta(seconds=1)
AWAY = Unknown("no answer in time: ReadTimeout")


def paged(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    return ana, caller


def talking(scene: Scene) -> tuple[StaffPhone, Phone]:
    """A specialist took a callback that is no crisis; the caller's leg waits to be rung."""
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    scene.work()
    report(scene, ana.rings()[-1], LegState.ANSWERED)
    ana.presses("1")
    return ana, caller


def caller_leg(scene: Scene) -> dict[str, Any]:
    return scene.only(tables.attempt, leg="caller")


def owes(scene: Scene, priority: int = outbox.URGENT) -> int:
    with scene.store.begin() as tx:
        place = place_of(tx, now=scene.now)
        made = outgoing.text_words(tx, place.conversation_id, "Hello", scene.now, priority=priority)
    assert made
    return made


# --- row 20 -----------------------------------------------------------------------------


def test_a_callers_leg_that_was_made_without_an_answer_is_found_and_not_rung_again(
    scene: Scene,
) -> None:
    _, caller = talking(scene)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.call_script.append(AWAY)
    scene.work()
    assert caller_leg(scene)["state"] == "unknown"
    for _ in range(5):
        scene.clock.advance(3)
        scene.work()
    assert len(caller.rings()) == 1, "one dial"
    assert scene.carrier.looked_up == 1
    assert (caller_leg(scene)["state"], caller_leg(scene)["sid"] is None) == ("queued", False)
    caller.is_texted(*["call"] * len(scene.carrier.texts_to(caller.number)))


def test_a_page_without_an_answer_rings_again(scene: Scene) -> None:
    ana, caller = paged(scene)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.call_script.append(AWAY)
    scene.carrier.text_script.append(AWAY)
    scene.work()
    scene.clock.advance(2)
    scene.work()
    assert len(ana.rings()) == len(ana.texts_got()) == 2, "two rings beat none"
    assert scene.carrier.looked_up == 0
    caller.nothing_unread()


@pytest.mark.parametrize(
    "trouble",
    [
        TryLater(3 * SECOND, 20429, "too many requests at once"),
        TryLater(2 * SECOND, 0, "the carrier was not reached"),
        Unknown("HTTP 500, carrier code 20500"),
    ],
)
def test_what_the_carrier_could_not_do_is_asked_again(scene: Scene, trouble: Outcome) -> None:
    made = owes(scene)
    scene.carrier.text_script.extend([trouble] * 3)
    least = trouble.after if isinstance(trouble, TryLater) else timedelta(0)
    for _ in range(3):
        dispatch.deliver(scene.rt, made)
        row = scene.only(tables.outbox, id=made)
        assert row["due_at"] - scene.now >= max(least, SECOND)
        scene.clock.advance((row["due_at"] - scene.now).total_seconds())
    dispatch.deliver(scene.rt, made)
    assert scene.only(tables.outbox, id=made)["state"] == "done"
    assert len(scene.carrier.texts) == 4


def test_retry_after_is_kept_but_a_page_never_waits_longer_than_a_minute(scene: Scene) -> None:
    ordinary, page = owes(scene), owes(scene, outbox.CRISIS)
    for effect, seconds in ((ordinary, 900), (page, 60)):
        scene.carrier.text_script.append(TryLater(timedelta(minutes=15), 20429, "busy"))
        dispatch.deliver(scene.rt, effect)
        row = scene.only(tables.outbox, id=effect)
        assert row["due_at"] - scene.now == timedelta(seconds=seconds)


CODES = (21610, 21211, 21614, 21408, 30003, 30004, 30005, 30006, 30007, 30008, 77777)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("late", [False, True])
def test_a_text_that_never_arrives_goes_on_by_voice_now_or_in_a_receipt(
    quick: Scene, code: int, late: bool
) -> None:
    ana, caller = paged(quick)
    quick.work()
    ana.presses("2")
    with quick.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
        place = place_of(tx, caller.number)
        made = outgoing.text_words(
            tx, place.conversation_id, "Hello", quick.now, priority=outbox.URGENT
        )
    assert made
    if not late:
        quick.carrier.text_script.append(Refused(code, "refused"))
    dispatch.deliver(quick.rt, made)
    if late:
        sid = quick.rows(tables.message)[-1]["sid"]
        receipts.text_reported(quick.rt, sid, None, "undelivered", code)
    caller.is_texted("Hello")
    quick.only(tables.page, state="open")
    audit = [row for row in quick.rows(tables.audit) if row["action"] == "text refused"]
    assert [row["detail"] for row in audit] == [{"code": code, "kind": refusal_of(code)}]
    stopped = quick.only(tables.conversation)["opted_out_at"] is not None
    assert stopped == (refusal_of(code) is Refusal.OPTED_OUT)


def test_staff_whose_text_is_lost_later_are_noted_like_those_refused_at_once(
    quick: Scene,
) -> None:
    ana, _ = paged(quick)
    quick.work()
    row = quick.only(tables.message, staff_id=ana.id)
    receipts.text_reported(quick.rt, row["sid"], None, "failed", 21610)
    (noted,) = [row for row in quick.rows(tables.audit) if row["action"] == "text refused"]
    assert (noted["subject"], noted["subject_id"]) == ("staff", ana.id)
    assert noted["detail"] == {"code": 21610, "kind": "opted out"}


def test_a_leg_that_waits_long_in_the_carriers_queue_is_neither_lost_nor_rung_twice(
    scene: Scene,
) -> None:
    """One call a second: the carrier holds it for 90 seconds and says nothing meanwhile."""
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    scene.work()
    for _ in range(9):
        scene.clock.advance(10)
        lost_legs.close_lost_rings(scene.rt)
        scene.work()
    assert len(ana.rings()) == 1
    assert scene.rows(tables.attempt)[0]["state"] == "queued"


# --- row 21 -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_receipts_of_a_text_in_any_order_and_twice(quick: Scene, order: tuple[int, ...]) -> None:
    dispatch.deliver(quick.rt, owes(quick))
    sid = quick.rows(tables.message)[-1]["sid"]
    told = ["queued", "sent", "delivered"]
    for index in (*order, *order):
        receipts.text_reported(quick.rt, sid, None, told[index], None)
    assert quick.rows(tables.message)[-1]["state"] == "delivered"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_receipts_of_a_leg_in_any_order_and_twice(quick: Scene, order: tuple[int, ...]) -> None:
    ana, caller = quick.staff(), quick.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    quick.work()
    rung = ana.rings()[-1]
    told = [LegState.QUEUED, LegState.RINGING, LegState.ANSWERED, LegState.NO_ANSWER]
    for index in (*order, *order):
        report(quick, rung, told[index])
    assert quick.only(tables.attempt)["state"] == "no-answer"
    assert quick.only(tables.callback)["state"] == "waiting"
    passed = [row for row in quick.rows(tables.outbox) if row["key"].startswith("match-passed")]
    assert len(passed) == 1, "passed on once"


def test_receipts_that_never_come_are_fetched(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    scene.work()
    leg = scene.only(tables.attempt)
    scene.carrier.log_calls = [
        CarrierCall(leg["sid"], ana.number, "", LegState.NO_ANSWER, scene.now)
    ]
    scene.clock.advance(129)
    assert lost_legs.close_lost_rings(scene.rt) == 0
    scene.clock.advance(2)
    assert lost_legs.close_lost_rings(scene.rt) == 1
    assert scene.only(tables.attempt)["state"] == "no-answer"
    legs.reported(scene.rt, leg["token"], leg["sid"], LegState.RINGING)
    assert scene.only(tables.attempt)["state"] == "no-answer", "late news changes nothing"
