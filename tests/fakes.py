"""The three parts that tests may fake: the carrier, the bell and the clock (house rule 10)."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, event

from helpline.domain.delivery import (
    Accepted,
    CallOrder,
    CarrierCall,
    CarrierText,
    LegState,
    Outcome,
    TextOrder,
)
from helpline.domain.phone import PhoneNumber
from helpline.runtime import BellBroken

AFTERNOON = datetime(2026, 11, 23, 18, tzinfo=UTC)
"""A Monday, one o'clock in New York."""


class Killed(BaseException):
    """The worker was killed here; nothing of the program may catch it."""


class FakeClock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime = AFTERNOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        self._now += timedelta(seconds=seconds, **parts)
        return self._now


class FakeBell:
    """Remembers who was rung for; `broken` behaves like a Redis that is away."""

    def __init__(self) -> None:
        self.hinted: list[tuple[str, int]] = []
        self.rung: list[tuple[str, int]] = []
        self.broken = False

    def hint(self, queue: str, outbox_id: int) -> bool:
        self.hinted.append((queue, outbox_id))
        return not self.broken

    def ring(self, queue: str, outbox_ids: tuple[int, ...]) -> int:
        if self.broken:
            raise BellBroken("away")
        self.rung += [(queue, outbox_id) for outbox_id in outbox_ids]
        return len(outbox_ids)

    def waiting(self, queue: str) -> int:
        """Workers took every ring at once; a broken bell cannot tell."""
        if self.broken:
            raise BellBroken("away")
        return 0


class OpenConnections:
    """How many connections of an engine this thread holds."""

    def __init__(self, engine: Engine) -> None:
        self._held: dict[int, int] = {}
        self._lock = threading.Lock()
        self._engine = engine
        event.listen(engine, "checkout", self._out)
        event.listen(engine, "checkin", self._in)

    def _out(self, _raw: object, record: object, _proxy: object) -> None:
        record.info["held by"] = threading.get_ident()  # type: ignore[attr-defined]
        self._count(threading.get_ident(), 1)

    def _in(self, _raw: object, record: object) -> None:
        self._count(record.info.pop("held by", threading.get_ident()), -1)  # type: ignore[attr-defined]

    def _count(self, thread: int, change: int) -> None:
        with self._lock:
            self._held[thread] = self._held.get(thread, 0) + change

    @property
    def here(self) -> int:
        with self._lock:
            return self._held.get(threading.get_ident(), 0)

    def forget(self) -> None:
        event.remove(self._engine, "checkout", self._out)
        event.remove(self._engine, "checkin", self._in)


Scripted = Outcome | BaseException
Hook = Callable[[TextOrder | CallOrder], None]


class FakeCarrier:
    """Records orders and answers as scripted; without a script it accepts.

    `log_away` makes its log unreadable. `lost` are outcomes after which the carrier did
    take the order though it never said so. `during` runs while the carrier is asked,
    `during_look` while its log is read. No transaction may be open meanwhile (DESIGN 7).
    """

    def __init__(self, connections: OpenConnections | None = None) -> None:
        self.texts: list[TextOrder] = []
        self.calls: list[CallOrder] = []
        self.ended: list[str] = []
        self.deleted: list[str] = []
        self.moved: list[tuple[str, str, str]] = []
        self.text_script: deque[Scripted] = deque()
        self.call_script: deque[Scripted] = deque()
        self.move_script: deque[Scripted] = deque()
        self.log_texts: list[CarrierText] = []
        self.log_calls: list[CarrierCall] = []
        self.looked_up = 0
        self.log_away = False
        self.takes_what_it_never_confirms = False
        self.during: Hook | None = None
        self.during_look: Callable[[], None] | None = None
        self._connections = connections
        self._lock = threading.Lock()
        self._sids = 0

    def send_text(self, order: TextOrder) -> Outcome:
        with self._lock:
            self.texts.append(order)
        outcome, sid = self._answer(order, self.text_script, "SM")
        if isinstance(outcome, Accepted) or self.takes_what_it_never_confirms:
            self.log_texts.append(
                CarrierText(sid, order.to.e164, order.sender.e164, order.body, False, None, None)
            )
        return _said(outcome)

    def place_call(self, order: CallOrder) -> Outcome:
        with self._lock:
            self.calls.append(order)
        outcome, sid = self._answer(order, self.call_script, "CA")
        if isinstance(outcome, Accepted) or self.takes_what_it_never_confirms:
            self.log_calls.append(
                CarrierCall(sid, order.to.e164, order.sender.e164, LegState.QUEUED, None)
            )
        return _said(outcome)

    def end_call(self, sid: str) -> Outcome:
        self._no_transaction()
        self.ended.append(sid)
        return Accepted(sid)

    def redirect_call(self, sid: str, entrance: str, token: str) -> Outcome:
        self._no_transaction()
        self.moved.append((sid, entrance, token))
        return _said(self.move_script.popleft() if self.move_script else Accepted(sid))

    def fetch_recording(self, sid: str) -> bytes | None:
        self._no_transaction()
        if self.log_away:
            raise ConnectionError("the carrier does not answer")
        return None if sid in self.deleted else b"ID3" + sid.encode()

    def delete_recording(self, sid: str) -> Outcome:
        self._no_transaction()
        self.deleted.append(sid)
        return Accepted(sid)

    def find_call(self, sid: str) -> CarrierCall | None:
        self._look()
        return next((call for call in self.log_calls if call.sid == sid), None)

    def list_calls(self, to: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        self._look()
        return tuple(call for call in self.log_calls if call.to == to.e164)

    def list_texts(self, to: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        self._look()
        return tuple(text for text in self.log_texts if text.to == to.e164)

    def list_inbound_texts(self, line: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        self._look()
        return tuple(
            text
            for text in self.log_texts
            if text.inbound
            and text.to.removeprefix("whatsapp:") == line.e164
            and (text.sent_at is None or text.sent_at >= since)
        )

    def list_inbound_calls(self, line: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        self._look()
        return tuple(
            call
            for call in self.log_calls
            if call.to == line.e164 and (call.started_at is None or call.started_at >= since)
        )

    def texts_to(self, number: str) -> list[str]:
        return [order.body for order in self.texts if order.to.e164 == number]

    def calls_to(self, number: str) -> list[CallOrder]:
        return [order for order in self.calls if order.to.e164 == number]

    def _look(self) -> None:
        self._no_transaction()
        self.looked_up += 1
        if self.during_look is not None:
            self.during_look()
        if self.log_away:
            raise ConnectionError("log unreadable")

    def _answer(
        self, order: TextOrder | CallOrder, script: deque[Scripted], kind: str
    ) -> tuple[Scripted, str]:
        self._no_transaction()
        if self.during is not None:
            self.during(order)
        with self._lock:
            self._sids += 1
            sid = f"{kind}{self._sids:032x}"
            scripted = script.popleft() if script else Accepted(sid)
        return scripted, scripted.sid if isinstance(scripted, Accepted) else sid

    def _no_transaction(self) -> None:
        if self._connections is not None:
            assert self._connections.here == 0, "a transaction is open during a carrier call"


def _said(outcome: Scripted) -> Outcome:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
