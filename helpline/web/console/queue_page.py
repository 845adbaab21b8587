"""The queue: who waits, in the order in which they are called."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from helpline.domain.disposition import Disposition
from helpline.service.console import queue
from helpline.web.console.guards import for_staff, me, runtime

queue_page = Blueprint("queue", __name__)


@queue_page.get("/queue")
@for_staff
def waiting() -> ResponseReturnValue:
    """Promised calls by urgency, page by page."""
    wanted = request.args.get("disposition", "")
    language = request.args.get("language", "")
    number = request.args.get("page", "1")
    page = queue.look(
        runtime(),
        me(),
        disposition=Disposition[wanted] if wanted in Disposition.__members__ else None,
        language=language if language in {"en", "es"} else None,
        late=request.args.get("late") == "1",
        page=int(number) if number.isdecimal() and len(number) < 7 else 1,
    )
    return render_template(
        "queue.html", page=page, owed=_OWED, args=request.args, with_filter=_with
    )


def _with(name: str, value: object) -> dict[str, object]:
    """The filters of this page with one changed; another filter begins at the first page."""
    kept: dict[str, object] = {key: request.args[key] for key in _FILTERS if key in request.args}
    return {key: item for key, item in (kept | {name: value}).items() if item != ""}


_FILTERS = ("disposition", "language", "late")
_OWED = tuple(sorted((item for item in Disposition if item > Disposition.INFO), reverse=True))
