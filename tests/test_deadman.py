"""The outside watch is called while all is well, and only then."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.builders import Scene, _migrated_sqlite, _sqlite_engine, sqlite_store
from tests.service.conftest import quick
from tests.service.test_health import well
from workers.deadman import DeadMan

__all__ = ["_migrated_sqlite", "_sqlite_engine", "quick", "sqlite_store"]


class Watch(HTTPServer):
    """Somebody else's machine, which counts the calls."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ping)
        self.calls: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/ping/1"
        self.status = 200


class _Ping(BaseHTTPRequestHandler):
    server: Watch

    def do_GET(self) -> None:
        self.server.calls.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_all_is_well(quick: Scene, watch: Watch) -> None:
    DeadMan(watch.url)(well(quick).rt)
    assert watch.calls == ["/ping/1"]


def test_a_risk_keeps_it_silent(quick: Scene, watch: Watch) -> None:
    well(quick).bell.broken = True
    DeadMan(watch.url)(quick.rt)
    assert watch.calls == []


def test_a_broken_invariant_keeps_it_silent(
    quick: Scene, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpline.service.upkeep import invariants

    monkeypatch.setattr(invariants, "list_broken", lambda _rt: {"case_without_clock": 1})
    DeadMan(watch.url)(well(quick).rt)
    assert watch.calls == []


def test_a_watch_that_is_away_or_angry_is_no_failure_of_the_guard(
    quick: Scene, watch: Watch
) -> None:
    watch.status = 500
    DeadMan(watch.url)(well(quick).rt)
    assert len(watch.calls) == 1
    DeadMan("http://127.0.0.1:9/ping")(quick.rt)
