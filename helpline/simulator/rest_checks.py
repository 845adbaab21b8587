"""What the REST API accepts: the rules for messages, and those that all resources share.

Pure: a form in, a request or a refusal out.

Stricter than the real carrier on purpose: a field that Twilio would silently ignore is
refused here, because the application that sends it believes that it does something.
Error codes: https://www.twilio.com/docs/api/errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

from werkzeug.datastructures import MultiDict

from helpline.simulator.numbers import is_emergency, is_possible, is_premium, is_short_code
from helpline.simulator.settings import SimulatorSettings
from helpline.simulator.twiml_schema import MAX_MESSAGE

Form = MultiDict[str, str]

MESSAGE_FIELDS = frozenset(
    {"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ValidityPeriod"}
)


class Refused(Exception):
    """The API says no. `violation` tells an application's mistake from mere bad luck."""

    def __init__(self, code: int, message: str, status: int = 400, violation: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.violation = violation


@dataclass(frozen=True)
class MessageRequest:
    """A message that may be sent."""

    to: str
    from_: str
    body: str
    media: tuple[str, ...]
    messaging_service_sid: str | None
    status_callback: str


def check_message(form: Form, settings: SimulatorSettings) -> MessageRequest:
    """Raises Refused. An opted-out recipient is the caller's business to check."""
    check_fields(form, MESSAGE_FIELDS, repeated={"MediaUrl"})
    to = required(form, "To", 21604, "A 'To' phone number is required.")
    channel = "whatsapp:" if to.startswith("whatsapp:") else ""
    service = form.get("MessagingServiceSid")
    from_ = form.get("From", "")
    if service and service != settings.messaging_service_sid:
        raise Refused(21701, f"The Messaging Service {service} does not exist.")
    if not from_ and not service:
        raise Refused(21603, "A 'From' phone number is required.")
    from_ = from_ or channel + settings.numbers[0]
    if not from_.startswith(channel) or from_.removeprefix(channel) not in settings.numbers:
        raise Refused(
            21606, f"The 'From' phone number {from_} is not an SMS-capable number of your account."
        )
    check_recipient(to.removeprefix(channel), from_.removeprefix(channel), 21211, short_code=21265)
    media = tuple(form.getlist("MediaUrl"))
    body = form.get("Body", "")
    if not body.strip() and not media:
        raise Refused(21602, "Message body is required.")
    if len(body) > MAX_MESSAGE:
        raise Refused(
            21617, f"The concatenated message body exceeds the {MAX_MESSAGE} character limit."
        )
    for url in media:
        check_url(url, "MediaUrl", 21620)
    if "ValidityPeriod" in form:
        whole(form, "ValidityPeriod", 1, 36_000)
    callback = optional_url(form, "StatusCallback", 21609)
    return MessageRequest(to, from_, body, media, service, callback)


def check_fields(form: Form, allowed: frozenset[str], repeated: set[str] | None = None) -> None:
    if unknown := sorted(set(form) - allowed):
        raise Refused(20001, f"Unknown parameter: {', '.join(unknown)}.")
    if twice := sorted(
        name for name in form if len(form.getlist(name)) > 1 and name not in (repeated or set())
    ):
        raise Refused(20001, f"Parameter sent more than once: {', '.join(twice)}.")


def check_recipient(to: str, from_: str, invalid: int, short_code: int) -> None:
    if is_emergency(to):
        raise Refused(invalid, f"{to} is an emergency number; no machine may reach it.")
    if is_short_code(to):
        raise Refused(short_code, f"'To' number {to} is a short code.")
    if is_premium(to):
        raise Refused(21216, f"Account not allowed to reach {to}.")
    if not is_possible(to):
        raise Refused(invalid, f"Invalid 'To' phone number: {to}.")
    if to == from_:
        raise Refused(21266, "'To' and 'From' number cannot be the same.")


def check_url(url: str, name: str, code: int) -> None:
    """Absolute http(s), printable ASCII only, with a host."""
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or not re.fullmatch(r"[!-~]{1,4000}", url)
    ):
        raise Refused(code, f"{name} is not a valid URL: {url[:200]}")


def optional_url(form: Form, name: str, code: int) -> str:
    if name in form:
        check_url(form[name], name, code)
    return form.get(name, "")


def required(form: Form, name: str, code: int, message: str) -> str:
    return form.get(name) or refuse(code, message)


def one_of(form: Form, name: str, allowed: tuple[str, ...]) -> str:
    value = form.get(name, allowed[0])
    return value if value in allowed else refuse(20001, f"Invalid {name}: {value!r}.")


def whole(form: Form, name: str, low: int, high: int) -> int:
    value = form[name]
    if re.fullmatch(r"\d{1,6}", value) and low <= int(value) <= high:
        return int(value)
    return refuse(20001, f"Invalid {name}: {value!r} is not a whole number from {low} to {high}.")


def refuse(code: int, message: str) -> NoReturn:
    raise Refused(code, message)
