"""Bad luck on request: what goes wrong, where, how often.

| kind | where | effect |
|---|---|---|
| `webhook.drop` | a webhook kind | the request never reaches the application |
| `webhook.drop_reply` | " | it is delivered, its answer is lost (the carrier sees a timeout) |
| `webhook.delay` | " | it leaves `seconds` (real) later |
| `webhook.duplicate` | " | `copies` identical requests leave at once; one answer is obeyed |
| `webhook.reorder` | " | `hold` requests are kept and then released in another order |
| `webhook.bad_signature` | " | it is signed with the wrong token |
| `rest.429`, `rest.500` | a resource | refused; nothing was made. 429 carries `Retry-After` |
| `rest.timeout_before` | " | nothing is made and no answer comes for `seconds` |
| `rest.timeout_after` | " | it IS made, the answer is held `seconds`, then the line is cut |
| `rest.refuse` | " | the connection is cut at once |

Webhook kinds: `sms`, `sms_status`, `voice`, `voice_status`, `conference`, `recording`,
`transcription`, `amd`. Resources: `messages`, `calls`, `recordings`, `conferences`. `*` means
all of them.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import Any

from helpline.simulator.ledger import Ledger

WEBHOOK_KINDS = (
    "sms",
    "sms_status",
    "voice",
    "voice_status",
    "conference",
    "recording",
    "transcription",
    "amd",
)
RESOURCES = ("messages", "calls", "recordings", "conferences")
KINDS = (
    "webhook.drop",
    "webhook.drop_reply",
    "webhook.delay",
    "webhook.duplicate",
    "webhook.reorder",
    "webhook.bad_signature",
    "rest.429",
    "rest.500",
    "rest.timeout_before",
    "rest.timeout_after",
    "rest.refuse",
)


@dataclass(frozen=True)
class Fault:
    """One kind of bad luck. `times` None means until removed."""

    kind: str
    on: str = "*"
    times: int | None = None
    probability: float = 1.0
    seconds: float = 10.0
    copies: int = 2
    hold: int = 3
    retry_after: int = 1
    id: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        places = WEBHOOK_KINDS if self.kind.startswith("webhook.") else RESOURCES
        if self.on != "*" and self.on not in places:
            raise ValueError(
                f"{self.kind} cannot happen on {self.on!r}; one of *, {', '.join(places)}"
            )
        if not 0 <= self.probability <= 1 or self.copies < 1 or self.hold < 1 or self.seconds < 0:
            raise ValueError(
                "probability is 0 to 1, copies and hold at least 1, seconds not negative"
            )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class FaultBoard:
    """The faults in force. Thread-safe; a fault with `times` removes itself when used up."""

    def __init__(self, ledger: Ledger, seed: int | None = None) -> None:
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311  # nosec B311 - luck, not secrecy
        self._faults: list[Fault] = []
        self._next = 1

    def add(self, kind: str, on: str = "*", **options: Any) -> Fault:
        """Arrange bad luck; raises ValueError for a kind, place or option that does not exist."""
        try:
            fault = Fault(kind, on, **options)
        except TypeError as error:
            raise ValueError(str(error)) from error
        with self._ledger.changed:
            fault = replace(fault, id=self._next)
            self._next += 1
            self._faults.append(fault)
            self._ledger.record("fault.added", fault=fault.as_json())
        return fault

    def take(self, family: str, place: str) -> list[Fault]:
        """The faults that strike this one request; counts them as used."""
        with self._ledger.changed:
            struck = [fault for fault in self._faults if self._strikes(fault, family, place)]
            for fault in struck:
                self._use(fault)
                self._ledger.record("fault.struck", fault=fault.kind, on=place)
            return struck

    def _strikes(self, fault: Fault, family: str, place: str) -> bool:
        matches = fault.kind.startswith(family + ".") and fault.on in ("*", place)
        return matches and self._random.random() < fault.probability

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        left = [replace(f, times=fault.times - 1) if f.id == fault.id else f for f in self._faults]
        self._faults = [f for f in left if f.times is None or f.times > 0]

    def shuffled(self, count: int) -> list[int]:
        """A permutation of `range(count)` that is not the identity when it can be helped."""
        order = list(range(count))
        while count > 1 and order == list(range(count)):
            self._random.shuffle(order)
        return order

    def remove(self, fault_id: int) -> None:
        with self._ledger.changed:
            self._faults = [fault for fault in self._faults if fault.id != fault_id]
            self._ledger.record("fault.removed", id=fault_id)

    def clear(self) -> None:
        with self._ledger.changed:
            self._faults = []
            self._ledger.record("fault.cleared")

    def list_faults(self) -> list[Fault]:
        with self._ledger.changed:
            return list(self._faults)
