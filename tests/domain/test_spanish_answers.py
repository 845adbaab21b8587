"""Every choice of every question can be answered in Spanish words."""

import pytest

from helpline.domain.answers import understand
from helpline.domain.protocol import Question
from tests.phone import heard, protocol
from tests.spanish import labels_of, spoken_answers

NUMBERS = ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho")


def questions() -> list[tuple[str, Question]]:
    return [
        (state.id, question)
        for state in protocol().states.values()
        for question in state.questions
        if question.choose != "words"
    ]


def read(state: str, question: Question, text: str) -> tuple[str, ...] | None:
    words = protocol().answer_words["es"]
    safety = protocol().states[state].safety
    return understand(question, text, heard(text).tags, words, safety=safety, language="es")


def asked(state: str, message: str) -> Question:
    return next(q for q in protocol().states[state].questions if q.message == message)


@pytest.mark.parametrize(
    ("state", "question"), questions(), ids=[f"{s}-{q.message}" for s, q in questions()]
)
def test_the_words_beside_a_digit_mean_that_digit(state: str, question: Question) -> None:
    for choice, label in spoken_answers(protocol(), question).items():
        for text in (label, label.upper(), f"{label}."):
            assert read(state, question, text) == (choice,), text


@pytest.mark.parametrize(
    ("state", "question"), questions(), ids=[f"{s}-{q.message}" for s, q in questions()]
)
def test_numbers_in_words_mean_the_digit(state: str, question: Question) -> None:
    number = dict(zip("12345678", NUMBERS, strict=True))
    for choice in question.answers:
        for text in (number[choice], f"opción {number[choice]}", f"la {choice}", f"el {choice}"):
            assert read(state, question, text) == (choice,), text


@pytest.mark.parametrize(
    "text",
    ["no lo sé", "no sabría decir", "no estoy muy segura", "creo que no", "no creo", "no mucho",
     "no del todo", "todavía no", "no me acuerdo", "quién sabe", "a veces", "puede ser"],
)  # fmt: skip
def test_doubt_is_never_a_no(text: str) -> None:
    assert read("SAFETY_MED", asked("SAFETY_MED", "S2"), text) == ("3",)
    assert read("O_SAFE", asked("O_SAFE", "O3"), text) == ("3",)


@pytest.mark.parametrize("text", ["no, pero me duele el pecho", "no aunque me siento mal"])
def test_a_no_that_goes_on_is_asked_again(text: str) -> None:
    assert read("SAFETY_MED", asked("SAFETY_MED", "S2"), text) is None


@pytest.mark.parametrize(
    ("state", "message", "text", "meant"),
    [("WELCOME", "W1", "es por mi hijo", "2"), ("WELCOME", "W1", "para mí", "1"),
     ("SUI_1", "SQ1", "hoy no", "2"), ("SUI_1", "SQ1", "sí, hoy", "1"),
     ("SUI_1", "SQ1", "prefiero no decirlo", "4"), ("SUI_4", "SQ4", "sí", "1"),
     ("O_MED", "O1", "no me contesta el teléfono", "4"), ("LOC_2", "L2", "antier", "2"),
     ("PAY", "L7", "no tengo seguro", "3"), ("PAY", "L7", "no estoy segura", "5"),
     ("CALLBACK", "C1", "sí, a otro número", "2"), ("CALLBACK", "C2", "en la mañana", "2"),
     ("FOLLOWUP", "F1", "no estoy bien", "1"), ("FOLLOWUP", "F1", "no estoy mejor", "1"),
     ("O_AWARE", "O5", "no quiere ayuda", "2")],
)  # fmt: skip
def test_what_people_say_instead(state: str, message: str, text: str, meant: str) -> None:
    assert read(state, asked(state, message), text) == (meant,)


def test_several_may_be_named() -> None:
    l1, l3 = asked("LOC_1", "L1"), asked("LOC_3", "L3")
    assert read("LOC_1", l1, "ketamina y alcohol") == ("1", "2")
    assert read("LOC_1", l1, "keta, rivotril y coca") == ("1", "3", "5")
    assert read("LOC_3", l3, "fiebre y temblores") == ("2", "3")
    assert read("LOC_3", l3, "nada de eso") == ("7",)


def test_labels_are_cut_where_the_next_digit_stands() -> None:
    text = "¿Cuándo? 1 Hoy 2 2-24 horas 3 Hace 1-3 dias. Y algo más: {CRISIS}."
    assert labels_of(text, ("1", "2", "3")) == {"1": "Hoy", "2": "2-24 horas", "3": "Hace 1-3 dias"}
