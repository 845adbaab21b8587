"""Carrying effects out: what each answer of the carrier leads to, and a worker killed half-way."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpline.domain.delivery import (
    CallOrder,
    LegState,
    Outcome,
    Refused,
    TextOrder,
    TryLater,
    Unknown,
)
from helpline.service import dispatch, relay
from helpline.service.sending import outgoing, receipts, texts, tries
from helpline.service.upkeep import health
from helpline.store import attempts, conversations, outbox, tables
from tests.builders import OUR_LINE, Phone, Scene, StaffPhone, everything, race
from tests.fakes import Killed

CRISIS = "i want to kill myself"
SECOND = timedelta(seconds=1)


def owes_text(scene: Scene, phone: Phone, *, priority: int = outbox.URGENT) -> int:
    """A text to a caller that waits; its effect."""
    if not scene.rows(tables.conversation):
        phone.texts("hi").expects_words("Harbor")
    with scene.store.begin() as tx:
        place = conversations.lock(tx, phone.number, phone.line)
        assert place
        made = outgoing.text_words(
            tx, place.conversation_id, "Hello from Harbor", scene.now, priority=priority
        )
    assert made
    return made


def text_row(scene: Scene) -> dict[str, Any]:
    return scene.only(tables.message, inbound=False)


def effect(scene: Scene, outbox_id: int) -> dict[str, Any]:
    return scene.only(tables.outbox, id=outbox_id)


def offered(scene: Scene) -> tuple[StaffPhone, Phone]:
    """A callback is offered to the only specialist; her leg waits to be rung."""
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("person").expects_words("")
    match = scene.only(tables.outbox, kind="match")
    assert dispatch.deliver(scene.rt, match["id"])
    return ana, caller


def leg_effect(scene: Scene) -> int:
    found: int = scene.rows(tables.outbox)[-1]["id"]
    assert effect(scene, found)["kind"] == "leg"
    return found


# --- texts -------------------------------------------------------------------------


def test_a_text_is_sent_once_from_the_number_that_was_texted(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    assert dispatch.deliver(scene.rt, made)
    caller.is_texted("Hello from Harbor")
    order = scene.carrier.texts[0]
    assert (order.sender.e164, order.whatsapp) == (caller.line, False)
    assert (text_row(scene)["state"], effect(scene, made)["state"]) == ("queued", "done")
    stored = everything(scene.store)
    assert not dispatch.deliver(scene.rt, made)
    scene.clock.advance(3600)
    assert not dispatch.deliver(scene.rt, made)
    assert everything(scene.store) == stored


def test_four_workers_send_one_text(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    assert sum(race(*[lambda: dispatch.deliver(scene.rt, made)] * 4)) == 1
    caller.is_texted("Hello")


def test_refused_because_opted_out_goes_on_by_voice(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.work()
    ana.presses("2")
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
    scene.carrier.text_script.append(Refused(21610, "opted out"))
    made = owes_text(scene, caller)
    assert dispatch.deliver(scene.rt, made)
    caller.is_texted("Hello")
    assert scene.only(tables.conversation)["opted_out_at"] == scene.now
    assert effect(scene, made)["state"] == "failed"
    scene.only(tables.page, state="open")
    again = owes_text(scene, caller)
    dispatch.deliver(scene.rt, again)
    assert effect(scene, again)["error"] == "opted out"


def test_a_refused_text_never_makes_a_ring_beside_violence(scene: Scene) -> None:
    """Nobody may be rung near somebody who hurts them, whatever becomes of a text."""
    scene.staff()
    caller = scene.phone()
    caller.texts("my boyfriend is going to kill me he has a knife").expects_words("not ring you")
    scene.carrier.text_script.append(Refused(30006, "landline"))
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    caller.is_texted("Hello")
    assert scene.only(tables.page)["ring_caller"] is False
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    caller.nothing_unread()
    assert scene.only(tables.page, state="open")["ring_caller"] is False


def test_try_later_waits_longer_each_time_and_ends(scene: Scene) -> None:
    caller = scene.phone()
    made, waits = owes_text(scene, caller), []
    scene.carrier.text_script.extend([TryLater(SECOND, 20429, "busy")] * 12)
    for _ in range(12):
        assert dispatch.deliver(scene.rt, made)
        row = effect(scene, made)
        if row["state"] == "new":
            waits.append((row["due_at"] - scene.now).total_seconds())
            assert not dispatch.deliver(scene.rt, made)
            scene.clock.advance(waits[-1])
    rules = (1, 2, 4, 8, 15, 30, 60, 120, 120, 120, 120)
    assert all(rule <= wait <= 1.25 * rule for rule, wait in zip(rules, waits, strict=True))
    assert waits != list(rules), "what failed together would come back together"
    assert effect(scene, made)["state"] == "failed"
    assert len(scene.carrier.texts) == 12
    caller.read = 12


def test_the_carriers_own_pause_is_kept(scene: Scene) -> None:
    made = owes_text(scene, scene.phone())
    scene.carrier.text_script.append(TryLater(60 * SECOND, 20003, "our token is wrong"))
    dispatch.deliver(scene.rt, made)
    assert effect(scene, made)["due_at"] == scene.now + 60 * SECOND
    scene.phones[0].read = 1


def test_an_unknown_text_is_looked_up_and_not_sent_twice(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, made)
    assert text_row(scene)["state"] == "unknown"
    scene.clock.advance(5)
    dispatch.deliver(scene.rt, made)
    assert scene.carrier.looked_up == 1
    assert text_row(scene)["state"] == "queued"
    assert text_row(scene)["sid"]
    caller.is_texted("Hello")


def test_an_unknown_text_that_never_arrived_is_sent_again(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, made)
    scene.clock.advance(5)
    dispatch.deliver(scene.rt, made)
    caller.is_texted("Hello", "Hello")


def test_an_unreadable_log_means_wait_and_look_again(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, made)
    scene.carrier.log_away = True
    for _ in range(3):
        scene.clock.advance(60)
        dispatch.deliver(scene.rt, made)
    scene.carrier.log_away = False
    scene.clock.advance(60)
    dispatch.deliver(scene.rt, made)
    assert effect(scene, made)["state"] == "done"
    caller.is_texted("Hello")


def test_a_text_that_somebody_else_has_by_now_is_left_to_them(scene: Scene) -> None:
    made = owes_text(scene, scene.phone())
    lost = tries.claim(scene.rt, made)
    assert lost
    scene.clock.advance(11)
    assert tries.claim(scene.rt, made)
    texts.deliver(scene.rt, lost)
    assert scene.carrier.texts == []


def test_the_same_words_sent_before_are_not_taken_for_this_text(scene: Scene) -> None:
    caller = scene.phone()
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    again = owes_text(scene, caller)
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, again)
    scene.clock.advance(5)
    assert dispatch.deliver(scene.rt, again)
    assert scene.carrier.looked_up == 1
    caller.is_texted("Hello", "Hello", "Hello")
    sent = [row for row in scene.rows(tables.message) if not row["inbound"]]
    assert [row["state"] for row in sent] == ["queued", "queued"]
    assert effect(scene, again)["state"] == "done"


@pytest.mark.parametrize("answer", [TryLater(SECOND, 20429, "busy"), Unknown("timeout")])
def test_a_text_given_up_is_failed_and_danger_goes_on_by_voice(
    scene: Scene, answer: Outcome
) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.work()
    ana.presses("2")
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
    made = owes_text(scene, caller)
    scene.carrier.text_script.extend([answer] * 12)
    for _ in range(12):
        assert scene.rows(tables.page)[-1]["state"] == "closed"
        dispatch.deliver(scene.rt, made)
        scene.clock.advance(151)
    assert effect(scene, made)["state"] == "failed"
    assert scene.only(tables.page, state="open")
    row = scene.only(tables.message, id=effect(scene, made)["row_id"])
    assert row["state"] == "failed"
    caller.read = len(scene.carrier.texts_to(caller.number))


def test_a_text_that_arrived_after_all_is_not_given_up(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.outbox.update().values(tries=11))

    def late_receipt(order: TextOrder | CallOrder) -> None:
        receipts.text_reported(scene.rt, "SMlate", order.token, "delivered", None)

    scene.carrier.during = late_receipt
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, made)
    assert text_row(scene)["state"] == "delivered"
    caller.is_texted("Hello")


def test_a_crisis_text_is_repeated_instead(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller, priority=outbox.CRISIS)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.text_script.append(Unknown("timeout"))
    dispatch.deliver(scene.rt, made)
    scene.clock.advance(5)
    dispatch.deliver(scene.rt, made)
    assert scene.carrier.looked_up == 0
    caller.is_texted("Hello", "Hello")


def test_crisis_effects_are_never_given_up(scene: Scene) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller, priority=outbox.CRISIS)
    scene.carrier.text_script.extend([TryLater(SECOND, 0, "down")] * 30)
    for _ in range(31):
        dispatch.deliver(scene.rt, made)
        scene.clock.advance(151)
    assert effect(scene, made)["state"] == "done"
    caller.read = 31


@pytest.mark.parametrize("accepted", [True, False])
def test_killed_while_the_carrier_was_asked(scene: Scene, accepted: bool) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)
    scene.carrier.takes_what_it_never_confirms = accepted
    scene.carrier.text_script.append(Killed())
    with pytest.raises(Killed):
        dispatch.deliver(scene.rt, made)
    assert not dispatch.deliver(scene.rt, made), "the lease is not over"
    scene.clock.advance(11)
    assert dispatch.deliver(scene.rt, made)
    assert text_row(scene)["state"] == "queued"
    caller.is_texted(*["Hello"] * (1 if accepted else 2))


@pytest.mark.parametrize("status", ["sent", "delivered", "undelivered"])
def test_a_receipt_faster_than_the_answer_is_not_forgotten(scene: Scene, status: str) -> None:
    caller = scene.phone()
    made = owes_text(scene, caller)

    def early(order: TextOrder | CallOrder) -> None:
        receipts.text_reported(scene.rt, "SMearly", order.token, status, None)

    scene.carrier.during = early
    dispatch.deliver(scene.rt, made)
    caller.is_texted("Hello")
    assert text_row(scene)["state"] == status
    assert effect(scene, made)["state"] == "done"


def test_receipts_twice_late_and_unknown(scene: Scene) -> None:
    caller = scene.phone()
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    caller.is_texted("Hello")
    sid = text_row(scene)["sid"]
    for status in ("delivered", "sent", "delivered", "failed", "what", ""):
        receipts.text_reported(scene.rt, sid, None, status, None)
        assert text_row(scene)["state"] == "delivered"
    stored = everything(scene.store)
    receipts.text_reported(scene.rt, "SMnobody", "nobody", "failed", 30006)
    assert everything(scene.store) == stored


def test_a_person_without_a_number_is_never_sent_to(scene: Scene) -> None:
    caller = scene.phone("US.abcdef")
    made = owes_text(scene, caller)
    dispatch.deliver(scene.rt, made)
    assert effect(scene, made)["error"] == "no telephone number"
    assert scene.carrier.texts == []


# --- legs ---------------------------------------------------------------------------


def test_a_leg_is_rung_once(scene: Scene) -> None:
    ana, _ = offered(scene)
    made = leg_effect(scene)
    assert sum(race(*[lambda: dispatch.deliver(scene.rt, made)] * 4)) == 1
    order = ana.rings()[0]
    assert order.entrance == "/twilio/voice/staff"
    assert order.sender in OUR_LINE.voice_numbers
    assert ana.leg["state"] == "queued"


@pytest.mark.parametrize("accepted", [True, False])
def test_killed_between_claim_and_answer_looks_the_call_up(scene: Scene, accepted: bool) -> None:
    ana, _ = offered(scene)
    made = leg_effect(scene)
    scene.carrier.takes_what_it_never_confirms = accepted
    scene.carrier.call_script.append(Killed())
    with pytest.raises(Killed):
        dispatch.deliver(scene.rt, made)
    scene.clock.advance(11)
    dispatch.deliver(scene.rt, made)
    assert scene.carrier.looked_up == 1
    assert len(ana.rings()) == (1 if accepted else 2)
    assert ana.leg["state"] == "queued"
    assert ana.leg["sid"]


def test_whoever_reads_the_carriers_log_for_too_long_leaves_the_ring_to_others(
    scene: Scene,
) -> None:
    ana, _ = offered(scene)
    made = leg_effect(scene)
    scene.carrier.call_script.append(Killed())
    with pytest.raises(Killed):
        dispatch.deliver(scene.rt, made)
    scene.clock.advance(11)

    def a_rival_is_quicker() -> None:
        scene.carrier.during_look = None
        scene.clock.advance(11)
        assert dispatch.deliver(scene.rt, made)

    scene.carrier.during_look = a_rival_is_quicker
    dispatch.deliver(scene.rt, made)
    assert scene.carrier.looked_up == 2
    assert len(ana.rings()) == 2, "the one that was cut off, and the rival's"
    assert ana.leg["state"] == "queued"


def test_whoever_waits_for_the_database_for_too_long_leaves_the_ring_to_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, _ = offered(scene)
    made = leg_effect(scene)
    lost = tries.claim(scene.rt, made)
    scene.clock.advance(11)
    assert tries.claim(scene.rt, made)
    monkeypatch.setattr(tries, "claim", lambda *_: lost)
    dispatch.deliver(scene.rt, made)
    assert ana.rings() == []


def test_a_page_in_doubt_is_rung_again(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.call_script.append(Unknown("timeout"))
    scene.work()
    scene.clock.advance(2)
    scene.work()
    assert len(ana.rings()) == 2
    assert scene.carrier.looked_up == 0


def test_a_leg_nobody_wants_any_more_is_canceled(scene: Scene) -> None:
    ana, caller = offered(scene)
    made = leg_effect(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.callback.update().values(state="canceled"))
    dispatch.deliver(scene.rt, made)
    assert not ana.rings()
    assert scene.only(tables.attempt)["state"] == "canceled"
    assert effect(scene, made)["error"] == "not wanted any more"
    assert caller


def test_a_second_delivery_never_ends_a_leg_that_is_answered(scene: Scene) -> None:
    """The worker died after the carrier took the call; meanwhile she picked up and pressed 1."""
    ana, _ = offered(scene)
    made = leg_effect(scene)
    scene.carrier.takes_what_it_never_confirms = True
    scene.carrier.call_script.append(Killed())
    with pytest.raises(Killed):
        dispatch.deliver(scene.rt, made)
    from helpline.service.calls import legs

    legs.reported(scene.rt, ana.token, "CAreal", LegState.ANSWERED)
    assert ana.presses("1")
    scene.clock.advance(11)
    dispatch.deliver(scene.rt, made)
    assert ana.leg["state"] == "answered"
    assert len(ana.rings()) == 1


def test_giving_up_on_a_leg_frees_the_specialist(scene: Scene) -> None:
    ana, _ = offered(scene)
    made = leg_effect(scene)
    scene.carrier.call_script.extend([TryLater(SECOND, 20429, "busy")] * 20)
    for _ in range(14):
        dispatch.deliver(scene.rt, made)
        scene.clock.advance(151)
    assert effect(scene, made)["state"] == "failed"
    with scene.store.read() as tx:
        leg = attempts.get(tx, effect(scene, made)["row_id"])
    assert leg.state.is_final, "or she counts as on a call for ever"
    assert ana.id == leg.staff_id


def test_a_refused_staff_leg_passes_the_callback_on(scene: Scene) -> None:
    ana, _ = offered(scene)
    scene.carrier.call_script.append(Refused(21211, "not a valid number"))
    dispatch.deliver(scene.rt, leg_effect(scene))
    assert scene.only(tables.attempt)["state"] == "failed"
    assert scene.only(tables.callback)["state"] == "waiting"
    assert ana


# --- the rest --------------------------------------------------------------------------


def test_an_unknown_kind_is_failed_and_never_comes_back(scene: Scene) -> None:
    with scene.store.begin() as tx:
        made = outbox.put(
            tx, key="x", kind="fax", row_id=1, queue="default", priority=2,
            due_at=scene.now, now=scene.now,
        )  # fmt: skip
    assert made
    assert dispatch.deliver(scene.rt, made)
    assert effect(scene, made)["error"] == "unknown kind fax"
    assert not dispatch.deliver(scene.rt, made)
    assert not dispatch.deliver(scene.rt, 999_999)


def test_what_no_worker_started_is_taken_over_once(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    late = timedelta(milliseconds=250)
    assert dispatch.list_late(scene.rt, late) == []
    scene.clock.advance(0.25)
    due = dispatch.list_late(scene.rt, late)
    taken = [lambda item=item: dispatch.take_over(scene.rt, item) for item in due * 2]
    assert sum(race(*taken)) == 2
    assert len(ana.rings()) == len(ana.texts_got()) == 1
    assert dispatch.list_late(scene.rt, late) == []


def test_an_effect_that_cannot_be_taken_over_is_logged_and_comes_back(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.clock.advance(1)
    scene.carrier.call_script.append(ValueError("a bug"))
    with capture_logs() as logged:
        done = [dispatch.take_over(scene.rt, item) for item in dispatch.list_late(scene.rt, SECOND)]
    assert sorted(done) == [False, True]
    assert [line["event"] for line in logged] == ["takeover.failed"]
    assert len(ana.texts_got()) == 1
    scene.clock.advance(11)
    scene.work()
    assert ana.leg["state"] == "queued"


def test_failures_are_shown_for_a_day_but_not_what_was_not_wanted(scene: Scene) -> None:
    caller = scene.phone()
    scene.carrier.text_script.append(Refused(21211, "not a valid number"))
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    caller.read = 1
    with scene.store.begin() as tx:
        tx.connection.execute(tables.conversation.update().values(opted_out_at=scene.now))
    dispatch.deliver(scene.rt, owes_text(scene, caller))
    assert "1 effects failed in the last day: see the log" in health.list_degraded(scene.rt)
    scene.clock.advance(days=1, seconds=1)
    assert not any("failed in the last day" in item for item in health.list_degraded(scene.rt))


def test_the_relay_rings_each_once_the_most_urgent_first(scene: Scene) -> None:
    scene.staff()
    scene.phone().texts(CRISIS).expects_words("988")
    count = len(scene.rows(tables.outbox))
    assert relay.ring_waiting(scene.rt) == count
    assert relay.ring_waiting(scene.rt) == 0
    assert [queue for queue, _ in scene.bell.rung][:2] == ["crisis", "crisis"]
    scene.clock.advance(11)
    assert relay.ring_waiting(scene.rt) == count
    scene.work()
    scene.clock.advance(11)
    open_rows = [row for row in scene.rows(tables.outbox) if row["state"] == "new"]
    assert relay.ring_waiting(scene.rt) == len([r for r in open_rows if r["due_at"] <= scene.now])
