"""Bad luck on request, the log, and the control routes."""

from __future__ import annotations

import json
import threading

import pytest
import requests

from helpline.simulator.__main__ import read_settings

TEXTER, ANA, LINE = "+12025550123", "+12025550111", "+12025550100"


def test_dropped_webhooks_never_arrive(sim, application):
    sim.faults.add("webhook.drop", on="sms", times=1)
    phone = sim.phone(TEXTER)
    assert phone.texts("lost").status is None
    assert phone.texts("found").status == 200
    assert [form["Body"] for form in application.at("/twilio/sms")] == ["found"]
    assert sim.violations == []


def test_a_lost_answer_is_obeyed_by_nobody(sim, application):
    application.on("/twilio/sms", "<Message>you never see this</Message>")
    sim.faults.add("webhook.drop_reply", on="sms", times=1)
    outcome = sim.phone(TEXTER).texts("hi")
    assert (outcome.ok, outcome.messages) == (False, ())
    assert len(application.at("/twilio/sms")) == 1


def test_duplicates_leave_together_with_one_token_and_one_answer(sim, application):
    together = threading.Barrier(5, timeout=5)

    def answer(form):
        together.wait()
        return "<Message>once</Message>"

    application.on("/twilio/sms", answer)
    sim.faults.add("webhook.duplicate", on="sms", copies=5, times=1)
    phone = sim.phone(TEXTER)
    assert phone.texts("hi").messages == ("once",)
    phone.wait_for_text("once")
    assert len({seen.headers["I-Twilio-Idempotency-Token"] for seen in application.seen}) == 1
    assert len({form["MessageSid"] for form in application.at("/twilio/sms")}) == 1
    assert len(phone.received()) == 1


def test_reordered_callbacks_all_arrive_in_another_order(sim, application, rest):
    sim.faults.add("webhook.reorder", on="sms_status", hold=4, times=4, seconds=5)
    for body in ("one", "two"):
        rest.text(body=body, StatusCallback=application.url + f"/status?{body}")
    sim.wait_for(lambda: len(application.at("/status")) == 4)
    arrived = [(form["MessageSid"], form["MessageStatus"]) for form in application.at("/status")]
    assert sorted(status for _, status in arrived) == ["delivered", "delivered", "sent", "sent"]
    left = [
        event.detail
        for event in sim.events(kind="webhook")
        if event.detail["webhook"] == "sms_status"
    ]
    assert len(left) == 4


def test_a_reordering_gate_opens_by_itself(sim, application):
    sim.faults.add("webhook.reorder", on="sms", hold=9, times=1, seconds=0.05)
    assert sim.phone(TEXTER).texts("alone").status == 200


def test_delayed_webhooks_leave_later(sim, application):
    sim.faults.add("webhook.delay", on="sms", seconds=0.1, times=1)
    sim.phone(TEXTER).texts("slow")
    begun = next(event for event in sim.events(kind="fault.struck"))
    sent = next(event for event in sim.events(kind="webhook"))
    assert sent.monotonic - begun.monotonic >= 0.1


def test_timeout_after_accepting_makes_the_call_but_answers_nobody(sim, application, rest):
    application.on("/voice", "<Hangup/>")
    sim.faults.add("rest.timeout_after", on="calls", times=1, seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        rest(
            "POST",
            "Calls.json",
            {"To": ANA, "From": LINE, "Url": application.url + "/voice"},
            timeout=0.2,
        )
    sim.phone(ANA).wait_for_ring()
    found = rest("GET", "Calls.json", params={"To": ANA}).json()["calls"]
    assert [call["status"] for call in found] == ["ringing"]


def test_timeout_before_accepting_makes_nothing(sim, rest):
    sim.faults.add("rest.timeout_before", on="messages", times=1, seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        rest("POST", "Messages.json", {"To": TEXTER, "From": LINE, "Body": "x"}, timeout=0.2)
    assert rest("GET", "Messages.json").json()["messages"] == []


def test_refused_connections_make_nothing(sim, rest):
    sim.faults.add("rest.refuse", on="messages", times=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        rest.text()
    assert rest.text().status_code == 201
    sim.phone(TEXTER).wait_for_text()
    assert len(sim.phone(TEXTER).received()) == 1


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("rest.429", 429, 20429), ("rest.500", 500, 20500)]
)
def test_errors_are_answered_as_often_as_asked(sim, rest, kind, status, code):
    sim.faults.add(kind, times=2, retry_after=3)
    answers = [rest.text() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 201]
    assert answers[0].json()["code"] == code
    assert answers[0].headers.get("Retry-After") == ("3" if status == 429 else None)
    assert sim.violations == []
    assert sim.faults.list_faults() == []


def test_faults_strike_only_where_they_belong(sim, rest):
    sim.faults.add("rest.500", on="calls")
    sim.faults.add("webhook.drop", on="voice", probability=0)
    assert rest.text().status_code == 201
    assert rest("GET", "Calls.json").status_code == 500


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("webhook.explode", {}),
        ("rest.429", {"on": "sms"}),
        ("webhook.drop", {"probability": 2}),
        ("rest.500", {"x": 1}),
    ],
)
def test_impossible_faults_are_refused(sim, kind, options):
    with pytest.raises(ValueError, match=r".+"):
        sim.faults.add(kind, **options)


def test_phones_over_http_do_what_handles_do(sim, application):
    application.on("/twilio/sms", "<Message>pong</Message>")
    application.on("/twilio/voice", '<Gather numDigits="1" action="/choice" timeout="30"/>')
    base = f"{sim.url}/phones/%2B12025550123"
    assert requests.post(f"{base}/text", json={"body": "ping"}, timeout=5).json()["messages"] == [
        "pong"
    ]
    assert (
        requests.post(f"{base}/call", json={"keys": [["1", ""]]}, timeout=5)
        .json()["sid"]
        .startswith("CA")
    )
    sim.wait_for(lambda: application.at("/choice"))
    assert (
        requests.post(f"{base}/behaviour", json={"mode": "busy"}, timeout=5).json()["mode"]
        == "busy"
    )
    assert requests.post(f"{base}/dance", json={}, timeout=5).status_code == 400
    assert requests.post(f"{base}/hang_up", data={"a": 1}, timeout=5).status_code == 415
    assert (
        requests.post(f"{sim.url}/phones", json={"number": "+12025550177"}, timeout=5).json()[
            "state"
        ]
        == "idle"
    )


def test_the_log_can_be_followed_and_kept(simulate, application, tmp_path):
    sim = simulate(log_path=str(tmp_path / "log.jsonl"))
    before = requests.get(f"{sim.url}/control/log", timeout=5).json()["last"]
    waiting = threading.Thread(target=sim.phone(TEXTER).texts, args=("hi",))
    waiting.start()
    path = f"{sim.url}/control/log?after={before}&kind=webhook&wait=5"
    (event,) = requests.get(path, timeout=9).json()["events"]
    waiting.join()
    assert (event["webhook"], event["status"], event["n"] > before) == ("sms", 200, True)
    numbers = [json.loads(line)["n"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_state_faults_speed_and_reset_over_http(sim, application, rest):
    faults = f"{sim.url}/control/faults"
    (fault,) = requests.post(faults, json={"kind": "rest.500", "on": "calls"}, timeout=5).json()
    assert requests.post(faults, json={"kind": "nonsense"}, timeout=5).status_code == 400
    assert requests.delete(f"{faults}/{fault['id']}", timeout=5).json() == []
    assert requests.post(f"{sim.url}/control/speed", json={"time_scale": 90}, timeout=5).json() == {
        "time_scale": 90.0
    }
    rest.text(to="911")
    rest.ring(ANA, application.url + "/voice")
    sim.phone(ANA).wait_for_ring()
    state = requests.get(f"{sim.url}/control/state", timeout=5).json()
    assert len(state["violations"]) == 1
    assert next(p for p in state["phones"] if p["number"] == ANA)["state"] == "ringing"
    last = state["last"]
    assert requests.post(f"{sim.url}/control/reset", json={}, timeout=5).json() == {"done": True}
    assert sim.phone(ANA).state == "idle"
    assert sim.violations == []
    assert rest("GET", "Calls.json").json()["calls"] == []
    assert sim.events()[0].number > last


def test_the_page_and_its_parts_are_served_without_strangers(sim):
    page = requests.get(sim.url, timeout=5)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for part in ("/static/phones.css", "/static/phones.js"):
        assert part in page.text
        content = requests.get(sim.url + part, timeout=5)
        assert content.status_code == 200
        assert "http://" not in content.text
        assert "https://" not in content.text


def test_a_hundred_texts_at_once_are_all_delivered(sim, application, rest):
    threads = [threading.Thread(target=rest.text, kwargs={"body": f"n{n}"}) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sim.phone(TEXTER).wait_for(lambda phone: len(phone.received()) == 100)
    assert {text.body for text in sim.phone(TEXTER).received()} == {f"n{n}" for n in range(100)}


def test_settings_come_from_flags_before_the_environment():
    found = read_settings(
        ["--numbers", "+12025550100,+12025550101"],
        {"SIMULATOR_PORT": "9", "SIMULATOR_NUMBERS": "x"},
    )
    assert (found.port, found.numbers) == (9, ("+12025550100", "+12025550101"))
    with pytest.raises(SystemExit):
        read_settings(["--time-scale", "0"], {})
