"""One HTTP exchange with the carrier: one host, one deadline, no doubt left unsaid.

twilio-python has neither a base URL setting nor a default time-out (RELIABILITY C),
and its own HTTP client logs addresses and keeps the last request. This one does
neither, goes to one host only, and says of every failure whether the request may
have reached the carrier: creating a call is not idempotent.
"""

import http.client
import re
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import urllib3
from requests import Session
from requests.adapters import HTTPAdapter
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

TIMEOUT = 4.0
"""Seconds for a whole exchange: name look-up, connection, answer (DESIGN 7)."""

CONNECT_TIMEOUT = 2.0
"""Seconds for one try to connect."""

ANSWER_LIMIT = 4_000_000
"""Bytes of an answer: a page of 100 texts is about 150 kB."""

_TWILIO_HOST = re.compile(r"api(\.[a-z0-9-]+){0,2}\.twilio\.com")


class NotSent(Exception):
    """The request surely never reached the carrier. The text is an error's type name."""


class MaybeSent(Exception):
    """The request left, no whole answer came back. The text is an error's type name."""


class Whole(Response):
    """An answer with its bytes as they came: sound is no text."""

    def __init__(self, status_code: int, body: bytes, headers: Any) -> None:
        super().__init__(status_code, body.decode("utf-8", "replace"), headers)
        self.body = body


class _Exchange:
    """One request while it is under way. Exactly one of `begin`, `abandon` comes first."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.answer: Whole | None = None
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._begun = False
        self._abandoned = False

    def begin(self) -> None:
        """Called before the first byte leaves.

        Raises:
            NotSent: nobody waits any more; sending now would be a call nobody knows of.
        """
        with self._lock:
            if self._abandoned:
                raise NotSent("Abandoned")
            self._begun = True

    def abandon(self) -> bool:
        """Stop waiting; True when the request may already have left."""
        with self._lock:
            self._abandoned = True
            return self._begun


_current = threading.local()


class _Announced(http.client.HTTPConnection):
    """Says when a request is about to leave, on new and on kept connections alike."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange: _Exchange | None = getattr(_current, "exchange", None)
        if exchange is not None:
            exchange.begin()
        super().send(data)


class _PlainConnection(_Announced, HTTPConnection):
    """http, for the simulator."""


class _TlsConnection(_Announced, HTTPSConnection):
    """https."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Any = {"http": _PlainPool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """requests' adapter over our connections; repeats failed connects only."""

    def __init__(self, connect_retries: int) -> None:
        retries = urllib3.Retry(
            total=None,
            connect=connect_retries,
            read=0,
            redirect=0,
            status=0,
            other=0,
            backoff_factor=0.05,
        )
        super().__init__(max_retries=retries, pool_maxsize=16)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class LockedHttpClient:
    """The `http_client` of twilio-python's Client, locked to the host of `api_base_url`.

    Requests meant for ``api[.edge].[region.]twilio.com`` or for that host go to that
    host, whatever ``TWILIO_EDGE`` says; any other host is refused. Safe for threads.
    """

    def __init__(self, api_base_url: str, timeout: float = TIMEOUT, max_retries: int = 2) -> None:
        self._seconds = timeout
        self._base = urlsplit(api_base_url)
        if self._base.scheme not in ("http", "https") or not self._base.hostname:
            raise ValueError("the carrier's address must be an http(s) URL")
        self._session = Session()
        self._session.trust_env = not _is_loopback(self._base.hostname)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(max_retries))

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_ignored: object,
    ) -> Whole:
        """One exchange, as twilio-python's Client asks for it; its own time-out is ignored.

        Redirects are not followed: they could lead to another host.

        Raises:
            NotSent: surely nothing happened at the carrier.
            MaybeSent: it may have happened.
        """
        return self._within_time(
            method=method.upper(),
            url=self._locked(uri),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
        )

    def _within_time(self, **arguments: Any) -> Whole:
        exchange = _Exchange(time.monotonic() + self._seconds)
        # A thread, because a name look-up and a trickled answer know no time-out.
        worker = threading.Thread(target=self._run, args=(exchange, arguments), daemon=True)
        worker.start()
        try:
            worker.join(self._seconds)
        except BaseException:
            exchange.abandon()
            raise
        if exchange.answer is not None:
            return exchange.answer
        kind = type(exchange.error).__name__ if exchange.error else "DeadlineReached"
        raise MaybeSent(kind) if exchange.abandon() else NotSent(kind)

    def _run(self, exchange: _Exchange, arguments: dict[str, Any]) -> None:
        _current.exchange = exchange
        try:
            exchange.answer = self._exchange(exchange, arguments)
        except Exception as error:  # noqa: BLE001  handed to the waiting thread, by type
            exchange.error = error

    def _exchange(self, exchange: _Exchange, arguments: dict[str, Any]) -> Whole:
        timeout: Any = urllib3.Timeout(total=self._seconds, connect=CONNECT_TIMEOUT)
        with self._session.request(
            **arguments, timeout=timeout, allow_redirects=False, stream=True
        ) as answer:
            body = bytearray()
            for piece in answer.iter_content(65_536):
                body += piece
                if len(body) > ANSWER_LIMIT or time.monotonic() > exchange.deadline:
                    raise TimeoutError("the answer is too long or too slow")
            return Whole(answer.status_code, bytes(body), answer.headers)

    def _locked(self, uri: str) -> str:
        asked = urlsplit(uri)
        if asked.netloc != self._base.netloc and not _is_twilio(asked):
            raise NotSent("OtherHost")
        path = self._base.path.rstrip("/") + asked.path if _is_twilio(asked) else asked.path
        return urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))


def _is_twilio(asked: SplitResult) -> bool:
    return asked.scheme == "https" and bool(_TWILIO_HOST.fullmatch(asked.netloc))


def _is_loopback(host: str) -> bool:
    """A server on this machine is never reached through a proxy of the environment."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
