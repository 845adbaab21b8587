"""Texts in, receipts in, and the static answer when we could not be reached."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from helpline.carrier.webhook import parse_receipt, parse_text
from helpline.domain.said import CarrierWord
from helpline.domain.speech import HangUp, Say
from helpline.metrics import metrics
from helpline.service import intake
from helpline.service.sending import receipts
from helpline.web.edge import (
    answer_call,
    answer_texts,
    broken,
    edge,
    in_few_threads,
    open_to_all,
    signed_by_carrier,
    timed,
)

texts = Blueprint("texts", __name__, url_prefix="/twilio")
timed(texts)


@texts.post("/sms")
@signed_by_carrier
def inbound() -> Response:
    """An SMS, MMS or WhatsApp text."""
    arrived = parse_text(request.form)
    text = intake.IncomingText(
        sid=arrived.sid,
        sender=arrived.sender,
        recipient=arrived.recipient,
        body=arrived.body,
        media=arrived.media_count,
        answered=CarrierWord(arrived.opt_out_type) if arrived.opt_out_type else None,
        whatsapp=arrived.whatsapp,
    )
    answer = edge().outage.receive(text)
    metrics().texts_in.inc()
    if answer.repeated:
        metrics().duplicates.inc()
    elif answer.level != "NONE":
        metrics().danger_found.labels(answer.level).inc()
    return answer_texts(answer.texts)


@texts.post("/sms/status")
@signed_by_carrier
@in_few_threads
def receipt() -> Response:
    """What became of a text of ours."""
    told = parse_receipt(request.form, request.args)
    receipts.text_reported(edge().runtime, told.sid, told.token, told.status, told.error_code)
    return Response(status=204)


@texts.route("/fallback", methods=["GET", "POST"])
@open_to_all
def fallback() -> Response:
    """The carrier could not reach us: safe words, for a text or a call."""
    if request.values.get("CallSid"):
        return answer_call((Say(edge().safe_speech), HangUp()))
    return answer_texts((edge().safe_text,))


@texts.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    aloud = not isinstance(error, HTTPException) and bool(request.values.get("CallSid"))
    return broken(error, aloud=aloud)
