"""What a checked configuration contains, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContentSummary:
    """The counts that `check-config` prints, by language.

    `drafts` still wait for a clinician; `missing` are words for callers that are said in English.
    """

    states: int
    rules: int
    flags: int
    messages: Mapping[str, int]
    drafts: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, tuple[str, ...]]
    offered: tuple[str, ...]
    countries: tuple[str, ...]
    fallback: str
    lexicon_rows: int
    hash: str
    warnings: tuple[str, ...]
