"""In which language the line goes on: the one asked for, else the one a caller writes in."""

import pytest

from helpline.domain.said import Rung, Words
from tests.phone import NOON, Phone, heard, messages, protocol, take


def after(*texts: str) -> Phone:
    return Phone().texts(*texts)


@pytest.mark.parametrize(
    "text",
    ["hola", "Hola!", "buenas tardes", "ayuda", "AYUDA", "gracias", "Español", "espanol", "spanish",
     "en español por favor", "no hablo inglés", "8", "necesito ayuda con la keta",
     "mi hijo toma ketamina", "me recetaron ketamina", "quiero dejar de consumir", "estoy muy mal",
     "me duele la vejiga", "¿es un robot?", "tengo 15 años y uso keta", "¿me van a llamar?",
     "ya no me escriban", "I speak Spanish"],
)  # fmt: skip
def test_a_first_text_in_spanish_is_answered_in_spanish(text: str) -> None:
    assert after(text).progress.language == "es"


@pytest.mark.parametrize(
    "text",
    ["hi", "hello", "help", "i need help with ketamine", "ketamine", "no", "si", "1", "k", "keta",
     "my amigo needs help por favor", "hola i need some help please", "san jose", "mama", "solo",
     "my mama is in los angeles", "bonjour j'ai besoin d'aide", "18", "", "???", "la"],
)  # fmt: skip
def test_every_other_first_text_is_answered_in_english(text: str) -> None:
    assert after(text).progress.language == "en"


def test_whoever_asks_for_spanish_later_gets_the_open_question_again() -> None:
    phone = after("hi", "1")
    assert phone.progress.question == "S2"
    for text in ("8", "español"):
        other = Phone(progress=phone.progress).texts(text)
        other.expects("S2")
        assert other.progress.language == "es"
        assert other.progress.misunderstood == 0


def test_an_answer_in_spanish_counts_and_is_answered_in_spanish() -> None:
    phone = after("hi", "1").texts("no, nada de eso, gracias")
    assert (phone.progress.language, phone.progress.question) == ("es", "SQ1")


def test_a_place_or_a_name_tells_nothing() -> None:
    phone = after("hi", "1", "2", "3", "3", "6", "4", "7", "6", "2")
    assert phone.progress.question == "L6"
    assert phone.texts("las cruces, para los amigos").progress.language == "en"


def test_a_language_that_was_asked_for_stays() -> None:
    phone = after("hola", "english")
    phone.expects("W1")
    assert phone.progress.language == "en"
    assert phone.texts("quiero dejar la ketamina por favor").progress.language == "en"
    assert Phone(progress=after("español").progress).texts("1").progress.language == "es"
    assert after("español").texts("i want to stop using it").progress.language == "es"


def test_english_sentences_lead_back_when_nobody_asked_for_spanish() -> None:
    assert after("hola").texts("ok sorry").progress.language == "es"
    assert after("hola").texts("sorry i need help with my son").progress.language == "en"


def test_danger_in_spanish_is_answered_in_spanish_whatever_was_asked_for() -> None:
    assert after("english", "me quiero morir").progress.language == "es"


def test_the_language_of_a_specialist_is_asked_apart() -> None:
    state = protocol().states["CALLBACK"]
    assert any(question.message == "C5" for question in state.questions)
    phone = after(
        "hi", "1", "2", "3", "3", "6", "4", "7", "6", "2", "skip", "5", "1", "1", "1", "skip"
    )
    assert phone.progress.question == "C5"
    phone.texts("español")
    assert phone.progress.answers["C5"] == ["2"]
    assert (phone.progress.language, phone.progress.language_chosen) == ("es", True)


def test_on_a_call_the_key_and_the_word_choose_spanish() -> None:
    rings = take(Phone().progress, Rung(), heard(""), NOON)
    for body in ("8", "español", "Spanish, please."):
        step = take(rings.progress, Words(body, on_call=True), heard(body), NOON)
        assert step.progress.language == "es"
        assert messages(step.effects) == ["W1"]


def test_the_next_case_goes_on_in_the_language_asked_for() -> None:
    progress = after("español").progress.next_case()
    assert (progress.language, progress.language_chosen) == ("es", True)
