"""Where a caller stands in the protocol. Plain data: it survives a JSON round trip."""

import json
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from helpline.domain.conditions import Facts
from helpline.domain.disposition import Disposition

HITS_LAST = timedelta(hours=24)
PARTS_WITHIN = timedelta(seconds=90)


@dataclass(slots=True)
class Progress:
    """One caller's place, answers and facts. Times are epoch seconds.

    `question` is the prompt that an answer binds to: always the last one sent.
    `returns_to` is the state a detour (CLARIFY, a medical question) goes back to.
    `echoes` are marks of texts we answered, with the times (`helpline.domain.triage.loops`).
    `contacts` are the times of the last day at which they came to us, once for each case.
    `language_chosen` says that they asked for their language; nothing they write changes it then.
    `case` counts the cases of this conversation; closing one and coming back starts the next.
    """

    state: str | None = None
    question: str | None = None
    path: str | None = None
    language: str = "en"
    language_chosen: bool = False
    country: str = "US"
    floor: str = Disposition.NONE.name
    answers: dict[str, list[str]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    hits: dict[str, float] = field(default_factory=dict)
    recent: list[tuple[float, str]] = field(default_factory=list)
    returns_to: str | None = None
    nudge: str | None = None
    silence: str | None = None
    silence_from: float = 0.0
    silence_step: int = 0
    misunderstood: int = 0
    unheard: int = 0
    heard_at: float = 0.0
    disclosed: bool = False
    opted_out: bool = False
    held: bool = False
    echoes: dict[str, list[float]] = field(default_factory=dict)
    contacts: list[float] = field(default_factory=list)
    case: int = 0

    @property
    def disposition(self) -> Disposition:
        """The floor as a value that can be compared."""
        return Disposition[self.floor]

    def copy(self) -> "Progress":
        """An independent copy, so that the engine stays pure."""
        return replace(
            self,
            answers=self.answers.copy(),
            words=self.words.copy(),
            flags=self.flags.copy(),
            rules=self.rules.copy(),
            sent=self.sent.copy(),
            hits=self.hits.copy(),
            recent=self.recent.copy(),
            echoes=self.echoes.copy(),
            contacts=self.contacts.copy(),
        )

    def next_case(self) -> "Progress":
        """A fresh start on the same telephone: what was heard in the last day still counts."""
        return Progress(
            language=self.language,
            language_chosen=self.language_chosen,
            country=self.country,
            hits=self.hits,
            disclosed=self.disclosed,
            opted_out=self.opted_out,
            heard_at=self.heard_at,
            echoes=self.echoes,
            contacts=self.contacts,
            case=self.case + 1,
        )

    def came(self, now: datetime) -> int:
        """They come to us now; how often that was in the last 24 hours, this time included."""
        since = now.timestamp() - HITS_LAST.total_seconds()
        self.contacts = [at for at in self.contacts if at >= since] + [now.timestamp()]
        return len(self.contacts)

    def facts(self, *, staffed: bool) -> Facts:
        """What conditions may ask about."""
        return Facts(
            answers=self.answers,
            flags=self.flags,
            hits=self.hits,
            path=self.path,
            floor=self.disposition,
            staffed=staffed,
            country=self.country,
        )

    def recent_parts(self, now: datetime) -> tuple[str, ...]:
        """Texts of the last 90 seconds, to be read together with the next one."""
        since = now.timestamp() - PARTS_WITHIN.total_seconds()
        return tuple(text for at, text in self.recent if at >= since)

    def heard_danger(self, now: datetime) -> bool:
        """Were words of danger heard in the last 24 hours?"""
        since = now.timestamp() - HITS_LAST.total_seconds()
        return any(
            at >= since and name in {"level.ASK", "level.CRISIS", "level.EMERGENCY"}
            for name, at in self.hits.items()
        )

    def to_json(self) -> str:
        """Compact JSON, only what differs from a new caller."""
        known = {name: getattr(self, name) for name in _NAMES}
        return _JSON.encode({name: value for name, value in known.items() if value})

    @classmethod
    def from_json(cls, text: str) -> "Progress":
        """Read what `to_json` wrote; fields of a newer or older version are ignored or new."""
        data = json.loads(text)
        data["recent"] = [(float(at), str(part)) for at, part in data.get("recent", [])]
        return cls(**{name: value for name, value in data.items() if name in _NAMES})


_FIELDS = fields(Progress)
_NAMES = tuple(item.name for item in _FIELDS)
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
