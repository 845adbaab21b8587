"""The simulated carrier: its books, its telephones, and the life of each call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from helpline.simulator.behaviour import Behaviour, Reaction
from helpline.simulator.call import CallLeg
from helpline.simulator.clock import Clock
from helpline.simulator.conference import Conference
from helpline.simulator.detection import detect
from helpline.simulator.faults import FaultBoard
from helpline.simulator.ledger import Ledger
from helpline.simulator.phone import Phone
from helpline.simulator.recordings import RecordingBook
from helpline.simulator.records import Call, Message, new_sid
from helpline.simulator.schedule import Schedule
from helpline.simulator.settings import SimulatorSettings
from helpline.simulator.turns import Fetch
from helpline.simulator.twiml import Verb
from helpline.simulator.webhooks import Fields, WebhookClient

if TYPE_CHECKING:
    from helpline.simulator.call_checks import CallRequest


class Carrier:
    """Everything one account has. All state is guarded by `ledger.changed`."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.time_scale, settings.clock_offset_file)
        self.ledger = Ledger(self.clock, settings.log_path)
        self.faults = FaultBoard(self.ledger, settings.fault_seed)
        self.webhooks = WebhookClient(settings, self.ledger, self.faults, self.clock)
        self.schedule = Schedule(lambda error: self.ledger.error(0, f"simulator failed: {error!r}"))
        self.messages: dict[str, Message] = {}
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, CallLeg] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.phones: dict[str, Phone] = {}
        self.recordings = RecordingBook(self)
        self.api_base_url = "https://api.twilio.com"
        """What recordings are said to be found under; the server sets its own address."""
        self.rooms: dict[str, Conference] = {}
        """Every named conference there was, by sid."""
        self._conferences: dict[str, Conference] = {}
        self._next_call_at = 0.0
        for number, label in settings.phones:
            self.phone(number, label)

    def phone(self, number: str, label: str = "") -> Phone:
        """The telephone with this number; it exists from the first time anybody asks."""
        with self.ledger.changed:
            if number not in self.phones:
                self.phones[number] = Phone(
                    self, number, label, Behaviour(self.settings.default_mode)
                )
                self.ledger.record("phone.added", phone=number, label=label)
            phone = self.phones[number]
            phone.label = label or phone.label
            return phone

    def our_number(self, wanted: str | None) -> str:
        """One of the account's numbers, the first by default. Raises ValueError for any other."""
        number = (wanted or self.settings.numbers[0]).removeprefix("whatsapp:")
        if number not in self.settings.numbers:
            raise ValueError(
                f"{number} is not a number of the helpline: {', '.join(self.settings.numbers)}"
            )
        return number

    def public_url(self, path: str) -> str:
        return self.settings.signed_base_url + path if path else ""

    def absolute(self, base_url: str, url: str) -> str:
        """A URL found in a document, resolved against the document's own; empty stays empty."""
        return urljoin(base_url, url) if url else ""

    def call_back(
        self, kind: str, key: str, url: str, fields: Fields, method: str = "POST"
    ) -> None:
        """Send a status callback soon; equal keys keep their order unless a fault says not."""

        def send() -> None:
            reply = self.webhooks.send(kind, url, fields, method)
            if not reply.ok:
                self.ledger.error(reply.error_code, reply.error, url=url)

        if self.webhooks.is_unordered(kind):
            self.schedule.aside(send)
        else:
            self.schedule.in_order(key, send)

    # Calls

    def inbound_leg(
        self, phone: Phone, to: str | None, caller_id: str | None, reactions: Sequence[Reaction]
    ) -> CallLeg:
        """A leg for somebody who rings the helpline, not started yet."""
        path = self.settings.voice_status_path
        call = self._new_call(caller_id or phone.number, self.our_number(to), "inbound", "ringing")
        call.started_at = call.created_at
        call.status_callback = self.public_url(path)
        call.fallback_url = self.public_url(self.settings.voice_fallback_path)
        return self._new_leg(call, phone, reactions)

    def live_inbound(self, leg: CallLeg) -> None:
        """The life of an inbound leg."""
        leg.progress("ringing")
        leg.run(Fetch(self.public_url(self.settings.voice_path)))

    def create_call(self, request: CallRequest) -> Call:
        """Accept a call from REST and start it when the account's pace allows."""
        call = self._new_call(request.from_, request.to, "outbound-api", "queued")
        call.status_callback = request.status_callback
        call.status_callback_method = request.status_callback_method
        call.status_callback_events = request.status_callback_events
        call.fallback_url = request.fallback_url
        leg = self._new_leg(call, self.phone(request.to))
        delay = self._take_slot()
        call.queue_time = round(delay * 1000)
        detail = {"status": "queued", "to": call.to, "direction": call.direction}
        detail["callback"] = call.status_callback
        self.ledger.record("call.status", call=call.sid, **detail)
        life = partial(self._live_outbound, request=request)
        self.schedule.later(self.clock.real(delay), lambda: leg.start(life))
        return call

    def child_leg(self, parent: CallLeg, noun: Verb, caller_id: str, base_url: str) -> CallLeg:
        """A leg that a `<Dial><Number>` makes."""
        call = self._new_call(caller_id, noun.text, "outbound-dial", "queued")
        call.parent_call_sid = parent.call.sid
        call.status_callback = self.absolute(base_url, noun.get("statusCallback"))
        call.status_callback_method = noun.get("statusCallbackMethod", "POST")
        call.status_callback_events = tuple(noun.get("statusCallbackEvent", "completed").split())
        return self._new_leg(call, self.phone(noun.text))

    def ring(self, leg: CallLeg, timeout: float) -> None:
        """Dial the leg's phone until it is answered. Raises HungUp with the call's status."""
        leg.wait(0)
        with self.ledger.changed:
            leg.call.started_at = self.clock.now()
            leg.progress("initiated")
        leg.wait(self.settings.dial_delay)
        with self.ledger.changed:
            leg.call.status = "ringing"
            leg.progress("ringing")
        leg.phone.ring(leg, timeout)
        leg.answered()

    def _live_outbound(self, leg: CallLeg, request: CallRequest) -> None:
        self.ring(leg, request.timeout)
        if request.time_limit:
            self.schedule.later(self.clock.real(request.time_limit), leg.end)
        if request.send_digits:
            leg.hear("sound", f"tones {request.send_digits}")
        if request.detection:
            detect(self, leg, request.detection)
        leg.run(Fetch(request.url, request.method))

    def _new_call(self, from_: str, to: str, direction: str, status: str) -> Call:
        return Call(
            new_sid("CA"), self.settings.account_sid, from_, to, direction, status, self.clock.now()
        )

    def _new_leg(self, call: Call, phone: Phone, reactions: Sequence[Reaction] = ()) -> CallLeg:
        with self.ledger.changed:
            self.calls[call.sid] = call
            self.legs[call.sid] = CallLeg(self, call, phone, reactions)
            return self.legs[call.sid]

    def _take_slot(self) -> float:
        """Simulated seconds until the account may start its next call."""
        pace = self.settings.calls_per_second
        if not pace:
            return 0.0
        with self.ledger.changed:
            now = self.clock.simulated(self.clock.monotonic())
            at = max(now, self._next_call_at)
            self._next_call_at = at + 1 / pace
            return at - now

    # Conferences

    def conference(self, noun: Verb, base_url: str) -> Conference:
        """The live conference of this name, made by whoever comes first."""
        with self.ledger.changed:
            if noun.text not in self._conferences:
                room = self._conferences[noun.text] = Conference(self, noun, base_url)
                self.rooms[room.sid] = room
            return self._conferences[noun.text]

    def forget_conference(self, conference: Conference) -> None:
        if self._conferences.get(conference.name) is conference:
            del self._conferences[conference.name]

    def list_conferences(self) -> list[dict[str, Any]]:
        with self.ledger.changed:
            return [
                {
                    "name": room.name,
                    "sid": room.sid,
                    "started": room.started,
                    "phones": [leg.phone.number for leg in room.legs],
                }
                for room in self._conferences.values()
            ]

    # All of it

    def reset(self) -> None:
        """End every call and forget everything but the telephones' numbers and labels."""
        self.faults.clear()
        self.schedule.forget()
        self.end_calls()
        self.schedule.forget()
        with self.ledger.changed:
            self.messages.clear()
            self.calls.clear()
            self.legs.clear()
            self.opted_out.clear()
            self._conferences.clear()
            self.rooms.clear()
            self.recordings.forget()
            for phone in self.phones.values():
                phone.reset()
            self.ledger.reset()

    def end_calls(self, timeout: float = 5.0) -> None:
        """Hang up every leg and wait until their threads have noticed."""
        with self.ledger.changed:
            for leg in self.legs.values():
                leg.end()
            self.ledger.wait_for(lambda: not any(leg.alive for leg in self.legs.values()), timeout)

    def stop(self) -> None:
        self.end_calls(1.0)
        self.webhooks.stop()
        self.schedule.stop()
