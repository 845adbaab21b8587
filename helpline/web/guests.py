"""Whoever is asked into a call: the keys of the specialist who asks, the legs of those who come."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from helpline.carrier.webhook import parse_call
from helpline.domain.speech import CallStep
from helpline.runtime import Runtime
from helpline.service.calls import dialling, guest_leg, switchboard
from helpline.web.edge import answer_call, broken, edge, signed_by_carrier, timed

guests = Blueprint("guests", __name__, url_prefix="/twilio/voice")
timed(guests)

Heard = Callable[[Runtime, str], tuple[CallStep, ...]]
Pressed = Callable[[Runtime, str, str | None], tuple[CallStep, ...]]


def _told(use_case: Heard) -> Response:
    event = parse_call(request.form, request.args)
    return answer_call(use_case(edge().runtime, event.token or ""))


def _pressed(use_case: Pressed) -> Response:
    event = parse_call(request.form, request.args)
    return answer_call(use_case(edge().runtime, event.token or "", event.digits))


@guests.post("/staff/keys")
@signed_by_carrier
def staff_keys() -> Response:
    """The specialist has left the room by key."""
    return _told(switchboard.keys)


@guests.post("/staff/key")
@signed_by_carrier
def staff_key() -> Response:
    """They pressed what shall happen."""
    return _pressed(switchboard.chosen)


@guests.post("/staff/number")
@signed_by_carrier
def staff_number() -> Response:
    """They want another number in the call."""
    return _told(dialling.asked)


@guests.post("/staff/number/typed")
@signed_by_carrier
def staff_number_typed() -> Response:
    """They typed one."""
    return _pressed(dialling.typed)


@guests.post("/staff/number/choice")
@signed_by_carrier
def staff_number_choice() -> Response:
    """They confirmed it, or not."""
    return _pressed(dialling.confirmed)


@guests.post("/peer")
@signed_by_carrier
def peer() -> Response:
    """A colleague who is asked in picked up."""
    return _told(guest_leg.colleague_answered)


@guests.post("/peer/choice")
@signed_by_carrier
def peer_choice() -> Response:
    """The colleague pressed a key."""
    return _pressed(guest_leg.colleague_chosen)


@guests.post("/third")
@signed_by_carrier
def third() -> Response:
    """Somebody picked up at the number that was typed."""
    return _told(guest_leg.third_answered)


@guests.post("/third/ready")
@signed_by_carrier
def third_ready() -> Response:
    """They pressed a key."""
    return _pressed(guest_leg.third_ready)


@guests.post("/third/after")
@signed_by_carrier
def third_after() -> Response:
    """Their leg left the conference."""
    return _told(guest_leg.third_after)


@guests.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    return broken(error, aloud=True)
