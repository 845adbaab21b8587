"""The carrier's book: what the simulator wrote down, read without asking the line anything."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
_TOKEN = re.compile(r"[0-9a-f]{8,}")
_DIRECT = re.compile(r"[0-9a-f]{24}-\d+-(?P<whom>\d+)-[ctk]\d+")
"""Page, step, member of staff, and call or text: names of what has no row (CONTRACT 6)."""


@dataclass
class Inbound:
    """A text that somebody sent: every delivery of it, and what each was answered."""

    sid: str
    phone: str
    body: str
    place: int
    deliveries: list[tuple[int | None, str]] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        """Did the line say that it has it?"""
        return any(status is not None and 200 <= status < 300 for status, _ in self.deliveries)

    @property
    def answers(self) -> list[tuple[str, ...]]:
        """The texts of each answer that was given."""
        return [
            tuple(texts_of(answer))
            for status, answer in self.deliveries
            if status is not None and 200 <= status < 300
        ]


@dataclass
class Made:
    """A call or a text that the carrier made because the line asked: places in the book."""

    sid: str
    to: str
    token: str
    place: int
    body: str = ""
    over: int | None = None

    @property
    def direct(self) -> str:
        """Whom it was for, when it was asked for without the database; else nothing."""
        known = _DIRECT.fullmatch(self.token)
        return known["whom"] if known else ""


@dataclass(frozen=True)
class Book:
    """Everything that crossed the wire, in order."""

    inbound: dict[str, Inbound]
    rings: frozenset[str]
    """The sids of calls to the line."""
    calls: dict[str, Made]
    texts: dict[str, Made]
    refusals: tuple[str, ...]
    """What the real carrier would have refused."""
    failures: tuple[str, ...]
    """Webhooks that the line answered with an error of its own."""
    breakdowns: tuple[str, ...]
    """Mistakes of the simulator: they spoil the proof."""


def read(path: Path) -> Book:
    """The book of a run, from its ledger file."""
    with path.open(encoding="utf-8") as lines:
        return read_events(json.loads(line) for line in lines if line.endswith("\n"))


def read_events(events: Iterable[dict[str, Any]]) -> Book:
    """The same from events, one dictionary each."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return Book(
        reader.inbound,
        frozenset(reader.rings),
        reader.calls,
        reader.texts,
        tuple(reader.refusals),
        tuple(reader.failures),
        tuple(reader.breakdowns),
    )


def texts_of(twiml: str) -> Iterator[str]:
    """The bodies of a messaging document."""
    if not twiml.strip():
        return
    for message in ElementTree.fromstring(twiml).iter("Message"):  # noqa: S314 - our own answer
        body = message.find("Body")
        yield ("".join((message if body is None else body).itertext())).strip()


class _Reader:
    def __init__(self) -> None:
        self.inbound: dict[str, Inbound] = {}
        self.rings: set[str] = set()
        self.calls: dict[str, Made] = {}
        self.texts: dict[str, Made] = {}
        self.refusals: list[str] = []
        self.failures: list[str] = []
        self.breakdowns: list[str] = []

    def take(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "text.sent":
                known = Inbound(event["sid"], event["phone"], event["body"], event["n"])
                self.inbound.setdefault(event["sid"], known)
            case "webhook":
                self._webhook(event)
            case "message.status" if event.get("callback"):
                self._text(event)
            case "call.status":
                self._call(event)
            case "violation":
                self.refusals.append(f"{event['where']} {event['code']} {event['message']}")
            case "error" if str(event["message"]).startswith("simulator failed"):
                self.breakdowns.append(str(event["message"]))

    def _webhook(self, event: dict[str, Any]) -> None:
        status = event["status"]
        if status is not None and (status >= 500 or status == 403):
            self.failures.append(f"{event['webhook']} {urlsplit(event['url']).path}: {status}")
        if event["webhook"] == "sms" and event["params"]["MessageSid"] in self.inbound:
            delivery = (status, event.get("answer", ""))
            self.inbound[event["params"]["MessageSid"]].deliveries.append(delivery)

    def _text(self, event: dict[str, Any]) -> None:
        sid = event["message"]
        made = Made(sid, event["to"], _token(event["callback"]), event["n"], event["body"])
        self.texts.setdefault(sid, made)

    def _call(self, event: dict[str, Any]) -> None:
        sid = event["call"]
        if event["direction"] == "inbound":
            self.rings.add(sid)
        if event["direction"] == "outbound-api" and sid not in self.calls:
            token = _token(event.get("callback", ""))
            self.calls[sid] = Made(sid, event["to"], token, event["n"])
        if sid in self.calls and event["status"] in OVER:
            self.calls[sid].over = event["n"]


def _token(url: str) -> str:
    """The opaque id in a callback address."""
    values = [value for _, value in parse_qsl(urlsplit(url).query)]
    named = (_TOKEN, _DIRECT)
    return next((value for value in values if any(each.fullmatch(value) for each in named)), "")
