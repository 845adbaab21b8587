"""Which number is rung next, and what may be read as a number."""

from dataclasses import replace

import pytest

from helpline.domain.numbers import Numbers, attempts_of, find_next
from helpline.domain.phone import PhoneNumber, find_phone_in

FIRST, SECOND = PhoneNumber("+12025560001"), PhoneNumber("+12025550188")
RETRIES = 2
BOTH = Numbers(FIRST, SECOND)
CHOSEN = Numbers(FIRST, SECOND, chosen=True)


def ladder(numbers: Numbers) -> list[PhoneNumber | None]:
    """The numbers of a whole ladder in which nobody answers."""
    rung: list[PhoneNumber | None] = []
    while len(rung) < attempts_of(numbers, RETRIES):
        rung.append(find_next(numbers, tries=len(rung), retries=RETRIES, endless=False))
        if rung[-1] == SECOND:
            numbers = replace(numbers, tried=True)
    return rung


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        (Numbers(FIRST), [FIRST, FIRST, FIRST]),
        (Numbers(FIRST, chosen=False, tried=True), [FIRST, FIRST, FIRST]),
        (Numbers(None, SECOND), [SECOND, SECOND, SECOND]),
        (BOTH, [FIRST, FIRST, FIRST, SECOND]),
        (replace(BOTH, tried=True), [FIRST, FIRST, FIRST]),
        (CHOSEN, [SECOND, FIRST, FIRST]),
        (replace(CHOSEN, tried=True), [FIRST, FIRST, FIRST]),
        (replace(CHOSEN, theirs=True), [SECOND, SECOND, SECOND]),
        (replace(CHOSEN, tried=True, theirs=True), [SECOND, SECOND, SECOND]),
        (replace(CHOSEN, first_may_ring=False), [SECOND, None, None]),
    ],
    ids=str,
)
def test_a_ladder_in_vain(numbers: Numbers, wanted: list[PhoneNumber | None]) -> None:
    assert ladder(numbers) == wanted


def test_one_that_is_theirs_is_rung_once_at_the_end_of_every_ladder() -> None:
    numbers = replace(BOTH, tried=True, theirs=True)
    assert attempts_of(numbers, RETRIES) == 4
    rung = [find_next(numbers, tries=n, retries=RETRIES, endless=False) for n in range(4)]
    assert rung == [FIRST, FIRST, FIRST, SECOND]


def test_danger_rings_the_reserve_second_and_never_runs_out_of_numbers() -> None:
    rung = [find_next(BOTH, tries=n, retries=RETRIES, endless=True) for n in range(5)]
    assert rung == [FIRST, SECOND, FIRST, FIRST, FIRST]
    hides = replace(CHOSEN, tried=True, first_may_ring=False)
    assert find_next(hides, tries=9, retries=RETRIES, endless=True) == SECOND


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("202-555-0188", SECOND.e164),
        ("2025550188", SECOND.e164),
        ("+1 (202) 555 0188", SECOND.e164),
        ("call my mum's phone, 202 555 0188, after 5", SECOND.e164),
        ("+44 7700 900123", "+447700900123"),
        ("555-0188", None),
        ("911", None),
        ("1", None),
        ("", None),
        ("the other one", None),
        ("202 555 0188 or 202 555 0189", None),
        ("20255501881234567890", None),
    ],
)
def test_a_number_in_an_answer(text: str, wanted: str | None) -> None:
    found = find_phone_in(text, "US")
    assert (found.e164 if found else None) == wanted
