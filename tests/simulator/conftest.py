"""A simulator, and a small web application that stands for the helpline's webhooks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from flask import Flask, Response, request
from werkzeug.serving import make_server

from helpline.simulator import Simulator, SimulatorSettings, create_simulator

ACCOUNT, TOKEN, LINE = "AC" + "5" * 32, "token-of-tests", "+12025550100"
Form = dict[str, str]


@dataclass
class Seen:
    """One request the application got."""

    path: str
    url: str
    form: Form
    headers: dict[str, str]


@dataclass
class Application:
    """Answers each path with what a test gave it, an empty 200 otherwise."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    _answers: dict[str, Callable[[Form], Any]] = field(default_factory=dict)

    def on(self, path: str, answer: str | Callable[[Form], Any]) -> None:
        """The inside of a `<Response>`, or a function of the form that returns it or a Response."""
        self._answers[path] = answer if callable(answer) else lambda form: answer

    def at(self, path: str) -> list[Form]:
        return [seen.form for seen in list(self.seen) if seen.path == path]

    def handle(self, path: str) -> Response:
        raw = request.environ["REQUEST_URI"]
        form = {**request.args.to_dict(), **request.form.to_dict()}
        self.seen.append(Seen("/" + path, raw, form, dict(request.headers)))
        answer = self._answers.get("/" + path, lambda form: "")(form)
        if isinstance(answer, Response):
            return answer
        return Response(
            f"<?xml version='1.0'?><Response>{answer}</Response>", content_type="text/xml"
        )


@pytest.fixture
def application() -> Iterator[Application]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    standing, web = Application(), Flask("application")
    web.add_url_rule("/<path:path>", "any", standing.handle, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, web, threaded=True)
    standing.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    yield standing
    server.shutdown()
    server.server_close()


@pytest.fixture
def simulate(application: Application) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators with changed settings; stops them afterwards."""
    started: list[Simulator] = []

    def start(**changes: Any) -> Simulator:
        given: dict[str, Any] = {"time_scale": 50.0, "webhook_base_url": application.url} | changes
        settings = SimulatorSettings(ACCOUNT, TOKEN, numbers=(LINE, "+12025550101"), **given)
        started.append(create_simulator(settings).start())
        return started[-1]

    yield start
    for simulator in started:
        simulator.stop()


@pytest.fixture
def sim(simulate: Callable[..., Simulator]) -> Simulator:
    return simulate()


@dataclass
class Rest:
    """The account's REST API as an application would use it."""

    sim: Simulator

    def __call__(
        self, method: str, path: str, data: Any = None, timeout: float = 5, **options: Any
    ) -> requests.Response:
        url = f"{self.sim.url}/2010-04-01/Accounts/{ACCOUNT}/{path}"
        options.setdefault("auth", (ACCOUNT, TOKEN))
        return requests.request(method, url, data=data, timeout=timeout, **options)

    def text(self, to: str = "+12025550123", body: str = "hello", **more: Any) -> requests.Response:
        return self("POST", "Messages.json", {"To": to, "From": LINE, "Body": body, **more})

    def ring(self, to: str, url: str, **more: Any) -> requests.Response:
        return self("POST", "Calls.json", {"To": to, "From": LINE, "Url": url, **more})


@pytest.fixture
def rest_of() -> Callable[[Simulator], Rest]:
    return Rest


@pytest.fixture
def rest(sim: Simulator) -> Rest:
    return Rest(sim)
