"""The requests the carrier makes: signed, timed, logged, and unlucky when told to be."""

from __future__ import annotations

import http.client
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from helpline.simulator.clock import Clock
from helpline.simulator.faults import Fault, FaultBoard
from helpline.simulator.ledger import Ledger
from helpline.simulator.settings import SimulatorSettings
from helpline.simulator.signing import sign

Fields = Sequence[tuple[str, str]]
CONNECT_TIMEOUT = 5.0
LARGEST_ANSWER = 256 * 1024
_ANSWERED = frozenset({"sms", "voice"})
"""Webhooks whose answer is obeyed: it is kept with the request, for every copy of it."""
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~"


@dataclass(frozen=True)
class Reply:
    """What came back. `error_code` is Twilio's (0 when the answer was a 2xx)."""

    status: int | None
    content_type: str = ""
    body: bytes = b""
    error_code: int = 0
    error: str = ""
    milliseconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.error_code == 0


@dataclass
class _Batch:
    """Requests held back together, and the order they will leave in."""

    size: int = 0
    order: list[int] | None = None
    turn: int = 0


@dataclass
class WebhookClient:
    """Sends webhooks for one account.

    Rules: https://www.twilio.com/docs/usage/webhooks/getting-started-twilio-webhooks and
    https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (15 s in all, a
    refused connection is tried once more, the fragment is neither sent nor signed).
    """

    settings: SimulatorSettings
    ledger: Ledger
    faults: FaultBoard
    clock: Clock
    _batch: _Batch = field(default_factory=_Batch)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def send(self, kind: str, url: str, fields: Fields, method: str = "POST") -> Reply:
        """Request `url` and return its answer; never raises for anything the application does."""
        struck = {fault.kind: fault for fault in self.faults.take("webhook", kind)}
        if "webhook.drop" in struck:
            return self._log(
                kind, url, fields, Reply(None, error_code=11200, error="dropped on purpose")
            )
        if delay := struck.get("webhook.delay"):
            self._stopping.wait(delay.seconds)
        with self._reordered(struck.get("webhook.reorder")):
            reply = self._copies(kind, url, fields, method, struck)
        if "webhook.drop_reply" in struck:
            return Reply(
                None,
                error_code=11205,
                error="answer lost on purpose",
                milliseconds=reply.milliseconds,
            )
        return reply

    def stop(self) -> None:
        """Let delayed requests go at once."""
        self._stopping.set()

    def is_unordered(self, kind: str) -> bool:
        """Whether requests of this kind may overtake each other just now."""
        unordered = ("webhook.reorder", "webhook.delay")
        return any(f.kind in unordered and f.on in ("*", kind) for f in self.faults.list_faults())

    @contextmanager
    def _reordered(self, fault: Fault | None) -> Iterator[None]:
        if fault is None:
            yield
            return
        with self.ledger.changed:
            batch, mine = self._batch, self._batch.size
            batch.size += 1
            full = batch.size >= fault.hold
            if full or not self.ledger.wait_for(lambda: batch.order is not None, fault.seconds):
                self._release(batch)
            self.ledger.wait_for(
                lambda: batch.order is not None and batch.order[batch.turn] == mine, 60
            )
        try:
            yield
        finally:
            with self.ledger.changed:
                batch.turn = min(batch.turn + 1, batch.size - 1)
                self.ledger.changed.notify_all()

    def _release(self, batch: _Batch) -> None:
        batch.order = self.faults.shuffled(batch.size)
        if self._batch is batch:
            self._batch = _Batch()
        self.ledger.changed.notify_all()

    def _copies(
        self, kind: str, url: str, fields: Fields, method: str, struck: dict[str, Fault]
    ) -> Reply:
        token = str(uuid.uuid4())
        wrong = "webhook.bad_signature" in struck
        extra = struck["webhook.duplicate"].copies - 1 if "webhook.duplicate" in struck else 0
        others = [
            threading.Thread(
                target=self._attempt, args=(kind, url, fields, method, token, wrong), daemon=True
            )
            for _ in range(extra)
        ]
        for other in others:
            other.start()
        reply = self._attempt(kind, url, fields, method, token, wrong)
        for other in others:
            other.join(self.settings.webhook_timeout)
        return reply

    def _attempt(
        self, kind: str, url: str, fields: Fields, method: str, token: str, wrong_signature: bool
    ) -> Reply:
        request = self._prepared(url, fields, method, token, wrong_signature)
        if request is None:
            self.ledger.violation(kind, 11210, f"webhook address outside of the application: {url}")
            return self._log(
                kind, url, fields, Reply(None, error_code=11210, error="bad host name")
            )
        started = self.clock.monotonic()
        try:
            reply = self._request(*request)
        except ConnectionRefusedError:
            try:
                reply = self._request(*request)
            except OSError as error:
                reply = Reply(None, error_code=11205, error=f"connection failed: {error}")
        except (OSError, http.client.HTTPException) as error:
            reply = Reply(None, error_code=11205, error=f"{type(error).__name__}: {error}")
        elapsed = round((self.clock.monotonic() - started) * 1000, 2)
        finished = Reply(
            reply.status, reply.content_type, reply.body, reply.error_code, reply.error, elapsed
        )
        return self._log(kind, url, fields, finished)

    def _prepared(
        self, url: str, fields: Fields, method: str, token: str, wrong_signature: bool
    ) -> tuple[str, str, str, bytes | None, dict[str, str]] | None:
        """Where to connect and what to send there; None when the host is not the application's."""
        full = quote(url.partition("#")[0], safe=_URL_SAFE)
        if method == "GET":
            full += ("&" if "?" in full else "?") + urlencode(list(fields))
        base = self._target(full)
        if base is None:
            return None
        path = full_path(base)
        token_used = "wrong" if wrong_signature else self.settings.auth_token
        headers = {
            "Host": urlsplit(full).netloc,
            "Accept": "*/*",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token,
            "X-Home-Region": "us1",
            "X-Twilio-Signature": sign(token_used, full, fields if method == "POST" else ()),
            "Connection": "close",
        }
        body = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            body = urlencode(list(fields)).encode()
        return base, path, method, body, headers

    def _target(self, url: str) -> str | None:
        """The address to really connect to, or None for a host that is none of ours."""
        public, real = self.settings.signed_base_url, self.settings.webhook_base_url.rstrip("/")
        if url == public or url.startswith((public + "/", public + "?")):
            return real + url[len(public) :]
        host = urlsplit(url).hostname or ""
        ours = {urlsplit(real).netloc, *self.settings.allowed_hosts}
        local = host in ("127.0.0.1", "localhost", "::1")
        return url if local or urlsplit(url).netloc in ours else None

    def _request(
        self, target: str, path: str, method: str, body: bytes | None, headers: dict[str, str]
    ) -> Reply:
        parts = urlsplit(target)
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        timeout = self.settings.webhook_timeout
        connection = connect(
            parts.hostname or "", parts.port, timeout=min(CONNECT_TIMEOUT, timeout)
        )
        started = self.clock.monotonic()
        try:
            connection.connect()
            connection.sock.settimeout(max(0.05, timeout - (self.clock.monotonic() - started)))
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
            if answer.length and len(content) < LARGEST_ANSWER:
                # Whoever answered died in the middle: no answer, not a bad document.
                raise http.client.IncompleteRead(content, answer.length)
        finally:
            connection.close()
        good = 200 <= answer.status < 300
        return Reply(
            answer.status,
            answer.headers.get("Content-Type", ""),
            content,
            0 if good else 11200,
            "" if good else f"HTTP {answer.status}",
        )

    def _log(self, kind: str, url: str, fields: Fields, reply: Reply) -> Reply:
        detail: dict[str, Any] = {
            "webhook": kind,
            "url": url,
            "params": dict(fields),
            "status": reply.status,
            "ms": reply.milliseconds,
        }
        if reply.error:
            detail["problem"] = reply.error
        elif reply.body and kind in _ANSWERED:
            detail["answer"] = reply.body.decode("utf-8", "replace")
        self.ledger.record("webhook", **detail)
        return reply


def full_path(url: str) -> str:
    """Path and query of a URL exactly as written, `/` when there is none."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
