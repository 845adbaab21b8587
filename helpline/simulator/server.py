"""A carrier behind a web server: what the rest of the world starts and stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from flask import Flask, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from helpline.simulator.carrier import Carrier
from helpline.simulator.control import control_blueprint
from helpline.simulator.faults import FaultBoard
from helpline.simulator.ledger import Event, Violation
from helpline.simulator.phone import Phone
from helpline.simulator.rest import Api
from helpline.simulator.settings import SimulatorSettings

T = TypeVar("T")
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'self' http://127.0.0.1:* http://localhost:*"
)
"""The training room of the staff pages may show the telephones beside its own page."""


class _Quiet(WSGIRequestHandler):
    """The event log tells more than an access log would."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing is written to stderr."""


class Simulator:
    """One simulated account with its telephones, REST API, control routes and page.

    Also a context manager: `with create_simulator(settings) as sim:` starts and stops it.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.carrier = Carrier(settings)
        self._api = Api(self.carrier)
        self.app = self._build_app()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return f"http://{self.settings.host}:{self._server.server_port}"

    @property
    def faults(self) -> FaultBoard:
        return self.carrier.faults

    @property
    def violations(self) -> list[Violation]:
        """What the application sent that the real carrier would refuse. Should be empty."""
        with self.carrier.ledger.changed:
            return list(self.carrier.ledger.violations)

    @property
    def errors(self) -> list[dict[str, object]]:
        """Failed webhooks, unusable documents, blocked sends."""
        with self.carrier.ledger.changed:
            return list(self.carrier.ledger.errors)

    def events(self, after: int = 0, kind: str = "") -> list[Event]:
        return self.carrier.ledger.events(after, kind)

    def phone(self, number: str, label: str = "") -> Phone:
        return self.carrier.phone(number, label)

    def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first true value of a function without arguments. Raises TimeoutError."""
        found = self.carrier.ledger.watch(predicate, timeout)
        if not found:
            raise TimeoutError(
                f"nothing of the kind within {timeout} s; errors: {self.errors[-3:]}"
            )
        answer: T = found
        return answer

    def reset(self) -> None:
        self.carrier.reset()

    def start(self) -> Simulator:
        """Listen in a background thread; raises OSError when the port is taken."""
        self._server = make_server(
            self.settings.host, self.settings.port, self.app, threaded=True, request_handler=_Quiet
        )
        self.carrier.api_base_url = self.url
        serve_forever = partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve_forever, name="sim-http", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all calls, let held requests go, close the port."""
        self._api.stopping.set()
        self.carrier.stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _build_app(self) -> Flask:
        app = Flask(__name__, static_folder="static", static_url_path="/static")
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.register_blueprint(self._api.blueprint())
        app.register_blueprint(control_blueprint(self.carrier))
        app.add_url_rule("/", "page", lambda: app.send_static_file("phones.html"))
        app.add_url_rule("/favicon.ico", "icon", lambda: Response(status=204))

        @app.after_request
        def harden(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return app


def create_simulator(settings: SimulatorSettings) -> Simulator:
    """A simulator that is not listening yet; `.app` is usable at once."""
    return Simulator(settings)


def serve(settings: SimulatorSettings) -> None:
    """Run until SIGTERM or SIGINT, saying where the phones are."""
    stops = (signal.SIGTERM, signal.SIGINT)
    # Before any thread is made: threads inherit this, and the main one waits for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    simulator = create_simulator(settings).start()
    print(f"phones   {simulator.url}/", flush=True)  # noqa: T201
    print(f"carrier  {simulator.url}  account {settings.account_sid}", flush=True)  # noqa: T201
    print(f"webhooks {settings.webhook_base_url}", flush=True)  # noqa: T201
    signal.sigwait(stops)
    simulator.stop()
