"""What the carrier's log holds and we never saw is taken in once, danger first come first paged."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from helpline.domain.delivery import CarrierCall, CarrierText, LegState, TextState
from helpline.domain.phone import PhoneNumber
from helpline.runtime import Runtime
from helpline.service import intake
from helpline.service.outage import reconciler
from helpline.service.outage.reconciler import reconcile_if_due
from helpline.service.sending import outgoing
from helpline.store import outbox, tables
from tests.builders import LINE_NUMBER, VOICE_NUMBER, Phone, Scene

DANGER = "i took all my pills and cant stay awake"


def listed(
    scene: Scene, number: str, body: str, at: datetime, *, sid: str = "", to: str = LINE_NUMBER
) -> CarrierText:
    sid = sid or f"SM{len(scene.carrier.log_texts):030x}in"
    text = CarrierText(sid, to, number, body, True, None, at)
    scene.carrier.log_texts.append(text)
    return text


def inbound(scene: Scene) -> list[str]:
    return [row["body"] for row in scene.rows(tables.message) if row["inbound"]]


def test_what_came_while_the_line_was_down_is_taken_in_once_oldest_first(scene: Scene) -> None:
    ana = scene.staff()
    began = scene.now
    later, sooner, plain = scene.number(), scene.number(), scene.number()
    listed(scene, plain, "hi i need help with ket", began + timedelta(minutes=2))
    listed(scene, later, DANGER + " please", began + timedelta(minutes=9))
    listed(scene, sooner, DANGER, began + timedelta(minutes=1))
    scene.clock.advance(minutes=30)
    found = reconcile_if_due(scene.rt)
    assert found is not None
    assert (found.texts, found.failed) == (3, 0)
    assert inbound(scene) == [DANGER, "hi i need help with ket", DANGER + " please"]
    pages = scene.rows(tables.page)
    assert len(pages) == 2
    scene.work()
    assert ana.rings()
    assert "911" in scene.carrier.texts_to(sooner)[0], "nobody answered them: it is sent"
    assert "automated helpline" in scene.carrier.texts_to(plain)[0]
    scene.clock.advance(61)
    again = reconcile_if_due(scene.rt)
    assert again is not None
    assert again.texts == 0
    assert len(inbound(scene)) == 3
    noted = [row for row in scene.rows(tables.audit) if row["action"] == "reconciled"]
    assert len(noted) == 3


def test_a_text_that_was_answered_is_not_taken_in_again(scene: Scene) -> None:
    phone = scene.phone().texts("hello")
    phone.unread_answers = False
    listed(scene, phone.number, "hello", scene.now, sid=phone.sid)
    scene.clock.advance(300)
    reconcile_if_due(scene.rt)
    assert inbound(scene) == ["hello"]
    assert scene.carrier.texts_to(phone.number) == []


def test_what_is_on_its_way_to_us_is_left_to_the_webhook(scene: Scene) -> None:
    listed(scene, scene.number(), "hello", scene.now)
    scene.clock.advance(20)
    assert reconcile_if_due(scene.rt) is not None
    assert inbound(scene) == []
    assert reconcile_if_due(scene.rt) is None, "a look each minute"
    scene.clock.advance(61)
    reconcile_if_due(scene.rt)
    assert inbound(scene) == ["hello"]


def test_our_own_texts_are_never_taken_in(scene: Scene) -> None:
    listed(scene, LINE_NUMBER, "from ourselves", scene.now)
    listed(scene, VOICE_NUMBER, "from ourselves too", scene.now)
    scene.carrier.log_texts.append(
        CarrierText("SM" + "a" * 32, LINE_NUMBER, scene.number(), "out", False, None, scene.now)
    )
    scene.clock.advance(300)
    found = reconcile_if_due(scene.rt)
    assert found is not None
    assert (found.texts, found.failed) == (0, 0)
    assert inbound(scene) == []


def test_whatsapp_is_taken_in_as_whatsapp(scene: Scene) -> None:
    number = scene.number()
    listed(scene, f"whatsapp:{number}", "hello", scene.now, to=f"whatsapp:{LINE_NUMBER}")
    scene.clock.advance(300)
    reconcile_if_due(scene.rt)
    assert scene.only(tables.conversation)["whatsapp"]
    assert scene.only(tables.caller)["address"] == number


def test_an_unreadable_log_moves_nothing(scene: Scene) -> None:
    reconcile_if_due(scene.rt)
    good = good_time(scene)
    listed(scene, scene.number(), "hello", scene.now)
    scene.clock.advance(minutes=20)
    scene.carrier.log_away = True
    with pytest.raises(ConnectionError):
        reconcile_if_due(scene.rt)
    assert good_time(scene) == good
    scene.carrier.log_away = False
    scene.clock.advance(61)
    reconcile_if_due(scene.rt)
    assert inbound(scene) == ["hello"]


def good_time(scene: Scene) -> datetime:
    at: datetime = scene.only(tables.heartbeat, process=reconciler.NAME)["at"]
    return at


def test_a_text_that_cannot_be_taken_in_keeps_no_other_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(scene, scene.number(), "poison", scene.now)
    listed(scene, scene.number(), "hello", scene.now + timedelta(seconds=1))
    scene.clock.advance(300)
    real = intake.receive

    def fragile(rt: object, text: intake.IncomingText) -> intake.Answer:
        if text.body == "poison":
            raise ValueError("poison")
        return real(scene.rt, text)

    with monkeypatch.context() as patch:
        patch.setattr("helpline.service.intake.receive", fragile)
        found = reconcile_if_due(scene.rt)
        assert found is not None
        assert (found.texts, found.failed) == (1, 1)
    scene.clock.advance(61)
    reconcile_if_due(scene.rt)
    assert inbound(scene) == ["hello", "poison"], "and it is tried again"


def test_what_waits_in_the_spool_is_not_read_from_the_log(scene: Scene) -> None:
    scene.rt.spool.append("a record")
    assert reconcile_if_due(scene.rt) is None


def rang(scene: Scene, number: str, at: datetime, sid: str = "") -> None:
    sid = sid or f"CA{len(scene.carrier.log_calls):030x}in"
    scene.carrier.log_calls.append(CarrierCall(sid, VOICE_NUMBER, number, LegState.COMPLETED, at))


def test_a_call_that_nobody_heard_of_is_noted_and_owed_once(scene: Scene) -> None:
    ana = scene.staff()
    rang(scene, scene.number(), scene.now)
    rang(scene, "anonymous", scene.now)
    rang(scene, ana.number, scene.now)
    scene.clock.advance(300)
    found = reconcile_if_due(scene.rt)
    assert found is not None
    assert (found.calls, found.failed) == (1, 0)
    promise = scene.only(tables.callback)
    assert promise["disposition"] == scene.only(tables.case)["disposition"]
    scene.clock.advance(61)
    reconcile_if_due(scene.rt)
    missed = [row for row in scene.rows(tables.audit) if row["action"] == "missed call"]
    assert [row["detail"]["owed"] for row in missed] == [True]


def test_whoever_opted_out_is_noted_and_not_rung(scene: Scene) -> None:
    phone = Phone(scene, scene.number())
    phone.line = VOICE_NUMBER
    phone.texts("STOP")
    phone.unread_answers = False
    rang(scene, phone.number, scene.now)
    scene.clock.advance(300)
    reconcile_if_due(scene.rt)
    assert scene.rows(tables.callback) == []
    missed = [row for row in scene.rows(tables.audit) if row["action"] == "missed call"]
    assert [row["detail"]["owed"] for row in missed] == [False]


def test_a_text_whose_last_receipt_was_lost_is_closed(scene: Scene) -> None:
    phone = Phone(scene, scene.number())
    phone.texts("hello")
    phone.unread_answers = False
    place = scene.only(tables.conversation)["id"]
    with scene.store.begin() as tx:
        outgoing.text_words(tx, place, "are you there", scene.now, priority=outbox.ORDINARY)
    scene.work()
    (sent,) = [row for row in scene.rows(tables.message) if not row["inbound"]]
    assert sent["state"] == TextState.QUEUED
    scene.carrier.log_texts[-1] = CarrierText(
        sent["sid"], phone.number, LINE_NUMBER, "are you there", False, TextState.DELIVERED, None
    )
    scene.clock.advance(300)
    reconcile_if_due(scene.rt)
    assert scene.only(tables.message, id=sent["id"])["state"] == TextState.QUEUED
    scene.clock.advance(400)
    found = reconcile_if_due(scene.rt)
    assert found is not None
    assert found.closed == 1
    assert scene.only(tables.message, id=sent["id"])["state"] == TextState.DELIVERED


CRISIS_NUMBER = "+12025550108"


def with_crisis_account(scene: Scene) -> Runtime:
    line = replace(scene.rt.line, crisis_numbers=(PhoneNumber(CRISIS_NUMBER),))
    return replace(scene.rt, line=line)


def test_a_reply_to_a_page_of_the_crisis_account_is_read_back_too(scene: Scene) -> None:
    ana = scene.staff()
    phone = scene.phone()
    phone.texts(DANGER, after=0)
    phone.unread_answers = False
    scene.work()
    phone.read = len(scene.carrier.texts_to(phone.number))
    listed(scene, ana.number, "OK", scene.now, to=CRISIS_NUMBER)
    scene.clock.advance(90)
    found = reconcile_if_due(with_crisis_account(scene))
    assert found is not None
    assert (found.texts, found.failed) == (1, 0)
    row = scene.only(tables.page)
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", ana.id)


def test_a_call_to_a_number_of_the_crisis_account_is_read_back_too(scene: Scene) -> None:
    number = scene.number()
    scene.carrier.log_calls.append(
        CarrierCall("CA" + "5" * 32, CRISIS_NUMBER, number, LegState.COMPLETED, scene.now)
    )
    scene.clock.advance(300)
    found = reconcile_if_due(with_crisis_account(scene))
    assert found is not None
    assert found.calls == 1


def test_our_own_crisis_number_is_never_a_caller(scene: Scene) -> None:
    listed(scene, CRISIS_NUMBER, "Harbor CRISIS: caller needs a person now.", scene.now)
    scene.clock.advance(300)
    found = reconcile_if_due(with_crisis_account(scene))
    assert found is not None
    assert found.texts == 0
    assert inbound(scene) == []


def test_a_crisis_account_that_tells_nothing_keeps_no_caller_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next look begins as early, until its log is read as well."""
    listed(scene, scene.number(), "hello", scene.now)
    listed(scene, scene.number(), "from staff", scene.now, to=CRISIS_NUMBER)
    scene.clock.advance(300)
    read = scene.carrier.list_inbound_texts

    def refused(line: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        if line.e164 == CRISIS_NUMBER:
            raise ConnectionError("suspended")
        return read(line, since)

    monkeypatch.setattr(scene.carrier, "list_inbound_texts", refused)
    found = reconcile_if_due(with_crisis_account(scene))
    assert found is not None
    assert (found.texts, found.failed) == (1, 1)
    assert inbound(scene) == ["hello"]
    monkeypatch.undo()
    scene.clock.advance(9000)
    found = reconcile_if_due(with_crisis_account(scene))
    assert found is not None
    assert (found.texts, found.failed) == (1, 0)
