"""The application of the staff pages that gunicorn serves as the process `console`."""

import gc
import hashlib
import hmac
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from config.settings import Settings, load_settings
from helpline import logs
from helpline.domain.rights import NotAllowed, Right, may
from helpline.runtime import Runtime
from helpline.service.console.changes import Watch
from helpline.service.upkeep import health, pulse
from helpline.web.console import telling, words
from helpline.web.console.access import access
from helpline.web.console.cases import cases, left
from helpline.web.console.guards import open_to_all, runtime, visitor
from helpline.web.console.people_page import people_page
from helpline.web.console.practice import practice
from helpline.web.console.queue_page import queue_page
from helpline.web.console.supervising import supervising
from helpline.web.console.work import work
from helpline.wiring import build_runtime

LARGEST_FORM = 64 * 1024
PAGE_THREADS = 16
"""Database connections: a page needs one for a moment, a stream none."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pages need to know beside the runtime."""

    secret_key: str
    url: str
    """Where staff reach the pages; over https the cookie never leaves by another road."""
    config_dir: Path
    phones_url: str | None = None
    """The simulator's telephones, in practice mode."""


def make_console(rt: Runtime, around: Surroundings) -> Flask:
    """The pages around a given runtime."""
    app = Flask("helpline.web.console", static_url_path="/static")
    app.config.update(
        SECRET_KEY=_cookie_key(around.secret_key),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        SESSION_COOKIE_NAME="helpline_staff",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=around.url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=14),
        WTF_CSRF_TIME_LIMIT=None,
        # Behind a proxy the referrer is the proxy's; the token and SameSite stand without it.
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    app.extensions["helpline"] = rt
    app.extensions["words"] = words.load_words(around.config_dir)
    app.extensions["watch"] = Watch(rt)
    app.extensions["around"] = around
    CSRFProtect(app)
    Bootstrap5(app)
    for blueprint in (access, work, queue_page, cases, left, supervising, people_page, practice):
        app.register_blueprint(blueprint)
    app.add_url_rule("/alive", "alive", _alive)
    for endpoint in ("static", "bootstrap.static"):
        app.view_functions[endpoint] = open_to_all(_named(app.view_functions[endpoint]))
    app.before_request(_closed_by_default)
    app.after_request(_harden)
    _handle_errors(app)
    _share_words(app)
    return app


def _cookie_key(secret: str) -> str:
    """Its own key: one secret never signs two kinds of things."""
    return hmac.new(secret.encode(), b"staff cookie", hashlib.sha256).hexdigest()


def _named(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that can carry the name of its guard."""

    def shown(**values: object) -> Any:
        return view(**values)

    return shown


@open_to_all
def _alive() -> ResponseReturnValue:
    """The process answers."""
    return Response("alive\n", content_type="text/plain")


def _closed_by_default() -> ResponseReturnValue | None:
    """A view without a guard is a mistake of ours, and stays shut."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and not hasattr(view, "guard"):
        return Response("closed\n", 403, content_type="text/plain")
    return None


def _harden(response: Response) -> Response:
    """Headers of every answer: own scripts and styles only, no frames but our phones, no leaks."""
    around: Surroundings = current_app.extensions["around"]
    frames = around.phones_url or "'none'"
    policy = {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "frame-src": frames,
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "object-src": "'none'",
    }
    response.headers["Content-Security-Policy"] = "; ".join(
        f"{name} {value}" for name, value in policy.items()
    )
    response.headers["X-Now"] = runtime().clock.now().isoformat(timespec="milliseconds")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if around.url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _handle_errors(app: Flask) -> None:
    """Each error is a page that says what to do; what broke is logged, not shown."""

    @app.errorhandler(NotAllowed)
    def _not_allowed(_error: NotAllowed) -> ResponseReturnValue:
        return render_template("error.html", key="error_403"), 403

    @app.errorhandler(LookupError)
    def _nothing(_error: LookupError) -> ResponseReturnValue:
        return render_template("error.html", key="error_404"), 404

    @app.errorhandler(CSRFError)
    def _stale(_error: CSRFError) -> ResponseReturnValue:
        # The form is older than the session: nothing was done, and they should know.
        flash(str(words.tell("form_stale")), "warning")
        return redirect(url_for("work.home"))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        key = f"error_{error.code}"
        known = key if words.tell_or(key, "") else "error_400"
        return render_template("error.html", key=known), error.code or 500

    @app.errorhandler(SQLAlchemyError)
    def _away(error: SQLAlchemyError) -> ResponseReturnValue:
        _log.error("console.database", route=request.endpoint, exc_info=error)
        return render_template("plain_error.html", key="error_503"), 503

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> ResponseReturnValue:
        _log.error("console.broken", route=request.endpoint, exc_info=error)
        return render_template("plain_error.html", key="error_500"), 500


def _share_words(app: Flask) -> None:
    """What every template may use."""
    for shared in (
        telling.disposition_name,
        telling.disposition_colour,
        telling.clock,
        telling.ago,
        telling.moment,
        telling.span,
        telling.danger_name,
        telling.flag_name,
        telling.question_name,
        telling.answer_name,
        telling.local_input,
    ):
        app.add_template_global(shared)
    app.add_template_global(words.tell, "t")
    app.add_template_global(words.tell_or, "t_or")
    app.add_template_filter(telling.nl2br)

    @app.context_processor
    def _about() -> dict[str, object]:
        rt = runtime()
        found = visitor() if "token" in session else None
        inside = found is not None and found.stage.value == "open" and not found.locked
        person = found.person if found and inside else None
        return {
            "me": person,
            "may": lambda right: person is not None and may(person.role, Right(right)),
            "line": rt.line,
            "signed_off": health.is_signed_off(rt) if person else True,
            "lang": words.language(),
            "phones_url": app.extensions["around"].phones_url,
        }


def create_app() -> Flask:
    """The application of this process, from the environment."""
    settings = load_settings()
    logs.configure(settings.log_level, "console")
    rt = build_runtime(settings, pool_size=PAGE_THREADS // 2)
    app = make_console(rt, surroundings(settings))
    beating = (rt, "console", f"console-{os.getpid()}", threading.Event())
    threading.Thread(target=pulse.keep, args=beating, name="pulse", daemon=True).start()
    gc.collect()
    gc.freeze()
    return app


def surroundings(settings: Settings) -> Surroundings:
    """What the pages need of the settings."""
    return Surroundings(
        secret_key=settings.secret_key.get_secret_value(),
        url=settings.staff_url,
        config_dir=settings.config_dir,
        phones_url=settings.simulator_url if settings.practice else None,
    )
