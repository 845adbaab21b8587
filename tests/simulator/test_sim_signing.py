"""Signatures, against a value computed with openssl and against Twilio's own validator."""

from __future__ import annotations

from twilio.request_validator import RequestValidator

from helpline.simulator.signing import sign

URL = "https://line.example/twilio/sms?attempt=7%2Ba"
FIELDS = [("To", "+12025550100"), ("From", "+12025550123"), ("Body", "3 líneas & más %")]


def test_signature_equals_one_computed_by_hand():
    assert sign("practice token", URL, FIELDS) == "vb6/0JQR9TsrGOcQRUtETAc/IBc="


def test_order_of_fields_does_not_matter_but_every_value_does():
    assert sign("t", URL, FIELDS) == sign("t", URL, FIELDS[::-1])
    assert sign("t", URL, FIELDS) != sign("t", URL, [*FIELDS[:2], ("Body", "3 lineas & más %")])
    assert sign("t", URL, FIELDS) != sign("other", URL, FIELDS)


def test_requests_carry_what_twilio_validates(simulate, application):
    sim = simulate(public_base_url="https://line.example", sms_path="/twilio/sms?a=it%27s+ok")
    sim.phone("+12025550123").texts("¿hola? 100% & más")
    (seen,) = application.seen
    validator = RequestValidator("token-of-tests")
    signature = seen.headers["X-Twilio-Signature"]
    form = {name: value for name, value in seen.form.items() if name != "a"}
    assert seen.url == "/twilio/sms?a=it%27s+ok"
    assert validator.validate("https://line.example" + seen.url, form, signature)
    assert not validator.validate(application.url + seen.url, form, signature)
    assert seen.headers["Host"] == "line.example"
    assert seen.headers["User-Agent"] == "TwilioProxy/1.1"
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert len(seen.headers["I-Twilio-Idempotency-Token"]) == 36


def test_get_requests_are_signed_over_their_query(sim, application):
    application.on("/twilio/voice", '<Redirect method="GET">/next?step=2</Redirect>')
    application.on("/next", "<Hangup/>")
    sim.phone("+12025550145").call()
    sim.wait_for(lambda: application.at("/next"))
    seen = next(seen for seen in application.seen if seen.path == "/next")
    assert "CallSid=" in seen.url
    assert RequestValidator("token-of-tests").validate(
        application.url + seen.url, {}, seen.headers["X-Twilio-Signature"]
    )


def test_a_wrong_signature_can_be_ordered(sim, application):
    sim.faults.add("webhook.bad_signature", on="sms", times=1)
    phone = sim.phone("+12025550123")
    phone.texts("one")
    phone.texts("two")
    first, second = (seen.headers["X-Twilio-Signature"] for seen in application.seen)
    valid = RequestValidator("token-of-tests").validate
    forms = application.at("/twilio/sms")
    assert not valid(application.url + "/twilio/sms", forms[0], first)
    assert valid(application.url + "/twilio/sms", forms[1], second)
