"""The account that pages staff sends from its own numbers, and the start says so."""

import pytest

from config.settings import SettingsError, load_settings
from helpline.domain.phone import PhoneNumber
from helpline.wiring import build_runtime
from tests.test_settings import REAL

ACCOUNT = {
    "TWILIO_CRISIS_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_CRISIS_AUTH_TOKEN": "another token",
}
NUMBERS = {"HELPLINE_CRISIS_NUMBERS": "+12025550108"}


def problems(more: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(REAL | more)
    return caught.value.problems


def test_a_crisis_account_needs_its_own_numbers() -> None:
    (problem,) = problems(ACCOUNT)
    assert problem.startswith("HELPLINE_CRISIS_NUMBERS is missing though")
    assert "own" in problem


def test_numbers_without_the_account_are_a_mistake() -> None:
    (problem,) = problems(NUMBERS)
    assert "TWILIO_CRISIS_ACCOUNT_SID is missing" in problem


@pytest.mark.parametrize("other", ["HELPLINE_SMS_NUMBERS", "HELPLINE_VOICE_NUMBERS"])
def test_a_number_belongs_to_one_account(other: str) -> None:
    (problem,) = problems(ACCOUNT | NUMBERS | {other: "+12025550109, +12025550108"})
    assert f"HELPLINE_CRISIS_NUMBERS and {other} share" in problem


def test_malformed_numbers_are_named() -> None:
    assert any(
        problem.startswith("HELPLINE_CRISIS_NUMBERS") and "telephone number" in problem
        for problem in problems(ACCOUNT | {"HELPLINE_CRISIS_NUMBERS": "12025550102"})
    )


def test_both_together_reach_the_line(tmp_path: object) -> None:
    places = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "HELPLINE_VAR_DIR": str(tmp_path)}
    runtime = build_runtime(load_settings(REAL | ACCOUNT | NUMBERS | places))
    assert runtime.line.crisis_numbers == (PhoneNumber("+12025550108"),)
    runtime.store.dispose()
