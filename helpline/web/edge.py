"""What every webhook shares: the runtime, the guard, the answer when something breaks."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import cast

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from helpline.carrier import twiml
from helpline.carrier.webhook import SignatureCheck, raw_target
from helpline.domain import messages
from helpline.domain.speech import HangUp, Say
from helpline.metrics import metrics
from helpline.runtime import Runtime
from helpline.service.outage.answering import Outage

RECEIPTS_AT_ONCE = 4
"""Of the threads of one process: a text of danger never waits behind receipts alone."""

View = Callable[..., Response]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Edge:
    """What the views need. Attached to the app once, at the start."""

    runtime: Runtime
    signatures: SignatureCheck
    safe_text: str
    safe_speech: str
    outage: Outage
    receipts: BoundedSemaphore


def attach(app: Flask, runtime: Runtime, signatures: SignatureCheck) -> None:
    """Give the app its parts; the safe words are made now, so that nothing can break them."""
    app.extensions["helpline"] = Edge(
        runtime,
        signatures,
        safe_words(runtime),
        safe_words(runtime, aloud=True),
        Outage(runtime),
        BoundedSemaphore(RECEIPTS_AT_ONCE),
    )


def edge() -> Edge:
    """The parts of the app that serves this request."""
    return cast(Edge, current_app.extensions["helpline"])


def safe_words(runtime: Runtime, *, aloud: bool = False) -> str:
    """The static words with the numbers of the line's own country (DESIGN 7)."""
    packs = runtime.protocol.countries
    country = packs.get(runtime.line.country) or packs[runtime.protocol.fallback_country]
    put = messages.spoken if aloud else messages.render
    return put(
        runtime.protocol,
        "SAFE",
        language="en",
        country=country,
        staffed=False,
        values={"ORG": runtime.line.org},
    )


def signed_by_carrier(view: View) -> View:
    """Guard: 403 for anything that the carrier did not sign; nothing is stored, it is counted."""

    @functools.wraps(view)
    def guarded(*args: object, **kwargs: object) -> Response:
        if _is_foreign_body():
            metrics().signature_failures.inc()
            return Response("only forms are signed\n", 415, content_type="text/plain")
        target = raw_target(request.environ)
        signature = request.headers.get("X-Twilio-Signature")
        if not edge().signatures.accepts(target, request.form, signature):
            metrics().signature_failures.inc()
            return Response("not signed by the carrier\n", 403, content_type="text/plain")
        with edge().outage.patience():
            return view(*args, **kwargs)

    guarded.guard = "signed_by_carrier"  # type: ignore[attr-defined]
    return guarded


def _is_foreign_body() -> bool:
    """Is there a body that is not a form? The signature would say nothing of it."""
    sent = request.content_length or "Transfer-Encoding" in request.headers
    return bool(sent) and request.mimetype != "application/x-www-form-urlencoded"


def in_few_threads(view: View) -> View:
    """Receipts are many, and each may wait seconds for a slow database: never in every thread.

    One too many is answered 503 at once. What became of that text is looked up at the carrier
    (`helpline.service.outage.reconciler`).
    """

    @functools.wraps(view)
    def bounded(*args: object, **kwargs: object) -> Response:
        if not edge().receipts.acquire(blocking=False):
            return Response("too many at once\n", 503, content_type="text/plain")
        try:
            return view(*args, **kwargs)
        finally:
            edge().receipts.release()

    return bounded


def open_to_all(view: View) -> View:
    """Guard: deliberately open; it says nothing that is not public."""
    view.guard = "open_to_all"  # type: ignore[attr-defined]
    return view


def timed(blueprint: Blueprint) -> None:
    """Count and time every answer of a blueprint; a crash answers the safe words."""

    @blueprint.before_request
    def _start() -> None:
        request.environ["helpline.started"] = time.perf_counter()

    @blueprint.after_request
    def _stop(response: Response) -> Response:
        route = request.endpoint or "unknown"
        seconds = time.perf_counter() - request.environ["helpline.started"]
        metrics().webhook_seconds.labels(route).observe(seconds)
        metrics().webhooks.labels(route, str(response.status_code)).inc()
        return response


def answer_texts(texts: tuple[str, ...], status: int = 200) -> Response:
    """Messaging TwiML."""
    return Response(twiml.texts(texts), status, content_type="text/xml; charset=utf-8")


def answer_call(steps: tuple[object, ...], status: int = 200) -> Response:
    """Voice TwiML."""
    body = twiml.voice(steps)  # type: ignore[arg-type]
    return Response(body, status, content_type="text/xml; charset=utf-8")


def broken(error: Exception, *, aloud: bool) -> Response:
    """Our own failure: 503, so that the carrier asks its fallback; the safe words are in it.

    What is wrong with the request itself (too large) is answered as such.
    """
    if isinstance(error, HTTPException):
        return Response(f"{error.name}\n", error.code, content_type="text/plain")
    _log.error("webhook.broken", route=request.endpoint, exc_info=error)
    if aloud:
        return answer_call((Say(edge().safe_speech), HangUp()), 503)
    return answer_texts((edge().safe_text,), 503)
