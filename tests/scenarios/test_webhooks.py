"""What reaches the web process: twice, by another road, not genuine, or behind a proxy."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from helpline.store import tables
from tests.scenarios.running import LINE, SECOND_TOKEN, Answer, Line, inbound
from tests.scenarios.telephone import until

pytestmark = pytest.mark.redis

COPIES = 5


@pytest.mark.row(1)
def test_five_copies_at_once_are_one_text(either_line: Line) -> None:
    line, caller = either_line, either_line.caller()
    form = inbound(caller.number, "SM" + "5" * 32, "hi i need help with ket")
    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(lambda _: line.post("/twilio/sms", form), range(COPIES)))
    assert [answer.status for answer in answers] == [200] * COPIES
    assert len({answer.body for answer in answers}) == 1
    assert "First, right now" in answers[0].body
    assert stored(line, "SM" + "5" * 32) == 1
    assert "We ask everyone this" in caller.texts("2"), (
        "one transition: this is the second question"
    )


def test_copies_of_a_danger_text_page_once(either_line: Line) -> None:
    line, caller, ana = either_line, either_line.caller(), either_line.person()
    line.fault("webhook.duplicate", "sms", copies=COPIES, times=1)
    pages = line.count(tables.page)
    answer = caller.texts("i took all my pills and cant stay awake")
    assert "911" in answer
    ana.waits_for_ring()
    line.settled()
    assert line.count(tables.page) == pages + 1
    assert len(ana.calls()) == 1
    assert len(line.rest_texts_to(ana)) == 1


@pytest.mark.row(2)
def test_the_fallback_after_the_primary_is_the_same_text(line: Line) -> None:
    caller, sid = line.caller(), "SM" + "7" * 32
    form = inbound(caller.number, sid, "hi i need help with ket")
    first = line.post("/twilio/sms", form)
    again = line.post(
        "/twilio/sms", form | {"ErrorCode": "11200", "ErrorUrl": "https://line.example.org/x"}
    )
    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    assert stored(line, sid) == 1


def test_the_address_for_a_failed_primary_answers_the_numbers(line: Line) -> None:
    form = inbound(line.caller().number, "SM" + "8" * 32) | {"ErrorCode": "11205"}
    answer = line.post("/twilio/fallback", form)
    assert answer.status == 200
    assert "911" in answer.body


@pytest.mark.row(3)
@pytest.mark.parametrize(
    "how",
    ["no signature", "a wrong signature", "another address", "an added field", "JSON", "noise"],
)
def test_what_the_carrier_did_not_sign_is_refused_and_counted(line: Line, how: str) -> None:
    form = inbound(line.caller().number, "SM" + "9" * 32, "i want to die tonight")
    before, texts = line.count(tables.message), refused(line)
    answer = forged(line, how, form)
    assert answer.status in (403, 415), answer
    assert line.count(tables.message) == before
    assert "Response" not in answer.body
    until(lambda: refused(line) > texts, "the refusal is counted")


def forged(line: Line, how: str, form: dict[str, str]) -> Answer:
    match how:
        case "no signature":
            return line.post("/twilio/sms", form, signature="")
        case "a wrong signature":
            return line.post("/twilio/sms", form, token="not-the-token")
        case "another address":
            return line.post("/twilio/sms", form, signature=line.signature("/twilio/voice", form))
        case "an added field":
            signed = line.signature("/twilio/sms", form)
            return line.post("/twilio/sms", form | {"Extra": "1"}, signature=signed)
        case "JSON":
            return line.post("/twilio/sms", form, Content_Type="application/json")
        case _:
            return line.post("/twilio/sms", form, signature="=/+" * 90)


@pytest.mark.row(3)
@pytest.mark.parametrize(
    "path", ["/twilio/sms?b=it%27s+ok", "/twilio/sms?a=%2Fx%7B&b=", "/twilio/sms?b=2&a=1"]
)
def test_the_address_is_taken_as_it_was_signed(line: Line, path: str) -> None:
    caller, sid = line.caller(), f"SM{abs(hash(path)):032x}"[:34]
    answer = line.post(path, inbound(caller.number, sid))
    assert answer.status == 200, answer
    assert stored(line, sid) == 1


@pytest.mark.row(3)
def test_the_public_address_counts_and_not_what_a_proxy_says(line: Line) -> None:
    """The POST arrives over http at a port of this machine; https was signed."""
    assert line.settings.public_base_url == "https://line.example.org"
    caller = line.caller()
    headers = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "http"}
    answer = line.post("/twilio/sms", inbound(caller.number, "SM" + "a" * 32), **headers)
    assert answer.status == 200, answer


@pytest.mark.row(3)
def test_both_tokens_of_a_rotation_are_believed(line: Line) -> None:
    caller = line.caller()
    first = line.post("/twilio/sms", inbound(caller.number, "SM" + "b" * 32))
    second = line.post("/twilio/sms", inbound(caller.number, "SM" + "c" * 32), token=SECOND_TOKEN)
    assert (first.status, second.status) == (200, 200)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"MessageSid": "SM" + "d" * 32},
        {"MessageSid": "x", "From": "\x00", "To": "😀", "Body": "\ud83d\ude00" * 10},
        {"MessageSid": "SM" + "e" * 32, "From": "+1", "To": LINE, "NumMedia": "many"},
        {"CallSid": "CA" + "f" * 32, "CallStatus": "no-such", "Digits": "1" * 500},
    ],
)
def test_malformed_fields_are_never_our_failure(line: Line, form: dict[str, str]) -> None:
    form = {name: value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            for name, value in form.items()}  # fmt: skip
    for path in ("/twilio/sms", "/twilio/sms/status", "/twilio/voice/status?attempt=x"):
        assert line.post(path, form).status < 500, path


def stored(line: Line, sid: str) -> int:
    return line.count(tables.message, tables.message.c.sid == sid)


def refused(line: Line) -> float:
    return line.counted("helpline_signature_failures_total")
