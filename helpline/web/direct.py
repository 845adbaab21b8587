"""The telephones of those who were paged directly while the database was away (CONTRACT 6)."""

from flask import Blueprint, Response, request

from helpline.carrier.webhook import parse_call
from helpline.service.outage import direct_leg
from helpline.web.edge import answer_call, broken, edge, signed_by_carrier, timed

direct = Blueprint("direct", __name__, url_prefix="/twilio/voice")
timed(direct)


@direct.post("/direct")
@signed_by_carrier
def page() -> Response:
    """A paged person picked up."""
    event = parse_call(request.form, request.args)
    return answer_call(direct_leg.answered(edge().runtime, event.token or ""))


@direct.post("/direct/choice")
@signed_by_carrier
def choice() -> Response:
    """The paged person pressed a key."""
    event = parse_call(request.form, request.args)
    return answer_call(direct_leg.chosen(edge().runtime, event.token or "", event.digits))


@direct.post("/direct/left")
@signed_by_carrier
def left() -> Response:
    """Somebody left the conference of a live caller."""
    event = parse_call(request.form, request.args)
    return answer_call(direct_leg.left(edge().runtime, event.token or ""))


@direct.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    return broken(error, aloud=True)
