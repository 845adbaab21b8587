"""Who may open a page: each view names its guard, what names none is closed."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, cast
from urllib.parse import quote

from flask import (
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from helpline.domain.rights import Right, may
from helpline.runtime import Runtime
from helpline.service.console import Person, Stage, signing_in
from helpline.service.console.signing_in import Visitor

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

TOKEN = "token"  # noqa: S105 - the name under which the browser keeps it
REFRESH = "X-Refresh"
"""A page that looks for news sends this: it is no sign of the person."""


def runtime() -> Runtime:
    """The parts of the application that serves this request."""
    return cast(Runtime, current_app.extensions["helpline"])


def visitor() -> Visitor | None:
    """Whoever sits at this browser, looked up once a request."""
    if "visitor" not in g:
        token = session.get(TOKEN, "")
        active = REFRESH not in request.headers
        g.visitor = signing_in.find_visitor(runtime(), token, active=active) if token else None
    return cast("Visitor | None", g.visitor)


def me() -> Person:
    """The member of staff whose request this is; only behind a guard."""
    found = visitor()
    if found is None:
        abort(401)
    return found.person


def local_path(text: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    path = text or ""
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path
    return path if fits and path.isprintable() else url_for("work.home")


def open_to_all(view: View[P]) -> View[P]:
    """Guard: deliberately open; it shows nothing that is not public."""
    view.guard = "open_to_all"  # type: ignore[attr-defined]
    return view


def half_signed_in(view: View[P]) -> View[P]:
    """Guard: the password was right, the second factor is missing; or they were away."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if visitor() is None:
            return redirect(url_for("access.sign_in"))
        return view(*args, **kwargs)

    guarded.guard = "half_signed_in"  # type: ignore[attr-defined]
    return guarded


def _for(right: Right, name: str) -> Callable[[View[P]], View[P]]:
    def guard(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            found = visitor()
            if found is None or found.stage is not Stage.OPEN or found.locked:
                return _to_the_door(found)
            if not may(found.person.role, right):
                abort(403)
            return _private(view(*args, **kwargs))

        guarded.guard = name  # type: ignore[attr-defined]
        return guarded

    return guard


for_staff: Callable[[View[Any]], View[Any]] = _for(Right.WORK, "for_staff")
for_supervisors: Callable[[View[Any]], View[Any]] = _for(Right.SUPERVISE, "for_supervisors")
for_admins: Callable[[View[Any]], View[Any]] = _for(Right.ADMINISTER, "for_admins")


def _to_the_door(found: Visitor | None) -> ResponseReturnValue:
    """To where they sign in; a page that only looks for news is told so instead."""
    if found is None:
        door = "access.sign_in"
    else:
        door = "access.second" if found.stage is not Stage.OPEN else "access.unlock"
    if REFRESH in request.headers or request.path.startswith("/live"):
        return Response("signed out\n", 401, content_type="text/plain")
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for(door) + (f"?next={quote(back)}" if back else ""))


def _private(answer: ResponseReturnValue) -> Response:
    """Nothing about a caller stays in a cache."""
    response = make_response(answer)
    response.headers["Cache-Control"] = "no-store"
    return response
