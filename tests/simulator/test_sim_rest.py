"""The REST API: strict, in Twilio's shapes, usable by Twilio's own client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

ACCOUNT, TOKEN, LINE = "AC" + "5" * 32, "token-of-tests", "+12025550100"
TO, URL = "+12025550123", "http://127.0.0.1:1/voice"
SAFE = {"To": TO, "From": LINE, "Body": "x"}
DIAL = {"To": TO, "From": LINE, "Url": URL}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (SAFE | {"To": ""}, 21604),
        (SAFE | {"From": ""}, 21603),
        (SAFE | {"From": "+12025550199"}, 21606),
        (SAFE | {"MessagingServiceSid": "MG" + "0" * 32}, 21701),
        (SAFE | {"To": "2025550123"}, 21211),
        (SAFE | {"To": "+1202555012"}, 21211),
        (SAFE | {"To": "+10005550123"}, 21211),
        (SAFE | {"To": "911"}, 21211),
        (SAFE | {"To": "988"}, 21211),
        (SAFE | {"To": "741741"}, 21265),
        (SAFE | {"To": "+19005550123"}, 21216),
        (SAFE | {"To": LINE}, 21266),
        (SAFE | {"Body": ""}, 21602),
        (SAFE | {"Body": "  "}, 21602),
        (SAFE | {"Body": "x" * 1601}, 21617),
        (SAFE | {"StatusCallback": "/twilio/sms/status"}, 21609),
        (SAFE | {"MediaUrl": "a.png"}, 21620),
        (SAFE | {"ValidityPeriod": "0"}, 20001),
        (SAFE | {"StatusCallBack": "http://127.0.0.1/x"}, 20001),
        (SAFE | {"Body": ["a", "b"]}, 20001),
    ],
)
def test_messages_are_refused_like_twilio_and_noted(sim, rest, form, code):
    answer = rest("POST", "Messages.json", form)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["status"] == 400
    assert str(code) in answer.json()["more_info"]
    assert [violation.code for violation in sim.violations] == [code]
    assert sim.phone(TO).received() == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (DIAL | {"To": ""}, 21201),
        (DIAL | {"From": ""}, 21213),
        (DIAL | {"From": "+12025550199"}, 21210),
        (DIAL | {"From": "anonymous"}, 21212),
        (DIAL | {"To": "112"}, 21211),
        (DIAL | {"To": "+1911"}, 21211),
        (DIAL | {"To": "+881612345678"}, 21216),
        (DIAL | {"Url": ""}, 21205),
        (DIAL | {"Url": "/twilio/voice"}, 21205),
        (DIAL | {"Url": "http://127.0.0.1/köln"}, 21205),
        (DIAL | {"Twiml": "<Response/>"}, 20001),
        (DIAL | {"Method": "PUT"}, 20001),
        (DIAL | {"StatusCallbackEvent": "completed"}, 21626),
        (DIAL | {"StatusCallback": URL, "StatusCallbackEvent": "ringing answered"}, 21626),
        (DIAL | {"Timeout": "0"}, 20001),
        (DIAL | {"MachineDetection": "true"}, 20001),
        (DIAL | {"StatusCallbackEvents": "answered"}, 20001),
    ],
)
def test_calls_are_refused_like_twilio_and_noted(sim, rest, form, code):
    answer = rest("POST", "Calls.json", form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [violation.code for violation in sim.violations] == [code]
    assert sim.phone(TO).state == "idle"


def test_strangers_are_not_let_in(sim, rest):
    assert rest("GET", "Messages.json", auth=None).status_code == 401
    assert rest("GET", "Messages.json", auth=(ACCOUNT, "guess")).json()["code"] == 20003
    assert rest("GET", "Messages/SM1.json").json()["code"] == 20404
    assert sim.violations == []


def test_a_resource_the_simulator_does_not_have_is_a_violation(sim, rest):
    assert rest("POST", "IncomingPhoneNumbers.json").status_code == 404
    assert [violation.code for violation in sim.violations] == [20404]


def test_lists_filter_and_page(sim, rest, application):
    for number in range(3):
        rest.text(body=f"n{number}")
    sim.phone(TO).texts("inbound")
    sim.phone(TO).wait_for(lambda phone: len(phone.received()) == 3)
    listed = rest("GET", "Messages.json", params={"To": TO, "PageSize": 2}).json()
    assert [m["body"] for m in listed["messages"]] == ["n2", "n1"]
    assert listed["previous_page_uri"] is None
    second = rest("GET", listed["next_page_uri"].rpartition("/")[2]).json()
    assert [m["body"] for m in second["messages"]] == ["n0"]
    assert second["next_page_uri"] is None
    inbound = rest("GET", "Messages.json", params={"From": TO}).json()["messages"]
    assert [(m["direction"], m["status"]) for m in inbound] == [("inbound", "received")]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert rest("GET", "Messages.json", params={"DateSent>": tomorrow}).json()["messages"] == []
    assert len(rest("GET", "Messages.json", params={"DateSent<": tomorrow}).json()["messages"]) == 4


def test_twilios_own_client_understands_every_answer(sim, application):
    client = Client(ACCOUNT, TOKEN)
    client.api.base_url = sim.url
    sent = client.messages.create(to=TO, from_=LINE, body="from the client")
    assert (sent.status, sent.direction, sent.error_code) == ("queued", "outbound-api", None)
    assert sent.date_created.tzinfo is not None
    sim.phone(TO).wait_for_text("from the client")
    assert client.messages(sent.sid).fetch().status == "delivered"
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert [m.sid for m in client.messages.list(to=TO, date_sent_after=since)] == [sent.sid]
    call = client.calls.create(to=TO, from_=LINE, url=application.url + "/voice")
    sim.phone(TO).wait_for_ring()
    assert client.calls(call.sid).fetch().status == "ringing"
    assert [c.sid for c in client.calls.list(to=TO, start_time_after=since, status="ringing")] == [
        call.sid
    ]
    client.calls(call.sid).update(status="canceled")
    sim.wait_for(lambda: client.calls(call.sid).fetch().status == "canceled")
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to="741741", from_=LINE, body="x")
    assert caught.value.code == 21265
    assert [violation.code for violation in sim.violations] == [21265]


def test_twilios_own_client_holds_plays_and_deletes(sim, application):
    client = Client(ACCOUNT, TOKEN)
    client.api.base_url = sim.url
    told = '<Conference record="record-from-start" participantLabel="{}">r</Conference>'
    labels = {TO: "caller", "+12025550111": "ana"}
    application.on(
        "/twilio/voice", lambda form: f"<Dial>{told.format(labels[form['From']])}</Dial>"
    )
    caller, ana = sim.phone(TO), sim.phone("+12025550111")
    caller.call()
    caller.wait_for(lambda phone: phone.heard("with"))
    ana.call()
    assert ana.say("hello")
    (room,) = client.conferences.list(friendly_name="r", status="in-progress")
    people = client.conferences(room.sid).participants
    assert [(one.label, one.hold) for one in people.list()] == [("caller", False), ("ana", False)]
    assert client.conferences(room.sid).participants("caller").update(hold=True).hold is True
    assert client.conferences(room.sid).participants("caller").delete()
    caller.wait_for_state("idle")
    assert client.conferences(room.sid).update(status="completed").status == "completed"
    (kept,) = sim.wait_for(client.recordings.list)
    assert (kept.source, kept.conference_sid) == ("Conference", room.sid)
    assert client.recordings(kept.sid).delete()
    assert client.recordings.list() == []
    assert sim.violations == []
