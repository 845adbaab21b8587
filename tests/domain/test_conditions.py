"""The small language of the rules: each leaf, and a sentence for each mistake."""

from typing import Any

import pytest

from helpline.domain.conditions import ConditionError, Facts, parse, walk
from helpline.domain.disposition import Disposition

FACTS = Facts(
    answers={"L1": ["1", "2"], "SQ1": ["3"]},
    flags=["MIX", "ALONE"],
    hits=["lex.A1", "violence", "level.CRISIS"],
    path="self",
    floor=Disposition.SOON,
    staffed=True,
    country="US",
)


@pytest.mark.parametrize(
    ("data", "holds"),
    [
        (None, True),
        ({"answer": {"L1": [1]}}, True), ({"answer": {"L1": 2}}, True),
        ({"answer": {"L1": ["3"]}}, False), ({"answer": {"L9": [1]}}, False),
        ({"answer": {"L1": [1], "SQ1": [3]}}, True), ({"answer": {"L1": [1], "SQ1": [1]}}, False),
        ({"several": {"question": "L1", "of": [1, 2, 3], "at_least": 2}}, True),
        ({"several": {"question": "L1", "of": [1, 3], "at_least": 2}}, False),
        ({"unanswered": "L2"}, True), ({"unanswered": "L1"}, False),
        ({"flag": "MIX"}, True), ({"flag": ["MINOR", "ALONE"]}, True), ({"flag": "MINOR"}, False),
        ({"flags": {"of": ["MIX", "ALONE", "MINOR"], "at_least": 2}}, True),
        ({"flags": {"of": ["MIX", "MINOR"], "at_least": 2}}, False),
        ({"heard": "lex.A1"}, True), ({"heard": ["violence"]}, True),
        ({"heard": "level.EMERGENCY"}, False), ({"path": "self"}, True),
        ({"path": ["other", "rx"]}, False), ({"floor": "SOON"}, True), ({"floor": "INFO"}, True),
        ({"floor": "URGENT_60"}, False), ({"staffed": True}, True), ({"staffed": False}, False),
        ({"country": "US"}, True), ({"country": ["GB", "IE"]}, False),
        ({"not": {"flag": "MINOR"}}, True), ({"not": {"flag": "MIX"}}, False),
        ({"all": [{"flag": "MIX"}, {"path": "self"}]}, True),
        ({"all": [{"flag": "MIX"}, {"path": "rx"}]}, False),
        ({"any": [{"flag": "MINOR"}, {"path": "self"}]}, True),
        ({"any": [{"flag": "MINOR"}, {"path": "rx"}]}, False),
        ({"flag": "MIX", "path": "self"}, True), ({"flag": "MIX", "path": "rx"}, False),
    ],
    ids=str,
)  # fmt: skip
def test_each_condition(data: Any, holds: bool) -> None:
    assert parse(data).holds(FACTS) is holds


def test_a_path_that_is_not_known_yet() -> None:
    assert not parse({"path": ["self", "other", "rx"]}).holds(FACTS._replace(path=None))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("MIX", "a condition is a mapping"), ({}, "a condition is a mapping"),
        ([], "a condition is a mapping"), ({"flagg": "MIX"}, "unknown condition 'flagg'; known: "),
        ({"answer": "L1"}, "answer takes"), ({"answer": {}}, "answer takes"),
        ({"answer": {"L1": []}}, "a name or a list of names"),
        ({"flag": {"MIX": 1}}, "a name or a list of names"), ({"heard": []}, "a name or a list"),
        ({"several": {"question": "L1"}}, "several takes exactly"), ({"several": 1}, "several"),
        ({"several": {"question": "L1", "of": [1], "at_least": "two"}}, "several takes exactly"),
        ({"flags": {"of": ["MIX"]}}, "flags takes exactly"), ({"flags": []}, "flags takes"),
        ({"floor": "SOMETIME"}, "unknown floor 'SOMETIME'; known: NONE"),
        ({"staffed": "yes"}, "staffed is true or false"), ({"all": {}}, "all and any take a list"),
        ({"any": []}, "all and any take a list"), ({"not": []}, "a condition is a mapping"),
        ({"all": [{"nope": 1}]}, "unknown condition 'nope'"),
    ],
    ids=str,
)  # fmt: skip
def test_each_mistake_is_named(data: Any, says: str) -> None:
    with pytest.raises(ConditionError, match=r"^[^\n]+$") as caught:
        parse(data)
    assert says in str(caught.value)


def test_walking_a_condition_visits_everything_inside() -> None:
    condition = parse({"all": [{"flag": "A"}, {"any": [{"flag": "B"}, {"not": {"flag": "C"}}]}]})
    assert len(list(walk(condition))) == 6
