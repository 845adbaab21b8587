"""The same telephones over HTTP, for the page and for other processes.

Every POST takes and gives JSON; the content type must be `application/json`, which also keeps
other web sites from using a visitor's browser to press buttons here.

| Request | Body | Answer |
|---|---|---|
| `GET /phones` | | all phones |
| `POST /phones` | `number`, `label` | the phone |
| `GET /phones/<number>` | | state, texts, transcript |
| `POST /phones/<number>/text` | `body`, `to`, `media`, `whatsapp`, `sid`, `extra` | outcome |
| `POST /phones/<number>/call` | `to`, `keys`, `caller_id` | `{"sid"}` |
| `POST /phones/<number>/answer` | `wait` (real seconds, 0) | `{"done"}` |
| `POST /phones/<number>/press` | `keys`, `wait` | `{"done"}`: whether anything listened |
| `POST /phones/<number>/say` | `words`, `confidence`, `wait` | `{"done"}` |
| `POST /phones/<number>/sound` | `what`, `wait` | `{"done"}`: crying, say, without a word |
| `POST /phones/<number>/hang_up` | | `{"done"}` |
| `POST /phones/<number>/behaviour` | `mode`, `keys`, … (behaviour.py) | the phone |
| `GET /control/state` | | phones, conferences, faults, violations, errors, recent events |
| `GET /control/log?after=N&kind=P&wait=S` | | events above N; waits S seconds for the first |
| `GET /control/messages`, `GET /control/calls` | | the account's books |
| `GET /control/recordings` | | `{"kept", "deleted"}` |
| `GET /control/recordings/<sid>.wav` | | its sound |
| `GET`, `POST /control/faults` | a fault (faults.py) | all faults |
| `DELETE /control/faults`, `DELETE /control/faults/<id>` | | all faults |
| `POST /control/speed` | `time_scale` | `{"time_scale"}` |
| `POST /control/reset` | | `{"done"}` |
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound, UnsupportedMediaType

from helpline.simulator.behaviour import MODES, VERDICTS, Behaviour
from helpline.simulator.carrier import Carrier
from helpline.simulator.faults import KINDS
from helpline.simulator.phone import Phone

RECENT = 120
MAX_WAIT = 25.0


def control_blueprint(carrier: Carrier) -> Blueprint:
    """Routes of the table above."""
    routes = Blueprint("control", __name__)
    _add_phone_routes(routes, carrier)
    _add_control_routes(routes, carrier)
    _add_book_routes(routes, carrier)
    _add_fault_routes(routes, carrier)
    routes.register_error_handler(Exception, _explain)
    return routes


def _add_phone_routes(routes: Blueprint, carrier: Carrier) -> None:
    @routes.get("/phones")
    def list_phones() -> Response:
        return jsonify(_phones(carrier))

    @routes.post("/phones")
    def add_phone() -> Response:
        sent = _sent()
        number = str(sent.get("number", "")).strip()
        if not number:
            raise ValueError("number is missing")
        return jsonify(carrier.phone(number, str(sent.get("label", ""))).as_json())

    @routes.get("/phones/<number>")
    def get_phone(number: str) -> Response:
        return jsonify(carrier.phone(number).as_json())

    @routes.post("/phones/<number>/<act>")
    def act(number: str, act: str) -> Response:
        if act not in _ACTS:
            raise ValueError(f"unknown action {act!r}; one of {', '.join(_ACTS)}")
        return jsonify(_ACTS[act](carrier.phone(number), _sent()))


def _add_control_routes(routes: Blueprint, carrier: Carrier) -> None:
    @routes.get("/control/state")
    def state() -> Response:
        return jsonify(_state(carrier))

    @routes.get("/control/log")
    def log() -> Response:
        after, kind = request.args.get("after", 0, int), request.args.get("kind", "")
        wait = min(MAX_WAIT, request.args.get("wait", 0.0, float))
        if wait:
            carrier.ledger.wait_for(lambda: carrier.ledger.events(after, kind), wait)
        events = [event.as_json() for event in carrier.ledger.events(after, kind)]
        return jsonify({"events": events, "last": carrier.ledger.last_number})

    @routes.post("/control/speed")
    def speed() -> Response:
        scale = float(_sent().get("time_scale", 0))
        if not 0 < scale <= 1000:
            raise ValueError("time_scale must be above 0 and at most 1000")
        carrier.clock.scale = scale
        carrier.ledger.record("speed", time_scale=scale)
        return jsonify({"time_scale": scale})

    @routes.post("/control/reset")
    def reset() -> Response:
        _sent()
        carrier.reset()
        return jsonify({"done": True})


def _add_book_routes(routes: Blueprint, carrier: Carrier) -> None:
    @routes.get("/control/messages")
    def messages() -> Response:
        return jsonify([message.as_json() for message in list(carrier.messages.values())])

    @routes.get("/control/calls")
    def calls() -> Response:
        return jsonify([call.as_json() for call in list(carrier.calls.values())])

    @routes.get("/control/recordings")
    def recordings() -> Response:
        return jsonify(_recordings(carrier))

    @routes.get("/control/recordings/<sid>.wav")
    def play(sid: str) -> Response:
        recording = carrier.recordings.find(sid)
        if recording is None:
            raise NotFound("no such recording, or it was deleted")
        content, content_type = recording.media("wav")
        return Response(content, content_type=content_type)


def _add_fault_routes(routes: Blueprint, carrier: Carrier) -> None:
    def all_faults() -> Response:
        return jsonify([fault.as_json() for fault in carrier.faults.list_faults()])

    @routes.get("/control/faults")
    def list_faults() -> Response:
        return all_faults()

    @routes.post("/control/faults")
    def add_fault() -> Response:
        sent = _sent()
        carrier.faults.add(str(sent.pop("kind", "")), str(sent.pop("on", "*")), **sent)
        return all_faults()

    @routes.delete("/control/faults")
    def clear_faults() -> Response:
        carrier.faults.clear()
        return all_faults()

    @routes.delete("/control/faults/<int:fault_id>")
    def remove_fault(fault_id: int) -> Response:
        carrier.faults.remove(fault_id)
        return all_faults()


def _text(phone: Phone, sent: dict[str, Any]) -> dict[str, Any]:
    allowed = ("body", "to", "media", "whatsapp", "sid", "extra")
    outcome = phone.texts(**{"body": "", **_only(sent, allowed)})
    return asdict(outcome) | {"ok": outcome.ok}


def _call(phone: Phone, sent: dict[str, Any]) -> dict[str, Any]:
    return {"sid": phone.call(**_only(sent, ("to", "keys", "caller_id")))}


def _behave(phone: Phone, sent: dict[str, Any]) -> dict[str, Any]:
    names = tuple({"keys"} | set(Behaviour.__dataclass_fields__) - {"reactions"})
    phone.on_ring(**{"mode": phone.behaviour.mode, **_only(sent, names)})
    return phone.as_json()


_ACTS = {
    "text": _text,
    "call": _call,
    "answer": lambda phone, sent: {"done": phone.answer(float(sent.get("wait", 0)))},
    "press": lambda phone, sent: {
        "done": phone.press(str(sent["keys"]), float(sent.get("wait", 0)))
    },
    "say": lambda phone, sent: {
        "done": phone.say(
            str(sent["words"]), float(sent.get("confidence", 0.9)), float(sent.get("wait", 0))
        )
    },
    "sound": lambda phone, sent: {
        "done": phone.makes_sound(str(sent.get("what", "crying")), float(sent.get("wait", 0)))
    },
    "hang_up": lambda phone, sent: {"done": phone.hang_up()},
    "behaviour": _behave,
}


def _state(carrier: Carrier) -> dict[str, Any]:
    with carrier.ledger.changed:
        last = carrier.ledger.last_number
        return {
            "numbers": list(carrier.settings.numbers),
            "time_scale": carrier.clock.scale,
            "phones": _phones(carrier),
            "conferences": carrier.list_conferences(),
            "recordings": _recordings(carrier),
            "faults": [fault.as_json() for fault in carrier.faults.list_faults()],
            "fault_kinds": list(KINDS),
            "modes": list(MODES),
            "verdicts": list(VERDICTS),
            "violations": [violation.as_json() for violation in carrier.ledger.violations],
            "errors": carrier.ledger.errors[-50:],
            "last": last,
            "events": [event.as_json() for event in carrier.ledger.events(max(0, last - RECENT))],
        }


def _recordings(carrier: Carrier) -> dict[str, Any]:
    kept = [
        {"sid": one.sid, "call": one.call_sid, "seconds": one.seconds, "words": one.words}
        for one in carrier.recordings.list_kept()
    ]
    return {"kept": kept, "deleted": carrier.recordings.list_deleted()}


def _phones(carrier: Carrier) -> list[dict[str, Any]]:
    return [phone.as_json() for phone in list(carrier.phones.values())]


def _sent() -> dict[str, Any]:
    if not request.is_json:
        raise UnsupportedMediaType("send application/json")
    sent = request.get_json()
    if not isinstance(sent, dict):
        raise ValueError("send a JSON object")
    return sent


def _only(sent: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    if unknown := sorted(set(sent) - set(names)):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(names)}")
    return sent


def _explain(error: Exception) -> tuple[Response, int]:
    """Bad input is told as JSON; anything else is a mistake of the simulator and says so."""
    if isinstance(error, HTTPException):
        return jsonify({"error": error.description}), error.code or 500
    if isinstance(error, KeyError):
        return jsonify({"error": f"{error.args[0]} is missing"}), 400
    status = (
        409
        if isinstance(error, RuntimeError)
        else 400
        if isinstance(error, (ValueError, TypeError))
        else 500
    )
    return jsonify({"error": str(error)}), status
