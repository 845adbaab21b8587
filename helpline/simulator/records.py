"""Messages and calls as the account sees them, in the shapes of Twilio's REST answers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpline.simulator.clock import rfc2822
from helpline.simulator.numbers import country_of, segments_of

API_VERSION = "2010-04-01"
FINAL_CALL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
ERROR_MESSAGES = {
    21610: "Attempt to send to unsubscribed recipient",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}


def new_sid(prefix: str) -> str:
    """A sid nobody else has: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass
class Message:
    """One text in either direction."""

    sid: str
    account_sid: str
    from_: str
    to: str
    body: str
    direction: str
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    media: tuple[str, ...] = ()
    messaging_service_sid: str | None = None
    status_callback: str = ""
    error_code: int | None = None

    def status_form(self, status: str, at: datetime) -> dict[str, str]:
        """What a delivery receipt carries.

        https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
        """
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "From": self.from_,
            "MessageSid": self.sid,
            "MessageStatus": status,
            "SmsSid": self.sid,
            "SmsStatus": status,
            "To": self.to,
        }
        whatsapp = self.to.startswith("whatsapp:")
        if self.messaging_service_sid:
            fields["MessagingServiceSid"] = self.messaging_service_sid
        if status == "delivered" and not whatsapp:
            fields["RawDlrDoneDate"] = at.strftime("%y%m%d%H%M")
        if status in ("undelivered", "failed"):
            fields["ErrorCode"] = str(self.error_code)
        if whatsapp:
            fields["ChannelPrefix"] = "whatsapp"
            fields["ChannelToAddress"] = self.to.removeprefix("whatsapp:")
        return fields

    def as_json(self) -> dict[str, Any]:
        """https://www.twilio.com/docs/messaging/api/message-resource"""
        path = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "date_updated": rfc2822(self.sent_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": ERROR_MESSAGES.get(self.error_code) if self.error_code else None,
            "from": self.from_,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": str(len(self.media)),
            "num_segments": str(segments_of(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": self.to,
            "uri": f"{path}.json",
        }


@dataclass
class Call:
    """One telephone leg. `status` only moves forward."""

    sid: str
    account_sid: str
    from_: str
    to: str
    direction: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    parent_call_sid: str | None = None
    answered_by: str | None = None
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_callback_events: tuple[str, ...] = ("completed",)
    fallback_url: str = ""
    queue_time: int = 0
    """Milliseconds the call waited for the account's calls-per-second limit."""
    sequence: int = field(default=0, repr=False)

    @property
    def is_over(self) -> bool:
        return self.status in FINAL_CALL

    def as_form(self) -> dict[str, str]:
        """What every voice webhook carries (https://www.twilio.com/docs/voice/twiml#request-parameters)."""
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.sid,
            "CallStatus": self.status,
            "Direction": self.direction,
        }
        for role, number in (
            ("Called", self.to),
            ("Caller", self.from_),
            ("From", self.from_),
            ("To", self.to),
        ):
            fields |= {role: number, f"{role}City": "", f"{role}Country": country_of(number)}
            fields |= {f"{role}State": "", f"{role}Zip": ""}
        if self.parent_call_sid:
            fields["ParentCallSid"] = self.parent_call_sid
        if self.answered_by:
            fields["AnsweredBy"] = self.answered_by
        if self.direction == "inbound" and self.status == "ringing":
            fields["CallToken"] = "%7B%22parentCallInfoToken%22%3A%22simulated%22%7D"
        return fields

    def progress_form(self, event: str, status: str, at: datetime) -> dict[str, str]:
        """What a call progress callback carries; `Duration` is billed minutes."""
        fields = self.as_form() | {"CallStatus": status}
        fields["Timestamp"] = rfc2822(at) or ""
        fields["CallbackSource"] = "call-progress-events"
        fields["SequenceNumber"] = str(self.sequence)
        if event == "completed":
            fields["CallDuration"] = str(self.duration or 0)
            fields["Duration"] = str(-(-(self.duration or 0) // 60))
        return fields

    def as_json(self) -> dict[str, Any]:
        """https://www.twilio.com/docs/voice/api/call-resource"""
        path = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        kinds = ("notifications", "recordings", "events")
        return {
            "account_sid": self.account_sid,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "caller_name": None,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(
                self.ended_at or self.answered_at or self.started_at or self.created_at
            ),
            "direction": self.direction,
            "duration": None if self.duration is None else str(self.duration),
            "end_time": rfc2822(self.ended_at),
            "forwarded_from": None,
            "from": self.from_,
            "from_formatted": self.from_,
            "group_sid": None,
            "parent_call_sid": self.parent_call_sid,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": str(self.queue_time),
            "sid": self.sid,
            "start_time": rfc2822(self.started_at),
            "status": self.status,
            "subresource_uris": {kind: f"{path}/{kind.capitalize()}.json" for kind in kinds},
            "to": self.to,
            "to_formatted": self.to,
            "trunk_sid": None,
            "uri": f"{path}.json",
        }
