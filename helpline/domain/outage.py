"""What is known without the database: texts that wait, pages sent directly, who can be paged."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber, parse_phone
from helpline.domain.protocol import EscalationRules


class Unreadable(ValueError):
    """A note or record says something else than what was written. Holds no word of it."""


class Kind(StrEnum):
    """What is done with a record once the database is back."""

    TEXT = "text"
    """Taken in as if it came now."""

    OBEYED = "obeyed"
    """A command of staff that was carried out without the database: only stored."""

    CALL = "call"
    """Somebody rang the line."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A text or a call that came while the database was away.

    `said` is what was answered at once; `page` names the direct page, None without one.
    `came_at` is unknown (None) in a record of an older version.
    """

    kind: Kind
    sid: str
    sender: str
    recipient: str
    body: str = ""
    media: int = 0
    answered: str | None = None
    whatsapp: bool = False
    said: tuple[str, ...] = ()
    page: str | None = None
    came_at: datetime | None = None

    def to_json(self) -> str:
        """One line, to be sealed."""
        came_at = None if self.came_at is None else self.came_at.isoformat()
        return json.dumps(asdict(self) | {"came_at": came_at}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Spooled":
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        known = _known(cls, json.loads(text))
        came_at = known.get("came_at")
        read = {
            "kind": Kind(known["kind"]),
            "said": tuple(known["said"]),
            "came_at": None if came_at is None else datetime.fromisoformat(came_at),
        }
        return cls(**known | read)


@dataclass(frozen=True, slots=True)
class OnCall:
    """Somebody who can be paged while the database is away."""

    staff_id: int
    phone: PhoneNumber
    role: str
    tier: int
    available: bool


def roster_to_json(people: Iterable[OnCall]) -> str:
    """The list, to be sealed."""
    return json.dumps([asdict(person) | {"phone": person.phone.e164} for person in people])


def roster_from_json(text: str) -> tuple[OnCall, ...]:
    """Read what `roster_to_json` wrote; what a newer version wrote besides is left out.

    Raises:
        Unreadable: it is something else.
    """
    try:
        return tuple(_on_call(entry) for entry in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None


def _on_call(entry: dict[str, Any]) -> OnCall:
    person = OnCall(**_known(OnCall, entry) | {"phone": parse_phone(entry["phone"])})
    if not all(isinstance(number, int) for number in (person.staff_id, person.tier)):
        raise TypeError("ids and tiers are numbers")
    return person


def _known(kind: "type[OnCall | Spooled | DirectPage]", entry: dict[str, Any]) -> dict[str, Any]:
    """Processes of two versions run side by side: fields that only one knows are left out."""
    return {field.name: entry[field.name] for field in fields(kind) if field.name in entry}


_MOMENTS = ("opened_at", "next_at")


@dataclass(frozen=True, slots=True)
class DirectPage:
    """A page that the web process sent itself; `step` is the next one of the ladder.

    `conference` is where a live caller waits, None for a text. `page_id` is the page that
    took its place in the database; `over` when nobody needs to be paged any more.
    """

    key: str
    kind: Disposition
    reason: str
    ring_caller: bool
    caller: str
    line: str
    whatsapp: bool
    language: str
    country: str
    opened_at: datetime
    next_at: datetime
    step: int = 0
    conference: str | None = None
    acknowledged_by: int | None = None
    page_id: int | None = None
    over: bool = False

    @property
    def climbs(self) -> bool:
        """Is nobody coming yet, and is it still ours to page?"""
        return self.acknowledged_by is None and self.page_id is None and not self.over

    def to_json(self) -> str:
        """One line, to be sealed."""
        moments = {name: getattr(self, name).isoformat() for name in _MOMENTS}
        return json.dumps(asdict(self) | moments | {"kind": self.kind.name}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "DirectPage":
        """Read what `to_json` wrote; what a newer version wrote besides is left out.

        Raises:
            Unreadable: it is something else.
        """
        try:
            known = _known(cls, json.loads(text))
            moments = {name: datetime.fromisoformat(known[name]) for name in _MOMENTS}
            return cls(**known | moments | {"kind": Disposition[known["kind"]]})
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(type(error).__name__) from None


def reachable(roster: Iterable[OnCall], who: str, author: str) -> tuple[OnCall, ...]:
    """Whom a step of the ladder pages, without whoever wrote the words (CONTRACT 2)."""
    others = [person for person in roster if person.phone.e164 != author]
    if who == "all":
        return tuple(others)
    if who == "supervisor":
        return tuple(person for person in others if person.role in {"supervisor", "admin"})
    tier = int(who.removeprefix("tier"))
    return tuple(
        person
        for person in others
        if person.role == "specialist" and person.tier == tier and person.available
    )


@dataclass(frozen=True, slots=True)
class Climb:
    """A step that was taken: the page as it stands now, whom to page, what the caller is told."""

    page: DirectPage
    people: tuple[OnCall, ...]
    tell_caller: tuple[str, ...]


def climb(
    page: DirectPage, ladder: EscalationRules, roster: tuple[OnCall, ...], now: datetime
) -> Climb:
    """The step that is due; steps with nobody reachable are skipped at once (CONTRACT 3).

    A live caller waits on the line: everybody is rung at once.
    """
    step = len(ladder.steps) if page.conference and page.step == 0 else page.step
    people: tuple[OnCall, ...] = ()
    told: list[str] = []
    while step < len(ladder.steps) and not people:
        taken = ladder.steps[step]
        people = reachable(roster, taken.who, page.caller)
        if taken.tell_caller is not None:
            told.append(taken.tell_caller)
        step += 1
    if page.step >= len(ladder.steps) or (page.conference and page.step == 0):
        people = reachable(roster, "all", page.caller)
        step = max(page.step, len(ladder.steps)) + 1
    if step < len(ladder.steps):
        next_at = max(page.opened_at + ladder.steps[step].after, now)
    else:
        next_at = now + ladder.repeat
    return Climb(replace(page, step=step, next_at=next_at), people, tuple(told))


def hurried(page: DirectPage, now: datetime, after: timedelta) -> DirectPage:
    """Nobody was reached: everybody of this step is tried again soon."""
    return replace(page, step=max(page.step - 1, 0), next_at=now + after)
