"""Texts that pour in while parts of the line die."""

import http.client
import threading
from collections import Counter
from types import TracebackType
from uuid import uuid4

from sqlalchemy import select

from helpline.store import tables
from tests.scenarios.running import Line, inbound
from tests.scenarios.telephone import until

CLIENTS = 4
ENOUGH = 60


class Load:
    """Texts from several senders at once, for the block."""

    def __init__(self, line: Line, clients: int = CLIENTS) -> None:
        self.acknowledged: list[str] = []
        self.others: list[object] = []
        self._line = line
        self._over = threading.Event()
        numbers = [line.caller().number for _ in range(clients)]
        self._threads = [threading.Thread(target=self._send, args=(each,)) for each in numbers]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, more: int = ENOUGH) -> None:
        """Some more are acknowledged."""
        mark = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= mark, f"{more} more texts are acknowledged", 60)

    def missing(self) -> list[str]:
        """Acknowledged texts that are not stored exactly once."""
        stored = Counter(row.sid for row in self._line.rows(select(tables.message.c.sid)))
        return [sid for sid in self.acknowledged if stored[sid] != 1]

    def _send(self, number: str) -> None:
        while not self._over.is_set():
            sid = f"SM{uuid4().hex}"
            try:
                answer = self._line.post("/twilio/sms", inbound(number, sid))
            except (OSError, http.client.HTTPException) as error:
                self.others.append(type(error).__name__)
                self._over.wait(0.02)
                continue
            if answer.status == 200:
                self.acknowledged.append(sid)
            else:
                self.others.append(answer.status)
