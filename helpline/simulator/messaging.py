"""Texts in both directions: delivery, receipts, carrier opt-out words, and messaging TwiML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from helpline.simulator.behaviour import Text
from helpline.simulator.numbers import country_of, segments_of
from helpline.simulator.phone import Phone
from helpline.simulator.records import API_VERSION, Message, new_sid
from helpline.simulator.twiml import TwimlError, Verb, parse
from helpline.simulator.webhooks import Reply

if TYPE_CHECKING:
    from helpline.simulator.carrier import Carrier

# https://help.twilio.com/articles/223134027 (whole message, any case)
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
MAX_REDIRECTS = 10


@dataclass(frozen=True)
class TextOutcome:
    """What became of a text somebody sent: the webhook's status and what it answered."""

    sid: str
    status: int | None
    messages: tuple[str, ...] = ()
    error: str = ""
    milliseconds: float = 0.0
    opt_out_type: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and not self.error


@dataclass
class _Answer:
    """A messaging document performed: the texts it asked for."""

    reply: Reply
    error: str = ""
    verbs: list[tuple[Verb, str]] = field(default_factory=list)


def receive(
    carrier: Carrier,
    phone: Phone,
    body: str,
    to: str | None,
    media: int,
    whatsapp: bool,
    sid: str | None,
    extra: dict[str, str],
) -> TextOutcome:
    """A text arrives: note it, obey opt-out words, tell the application, send its answers."""
    ours = carrier.our_number(to)
    prefix = "whatsapp:" if whatsapp else ""
    message = Message(
        sid or new_sid("MM" if media else "SM"),
        carrier.settings.account_sid,
        prefix + phone.number,
        prefix + ours,
        body,
        "inbound",
        "received",
        carrier.clock.now(),
        carrier.clock.now(),
        _media_urls(carrier, media),
    )
    with carrier.ledger.changed:
        carrier.messages.setdefault(message.sid, message)
        phone.store(_text("out", message, carrier))
    opt_out = "" if whatsapp else _obey_keyword(carrier, phone, ours, body)
    fields = _inbound_fields(carrier, message, whatsapp)
    if opt_out and carrier.settings.advanced_opt_out:
        fields["OptOutType"] = opt_out
    answer = _ask(carrier, "sms", carrier.public_url(carrier.settings.sms_path), fields | extra)
    bodies = [_answer_with(carrier, message, verb, base) for verb, base in answer.verbs]
    reply = answer.reply
    return TextOutcome(
        message.sid,
        reply.status,
        tuple(bodies),
        answer.error,
        reply.milliseconds,
        fields.get("OptOutType", ""),
    )


def submit(carrier: Carrier, message: Message) -> None:
    """Accept an outgoing message: deliver it after the usual delay and report its progress."""
    with carrier.ledger.changed:
        carrier.messages[message.sid] = message
        detail = {"status": message.status, "to": message.to, "body": message.body}
        detail |= {"direction": message.direction, "callback": message.status_callback}
        carrier.ledger.record("message.status", message=message.sid, **detail)
    carrier.schedule.later(
        carrier.clock.real(carrier.settings.delivery_delay), lambda: _deliver(carrier, message)
    )


def is_opted_out(carrier: Carrier, number: str, ours: str) -> bool:
    """Whether this phone has told this number (or the service it belongs to) to stop."""
    return (number, _sender_group(carrier, ours)) in carrier.opted_out


def _sender_group(carrier: Carrier, ours: str) -> str:
    """Opt-outs hold for a whole messaging service, or for one number without a service."""
    return carrier.settings.messaging_service_sid or ours


def _obey_keyword(carrier: Carrier, phone: Phone, ours: str, body: str) -> str:
    word = body.strip().upper()
    pair = (phone.number, _sender_group(carrier, ours))
    kinds = {"STOP": STOP_WORDS, "START": START_WORDS, "HELP": HELP_WORDS}
    kind = next((kind for kind, words in kinds.items() if word in words), "")
    if not kind:
        return ""
    settings = carrier.settings
    with carrier.ledger.changed:
        if kind == "STOP":
            carrier.opted_out.add(pair)
        elif kind == "START":
            carrier.opted_out.discard(pair)
        carrier.ledger.record("opt_out", phone=phone.number, word=kind)
    if settings.advanced_opt_out:
        words = {
            "STOP": settings.stop_text,
            "START": settings.start_text,
            "HELP": settings.help_text,
        }[kind]
        submit(carrier, _outgoing(carrier, ours, phone.number, words, "outbound-reply"))
    return kind


def _ask(carrier: Carrier, kind: str, url: str, fields: dict[str, str]) -> _Answer:
    """Post to the application, then to the fallback when there is one, and follow redirects."""
    verbs: list[tuple[Verb, str]] = []
    reply = Reply(None)
    fallback = carrier.public_url(carrier.settings.sms_fallback_path)
    method = "POST"
    for _ in range(MAX_REDIRECTS):
        reply = carrier.webhooks.send(kind, url, list(fields.items()), method)
        try:
            found = _read(carrier, reply, url)
        except TwimlError as error:
            carrier.ledger.error(error.code, str(error), url=url, sid=fields["MessageSid"])
            if not fallback:
                return _Answer(reply, str(error), verbs)
            fields = fields | {"ErrorCode": str(error.code), "ErrorUrl": url}
            url, fallback, method = fallback, "", "POST"
            continue
        redirect = next((verb for verb in found if verb.name == "Redirect"), None)
        verbs += [(verb, url) for verb in found if verb.name == "Message"]
        if redirect is None:
            return _Answer(reply, "", verbs)
        url, method = carrier.absolute(url, redirect.text), redirect.get("method", "POST")
    return _Answer(reply, "too many redirects", verbs)


def _read(carrier: Carrier, reply: Reply, url: str) -> tuple[Verb, ...]:
    if not reply.ok:
        raise TwimlError(reply.error_code, reply.error)
    try:
        document = parse(reply.body, reply.content_type, "messaging")
    except TwimlError as error:
        carrier.ledger.violation("sms", error.code, f"{url}: {error}")
        raise
    for problem in document.problems:
        carrier.ledger.violation("sms", 12200, f"{url}: {problem}")
    carrier.ledger.record("twiml", url=url, twiml=reply.body.decode("utf-8", "replace"))
    return document.verbs


def _answer_with(carrier: Carrier, inbound: Message, verb: Verb, base: str) -> str:
    """Send one `<Message>` back; opted-out phones get nothing and the account an error 21610."""
    body = next((child.text for child in verb.children if child.name == "Body"), verb.text)
    media = tuple(child.text for child in verb.children if child.name == "Media")
    to, ours = verb.get("to", inbound.from_), verb.get("from", inbound.to)
    message = _outgoing(carrier, ours, to, body, "outbound-reply")
    message.media = media
    message.status_callback = carrier.absolute(
        base, verb.get("statusCallback") or verb.get("action")
    )
    if is_opted_out(carrier, to, ours):
        message.status, message.error_code = "failed", 21610
        with carrier.ledger.changed:
            carrier.messages[message.sid] = message
        carrier.ledger.error(21610, "reply to an opted-out phone was not sent", sid=message.sid)
        _report(carrier, message, "failed")
    else:
        submit(carrier, message)
    return body


def _outgoing(carrier: Carrier, ours: str, to: str, body: str, direction: str) -> Message:
    account = carrier.settings.account_sid
    return Message(new_sid("SM"), account, ours, to, body, direction, "queued", carrier.clock.now())


def _deliver(carrier: Carrier, message: Message) -> None:
    phone = carrier.phone(message.to.removeprefix("whatsapp:"))
    behaviour = phone.behaviour
    with carrier.ledger.changed:
        message.sent_at = carrier.clock.now()
        if behaviour.text_status != "failed":
            carrier.ledger.record(
                "message.status", message=message.sid, status="sent", to=message.to
            )
        message.status = behaviour.text_status
        if behaviour.text_status in ("delivered", "sent"):
            phone.store(_text("in", message, carrier))
        else:
            message.error_code = behaviour.text_error or 30008
        if message.status != "sent":
            detail = {"status": message.status, "to": message.to, "error": message.error_code}
            carrier.ledger.record("message.status", message=message.sid, **detail)
    for status in {"sent": ("sent",), "failed": ("failed",)}.get(
        message.status, ("sent", message.status)
    ):
        _report(carrier, message, status)


def _report(carrier: Carrier, message: Message, status: str) -> None:
    """https://www.twilio.com/docs/messaging/guides/track-outbound-message-status"""
    if not message.status_callback:
        return
    fields = message.status_form(status, carrier.clock.now())
    carrier.call_back("sms_status", message.sid, message.status_callback, list(fields.items()))


def _inbound_fields(carrier: Carrier, message: Message, whatsapp: bool) -> dict[str, str]:
    """https://www.twilio.com/docs/messaging/guides/webhook-request"""
    fields = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.from_,
        "MessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "NumSegments": str(segments_of(message.body)),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    if carrier.settings.messaging_service_sid:
        fields["MessagingServiceSid"] = carrier.settings.messaging_service_sid
    for index, url in enumerate(message.media):
        fields |= {f"MediaUrl{index}": url, f"MediaContentType{index}": "image/jpeg"}
    if whatsapp:
        number = message.from_.removeprefix("whatsapp:")
        fields |= {"ProfileName": "Test Person", "ReferralNumMedia": "0"}
        fields |= (
            {"WaId": number[1:]} if number.startswith("+") else {"ExternalUserId": message.from_}
        )
        return fields
    for role, number in (("From", message.from_), ("To", message.to)):
        fields |= {f"{role}{part}": "" for part in ("City", "State", "Zip")}
        fields[f"{role}Country"] = country_of(number)
    return fields


def _media_urls(carrier: Carrier, count: int) -> tuple[str, ...]:
    base = f"https://api.twilio.com/{API_VERSION}/Accounts/{carrier.settings.account_sid}/Messages"
    return tuple(f"{base}/{new_sid('MM')}/Media/{new_sid('ME')}" for _ in range(count))


def _text(direction: str, message: Message, carrier: Carrier) -> Text:
    at, monotonic = carrier.clock.now().isoformat(), carrier.clock.monotonic()
    return Text(
        direction,
        message.body,
        message.from_,
        message.to,
        message.sid,
        at,
        monotonic,
        message.media,
    )
