"""What the line offers as an answer is one where it was asked, and a reason to ask elsewhere."""

import pytest

from helpline.domain.answers import says_nothing_else
from tests.phone import Phone, heard, protocol

TO_SYMPTOMS = ("hi", "1", "2", "3", "3", "1", "1")


def test_a_symptom_that_was_asked_for_is_an_answer() -> None:
    assert heard("seeing things").level.name == "ASK"
    phone = Phone().texts(*TO_SYMPTOMS)
    assert phone.place[:2] == ("LOC_3", "L3")
    phone.texts("seeing things and fever")
    assert phone.progress.answers["L3"] == ["2", "5"]
    assert phone.progress.state != "SAFETY_MED"


def test_elsewhere_it_is_asked_whether_life_is_in_danger() -> None:
    phone = Phone().texts("hi", "1", "2", "3", "3", "seeing things")
    assert phone.progress.state == "SAFETY_MED"


def test_a_word_more_than_the_answer_is_asked_about() -> None:
    phone = Phone().texts(*TO_SYMPTOMS, "seeing things and they follow me home")
    assert phone.progress.state == "SAFETY_MED"


def test_doubt_about_suicide_is_asked_about_whatever_was_asked() -> None:
    phone = Phone().texts(*TO_SYMPTOMS, "fever and i wish i was never born")
    assert phone.progress.state == "CLARIFY"


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("ketamine", True),
        ("Ketamine and some benzos", True),
        ("ket, alcohol", True),
        ("ketamine with", True),
        ("and", False),
        ("", False),
        ("ketamine tonight", False),
        ("my ketamine friend", False),
    ],
)
def test_nothing_but_answers(text: str, is_so: bool) -> None:
    question = protocol().states["LOC_1"].questions[0]
    assert says_nothing_else(question, text, "en") is is_so
