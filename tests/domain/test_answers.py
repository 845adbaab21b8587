"""What a text means at a question: digits, words, emoji, and the riskier of two readings."""

import pytest

from helpline.domain.answers import understand
from helpline.domain.protocol import Question
from tests.phone import protocol


def at(state: str, message: str) -> tuple[Question, bool]:
    place = protocol().states[state]
    found = next(item for item in place.questions if item.message == message)
    return found, place.safety


def read(state: str, message: str, text: str, language: str = "en") -> tuple[str, ...] | None:
    question, safety = at(state, message)
    words = protocol().answer_words[language]
    return understand(question, text, (), words, safety=safety, language=language)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", "1"), ("1.", "1"), (" 1 ", "1"), ("1)", "1"), ("#1", "1"), ("option 1", "1"),
        ("Option 2", "2"), ("press 2", "2"), ("number 3", "3"), ("1\ufe0f\u20e3", "1"),
        ("2\ufe0f\u20e3", "2"), ("\uff11", "1"), ("one", "1"), ("Two", "2"), ("three", "3"),
        ("uno", None), ("yes", "1"), ("YES!!", "1"), ("yeah", "1"), ("yep", "1"), ("ya", "1"),
        ("\U0001f44d", "1"), ("no", "2"), ("nope", "2"), ("nah", "2"), ("\U0001f44e", "2"),
        ("not sure", "3"), ("idk", "3"), ("i don't know", "3"), ("maybe", "3"), ("dunno", "3"),
        ("sometimes", "3"), ("12", "1"), ("1 2", "1"), ("2,3", "2"), ("2 or 3", "2"),
        ("2 and 1", "1"), ("23", "2"), ("1 3", "1"), ("yes i think so", "1"), ("no thanks", "2"),
        ("no but my chest hurts", None), ("no, although i feel sick", None), ("", None),
        ("no i have not had anything like that at all", None), ("no maybe", None),
        ("7", None), ("hello there", None), ("\U0001f62d", None), ("911", "1"), ("skip", None),
    ],
)  # fmt: skip
def test_a_safety_question(text: str, meant: str | None) -> None:
    assert read("SAFETY_MED", "S2", text) == ((meant,) if meant else None)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("uno", "1"), ("dos", "2"), ("tres", "3"), ("sí", "1"), ("si", "1"), ("no", "2"),
     ("no sé", "3"), ("tal vez", "3"), ("no estoy segura", "3"), ("yes", "1"),
     ("opción 2", "2")],
)  # fmt: skip
def test_a_safety_question_in_spanish(text: str, meant: str) -> None:
    assert read("SAFETY_MED", "S2", text, "es") == (meant,)


def test_not_sure_is_yes_where_a_safety_question_has_no_such_option() -> None:
    for state, message, yes in (("O_SELF", "O7", "1"), ("WATCH_CHECK", "SQ1R", "1")):
        assert read(state, message, "not sure") == (yes,)


def test_rather_not_say() -> None:
    assert read("SUI_1", "SQ1", "skip") == ("4",)
    assert read("SUI_1", "SQ1", "rather not") == ("4",)
    assert read("O_SELF", "O7", "none of your business") == ("3",)


def test_a_bare_yes_at_a_question_with_two_of_them_takes_the_riskier() -> None:
    assert read("SUI_1", "SQ1", "yes") == ("1",)
    assert read("SUI_4", "SQ4", "yes") == ("1",)
    assert read("SUI_1", "SQ1", "not today") == ("2",)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1", ("1",)), ("12", ("1", "2")), ("1 2", ("1", "2")), ("1,2", ("1", "2")),
     ("2 and 1", ("1", "2")), ("1, 2 & 4", ("1", "2", "4")), ("1 y 2", ("1", "2")),
     ("one and two", ("1", "2")), ("ketamine and alcohol", ("1", "2")), ("ket n xanax", ("1", "3")),
     ("just ket", ("1",)), ("none", ("6",)), ("nothing", ("6",)), ("16", ("1",)), ("6", ("6",)),
     ("111", ("1",)), ("no", ("6",)), ("9", None), ("blah", None)],
)  # fmt: skip
def test_send_all_that_fit(text: str, meant: tuple[str, ...] | None) -> None:
    assert read("LOC_1", "L1", text) == meant


@pytest.mark.parametrize(
    ("state", "message", "text", "meant"),
    [("LOC_2", "L2", "yesterday", "2"), ("LOC_2", "L2", "last week", "3"),
     ("LOC_2", "L2", "not sure", "5"), ("WANT", "L5", "detox please", "1"),
     ("WANT", "L5", "a support group", "4"), ("WANT", "L5", "talk to a person", "6"),
     ("CALLBACK", "C2", "asap", "1"), ("CALLBACK", "C1", "text only", "3"),
     ("CALLBACK", "C1", "no", "4"), ("CALLBACK", "C5", "español", "2"),
     ("WELCOME", "W1", "someone i know", "2"), ("WELCOME", "W1", "me", "1"),
     ("R_SET", "R4", "2", "2"), ("CALLBACK", "C1", "12", None), ("WELCOME", "W1", "1 2", None)],
)  # fmt: skip
def test_an_ordinary_question(state: str, message: str, text: str, meant: str | None) -> None:
    assert read(state, message, text) == ((meant,) if meant else None)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("2A", ("2", "A")), ("2 a", ("2", "A")), ("1a", ("1", "A")), ("A", None), ("2b", ("2",))],
)
def test_a_letter_after_the_digit(text: str, meant: tuple[str, ...] | None) -> None:
    assert read("R_SET", "R4", text) == meant


def test_words_heard_choose_an_option() -> None:
    question, safety = at("LOC_1", "L1")
    words = protocol().answer_words["en"]
    chosen = understand(
        question, "the usual stuff", {"opioid"}, words, safety=safety, language="en"
    )
    assert chosen == ("4",)


def test_every_option_is_found_by_its_own_digit_and_by_each_of_its_words() -> None:
    for state in protocol().states.values():
        for question in state.questions:
            for choice, answer in question.answers.items():
                assert read(state.id, question.message, choice) == (choice,)
                for phrase in answer.words.get("en", ()):
                    found = read(state.id, question.message, phrase)
                    assert found is not None, (question.message, phrase)
                    assert choice in found, (question.message, phrase, found)
