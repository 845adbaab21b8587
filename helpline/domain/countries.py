"""Country packs: what a caller's country changes in the words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from helpline.domain.protocol import Country, Message, Protocol


@dataclass(frozen=True, slots=True)
class LocalWords:
    """What one language says differently in one country.

    `values` replace placeholders such as EMG, `replace` are (from, to) pairs applied
    before the placeholders are filled in, `messages` are whole texts of this country.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    replace: tuple[tuple[str, str], ...] = ()
    messages: Mapping[str, Message] = field(default_factory=dict)


NOTHING_LOCAL = LocalWords()


@dataclass(frozen=True, slots=True)
class CountryPack(Country):
    """A country as ``countries.yaml`` describes it, with its words by language."""

    words: Mapping[str, LocalWords] = field(default_factory=dict)


def pack_for(protocol: Protocol, iso: str | None) -> Country:
    """The pack of a country, or the fallback pack that names no number."""
    found = protocol.countries.get(iso or "")
    return found or protocol.countries[protocol.fallback_country]


def local_words(country: Country, language: str) -> LocalWords:
    """What this country says differently in this language."""
    if isinstance(country, CountryPack):
        return country.words.get(language, NOTHING_LOCAL)
    return NOTHING_LOCAL


def list_unverified(protocol: Protocol, today: date, after: timedelta) -> Iterator[str]:
    """Lines that nobody has checked for so long, for warnings; never a reason not to start."""
    for iso, country in protocol.countries.items():
        never = [line["name"] for line in country.lines if not line.get("verified_at")]
        if never:
            yield f"{iso}: never verified by a named person: {', '.join(never)}"
        for line in country.lines:
            checked = line.get("verified_at")
            if checked and today - date.fromisoformat(checked) > after:
                yield f"{iso} {line['role']} {line['name']}: last verified on {checked}"
