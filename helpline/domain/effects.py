"""What the engine asks of the world. Names are imperative; carrying them out is the service's."""

from dataclasses import dataclass

from helpline.domain.disposition import Disposition


@dataclass(frozen=True, slots=True)
class SendText:
    """Say this message of the protocol to the caller."""

    message: str


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A human must look at this, though nothing is promised yet."""


@dataclass(frozen=True, slots=True)
class PageStaff:
    """Page humans until one acknowledges. `ring_caller` is False when a ring may endanger them."""

    kind: Disposition
    reason: str
    ring_caller: bool = True


@dataclass(frozen=True, slots=True)
class BookCallback:
    """A call is owed. `at_once`: it must not wait for its turn (silence, a wish)."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class CancelCallback:
    """The caller does not want the call any more (never at URGENT or above)."""


@dataclass(frozen=True, slots=True)
class CloseCase:
    """Triage ended without a call; never at URGENT or above."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """No more automated texts."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """Texts are welcome again."""


Effect = (
    SendText | OpenCase | PageStaff | BookCallback | CancelCallback | CloseCase | OptOut | OptIn
)
