"""What every use case receives: one frozen value with the parts it may use.

There is no container and no global. `helpline.wiring.build_runtime` makes the real
one; tests make one with a fake carrier, bell or clock.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol as Interface

from helpline.domain.delivery import CallOrder, CarrierCall, CarrierText, Outcome, TextOrder
from helpline.domain.phone import PhoneNumber
from helpline.domain.protocol import Protocol
from helpline.store import Store


class Carrier(Interface):
    """Twilio or anything that speaks its API. Never raises for what a carrier can answer."""

    def send_text(self, order: TextOrder) -> Outcome:
        """Ask the carrier to deliver a text."""
        ...

    def place_call(self, order: CallOrder) -> Outcome:
        """Ask the carrier to ring a telephone."""
        ...

    def end_call(self, sid: str) -> Outcome:
        """Hang up a leg that rings or talks."""
        ...

    def redirect_call(self, sid: str, entrance: str, token: str) -> Outcome:
        """Send a live leg to another of our webhooks."""
        ...

    def delete_recording(self, sid: str) -> Outcome:
        """Delete a recording for good; one that is gone already is Accepted."""
        ...

    def fetch_recording(self, sid: str) -> bytes | None:
        """The sound of a recording as MP3; None when the carrier has none.

        Raises:
            ConnectionError: it did not answer.
        """
        ...

    def find_call(self, sid: str) -> CarrierCall | None:
        """What the carrier knows of a call; None when it knows no such call."""
        ...

    def list_calls(self, to: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        """Calls the carrier knows of, to find one whose creation was never answered."""
        ...

    def list_texts(self, to: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        """Texts the carrier knows of."""
        ...

    def list_inbound_texts(self, line: PhoneNumber, since: datetime) -> tuple[CarrierText, ...]:
        """Every text and WhatsApp message to a number of ours since then, oldest first."""
        ...

    def list_inbound_calls(self, line: PhoneNumber, since: datetime) -> tuple[CarrierCall, ...]:
        """Every call to a number of ours since then, oldest first."""
        ...


class Bell(Interface):
    """A wake-up for the workers. A lost ring loses nothing: the rows stay."""

    def hint(self, queue: str, outbox_id: int) -> bool:
        """Ring at once, inside a web request: 150 ms at most, False when it did not work."""
        ...

    def ring(self, queue: str, outbox_ids: tuple[int, ...]) -> int:
        """Ring for many rows in one go; how many were rung.

        Raises:
            BellBroken: Redis cannot be reached; try again later.
        """
        ...

    def waiting(self, queue: str) -> int:
        """Rings that no worker has taken yet.

        Raises:
            BellBroken: Redis cannot be reached.
        """
        ...


class BellBroken(Exception):
    """The bell cannot be rung now."""


class Spool(Interface):
    """Keeps what came in while the database was away, and what must be known meanwhile.

    Records are taken into the database later, oldest first. Notes have a name and are
    replaced. Both are sealed, and on the disk when the call returns.
    """

    def append(self, text: str) -> None:
        """Keep a record.

        Raises:
            SpoolBroken: it could not be kept.
        """
        ...

    def list_waiting(self) -> tuple[str, ...]:
        """Names of the records, oldest first."""
        ...

    def read(self, name: str) -> str:
        """A record.

        Raises:
            UnreadableRecord: nobody can read it.
            LookupError: it is there no longer.
        """
        ...

    def remove(self, name: str) -> None:
        """The record is in the database now."""
        ...

    def set_aside(self, name: str) -> None:
        """The record cannot be taken in: kept for a human."""
        ...

    def length(self) -> int:
        """How many records wait."""
        ...

    def count_aside(self) -> int:
        """How many records wait for a human."""
        ...

    def probe(self) -> None:
        """Could a record be kept now?

        Raises:
            SpoolBroken: no.
        """
        ...

    def keep(self, name: str, text: str) -> None:
        """Keep a note in place of the one there was.

        Raises:
            SpoolBroken: it could not be kept.
        """
        ...

    def find(self, name: str) -> str | None:
        """The note of this name."""
        ...

    def list_notes(self, prefix: str) -> tuple[str, ...]:
        """Names of notes that begin so."""
        ...

    def forget(self, name: str) -> None:
        """Throw a note away."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Nobody else on this machine is in a block of this name meanwhile.

        Raises:
            SpoolBroken: that cannot be seen to.
        """
        ...


class SpoolBroken(Exception):
    """The spool cannot keep anything now."""


class UnreadableRecord(Exception):
    """A record of the spool is damaged, or no key opens it."""


class Clock(Interface):
    """The time: the database's, plus the offset of a test."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """How this line presents itself: what `config.settings` says of the organisation."""

    org: str
    role: str
    url: str
    country: str
    sms_numbers: tuple[PhoneNumber, ...]
    voice_numbers: tuple[PhoneNumber, ...]
    practice: bool
    crisis_numbers: tuple[PhoneNumber, ...] = ()
    """Numbers of the account that pages staff; none: the line's own numbers page them."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a use case may touch."""

    store: Store
    carrier: Carrier
    bell: Bell
    clock: Clock
    protocol: Protocol
    line: Line
    spool: Spool
