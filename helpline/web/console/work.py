"""My work: the most urgent case, what is mine, presence, pages, what moves."""

import json
import time
from collections.abc import Iterator
from typing import cast

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from helpline.service.console import acts, queue
from helpline.service.console.changes import Moment, Watch, look
from helpline.web.console.guards import for_staff, local_path, me, runtime
from helpline.web.console.telling import show
from helpline.web.console.words import tell

work = Blueprint("work", __name__)

LONGEST_STREAM = 300.0
"""Seconds after which a live page asks again, and its session is looked at again."""


@work.get("/")
@for_staff
def home() -> ResponseReturnValue:
    """One big button, what is mine, what is in danger."""
    return render_template("work.html", page=queue.my_work(runtime(), me()))


@work.post("/next")
@for_staff
def take_next() -> ResponseReturnValue:
    """My telephone rings with the most urgent case."""
    show(acts.take_next(runtime(), me()))
    return redirect(url_for("work.home"))


@work.post("/presence")
@for_staff
def presence() -> ResponseReturnValue:
    """Available, or away."""
    available = request.form.get("available") == "yes"
    show(acts.set_presence(runtime(), me(), available=available))
    return redirect(local_path(request.form.get("next")))


@work.post("/acknowledge")
@for_staff
def acknowledge() -> ResponseReturnValue:
    """The most urgent page is mine; my telephone rings, then the caller's (CONTRACT 2)."""
    case_id = queue.find_alert(runtime(), me())
    if case_id is None:
        flash(str(tell("no_page")), "info")
        return redirect(url_for("work.home"))
    show(acts.take(runtime(), me(), case_id))
    return redirect(url_for("cases.case", case_id=case_id))


@work.get("/live")
@for_staff
def live() -> ResponseReturnValue:
    """Server-sent events: one whenever something moved (WHATWG HTML, 9.2)."""
    watch = cast(Watch, current_app.extensions["watch"])
    response = Response(_stream(watch), content_type="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _stream(watch: Watch) -> Iterator[str]:
    ends = time.monotonic() + LONGEST_STREAM
    yield "retry: 2000\n\n"
    for moment in watch.follow():
        yield ": here\n\n" if moment is None else f"data: {_told(moment)}\n\n"
        if time.monotonic() > ends:
            return


@work.get("/live/now")
@for_staff
def live_now() -> ResponseReturnValue:
    """The same once, for who cannot keep a stream open."""
    return jsonify(json.loads(_told(look(runtime()))))


def _told(moment: Moment) -> str:
    return json.dumps({"mark": moment.mark, "alerts": list(moment.alerts)})
