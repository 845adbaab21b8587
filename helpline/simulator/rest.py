"""The carrier's REST API: messages and calls of one account, under `/2010-04-01/Accounts/{sid}/`.

Rules: https://www.twilio.com/docs/usage/twilios-response, /docs/messaging/api/message-resource,
/docs/voice/api/call-resource. Creating is not idempotent, here as there.
"""

from __future__ import annotations

import hmac
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from helpline.simulator.call_checks import CallUpdate, check_call, check_call_update
from helpline.simulator.carrier import Carrier
from helpline.simulator.messaging import is_opted_out, submit
from helpline.simulator.records import API_VERSION, Call, Message, new_sid
from helpline.simulator.rest_answers import answer, not_found, page, refusal, same, within
from helpline.simulator.rest_checks import Refused, check_message
from helpline.simulator.rest_rooms import ConferenceViews, RecordingViews
from helpline.simulator.turns import Fetch
from helpline.simulator.twiml import parse

Route = tuple[str, str, str, Callable[..., Response]]
"""Path, resource (for faults), method, view."""


class Api:
    """The blueprint's state: the carrier, and a way to end held requests at shutdown."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.stopping = threading.Event()

    def blueprint(self) -> Blueprint:
        routes = Blueprint("rest", __name__, url_prefix=f"/{API_VERSION}/Accounts/<account>")
        table: list[Route] = [
            ("/Messages.json", "messages", "POST", self.create_message),
            ("/Messages.json", "messages", "GET", self.list_messages),
            ("/Messages/<sid>.json", "messages", "GET", self.get_message),
            ("/Calls.json", "calls", "POST", self.create_call),
            ("/Calls.json", "calls", "GET", self.list_calls),
            ("/Calls/<sid>.json", "calls", "GET", self.get_call),
            ("/Calls/<sid>.json", "calls", "POST", self.update_call),
            *self._more_routes(),
        ]
        for path, resource, method, view in table:
            routes.add_url_rule(
                path, f"{view.__name__}", self._guarded(resource, view), methods=[method]
            )
        routes.add_url_rule(
            "/<path:rest>", "nowhere", self._nowhere, methods=["GET", "POST", "DELETE"]
        )
        return routes

    def _more_routes(self) -> list[Route]:
        kept, rooms = RecordingViews(self.carrier), ConferenceViews(self.carrier)
        one, people = "/Conferences/<sid>.json", "/Conferences/<sid>/Participants"
        return [
            ("/Recordings.json", "recordings", "GET", kept.list_recordings),
            ("/Recordings/<sid>.json", "recordings", "GET", kept.get_recording),
            ("/Recordings/<sid>.wav", "recordings", "GET", kept.play_wav),
            ("/Recordings/<sid>.mp3", "recordings", "GET", kept.play_mp3),
            ("/Recordings/<sid>.json", "recordings", "DELETE", kept.delete_recording),
            ("/Conferences.json", "conferences", "GET", rooms.list_conferences),
            (one, "conferences", "GET", rooms.get_conference),
            (one, "conferences", "POST", rooms.update_conference),
            (f"{people}.json", "conferences", "GET", rooms.list_participants),
            (f"{people}/<call>.json", "conferences", "GET", rooms.get_participant),
            (f"{people}/<call>.json", "conferences", "POST", rooms.update_participant),
            (f"{people}/<call>.json", "conferences", "DELETE", rooms.remove_participant),
        ]

    # Messages

    def create_message(self) -> Response:
        settings = self.carrier.settings
        wanted = check_message(request.form, settings)
        if is_opted_out(self.carrier, wanted.to, wanted.from_):
            raise Refused(21610, "Attempt to send to unsubscribed recipient", violation=False)
        message = Message(
            new_sid("MM" if wanted.media else "SM"),
            settings.account_sid,
            wanted.from_,
            wanted.to,
            wanted.body,
            "outbound-api",
            "accepted" if wanted.messaging_service_sid else "queued",
            self.carrier.clock.now(),
            media=wanted.media,
            messaging_service_sid=wanted.messaging_service_sid,
            status_callback=wanted.status_callback,
        )
        created = answer(message.as_json(), 201)
        submit(self.carrier, message)
        return created

    def get_message(self, sid: str) -> Response:
        return answer(self._find(self.carrier.messages, sid).as_json())

    def list_messages(self) -> Response:
        with self.carrier.ledger.changed:
            found: list[Message] = list(self.carrier.messages.values())
        to, sender, sent = same("To"), same("From"), within("DateSent")
        found = [
            m for m in found if to(m.to) and sender(m.from_) and sent(m.sent_at or m.created_at)
        ]
        return self._newest_first("messages", found)

    # Calls

    def create_call(self) -> Response:
        call = self.carrier.create_call(check_call(request.form, self.carrier.settings))
        return answer({**call.as_json(), "status": "queued"}, 201)

    def get_call(self, sid: str) -> Response:
        return answer(self._find(self.carrier.calls, sid).as_json())

    def list_calls(self) -> Response:
        with self.carrier.ledger.changed:
            found: list[Call] = list(self.carrier.calls.values())
        to, sender, status, parent = map(same, ("To", "From", "Status", "ParentCallSid"))
        began, ended = within("StartTime"), within("EndTime")
        found = [c for c in found if to(c.to) and sender(c.from_) and status(c.status)]
        found = [c for c in found if parent(c.parent_call_sid or "")]
        found = [c for c in found if began(c.started_at) and ended(c.ended_at)]
        return self._newest_first("calls", found)

    def update_call(self, sid: str) -> Response:
        call = self._find(self.carrier.calls, sid)
        update = check_call_update(request.form)
        with self.carrier.ledger.changed:
            if call.is_over:
                raise Refused(21220, "Call is not in-progress. Cannot redirect.", violation=False)
            self._apply(call, update)
            return answer(call.as_json())

    def _apply(self, call: Call, update: CallUpdate) -> None:
        leg = self.carrier.legs[call.sid]
        if update.status == "completed" or (update.status == "canceled" and not call.answered_at):
            leg.end("canceled")
        elif update.status:
            raise Refused(
                21220, "Call is in-progress; only a queued or ringing call can be canceled."
            )
        elif not call.answered_at:
            raise Refused(21220, "Call is not in-progress. Cannot redirect.", violation=False)
        elif update.url:
            leg.redirect(Fetch(update.url, update.method))
        else:
            base = self.carrier.public_url(self.carrier.settings.voice_path)
            leg.redirect(Fetch(base, document=parse(update.twiml.encode(), "text/xml", "voice")))

    # What every request goes through

    def _guarded(self, resource: str, view: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(account: str, **arguments: str) -> Response:
            started = self.carrier.clock.monotonic()
            given = self._answer(resource, view, account, arguments)
            self.carrier.ledger.record(
                "rest",
                method=request.method,
                path=request.path,
                query=request.query_string.decode(),
                form={name: request.form.getlist(name) for name in request.form},
                status=given.status_code,
                ms=round((self.carrier.clock.monotonic() - started) * 1000, 2),
            )
            return given

        return guarded

    def _answer(
        self, resource: str, view: Callable[..., Response], account: str, arguments: dict[str, str]
    ) -> Response:
        if not self._is_known(account):
            return refusal(20003, "Authenticate", 401)
        try:
            return self._unluckily(resource, view, arguments)
        except Refused as no:
            where = f"{request.method} {resource}"
            if no.violation:
                self.carrier.ledger.violation(where, no.code, no.message)
            else:
                self.carrier.ledger.error(no.code, no.message, where=where)
            return refusal(no.code, no.message, no.status)

    def _unluckily(
        self, resource: str, view: Callable[..., Response], arguments: dict[str, str]
    ) -> Response:
        struck = {fault.kind: fault for fault in self.carrier.faults.take("rest", resource)}
        if "rest.refuse" in struck:
            return self._cut()
        if fault := struck.get("rest.timeout_before"):
            self.stopping.wait(fault.seconds)
            return self._cut()
        if fault := struck.get("rest.429"):
            refused = refusal(20429, "Too Many Requests", 429)
            refused.headers["Retry-After"] = str(fault.retry_after)
            return refused
        if "rest.500" in struck:
            return refusal(20500, "An internal server error has occurred", 500)
        done = view(**arguments)
        if fault := struck.get("rest.timeout_after"):
            self.stopping.wait(fault.seconds)
            return self._cut()
        return done

    def _cut(self) -> Response:
        """Close the connection without an answer, where the server lets us; 503 otherwise."""
        connection: socket.socket | None = request.environ.get("werkzeug.socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)
        return Response(status=503)

    def _is_known(self, account: str) -> bool:
        settings, sent = self.carrier.settings, request.authorization
        if sent is None or sent.type != "basic":
            return False
        named = hmac.compare_digest((sent.username or "").encode(), settings.account_sid.encode())
        proven = hmac.compare_digest((sent.password or "").encode(), settings.auth_token.encode())
        return named and proven and account == settings.account_sid

    def _find(self, records: dict[str, Any], sid: str) -> Any:
        if sid not in records:
            raise not_found()
        return records[sid]

    def _newest_first(self, key: str, records: list[Any]) -> Response:
        account = self.carrier.settings.account_sid
        path = f"/{API_VERSION}/Accounts/{account}/{key.capitalize()}.json"
        newest = sorted(records, key=lambda record: record.created_at, reverse=True)
        return page(key, path, newest, lambda record: record.as_json())

    def _nowhere(self, account: str, rest: str) -> Response:
        self.carrier.ledger.violation(
            f"{request.method} {rest}", 20404, "this resource does not exist here"
        )
        return refusal(20404, f"The requested resource {request.path} was not found", 404)
