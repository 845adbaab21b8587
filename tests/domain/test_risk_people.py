"""What people say, written before its writers had seen a pattern: how much of it is heard.

`tests/risk/people` is a measure, not a list of repairs. Whoever widens the lexicon does not read
it, and raises the shares here to what they then find. One falls only where the other rises by
far more, and an ADR says so (0019, 0021, 0022). Each share is what was reached, rounded down.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpline.domain.risk import Level, assess
from tests.phone import protocol

PEOPLE = Path(__file__).parents[1] / "risk" / "people"
HEARD = {"danger": 0.82, "spanish": 0.91}
"""Of the texts of danger, those that reach ASK or more: somebody is told."""
QUIET = {"quiet": 0.79, "spanish": 0.82}
"""Of the texts without danger, those that stay at or below what they may cause."""


@cache
def read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((PEOPLE / f"{name}.yaml").read_text())
    return found


def level(text: str) -> Level:
    return assess(text, protocol().lexicon).level


def test_there_are_enough_of_each_kind() -> None:
    every = [row for path in PEOPLE.glob("*.yaml") for row in read(path.stem)]
    assert len({row["text"] for row in every}) == len(every) >= 1200
    assert sum("at_least" not in row for row in every) >= 450


@pytest.mark.parametrize("name", HEARD)
def test_danger_that_is_heard_stays_heard(name: str) -> None:
    dangers = [row["text"] for row in read(name) if "at_least" in row]
    heard = sum(level(text) >= Level.ASK for text in dangers)
    assert heard / len(dangers) >= HEARD[name], f"{heard} of {len(dangers)}"


@pytest.mark.parametrize("name", QUIET)
def test_what_is_quiet_stays_quiet(name: str) -> None:
    calm = [row for row in read(name) if "at_least" not in row]
    kept = sum(level(row["text"]) <= Level[row["at_most"]] for row in calm)
    assert kept / len(calm) >= QUIET[name], f"{kept} of {len(calm)}"
