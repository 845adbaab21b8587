"""The load generator, a process of its own: `python -m bench.load`, told what to do on stdin.

One JSON line in, one out. `{"do": "open", …}` names the endpoint; `{"do": "make"}` prepares
requests; `{"do": "slice"}` sends them over keep-alive connections in a closed loop: each
connection sends its next request when the answer to the last one is here. Only the standard
library, one thread, one selector: it must be cheaper than what it measures.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter, deque
from typing import Any

from bench.calls import Calls, Requests
from bench.texts import Callers, Endpoint, static_request

PATIENCE = 15.0
"""Seconds after which the carrier gives up on a webhook."""
_VERBS = {"rings": "Gather", "steps": "Gather"}
"""What is answered where it is not a message."""


class Connection:
    """One keep-alive connection of the closed loop and the request that is under way."""

    def __init__(self, address: tuple[str, int], requests: Requests) -> None:
        self._address = address
        self._requests = requests
        self._answer: bytes | None = None
        self._request = b""
        self._begun = 0.0
        self._got = bytearray()
        self.socket: socket.socket | None = None
        self.reconnects = 0

    def send(self, selector: selectors.BaseSelector) -> bool:
        """Send the next request; False when there is none left."""
        try:
            self._request = self._requests.send(self._answer)
        except StopIteration:
            return False
        self._begun = time.perf_counter()
        self._put(selector)
        return True

    def receive(self, selector: selectors.BaseSelector) -> tuple[float, bytes] | None:
        """Seconds and the whole answer, once it is here."""
        assert self.socket is not None
        try:
            block = self.socket.recv(65536)
        except ConnectionError:
            block = b""
        if not block:
            self._closed(selector)
            return None
        self._got += block
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return None
        headers = bytes(self._got[:head]).lower()
        length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self._got) < head + 4 + length:
            return None
        taken = time.perf_counter() - self._begun
        answer = self._answer = bytes(self._got)
        self._got.clear()
        if b"connection: close" in headers:
            self.close(selector)
        return taken, answer

    def close(self, selector: selectors.BaseSelector) -> None:
        """Let go of the socket."""
        if self.socket is not None:
            selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def _put(self, selector: selectors.BaseSelector) -> None:
        if self.socket is None:
            self.socket = socket.create_connection(self._address, timeout=PATIENCE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(self.socket, selectors.EVENT_READ, self)
        try:
            self.socket.sendall(self._request)
        except ConnectionError:
            self._closed(selector)

    def _closed(self, selector: selectors.BaseSelector) -> None:
        """The server let go of an idle connection just as we sent: once more, like the carrier.

        The time runs on; a repeat of the same id is answered as the first was.
        """
        self.close(selector)
        if self._got:
            raise ConnectionError("the server stopped in the middle of an answer")
        self.reconnects += 1
        if self.reconnects > 1000:
            raise ConnectionError("the server keeps closing connections without an answer")
        self._put(selector)


class Generator:
    """Prepared requests, and slices of a closed loop over them."""

    def __init__(self, endpoint: Endpoint, connections: int, seed: int) -> None:
        self._endpoint = endpoint
        self._callers = Callers(endpoint, seed)
        self._lanes: list[deque[bytes]] = [deque() for _ in range(connections)]
        self._danger: deque[bytes] = deque()
        self._calls = [Calls(self._callers) for _ in range(connections)]

    def make(self, requests: int, danger: int = 0) -> int:
        """Prepare at least so many; how many callers' requests are ready."""
        each = requests // len(self._lanes) + 1
        for lane in self._lanes:
            if len(lane) < each:
                lane.extend(self._callers.lane(each - len(lane)))
        if len(self._danger) < danger:
            self._danger.extend(self._callers.danger(danger - len(self._danger)))
        return sum(map(len, self._lanes))

    def slice(self, seconds: float, what: str, connections: int, most: int = 0) -> dict[str, Any]:
        """Send for so long (or so many), wait for the last answers; what came of it."""
        sources = self._sources(what, connections, most)
        address = (self._endpoint.host, self._endpoint.port)
        loop = [Connection(address, source) for source in sources]
        cpu, begun = time.process_time(), time.perf_counter()
        latencies, wrong = _drive(loop, begun + seconds, what)
        elapsed = time.perf_counter() - begun
        return {
            "elapsed": elapsed,
            "latencies": latencies,
            "wrong": wrong,
            "dry": self._is_dry(what),
            "broken_off": sum(calls.broken_off for calls in self._calls),
            "reconnects": sum(connection.reconnects for connection in loop),
            "cpu": time.process_time() - cpu,
        }

    def _is_dry(self, what: str) -> bool:
        if what == "steps":
            return not all(map(len, self._calls))
        return what == "mix" and not all(self._lanes)

    def _sources(self, what: str, connections: int, most: int) -> list[Requests]:
        match what:
            case "static":
                return [_again(static_request(self._endpoint)) for _ in range(connections)]
            case "danger":
                share = _drain(self._danger, most)
                return [share] * connections
            case "rings":
                return [calls.rings() for calls in self._calls[:connections]]
            case "steps":
                return [calls.steps() for calls in self._calls[:connections]]
        return [_drain(lane) for lane in self._lanes[:connections]]


def _again(request: bytes) -> Requests:
    while True:
        yield request


def _drain(queue: deque[bytes], most: int = 0) -> Requests:
    sent = 0
    while queue and (not most or sent < most):
        sent += 1
        yield queue.popleft()


def _drive(loop: list[Connection], ends: float, what: str) -> tuple[list[float], dict[str, int]]:
    latencies: list[float] = []
    wrong: Counter[str] = Counter()
    with selectors.DefaultSelector() as selector:
        busy = sum(connection.send(selector) for connection in loop)
        while busy:
            ready = selector.select(PATIENCE)
            if not ready:
                wrong["no answer within 15 s"] += busy
                break
            for key, _ in ready:
                connection: Connection = key.data
                got = connection.receive(selector)
                if got is None:
                    continue
                latencies.append(got[0])
                if problem := judge(got[1], _VERBS.get(what, "Message")):
                    wrong[problem] += 1
                if time.perf_counter() >= ends or not connection.send(selector):
                    busy -= 1
        for connection in loop:
            connection.close(selector)
    return latencies, dict(wrong)


def judge(answer: bytes, verb: str = "Message") -> str:
    """What is wrong with an answer; nothing when it is TwiML with this verb."""
    status = answer[9:12].decode("latin-1")
    if status != "200":
        return f"status {status}"
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"content-type: text/xml" not in head.lower():
        return "not XML"
    if f"<{verb}".encode() not in body:
        return f"no {verb}"
    return ""


def main() -> int:
    """Obey one line after the other until stdin ends."""
    generator: Generator | None = None
    for line in sys.stdin:
        order = json.loads(line)
        answer: Any
        match order.pop("do"):
            case "open":
                endpoint = Endpoint(**order.pop("endpoint"))
                generator = Generator(endpoint, **order)
                answer = {}
            case "make":
                assert generator is not None
                answer = {"ready": generator.make(**order)}
            case "slice":
                assert generator is not None
                answer = generator.slice(**order)
            case unknown:
                answer = {"error": f"unknown order {unknown}"}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
