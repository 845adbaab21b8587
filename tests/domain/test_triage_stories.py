"""The conversations of tests/scripts, played to the engine; a clinician can write them.

A story has a title, `staffed` (true when left out) and turns. Each turn does one thing:
    says           one text, or a list of texts of which only the last one is looked at
    after_seconds  silence for so long
    appointment    the time came for FOLLOWUP or WATCH_CHECK
    held           true: a human takes the conversation
and then looks at what came of it, whatever is named:
    expects        the texts that left: keys, or words that are in them; [] for none
    state floor language   where the caller stands now
    rules flags    these are among those of the case
    pages          the kind of the page, or none
    rings          may the caller be rung by who takes the page
    calls          true when a call is owed after this, false when none was asked for
    opens          a work item is opened
Besides, every step is held against the promises of tests/phone.py.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpline.domain.disposition import Disposition
from helpline.domain.effects import OpenCase
from helpline.domain.progress import Progress
from helpline.domain.risk import Assessment, Level, Signal
from helpline.domain.said import Words
from tests.phone import A_MOMENT, NOON, Phone, messages, page_of, protocol, take

SCRIPTS = Path(__file__).parent.parent / "scripts"
DOES = {"says", "after_seconds", "appointment", "held"}
LOOKS = {"expects", "state", "floor", "language", "rules", "flags", "pages", "rings", "calls",
         "opens", "after"}  # fmt: skip


BY_TABLE = {"C-05"}
"""Rules that no words of the lexicon lead to yet; they have a test of their own below."""


def stories() -> list[dict[str, Any]]:
    found = []
    for path in sorted(SCRIPTS.glob("*.yaml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("story", stories(), ids=lambda story: story["title"])
def test_story(story: dict[str, Any]) -> None:
    play(story)


def test_every_rule_and_derived_flag_is_reached_by_a_story() -> None:
    rules: set[str] = set()
    flags: set[str] = set()
    for story in stories():
        played = play(story)
        rules.update(played.progress.rules)
        flags.update(played.progress.flags)
    assert {rule.id for rule in protocol().rules} - BY_TABLE <= rules
    derived = {flag.name for flag in protocol().flags.values() if flag.when is not None}
    assert derived - {"NO_SAFE_PLACE"} <= flags


@pytest.mark.parametrize(
    ("rule", "category", "tag", "level", "floor", "first"),
    [
        ("C-05", "lex.B4", "harm_others", Level.CRISIS, Disposition.CRISIS_LIVE, "K1"),
        ("E-11", "lex.A5", "location_lethal", Level.EMERGENCY, Disposition.EMERGENCY_NOW, "E1"),
    ],
)
def test_rules_without_a_story(
    rule: str, category: str, tag: str, level: Level, floor: Disposition, first: str
) -> None:
    """By what the scan would say: the lexicon has no words that lead here yet."""
    scan = Assessment(level, (Signal(category, frozenset({tag}), level, 0, 4, "self", "now"),))
    step = take(Progress(), Words("some words"), scan, NOON)
    page = page_of(step.effects)
    assert rule in step.progress.rules
    assert step.progress.disposition is floor
    assert messages(step.effects)[0] == first
    assert page is not None
    assert page.kind is floor


def play(story: dict[str, Any]) -> Phone:
    phone = Phone(staffed=story.get("staffed", True))
    for turn in story["turns"]:
        unknown = set(turn) - DOES - LOOKS
        assert not unknown, f"a turn does not know {unknown}"
        assert len(DOES & set(turn)) == 1, f"a turn does one thing: {turn}"
        do(phone, turn)
        look(phone, turn)
    return phone


def do(phone: Phone, turn: dict[str, Any]) -> None:
    if "says" in turn:
        texts = turn["says"] if isinstance(turn["says"], list) else [turn["says"]]
        after = timedelta(seconds=turn["after"]) if "after" in turn else A_MOMENT
        phone.texts(*texts, after=after)
    elif "after_seconds" in turn:
        phone.silent_for(turn["after_seconds"])
    elif "appointment" in turn:
        phone.appointed(turn["appointment"])
    else:
        phone.progress.held = turn["held"]


def look(phone: Phone, turn: dict[str, Any]) -> None:
    """Hold a turn's promises against what came of it."""
    where = f"after {turn}: {phone.place}, {phone.effects}"
    if "expects" in turn:
        phone.expects(*turn["expects"])
    for name in {"state", "floor", "language"} & set(turn):
        assert getattr(phone.progress, name) == turn[name], where
    for name in ("rules", "flags"):
        known = getattr(phone.progress, name)
        assert set(turn.get(name, ())) <= set(known), f"{name} {known} {where}"
    if "pages" in turn:
        assert (phone.page.kind.name if phone.page else "none") == turn["pages"], where
    if "rings" in turn:
        assert phone.page is not None, where
        assert phone.page.ring_caller is turn["rings"], where
    if "calls" in turn:
        assert phone.calls is turn["calls"], where
    if "opens" in turn:
        assert (OpenCase() in phone.effects) is turn["opens"], where
