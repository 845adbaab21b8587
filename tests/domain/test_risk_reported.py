"""What was got wrong once stays right: each case of `tests/risk/reported/cases.yaml`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from helpline.domain.risk import Level
from tests.phone import heard

CASES = yaml.safe_load((Path(__file__).parents[1] / "risk/reported/cases.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_a_reported_text_is_what_it_should_be(case: dict[str, Any]) -> None:
    level = heard(case["text"]).level
    assert Level[case.get("at_least", "NONE")] <= level <= Level[case.get("at_most", "EMERGENCY")]
