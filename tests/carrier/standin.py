"""A real HTTP server that stands for Twilio, and orders to send to it."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from helpline.carrier.client import Account, TwilioCarrier
from helpline.domain.delivery import (
    CallOrder,
    TextOrder,
)
from helpline.domain.phone import PhoneNumber

CALLER = PhoneNumber("+12025550123")
LINE = PhoneNumber("+15005550006")
TOKEN = "AtT-emp_t1"
PUBLIC = "https://line.example"
COUNTRIES = frozenset({"US", "GB", "CA"})
SINCE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[["Asked"], "Reply | None"]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class Server:
    """A scripted server: `answer` decides; None closes without an answer."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    answer: Answering = lambda _asked: reply(201, {"sid": "SM" + "0" * 32})
    let_go: threading.Event = field(default_factory=threading.Event)


def reply(status: int, body: Any, **headers: str) -> Reply:
    return status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode()


def make_carrier(url: str, **changes: Any) -> TwilioCarrier:
    settings: dict[str, Any] = {"timeout": 2.0} | changes
    return TwilioCarrier(Account("ACmain", "secret"), url, PUBLIC, COUNTRIES, **settings)


def text(**changes: Any) -> TextOrder:
    order: dict[str, Any] = {"to": CALLER, "sender": LINE, "body": "hi é", "token": TOKEN}
    return TextOrder(**(order | changes))


def call(**changes: Any) -> CallOrder:
    order: dict[str, Any] = {
        "to": CALLER,
        "sender": LINE,
        "entrance": "/twilio/voice/page",
        "token": TOKEN,
        "ring": timedelta(seconds=25),
    }
    return CallOrder(**(order | changes))
