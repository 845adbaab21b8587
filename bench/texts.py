"""What the load is made of: callers who walk whole triage scripts, as signed webhooks.

Every request is made and signed beforehand, so that the generator only sends.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

LINE = "+15005550006"
ACCOUNT = "AC" + "0" * 32
PATH = "/twilio/sms"

SCRIPTS = (
    # For oneself, to the end: a case, a callback and its effect.
    "hi|1|2|3|3|1|2|7|6|5|leeds|1|1|1|1|sam|1|thanks",
    # Blood in the urine: the promise of a call within the hour comes half-way.
    "hi, i need help with ket|2|3|3|1|2|1|6|1|1|ok thank you",
    # For somebody else.
    "hello|2|2|3|2|1|1|1|2|1|boston|2|1|2|1|kim|1",
    # Ketamine that a doctor prescribed.
    "hi there|3|2|3|3|2|1|2|1|1|thanks a lot",
)
DANGER = (
    "i took all my pills and cant stay awake",
    "i want to kill myself tonight",
    "she took too much and wont wake up what do i do",
    "i cant do this any more, i want to die",
)
_AREAS = (202, 212, 213, 305, 312, 404, 415, 503, 512, 602, 612, 617, 702, 713, 718, 801, 901)
_GROUP = 10
"""Callers of one connection who take turns, so that their rows are not always warm."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and what they are signed for."""

    host: str
    port: int
    public_base_url: str
    token: str


def sign(token: str, url: str, fields: dict[str, str]) -> str:
    """`X-Twilio-Signature`: HMAC-SHA1 over the address and the sorted fields."""
    said = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), said.encode(), hashlib.sha1)).decode()


def fields_of(sid: str, sender: str, body: str) -> dict[str, str]:
    """The fields of a recorded SMS webhook, with the geography that the carrier adds."""
    return {
        "ToCountry": "US",
        "ToState": "District Of Columbia",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "01022",
        "SmsSid": sid,
        "FromState": "MA",
        "SmsStatus": "received",
        "FromCity": "CHICOPEE",
        "Body": body,
        "FromCountry": "US",
        "To": LINE,
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }


def request(endpoint: Endpoint, sid: str, sender: str, body: str) -> bytes:
    """The bytes of one signed webhook of a text."""
    return signed(endpoint, PATH, fields_of(sid, sender, body))


def signed(endpoint: Endpoint, path: str, fields: dict[str, str]) -> bytes:
    """The bytes of one signed webhook; `path` with its query."""
    content = urlencode(fields).encode()
    signature = sign(endpoint.token, endpoint.public_base_url + path, fields)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {endpoint.host}:{endpoint.port}\r\n"
        "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nConnection: keep-alive\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        "I-Twilio-Idempotency-Token: 6f1c3f10-5f0a-4a55-9d39-0c3e3a6c8f11\r\n"
        f"X-Home-Region: us1\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def static_request(endpoint: Endpoint) -> bytes:
    """The same webhook for the view that does nothing with it: what the generator can do."""
    made = request(endpoint, "SM" + "0" * 32, "+12025550123", "hi")
    return made.replace(PATH.encode(), b"/static", 1)


class Callers:
    """An endless supply of new callers and ids; the same seed gives the same ones."""

    def __init__(self, endpoint: Endpoint, seed: int) -> None:
        self._endpoint = endpoint
        self._random = random.Random(seed)  # nosec B311
        self._next = 0

    def lane(self, at_least: int) -> Iterator[bytes]:
        """Requests of one connection: groups of callers take turns, each in their order."""
        made = 0
        while made < at_least:
            walks = [(self.number(), list(self.walk(SCRIPTS))) for _ in range(_GROUP)]
            for step in range(max(len(script) for _, script in walks)):
                for number, script in walks:
                    if step < len(script):
                        yield self._text(number, script[step])
                        made += 1

    def danger(self, count: int) -> Iterator[bytes]:
        """Words of danger, each from a new caller."""
        for index in range(count):
            yield self._text(self.number(), DANGER[index % len(DANGER)])

    def walk(self, scripts: Sequence[str]) -> Iterator[str]:
        """What one caller says, in order: one of the scripts by chance."""
        return iter(self._random.choice(scripts).split("|"))

    def number(self) -> str:
        """A number with exchange 555, which is nobody's, of one area after the other."""
        area, line = divmod(self._next, 10_000)
        self._next += 1
        return f"+1{_AREAS[area % len(_AREAS)]}555{line:04}"

    def sid(self, kind: str) -> str:
        """A new carrier id: SM for a text, CA for a call."""
        return f"{kind}{self._random.getrandbits(128):032x}"

    def signed(self, path: str, fields: dict[str, str]) -> bytes:
        """A webhook for the endpoint of these callers."""
        return signed(self._endpoint, path, fields)

    def _text(self, number: str, body: str) -> bytes:
        return request(self._endpoint, self.sid("SM"), number, body)
