"""What the REST API accepts about calls and conferences. Pure, like `rest_checks.py`."""

from __future__ import annotations

from dataclasses import dataclass

from helpline.simulator.detection import Detection
from helpline.simulator.numbers import is_possible
from helpline.simulator.rest_checks import (
    Form,
    Refused,
    check_fields,
    check_recipient,
    check_url,
    one_of,
    optional_url,
    required,
    whole,
)
from helpline.simulator.settings import SimulatorSettings
from helpline.simulator.twiml import TwimlError, parse
from helpline.simulator.twiml_values import TONES

DETECTION_FIELDS = frozenset(
    {
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "MachineDetectionTimeout",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSilenceTimeout",
    }
)
CALL_FIELDS = DETECTION_FIELDS | {
    "To",
    "From",
    "Url",
    "Method",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Timeout",
    "TimeLimit",
    "MachineDetection",
    "CallReason",
    "SendDigits",
}
CALL_UPDATE_FIELDS = frozenset(
    {
        "Url",
        "Twiml",
        "Method",
        "Status",
        "FallbackUrl",
        "FallbackMethod",
        "StatusCallback",
        "StatusCallbackMethod",
    }
)
PARTICIPANT_FIELDS = frozenset({"Muted", "Hold", "EndConferenceOnExit"})
CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
MAX_TWIML = 4000
MAX_SEND_DIGITS = 32


@dataclass(frozen=True)
class CallRequest:
    """A call that may be made. Times are simulated seconds; `time_limit` 0 means none."""

    to: str
    from_: str
    url: str
    method: str
    fallback_url: str
    status_callback: str
    status_callback_method: str
    status_callback_events: tuple[str, ...]
    timeout: int
    time_limit: int
    send_digits: str
    detection: Detection | None


@dataclass(frozen=True)
class CallUpdate:
    """What to do to a live call: exactly one of the three is set."""

    status: str = ""
    url: str = ""
    twiml: str = ""
    method: str = "POST"


def check_call(form: Form, settings: SimulatorSettings) -> CallRequest:
    """Raises Refused."""
    if "Twiml" in form:
        raise Refused(20001, "Inline Twiml is not part of this account's contract; send Url.")
    check_fields(form, CALL_FIELDS, repeated={"StatusCallbackEvent"})
    to = required(form, "To", 21201, "No 'To' number is specified.")
    from_ = required(form, "From", 21213, "No 'From' number is specified.")
    if not is_possible(from_):
        raise Refused(21212, f"Invalid 'From' number: {from_}.")
    if from_ not in settings.numbers:
        raise Refused(21210, f"'From' phone number {from_} is not verified for your account.")
    check_recipient(to, from_, 21211, short_code=21211)
    url = required(form, "Url", 21205, "Url parameter is required.")
    check_url(url, "Url", 21205)
    return CallRequest(
        to,
        from_,
        url,
        one_of(form, "Method", ("POST", "GET")),
        optional_url(form, "FallbackUrl", 21205),
        optional_url(form, "StatusCallback", 21609),
        one_of(form, "StatusCallbackMethod", ("POST", "GET")),
        _check_events(form),
        whole(form, "Timeout", 1, 600) if "Timeout" in form else 60,
        whole(form, "TimeLimit", 1, 86_400) if "TimeLimit" in form else 0,
        _check_digits(form),
        check_detection(form),
    )


def check_detection(form: Form) -> Detection | None:
    """What to find out about whoever answers; None when nothing. Raises Refused."""
    mode = one_of(form, "MachineDetection", ("", "Enable", "DetectMessageEnd"))
    if not mode:
        if wasted := sorted(DETECTION_FIELDS & set(form)):
            raise Refused(20001, f"{', '.join(wasted)} without MachineDetection does nothing.")
        return None
    if "SendDigits" in form:
        raise Refused(20001, "With SendDigits the carrier ignores MachineDetection.")
    for name, low, high in (
        ("MachineDetectionSpeechThreshold", 1000, 6000),
        ("MachineDetectionSpeechEndThreshold", 500, 5000),
    ):
        if name in form:
            whole(form, name, low, high)
    silence, timeout = "MachineDetectionSilenceTimeout", "MachineDetectionTimeout"
    background = one_of(form, "AsyncAmd", ("false", "true")) == "true"
    if background and "AsyncAmdStatusCallback" not in form:
        raise Refused(21262, "No AMD status callback URL provided; nobody would be told.")
    if "AsyncAmdStatusCallback" in form and not background:
        raise Refused(20001, "AsyncAmdStatusCallback without AsyncAmd is never called.")
    return Detection(
        mode,
        whole(form, timeout, 3, 59) if timeout in form else 30.0,
        whole(form, silence, 2000, 10_000) / 1000 if silence in form else 5.0,
        background,
        optional_url(form, "AsyncAmdStatusCallback", 21609),
        one_of(form, "AsyncAmdStatusCallbackMethod", ("POST", "GET")),
    )


def check_call_update(form: Form) -> CallUpdate:
    """Raises Refused."""
    check_fields(form, CALL_UPDATE_FIELDS)
    asked = [name for name in ("Status", "Url", "Twiml") if name in form]
    if len(asked) != 1:
        raise Refused(20001, "Send exactly one of Status, Url and Twiml.")
    method = one_of(form, "Method", ("POST", "GET"))
    if "Status" in form:
        return CallUpdate(status=one_of(form, "Status", ("completed", "canceled")))
    if "Url" in form:
        check_url(form["Url"], "Url", 21205)
        return CallUpdate(url=form["Url"], method=method)
    twiml = form["Twiml"]
    if len(twiml) > MAX_TWIML:
        raise Refused(32018, f"Twiml is longer than {MAX_TWIML} characters.")
    try:
        problems = parse(twiml.encode(), "text/xml", "voice").problems
    except TwimlError as error:
        raise Refused(error.code, str(error)) from error
    if problems:
        raise Refused(12200, "; ".join(problems))
    return CallUpdate(twiml=twiml)


def check_participant_update(form: Form) -> dict[str, bool]:
    """New terms of a conference participant, by the names of `Terms`. Raises Refused."""
    check_fields(form, PARTICIPANT_FIELDS)
    if not form:
        raise Refused(20001, "Nothing to change: send Muted, Hold or EndConferenceOnExit.")
    names = {"Muted": "muted", "Hold": "hold", "EndConferenceOnExit": "ends"}
    return {
        ours: one_of(form, theirs, ("true", "false")) == "true"
        for theirs, ours in names.items()
        if theirs in form
    }


def _check_events(form: Form) -> tuple[str, ...]:
    events = tuple(form.getlist("StatusCallbackEvent")) or ("completed",)
    if wrong := [event for event in events if event not in CALL_EVENTS]:
        raise Refused(
            21626, f"Invalid StatusCallbackEvent: {', '.join(wrong)}; send one field per event."
        )
    if "StatusCallbackEvent" in form and "StatusCallback" not in form:
        raise Refused(21626, "StatusCallbackEvent without StatusCallback tells nobody.")
    return events


def _check_digits(form: Form) -> str:
    digits = form.get("SendDigits", "")
    if digits and (not TONES(digits) or len(digits) > MAX_SEND_DIGITS):
        raise Refused(20001, f"Invalid SendDigits: {digits[:40]!r}.")
    return digits
