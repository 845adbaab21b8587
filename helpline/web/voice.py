"""Telephone legs: each step is one small webhook; state is in the database, not the address."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from helpline.carrier.webhook import CallEvent, parse_call
from helpline.domain.delivery import leg_state
from helpline.domain.speech import CallStep
from helpline.service.calls import (
    answering_machine,
    caller_leg,
    cut_off,
    keeping_place,
    legs,
    outcomes,
    page_leg,
    staff_leg,
    staff_line,
    triage_leg,
    voicemail,
    waiting_room,
)
from helpline.service.upkeep import drill
from helpline.web.edge import answer_call, broken, edge, signed_by_carrier, timed

voice = Blueprint("voice", __name__, url_prefix="/twilio/voice")
timed(voice)


def _event() -> CallEvent:
    return parse_call(request.form, request.args)


def _step(use_case: Callable[..., tuple[CallStep, ...]], *, keys: bool = False) -> Response:
    event = _event()
    token = event.token or ""
    if keys:
        return answer_call(use_case(edge().runtime, token, event.digits))
    return answer_call(use_case(edge().runtime, token))


@voice.post("")
@signed_by_carrier
def inbound() -> Response:
    """Somebody rings the line."""
    event = _event()
    here = edge()
    steps = here.outage.rings(
        event.sid,
        event.sender,
        event.recipient,
        lambda: triage_leg.rings(here.runtime, event.sid, event.sender, event.recipient),
    )
    return answer_call(steps)


@voice.post("/heard")
@signed_by_carrier
def heard() -> Response:
    """A caller pressed keys, spoke, or said nothing."""
    event = _event()
    steps = triage_leg.heard(
        edge().runtime,
        event.sid,
        event.token or "",
        digits=event.digits,
        speech=event.speech,
        confidence=event.confidence,
    )
    return answer_call(steps)


@voice.post("/place")
@signed_by_carrier
def place() -> Response:
    """Nobody came to a caller who waited on the line."""
    event = _event()
    return answer_call(keeping_place.moved_here(edge().runtime, event.sid, event.token or ""))


@voice.post("/place/chosen")
@signed_by_carrier
def place_chosen() -> Response:
    """A caller chose how to wait."""
    event = _event()
    return answer_call(
        keeping_place.chosen(
            edge().runtime,
            event.sid,
            event.token or "",
            digits=event.digits,
            speech=event.speech,
        )
    )


@voice.post("/voicemail/declined")
@signed_by_carrier
def voicemail_declined() -> Response:
    """A caller goes on without a recording."""
    return answer_call(voicemail.taken(edge().runtime, _event().sid, None, None))


@voice.post("/voicemail/taken")
@signed_by_carrier
def voicemail_taken() -> Response:
    """A caller has left a message."""
    event = _event()
    return answer_call(
        voicemail.taken(edge().runtime, event.sid, event.recording_sid, event.recording_duration)
    )


@voice.post("/voicemail/status")
@signed_by_carrier
def voicemail_status() -> Response:
    """The carrier's word that a recording is complete."""
    event = _event()
    voicemail.recorded(edge().runtime, event.sid, event.recording_sid, event.recording_duration)
    return Response(status=204)


@voice.post("/voicemail/words")
@signed_by_carrier
def voicemail_words() -> Response:
    """What a caller's message says."""
    event = _event()
    voicemail.understood(edge().runtime, event.sid, event.recording_sid, event.transcript)
    return Response(status=204)


@voice.post("/outside")
@signed_by_carrier
def outside() -> Response:
    """The outside crisis line picked up."""
    return _step(waiting_room.outside)


@voice.post("/hold/first")
@signed_by_carrier
def hold_first() -> Response:
    """What a caller hears first who waits on the line."""
    return _step(waiting_room.hold_first)


@voice.post("/hold")
@signed_by_carrier
def hold() -> Response:
    """What a caller hears who waits on the line."""
    return _step(waiting_room.hold)


@voice.post("/line")
@signed_by_carrier
def line() -> Response:
    """Staff who ring in pressed a key."""
    return _line(0)


@voice.post("/line/again")
@signed_by_carrier
def line_again() -> Response:
    """They were asked a second time."""
    return _line(1)


@voice.post("/line/last")
@signed_by_carrier
def line_last() -> Response:
    """They were asked a third time."""
    return _line(2)


def _line(asked: int) -> Response:
    event = _event()
    steps = staff_line.chosen(edge().runtime, event.sender, event.recipient, event.digits, asked)
    return answer_call(steps)


@voice.post("/staff")
@signed_by_carrier
def staff() -> Response:
    """A specialist picked up a callback."""
    return _step(staff_leg.answered)


@voice.post("/staff/choice")
@signed_by_carrier
def staff_choice() -> Response:
    """The specialist pressed a key."""
    return _step(staff_leg.chosen, keys=True)


@voice.post("/staff/after")
@signed_by_carrier
def staff_after() -> Response:
    """The specialist's leg left the conference."""
    return _step(staff_leg.after)


@voice.post("/staff/alone")
@signed_by_carrier
def staff_alone() -> Response:
    """The caller could not be reached."""
    return _step(staff_leg.alone)


@voice.post("/staff/outcome")
@signed_by_carrier
def staff_outcome() -> Response:
    """The specialist pressed the outcome."""
    return _step(outcomes.pressed, keys=True)


@voice.post("/page")
@signed_by_carrier
def page() -> Response:
    """A paged person picked up."""
    return _step(page_leg.answered)


@voice.post("/page/choice")
@signed_by_carrier
def page_choice() -> Response:
    """The paged person pressed a key."""
    return _step(page_leg.chosen, keys=True)


@voice.post("/drill")
@signed_by_carrier
def drill_call() -> Response:
    """Somebody picked up a drill's call."""
    return _step(drill.call_answered)


@voice.post("/drill/choice")
@signed_by_carrier
def drill_choice() -> Response:
    """They pressed a key."""
    return _step(drill.call_chosen, keys=True)


@voice.post("/caller")
@signed_by_carrier
def caller() -> Response:
    """Somebody picked up at the caller's number."""
    return _step(caller_leg.answered)


@voice.post("/caller/ready")
@signed_by_carrier
def caller_ready() -> Response:
    """They pressed a key or spoke."""
    event = _event()
    speech = None if event.digits else event.speech or ""
    return answer_call(caller_leg.ready(edge().runtime, event.token or "", speech=speech))


@voice.post("/caller/machine")
@signed_by_carrier
def caller_machine() -> Response:
    """The carrier's verdict on whether a machine picked up."""
    event = _event()
    answering_machine.heard(edge().runtime, event.token or "", event.answered_by)
    return Response(status=204)


@voice.post("/caller/message")
@signed_by_carrier
def caller_message() -> Response:
    """A machine has ended its greeting."""
    return _step(answering_machine.words)


@voice.post("/caller/alone")
@signed_by_carrier
def caller_alone() -> Response:
    """Everybody has left a caller's conference."""
    return _step(cut_off.asked)


@voice.post("/caller/stays")
@signed_by_carrier
def caller_stays() -> Response:
    """A caller who was cut off stays on the line."""
    return _step(cut_off.stays)


@voice.post("/caller/after")
@signed_by_carrier
def caller_after() -> Response:
    """The caller's leg left the conference."""
    return _step(caller_leg.after)


@voice.post("/status")
@signed_by_carrier
def status() -> Response:
    """The carrier's word on a leg."""
    event = _event()
    state = leg_state(event.status)
    if event.token and state is not None:
        legs.reported(edge().runtime, event.token, event.sid, state, event.error_code)
    elif state is not None and state.is_final:
        triage_leg.left(edge().runtime, event.sid)
    return Response(status=204)


@voice.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    return broken(error, aloud=True)
