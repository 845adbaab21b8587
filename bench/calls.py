"""Callers who ring and answer with keys, as signed webhooks: what a gather step is asked with.

What may be asked next stands in the answer (the name of the open prompt), so these requests are
signed while they are sent. A call that rang stays open, and is walked through its script later.
"""

import re
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from bench.texts import ACCOUNT, LINE, Callers

RING, STEP = "/twilio/voice", "/twilio/voice/heard"
SCRIPTS = (
    # For oneself, to the end: a case, a callback, and the honest wait.
    "1|2|3|3|1|2|7|6|5|leeds|1|1|1|1|sam|1",
    # Blood in the urine: the promise of a call within the hour comes half-way.
    "1|2|3|3|1|2|1|6|1|1",
    # For somebody else.
    "2|2|3|2|1|1|1|2|1|boston|2|1|2|1|kim|1",
    # Ketamine that a doctor prescribed.
    "3|2|3|3|2|1|2|1",
)
_GROUP = 10
"""Calls of one connection that take turns, so that their rows are not always warm."""
_TOKEN = re.compile(rb'action="/twilio/voice/heard\?attempt=([\w-]+)"')

Requests = Generator[bytes, bytes | None, None]
"""What a connection sends; it is given the answer to each before it is asked for the next."""


@dataclass(slots=True)
class Call:
    """A call in progress: what its caller answers, and the prompt that is open."""

    sid: str
    number: str
    script: Iterator[str]
    token: str = ""

    def fields(self, **more: str) -> dict[str, str]:
        """The fields of a recorded voice webhook, with the geography that the carrier adds."""
        geography = {
            f"{side}{what}": value
            for side, country in (("From", "US"), ("Caller", "US"), ("To", "US"), ("Called", "US"))
            for what, value in (("City", ""), ("Country", country), ("State", "MA"), ("Zip", ""))
        }
        return {
            **geography,
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": self.number,
            "Caller": self.number,
            "To": LINE,
            "Called": LINE,
            **more,
        }

    def is_open(self, answer: bytes | None) -> bool:
        """Note the prompt of an answer; False when it asks nothing that was not asked before."""
        found = _TOKEN.search(answer or b"")
        token = found[1].decode() if found else ""
        known, self.token = self.token, token
        return bool(token) and token != known


class Calls:
    """The calls of one connection: rung in one slice, walked through in another."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._open: deque[Call] = deque()
        self._group: deque[Call] = deque()
        self.broken_off = 0
        """Calls that were asked nothing new while their script went on."""

    def __len__(self) -> int:
        return len(self._open) + len(self._group)

    def rings(self) -> Requests:
        """First rings of new callers, without end."""
        while True:
            call = Call(
                self._callers.sid("CA"), self._callers.number(), self._callers.walk(SCRIPTS)
            )
            answer = yield self._callers.signed(RING, call.fields(CallStatus="ringing"))
            if call.is_open(answer):
                self._open.append(call)

    def steps(self) -> Requests:
        """Answers of the callers on the line, ten taking turns, until nobody is left."""
        while len(self):
            while self._open and len(self._group) < _GROUP:
                self._group.append(self._open.popleft())
            call = self._group.popleft()
            said = next(call.script, None)
            if said is None:
                continue
            answer = yield self._callers.signed(f"{STEP}?attempt={call.token}", _heard(call, said))
            if call.is_open(answer):
                self._group.append(call)
            else:
                self.broken_off += next(call.script, None) is not None


def _heard(call: Call, said: str) -> dict[str, str]:
    if said.isdigit():
        return call.fields(Digits=said, FinishedOnKey="", msg="Gather End")
    return call.fields(SpeechResult=said, Confidence="0.92", Language="en-US")
