"""Texts in both directions over real HTTP."""

from __future__ import annotations

import pytest
from flask import Response

from helpline.simulator.numbers import segments_of

TEXTER = "+12025550123"


def test_a_text_is_told_and_its_answers_arrive_in_order(sim, application):
    application.on(
        "/twilio/sms",
        lambda form: f"<Message>You said {form['Body']}</Message><Message>Two</Message>",
    )
    phone = sim.phone(TEXTER)
    outcome = phone.texts("hi")
    phone.wait_for(lambda p: len(p.received()) == 2)
    assert (outcome.status, outcome.messages) == (200, ("You said hi", "Two"))
    assert {t.body for t in phone.received()} == {"You said hi", "Two"}
    (form,) = application.at("/twilio/sms")
    assert form["From"] == TEXTER
    assert form["To"] == "+12025550100"
    assert form["MessageSid"] == form["SmsSid"] == outcome.sid
    assert form["FromCountry"] == "US"
    assert "OptOutType" not in form
    assert sim.violations == []


def test_pictures_and_whatsapp_have_their_own_fields(sim, application):
    phone = sim.phone(TEXTER)
    assert phone.texts("", media=2).sid.startswith("MM")
    phone.texts("Olá", whatsapp=True, extra={"ButtonText": "Yes"})
    sim.phone("US.1234").texts("hi", whatsapp=True)
    picture, whatsapp, nobody = application.at("/twilio/sms")
    assert picture["NumMedia"] == "2"
    assert picture["MediaContentType1"] == "image/jpeg"
    assert whatsapp["From"] == f"whatsapp:{TEXTER}"
    assert whatsapp["WaId"] == TEXTER[1:]
    assert whatsapp["ButtonText"] == "Yes"
    assert "FromCity" not in whatsapp
    assert nobody["ExternalUserId"] == "whatsapp:US.1234"
    assert "WaId" not in nobody


def test_a_repeated_sid_is_one_message_at_the_carrier(sim, application, rest):
    phone = sim.phone(TEXTER)
    first = phone.texts("once")
    phone.texts("once", sid=first.sid)
    assert [form["MessageSid"] for form in application.at("/twilio/sms")] == [first.sid] * 2
    assert len(rest("GET", "Messages.json").json()["messages"]) == 1


def test_receipts_come_in_order(sim, application, rest):
    sid = rest.text(StatusCallback=application.url + "/status?attempt=9").json()["sid"]
    sim.wait_for(lambda: len(application.at("/status")) == 2)
    assert [form["MessageStatus"] for form in application.at("/status")] == ["sent", "delivered"]
    assert all(
        form["MessageSid"] == sid and form["attempt"] == "9" for form in application.at("/status")
    )
    assert rest("GET", f"Messages/{sid}.json").json()["status"] == "delivered"
    assert sim.phone(TEXTER).received()[0].body == "hello"


@pytest.mark.parametrize(
    ("status", "told"), [("undelivered", ["sent", "undelivered"]), ("failed", ["failed"])]
)
def test_a_phone_that_cannot_be_reached(sim, application, rest, status, told):
    sim.phone(TEXTER).refuses_texts(30006, status)
    rest.text(StatusCallback=application.url + "/status")
    sim.wait_for(lambda: len(application.at("/status")) == len(told))
    assert [form["MessageStatus"] for form in application.at("/status")] == told
    assert application.at("/status")[-1]["ErrorCode"] == "30006"
    assert sim.phone(TEXTER).received() == []


def test_stop_blocks_until_start(sim, application, rest):
    application.on("/twilio/sms", "<Message>never seen after STOP</Message>")
    phone = sim.phone(TEXTER)
    outcome = phone.texts(" stop ")
    assert outcome.opt_out_type == "STOP"
    assert phone.wait_for_text("unsubscribed")
    refused = rest.text()
    assert (refused.status_code, refused.json()["code"]) == (400, 21610)
    assert [m.body for m in phone.received()] == [sim.settings.stop_text]
    phone.texts("Unstop")
    assert application.at("/twilio/sms")[-1]["OptOutType"] == "START"
    assert rest.text().status_code == 201
    assert sim.violations == []


def test_words_inside_a_sentence_are_not_commands(sim, application, rest):
    outcome = sim.phone(TEXTER).texts("I want to stop using")
    assert outcome.opt_out_type == ""
    assert rest.text().status_code == 201


def test_help_is_answered_by_the_carrier_and_changes_nothing(sim, rest):
    phone = sim.phone(TEXTER)
    assert phone.texts("HELP").opt_out_type == "HELP"
    assert phone.wait_for_text().body == sim.settings.help_text
    assert rest.text().status_code == 201


def test_without_advanced_opt_out_stop_still_blocks(simulate, application):
    sim = simulate(advanced_opt_out=False)
    application.on("/twilio/sms", "<Message>ours</Message>")
    phone = sim.phone(TEXTER)
    phone.texts("QUIT")
    assert "OptOutType" not in application.at("/twilio/sms")[0]
    assert [error["code"] for error in sim.errors] == [21610]
    phone.texts("start")
    assert phone.wait_for_text().body == "ours"


def test_a_broken_webhook_is_logged_and_the_fallback_asked(simulate, application):
    sim = simulate(sms_fallback_path="/twilio/fallback")
    application.on("/twilio/sms", lambda form: Response(status=500))
    application.on("/twilio/fallback", "<Message>numbers to ring</Message>")
    phone = sim.phone(TEXTER)
    assert phone.texts("hi").messages == ("numbers to ring",)
    (form,) = application.at("/twilio/fallback")
    assert form["ErrorCode"] == "11200"
    assert form["ErrorUrl"].endswith("/twilio/sms")
    assert sim.errors[0]["code"] == 11200
    assert sim.violations == []


def test_an_answer_twilio_would_refuse_is_a_violation(sim, application):
    application.on("/twilio/sms", lambda form: Response("Thanks!", content_type="text/html"))
    outcome = sim.phone(TEXTER).texts("hi")
    assert not outcome.ok
    assert [violation.code for violation in sim.violations] == [12300]


def test_messaging_redirect_is_followed(sim, application):
    application.on("/twilio/sms", "<Redirect>/twilio/other</Redirect>")
    application.on("/twilio/other", "<Message>from there</Message>")
    assert sim.phone(TEXTER).texts("hi").messages == ("from there",)


@pytest.mark.parametrize(
    ("body", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("á" * 70, 1), ("á" * 71, 2), ("€" * 80, 1), ("😀" * 36, 2)],
)
def test_segments(body, count):
    assert segments_of(body) == count
