"""Time-outs, refused connections and the locked host: what surely did not happen, what may have."""

import socket
import threading
import time
from typing import Any

import pytest

from helpline.carrier.transport import LockedHttpClient, MaybeSent, NotSent
from helpline.domain.delivery import (
    Accepted,
    TryLater,
    Unknown,
)
from tests.carrier.standin import Server, call, make_carrier, reply, text


def test_silence_is_unknown_when_the_time_is_up(server: Server) -> None:
    server.answer = lambda _: (server.let_go.wait(20), None)[1]
    began = time.monotonic()
    outcome = make_carrier(server.url, timeout=0.4).place_call(call())
    took = time.monotonic() - began
    assert isinstance(outcome, Unknown)
    assert 0.4 <= took < 0.4 * 3


def test_an_answer_that_trickles_is_given_up_in_the_same_time() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 201 Created\r\n")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"X-More: 1\r\n")
                except OSError:
                    return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        outcome = make_carrier(url, timeout=0.4).send_text(text())
        assert isinstance(outcome, Unknown)
        assert time.monotonic() - began < 0.4 * 3
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_a_refused_connection_is_surely_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    outcome = make_carrier(f"http://127.0.0.1:{port}").send_text(text())
    assert isinstance(outcome, TryLater)
    assert outcome.code == 0


def test_an_unknown_name_is_surely_not_sent() -> None:
    outcome = make_carrier("http://nowhere.invalid").send_text(text())
    assert isinstance(outcome, TryLater)


def test_a_name_look_up_that_hangs_is_not_sent_even_later(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = socket.getaddrinfo, threading.Event()

    def slow(*arguments: Any, **named: Any) -> Any:
        server.let_go.wait(20)
        found = real(*arguments, **named)
        done.set()
        return found

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    others = set(threading.enumerate())
    outcome = make_carrier(server.url, timeout=0.3).place_call(call())
    assert isinstance(outcome, TryLater)
    left = set(threading.enumerate()) - others
    server.let_go.set()
    assert done.wait(5)
    for thread in left:
        thread.join(5)
    assert [asked.path for asked in server.asked] == []


def test_only_one_host_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert isinstance(make_carrier(server.url).send_text(text()), Accepted)
    http = LockedHttpClient(server.url)
    assert http.request("GET", "https://api.sydney.au1.twilio.com/a?b=1").status_code == 201
    for other in (
        "https://lookups.twilio.com/v2",
        "https://api.twilio.com.evil.example/",
        "http://api.twilio.com/",
        "https://evil.example/",
        "http://127.0.0.1:9/",
        f"{server.url.replace('://', '://user@')}/",
    ):
        with pytest.raises(NotSent, match="OtherHost"):
            http.request("GET", other)
    assert [asked.path for asked in server.asked][1:] == ["/a"]


def test_a_base_url_may_have_a_path(server: Server) -> None:
    make_carrier(server.url + "/carrier/").send_text(text())
    assert server.asked[0].path == "/carrier/2010-04-01/Accounts/ACmain/Messages.json"


def test_redirects_are_not_followed(server: Server) -> None:
    server.answer = lambda _: reply(307, {}, Location=server.url + "/elsewhere")
    assert isinstance(make_carrier(server.url).send_text(text()), TryLater)
    assert len(server.asked) == 1


def test_the_address_must_be_http() -> None:
    with pytest.raises(ValueError, match="http"):
        LockedHttpClient("ftp://carrier.example")


def test_the_transport_names_types_only(server: Server) -> None:
    server.answer = lambda _: None
    with pytest.raises(MaybeSent) as raised:
        LockedHttpClient(server.url).request("GET", server.url + "/?To=%2B12025550123")
    assert "1202" not in str(raised.value)


def test_through_a_proxy_it_is_still_known_what_may_have_left(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.answer = lambda _: None
    assert isinstance(make_carrier("http://carrier.example").send_text(text()), Unknown)
    assert len(server.asked) == 1
