"""What makes a leg leave the verb it is performing."""

from __future__ import annotations

from dataclasses import dataclass

from helpline.simulator.twiml import Document


@dataclass(frozen=True)
class Fetch:
    """A request for TwiML: where, how, with which fields besides the usual ones."""

    url: str
    method: str = "POST"
    fields: tuple[tuple[str, str], ...] = ()
    document: Document | None = None
    """Set when the TwiML came with a REST update instead of being fetched."""
    kind: str = "voice"
    """Which verbs the document may hold (`twiml_schema.DOCUMENTS`)."""


class Redirected(Exception):
    """The leg goes on with another document."""

    def __init__(self, request: Fetch) -> None:
        super().__init__(request.url)
        self.request = request


class HungUp(Exception):
    """The leg is over. `status` is what the call becomes when it was never answered."""

    def __init__(self, status: str = "canceled") -> None:
        super().__init__(status)
        self.status = status
