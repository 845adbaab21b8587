"""What the score alone doubts: asked about once, gently, and never in place of an answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from helpline.domain.effects import OpenCase
from helpline.domain.risk.scorer import Scorer
from tests.phone import Phone, protocol

SCORER = Scorer(
    words={"flurble": (9000, 0, 0), "wobble": (0, 9000, 0)},
    pairs={},
    base=(-3000, -3000, -3000),
    ask_from=0,
)
SUICIDE, MEDICAL = (
    "i might well flurble before long you know",
    "and he does wobble on the floor now",
)


@pytest.fixture
def phone() -> Phone:
    return Phone(lexicon=replace(protocol().lexicon, scorer=SCORER))


def test_a_doubt_about_life_is_asked_about_and_pages_nobody(phone: Phone) -> None:
    phone.texts("hi", SUICIDE)
    assert phone.progress.state == "CLARIFY"
    assert any(isinstance(effect, OpenCase) for effect in phone.effects)
    assert phone.page is None


def test_a_doubt_about_a_body_asks_the_medical_question(phone: Phone) -> None:
    phone.texts("hi", MEDICAL)
    assert phone.progress.state == "O_MED"
    assert phone.page is None


def test_a_few_words_after_a_question_are_its_answer(phone: Phone) -> None:
    phone.texts("hi", "1", "2", "flurble you know")
    assert phone.progress.state != "CLARIFY"
    phone = Phone(lexicon=phone.lexicon)
    phone.texts("hi", "1", "2", "i think that i will flurble soon, i fear")
    assert phone.progress.state == "CLARIFY"


def test_the_same_doubt_rests_for_ten_minutes(phone: Phone) -> None:
    phone.texts("hi", SUICIDE, "2")
    asked = phone.progress.state
    phone.texts(SUICIDE)
    assert phone.progress.state == asked != "CLARIFY"
    phone.texts(SUICIDE, after=timedelta(minutes=10))
    assert phone.progress.state == "CLARIFY"


def test_who_may_not_be_texted_is_rung_even_for_the_doubt_of_the_score(phone: Phone) -> None:
    phone.texts("hi", "STOP", SUICIDE)
    assert phone.page is not None


def test_a_doubt_of_the_score_does_not_change_how_the_next_texts_are_read(phone: Phone) -> None:
    phone.texts("hi", SUICIDE)
    assert not phone.progress.heard_danger(phone.now)
