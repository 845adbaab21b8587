"""The training room: the simulator's telephones beside the pages, where nobody is real."""

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from helpline.service.console import queue
from helpline.web.console.guards import for_staff, me, runtime

practice = Blueprint("practice", __name__)


@practice.get("/practice")
@for_staff
def room() -> ResponseReturnValue:
    """The telephones of callers and staff, to play a shift with."""
    phones = current_app.extensions["around"].phones_url
    if phones is None:
        abort(404)
    page = queue.my_work(runtime(), me())
    return render_template("practice.html", phones=phones, page=page)
