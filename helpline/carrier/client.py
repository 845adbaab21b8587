"""What we ask of Twilio: texts, calls, hang-ups and look-ups.

The wire is CONTRACT 5. Nothing here logs: orders hold numbers and words.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import quote

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from helpline.carrier import inbound_log
from helpline.carrier.outcomes import (
    NO_CODE,
    NOT_IN_PROGRESS,
    UNREACHED_PAUSE,
    Answer,
    outcome_of_change,
    outcome_of_creation,
    read_answer,
)
from helpline.carrier.transport import TIMEOUT, LockedHttpClient, MaybeSent, NotSent, Whole
from helpline.domain.delivery import (
    Accepted,
    CallOrder,
    CarrierCall,
    CarrierText,
    LegState,
    MachineWatch,
    Outcome,
    Refused,
    TextOrder,
    TryLater,
    Unknown,
    leg_state,
    text_state,
)
from helpline.domain.forbidden import why_forbidden
from helpline.domain.phone import PhoneNumber
from helpline.domain.refusals import FORBIDDEN

TEXT_STATUS_PATH = "/twilio/sms/status"
CALL_STATUS_PATH = "/twilio/voice/status"
CALL_EVENTS = ("initiated", "ringing", "answered", "completed")

LISTED = 1_000
"""Rows that one look-up reads at most."""

_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_UNASKED = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
_Row = TypeVar("_Row", CarrierCall, CarrierText)


class ListingFailed(ConnectionError):
    """The carrier's log could not be read. It does *not* mean that nothing is in it:
    whoever dials again after this may ring a caller twice (RELIABILITY R3)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Twilio account or subaccount. `repr` hides the token."""

    sid: str
    token: str = field(repr=False)


class TwilioCarrier:
    """`helpline.runtime.Carrier` over Twilio's REST API. Safe for threads.

    Args:
        account: owns every number that callers know.
        api_base_url: the only host that is ever asked.
        public_base_url: our own address, in front of every callback.
        countries: ISO codes that may be rung or texted, staff's among them.
        crisis_account: a subaccount with a call rate of its own.
        crisis_numbers: what that subaccount owns; orders with such a sender go through it,
            because an account may send from its own numbers only.
        messaging_service_sid: sends texts that name no sender.
        never_dial: see `why_forbidden`.
        timeout: seconds of one exchange.
    """

    def __init__(
        self,
        account: Account,
        api_base_url: str,
        public_base_url: str,
        countries: frozenset[str],
        *,
        crisis_account: Account | None = None,
        crisis_numbers: frozenset[PhoneNumber] = frozenset(),
        messaging_service_sid: str | None = None,
        never_dial: frozenset[str] = frozenset(),
        timeout: float = TIMEOUT,
    ) -> None:
        http = LockedHttpClient(api_base_url, timeout=timeout)
        self._main = _client(account, http)
        self._crisis = _client(crisis_account, http) if crisis_account else self._main
        self._crisis_numbers = crisis_numbers
        self._public = public_base_url.rstrip("/")
        self._service = messaging_service_sid
        self._countries = countries
        self._never_dial = never_dial

    def send_text(self, order: TextOrder) -> Outcome:
        """Ask for one SMS or WhatsApp text.

        `From` is the number that was texted (CONTRACT 1), so it wins over the messaging
        service. Outcomes: see `outcome_of_creation`.
        """
        refused = self._forbidden(order.to)
        if refused:
            return refused
        prefix = "whatsapp:" if order.whatsapp else ""
        fields: dict[str, object] = {
            "To": prefix + order.to.e164,
            "Body": order.body,
            "StatusCallback": self._callback(TEXT_STATUS_PATH, order.token),
        }
        if order.sender.e164 or not self._service:
            fields["From"] = prefix + order.sender.e164
        else:
            fields["MessagingServiceSid"] = self._service
        return self._create("Messages", fields, order.sender)

    def place_call(self, order: CallOrder) -> Outcome:
        """Ask for one leg; our webhook speaks when it is answered. Never inline Twiml.

        Outcomes: see `outcome_of_creation`.
        """
        refused = self._forbidden(order.to)
        if refused:
            return refused
        ring = min(max(round(order.ring.total_seconds()), 5), 600)
        fields: dict[str, object] = {
            "To": order.to.e164,
            "From": order.sender.e164,
            "Url": self._callback(order.entrance, order.token),
            "Method": "POST",
            "StatusCallback": self._callback(CALL_STATUS_PATH, order.token),
            "StatusCallbackEvent": list(CALL_EVENTS),
            "StatusCallbackMethod": "POST",
            "Timeout": ring,
        }
        if order.watch is not None:
            fields |= self._watching(order.watch, order.token)
        return self._create("Calls", fields, order.sender)

    def _watching(self, watch: MachineWatch, token: str) -> dict[str, object]:
        """In the background: whoever picks up is spoken to at once, machine or not."""
        patience = min(max(round(watch.patience.total_seconds()), 3), 59)
        return {
            "MachineDetection": "DetectMessageEnd",
            "MachineDetectionTimeout": patience,
            "AsyncAmd": "true",
            "AsyncAmdStatusCallback": self._callback(watch.entrance, token),
            "AsyncAmdStatusCallbackMethod": "POST",
        }

    def end_call(self, sid: str) -> Outcome:
        """Hang up a leg; one that is over already is Accepted. See `outcome_of_change`."""
        outcome = self._change(sid, {"Status": "completed"})
        over = isinstance(outcome, Refused) and outcome.code == NOT_IN_PROGRESS
        return Accepted(sid) if over else outcome

    def redirect_call(self, sid: str, entrance: str, token: str) -> Outcome:
        """Send an answered leg to the webhook `entrance`, with its attempt's `token`.

        Outcomes: see `outcome_of_change`. A leg that is over or still rings is Refused.
        """
        return self._change(sid, {"Url": self._callback(entrance, token), "Method": "POST"})

    def _change(self, sid: str, fields: dict[str, object]) -> Outcome:
        """Change a leg, whichever account placed it."""
        if not _SID.fullmatch(sid):
            return Refused(FORBIDDEN, "not a call id")
        outcome: Outcome = Refused(NO_CODE, "the carrier knows no such call")
        for client in self._clients():
            try:
                answer = _post(client, f"Calls/{sid}", fields)
            except (NotSent, MaybeSent) as silence:
                return TryLater(UNREACHED_PAUSE, NO_CODE, f"no answer: {silence}")
            outcome = outcome_of_change(answer, sid)
            if answer.status != 404:
                break
        return outcome

    def delete_recording(self, sid: str) -> Outcome:
        """Delete a recording and its sound; one that is gone already is Accepted.

        Outcomes: Accepted, Refused, or TryLater when the carrier did not say.
        """
        if not _SID.fullmatch(sid):
            return Refused(FORBIDDEN, "not a recording id")
        for client in self._clients():
            try:
                if client.recordings(sid).delete():
                    break
            except TwilioRestException as refusal:
                if refusal.status != HTTPStatus.NOT_FOUND:
                    return TryLater(UNREACHED_PAUSE, refusal.code or NO_CODE, "not deleted")
            except (NotSent, MaybeSent, TwilioException) as silence:
                return TryLater(UNREACHED_PAUSE, NO_CODE, f"no answer: {silence}")
        return Accepted(sid)

    def fetch_recording(self, sid: str) -> bytes | None:
        """The sound of a recording as MP3, whichever account has it; None when neither does.

        Raises:
            ListingFailed: the carrier did not say.
        """
        if not _SID.fullmatch(sid):
            return None
        for client in self._clients():
            try:
                sound = _get_sound(client, sid)
            except (NotSent, MaybeSent) as silence:
                raise ListingFailed(type(silence).__name__) from None
            if sound is not None:
                return sound
        return None

    def find_call(self, sid: str) -> CarrierCall | None:
        """A call by its id, whichever account placed it; None when the carrier knows none.

        Raises:
            ListingFailed: the carrier did not say, so nothing is known.
        """
        if not _SID.fullmatch(sid):
            return None
        for client in self._clients():
            try:
                return _call(client.calls(sid).fetch())
            except TwilioRestException as refusal:
                if refusal.status != HTTPStatus.NOT_FOUND:
                    raise ListingFailed(f"status {refusal.status}") from None
            except (NotSent, MaybeSent, TwilioException, *_UNREADABLE) as error:
                raise ListingFailed(type(error).__name__) from None
        return None

    def list_calls(self, to: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        """Calls to a number that began at or after `since`, or wait to begin; newest first.

        Raises:
            ListingFailed: the log could not be read, so nothing is known.
        """

        def rows(client: Client) -> Iterator[Any]:
            after = client.calls.stream(
                to=to.e164, start_time_after=_day(since), limit=LISTED, page_size=100
            )
            # A call that waits or rings has no start time, so no time filter finds it.
            newest = client.calls.stream(to=to.e164, limit=50, page_size=50)
            return chain(after, newest)

        return self._listed(rows, _call, since)

    def list_texts(self, to: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        """Texts to a number sent at or after `since`, or not sent yet; newest first.

        Raises:
            ListingFailed: the log could not be read, so nothing is known.
        """

        def rows(client: Client) -> Iterator[Any]:
            after = client.messages.stream(
                to=to.e164, date_sent_after=_day(since), limit=LISTED, page_size=100
            )
            newest = client.messages.stream(to=to.e164, limit=50, page_size=50)
            return chain(after, newest)

        return self._listed(rows, _text, since)

    def list_inbound_texts(self, line: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        """Texts and WhatsApp messages to a number of ours since then, oldest first.

        Raises:
            ListingFailed: the log could not be read, so nothing is known.
        """
        return _readable(lambda: tuple(inbound_log.read_texts(self._owner(line), line, since)))

    def list_inbound_calls(self, line: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        """Calls to a number of ours since then, oldest first.

        Raises:
            ListingFailed: the log could not be read, so nothing is known.
        """
        return _readable(lambda: tuple(inbound_log.read_calls(self._owner(line), line, since)))

    def _create(self, resource: str, fields: dict[str, object], sender: PhoneNumber) -> Outcome:
        try:
            return outcome_of_creation(_post(self._owner(sender), resource, fields))
        except NotSent as silence:
            return TryLater(UNREACHED_PAUSE, NO_CODE, f"the carrier was not reached: {silence}")
        except MaybeSent as silence:
            return Unknown(f"no answer in time: {silence}")

    def _owner(self, number: PhoneNumber) -> Client:
        """The account that has this number of ours, and its log."""
        return self._crisis if number in self._crisis_numbers else self._main

    def _forbidden(self, to: PhoneNumber) -> Refused | None:
        why = why_forbidden(to.e164, self._countries, self._never_dial)
        return Refused(FORBIDDEN, why) if why else None

    def _callback(self, path: str, token: str) -> str:
        joint = "&" if "?" in path else "?"
        return f"{self._public}{path}{joint}attempt={quote(token, safe='')}"

    def _clients(self) -> tuple[Client, ...]:
        return (self._main,) if self._crisis is self._main else (self._main, self._crisis)

    def _listed(
        self, rows: Callable[[Client], Iterable[Any]], read: Callable[[Any], _Row], since: datetime
    ) -> tuple[_Row, ...]:
        found: dict[str, _Row] = {}
        try:
            for client in self._clients():
                for row in islice(rows(client), LISTED):
                    began = row.start_time if hasattr(row, "start_time") else row.date_sent
                    began = _aware(began) or _aware(row.date_created)
                    if row.sid and (began is None or began >= since.replace(microsecond=0)):
                        found.setdefault(row.sid, read(row))
        except (NotSent, MaybeSent, TwilioException, *_UNREADABLE) as error:
            raise ListingFailed(type(error).__name__) from None
        return tuple(found.values())


def _get_sound(client: Client, sid: str) -> bytes | None:
    """Raises ListingFailed for any answer but the sound and "not found"."""
    account, token = client.username, client.password
    uri = f"https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{sid}.mp3"
    answer = client.http_client.request("GET", uri, auth=(account, token))
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.status_code != HTTPStatus.OK or not isinstance(answer, Whole):
        raise ListingFailed(f"status {answer.status_code}")
    return answer.body


def _readable(read: Callable[[], tuple[_Row, ...]]) -> tuple[_Row, ...]:
    try:
        return read()
    except (NotSent, MaybeSent, TwilioException, *_UNREADABLE) as error:
        raise ListingFailed(type(error).__name__) from None


def _client(account: Account, http: LockedHttpClient) -> Client:
    return Client(account.sid, account.token, http_client=http, environment=_UNASKED)


def _post(client: Client, resource: str, fields: dict[str, object]) -> Answer:
    uri = f"https://api.twilio.com/2010-04-01/Accounts/{client.account_sid}/{resource}.json"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = client.request("POST", uri, data=fields, headers=headers)
    return read_answer(answer.status_code, answer.text, answer.headers)


def _day(since: datetime) -> datetime:
    """The day before: the filter knows days, and clocks differ (Twilio, "list all calls")."""
    return since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(1)


def _aware(time: Any) -> datetime | None:
    if not isinstance(time, datetime):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _call(row: Any) -> CarrierCall:
    return CarrierCall(
        sid=row.sid,
        to=row.to or "",
        sender=row._from or "",
        state=leg_state(row.status or "") or LegState.UNKNOWN,
        started_at=_aware(row.start_time),
    )


def _text(row: Any) -> CarrierText:
    return CarrierText(
        sid=row.sid,
        to=row.to or "",
        sender=row.from_ or "",
        body=row.body or "",
        inbound=str(row.direction) == "inbound",
        state=text_state(row.status or ""),
        sent_at=_aware(row.date_sent),
    )
