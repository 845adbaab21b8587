"""The protocol's messages with their blanks filled in for one caller."""

from helpline.domain import messages
from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.domain.protocol import Country
from helpline.runtime import Runtime
from helpline.service.sending import senders

_WHEN = {
    "en": {
        "1": "once one is free",
        "2": "in the morning",
        "3": "in the afternoon",
        "4": "in the evening",
        "said": "at your time",
    },
    "es": {
        "1": "lo antes posible",
        "2": "por la mañana",
        "3": "por la tarde",
        "4": "por la noche",
        "said": "a su hora",
    },
}

_ROLE = {"es": "especialista"}
"""What a specialist is called in other languages; in English it is a setting."""


def country_of(rt: Runtime, progress: Progress) -> Country:
    """The caller's country pack; the fallback pack never invents a number."""
    packs = rt.protocol.countries
    return packs.get(progress.country) or packs[rt.protocol.fallback_country]


def country_code(rt: Runtime, phone: PhoneNumber | None) -> str:
    """The country whose numbers this caller is shown, by calling code."""
    code = phone.country if phone else None
    return code if code and code in rt.protocol.countries else rt.protocol.fallback_country


def to_caller(
    rt: Runtime, key: str, progress: Progress, *, staffed: bool, line: str, **more: str
) -> str:
    """A text to the caller, in their language and country."""
    return messages.render(
        rt.protocol,
        key,
        language=progress.language,
        country=country_of(rt, progress),
        staffed=staffed,
        values=_values(rt, progress, line) | more,
    )


def aloud(
    rt: Runtime, key: str, progress: Progress, *, staffed: bool, line: str, **more: str
) -> str:
    """The same for the telephone."""
    return messages.spoken(
        rt.protocol,
        key,
        language=progress.language,
        country=country_of(rt, progress),
        staffed=staffed,
        values=_values(rt, progress, line) | more,
    )


def to_staff(rt: Runtime, key: str, **values: str) -> str:
    """A text to a member of staff: ids and kinds, never a caller's words or number."""
    return messages.render(
        rt.protocol,
        key,
        language="en",
        country=_home(rt),
        staffed=True,
        values={"ORG": rt.line.org, "ROLE": rt.line.role, "URL": rt.line.url} | values,
    )


def aloud_to_staff(rt: Runtime, key: str, **values: str) -> str:
    """What a member of staff hears."""
    return messages.spoken(
        rt.protocol,
        key,
        language="en",
        country=_home(rt),
        staffed=True,
        values={"ORG": rt.line.org, "ROLE": rt.line.role, "URL": rt.line.url} | values,
    )


def _home(rt: Runtime) -> Country:
    packs = rt.protocol.countries
    return packs.get(rt.line.country) or packs[rt.protocol.fallback_country]


def kind_word(kind: Disposition) -> str:
    """How a page or a call is announced to staff."""
    return kind.name.split("_")[0]


def _values(rt: Runtime, progress: Progress, line: str) -> dict[str, str]:
    chosen = progress.answers.get("C2", ["1"])[0]
    when = _WHEN.get(progress.language, _WHEN["en"])
    voice = rt.line.voice_numbers[0].e164 if rt.line.voice_numbers else line
    calls_from = senders.for_caller_call(rt, line).e164 if rt.line.voice_numbers else line
    policy = rt.protocol.callbacks.by_disposition.get(progress.disposition)
    role = _ROLE.get(progress.language, rt.line.role)
    minutes = int(policy.deadline.total_seconds() // 60) if policy else 60
    return {
        "ORG": rt.line.org,
        "ROLE": role,
        "URL": rt.line.url,
        "NUM": voice,
        "CALLER": calls_from,
        "NAME": progress.words.get("name", "")[:20],
        "WHEN": when.get(chosen, when["1"]),
        "MIN": f"{minutes} min",
    }
