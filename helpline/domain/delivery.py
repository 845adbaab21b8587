"""What is asked of the carrier, what it may answer, and how states move: forward only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from helpline.domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class TextOrder:
    """A text to send. `token` is the opaque id in the status callback's address."""

    to: PhoneNumber
    sender: PhoneNumber
    body: str
    token: str
    whatsapp: bool = False


@dataclass(frozen=True, slots=True)
class MachineWatch:
    """Listen for an answering machine beside the call, for `patience` at most; our webhook
    `entrance` is told who answered."""

    entrance: str
    patience: timedelta


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A leg to ring. `entrance` is the path of our webhook that speaks when it is answered.

    Without a `watch` nobody finds out whether a machine answers.
    """

    to: PhoneNumber
    sender: PhoneNumber
    entrance: str
    token: str
    ring: timedelta
    watch: MachineWatch | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier took it."""

    sid: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never work like this: bad number, opted out, landline."""

    code: int
    reason: str

    @property
    def opted_out(self) -> bool:
        """The person told the carrier to stop (error 21610)."""
        return self.code == OPTED_OUT


@dataclass(frozen=True, slots=True)
class TryLater:
    """It did not happen; asking again later may work."""

    after: timedelta
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer in time: it may have happened."""

    reason: str


Outcome = Accepted | Refused | TryLater | Unknown

OPTED_OUT = 21610


class LegState(StrEnum):
    """The life of one telephone leg or text at the carrier."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    QUEUED = "queued"
    RINGING = "ringing"
    ANSWERED = "answered"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Nothing more will happen to this leg."""
        return _LEG_RANK[self] == _LEG_RANK[LegState.COMPLETED]


_LEG_RANK = {
    LegState.PLANNED: 0,
    LegState.SENDING: 1,
    LegState.UNKNOWN: 2,
    LegState.QUEUED: 3,
    LegState.RINGING: 4,
    LegState.ANSWERED: 5,
    LegState.COMPLETED: 9,
    LegState.BUSY: 9,
    LegState.NO_ANSWER: 9,
    LegState.FAILED: 9,
    LegState.CANCELED: 9,
}

_CARRIER_CALL_STATES = {
    "queued": LegState.QUEUED,
    "initiated": LegState.QUEUED,
    "ringing": LegState.RINGING,
    "in-progress": LegState.ANSWERED,
    "answered": LegState.ANSWERED,
    "completed": LegState.COMPLETED,
    "busy": LegState.BUSY,
    "no-answer": LegState.NO_ANSWER,
    "failed": LegState.FAILED,
    "canceled": LegState.CANCELED,
}


def leg_state(carrier_status: str) -> LegState | None:
    """Our word for the carrier's ``CallStatus``; None for one we do not know."""
    return _CARRIER_CALL_STATES.get(carrier_status)


_GREETING_OVER = frozenset({"machine_end_beep", "machine_end_silence", "machine_end_other"})


def greeting_is_over(answered_by: str | None) -> bool:
    """Did a machine answer whose greeting has ended? Every other verdict is doubt: a person, a
    fax, a machine that still speaks, unknown, or a word that the carrier never says."""
    return answered_by in _GREETING_OVER


def leg_forward(current: LegState, reported: LegState) -> LegState:
    """The later of the two: receipts arrive late, twice and out of order."""
    return reported if _LEG_RANK[reported] > _LEG_RANK[current] else current


class TextState(StrEnum):
    """The life of one outgoing text."""

    WAITING = "waiting"
    SENDING = "sending"
    UNKNOWN = "unknown"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


_TEXT_RANK = {
    TextState.WAITING: 0,
    TextState.SENDING: 1,
    TextState.UNKNOWN: 2,
    TextState.QUEUED: 3,
    TextState.SENT: 4,
    TextState.DELIVERED: 9,
    TextState.UNDELIVERED: 9,
    TextState.FAILED: 9,
}

_CARRIER_TEXT_STATES = {
    "accepted": TextState.QUEUED,
    "scheduled": TextState.QUEUED,
    "queued": TextState.QUEUED,
    "sending": TextState.QUEUED,
    "sent": TextState.SENT,
    "delivered": TextState.DELIVERED,
    "read": TextState.DELIVERED,
    "undelivered": TextState.UNDELIVERED,
    "failed": TextState.FAILED,
    "canceled": TextState.FAILED,
}


def text_state(carrier_status: str) -> TextState | None:
    """Our word for the carrier's ``MessageStatus``; None for one we do not know."""
    return _CARRIER_TEXT_STATES.get(carrier_status)


def text_forward(current: TextState, reported: TextState) -> TextState:
    """The later of the two (RELIABILITY C, status callbacks)."""
    return reported if _TEXT_RANK[reported] > _TEXT_RANK[current] else current


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier lists it."""

    sid: str
    to: str
    sender: str
    state: LegState
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class CarrierText:
    """A text as the carrier lists it; `inbound` when it came from a phone."""

    sid: str
    to: str
    sender: str
    body: str
    inbound: bool
    state: TextState | None
    sent_at: datetime | None
    media: int = 0
