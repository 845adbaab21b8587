"""Texts in a language that is none of ours: told from English and Spanish, and given a human."""

from pathlib import Path

import pytest
import yaml

from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback
from helpline.domain.progress import Progress
from helpline.domain.triage.language import is_none_of_ours
from tests.phone import Phone, protocol

PEOPLE = Path(__file__).parents[1] / "risk/people"

FOREIGN = [
    "bonjour j'ai besoin d'aide avec la kétamine",
    "je veux mourir",
    "Aidez-moi s'il vous plaît",
    "bonjour",
    "preciso de ajuda com ketamina",
    "meu filho não está bem, estou com medo",
    "ich brauche hilfe",
    "mein sohn nimmt ketamin und ich habe angst",
    "ho bisogno di aiuto per favore",
    "mwen bezwen ed tanpri",
    "potrzebuję pomocy proszę",
    "kailangan ko po ng tulong",
    "tôi cần giúp đỡ, xin chào",
    "mujhe madad chahiye",
    "yardım istiyorum lütfen",
    "мне нужна помощь",
    "أحتاج مساعدة",
    "我需要帮助",
    "도와주세요",
    "मुझे मदद चाहिए",
    "助けてください ketamine",
]
OURS = [
    "hi", "help", "yo", "K", "ket", "my mate les is on the mon to fri shift",
    "a hun says no to the gen pop wing",
    "ciao for now", "im in a bad way", "que paso", "necesito ayuda con mi hijo", "hola", "no mas",
    "my son Jan takes tramadol", "I am German, can you help me please", "👍", "???", "1", "🙏🙏",
    "merci for the help", "per my doc im on ketamine", "ola necesito ajuda", "so sad rn", "mal",
    "ρlease help", "𝐈 𝐧𝐞𝐞𝐝 𝐡𝐞𝐥𝐩", "ｈｅｌｐ ｍｅ", "es para mi hermano", "me da miedo y estoy sola",
]  # fmt: skip


@pytest.mark.parametrize("text", FOREIGN)
def test_a_first_text_in_another_language_brings_the_offer_and_a_human(text: str) -> None:
    phone = Phone().texts(text).expects("TWO_LANG")
    assert BookCallback(at_once=True) in phone.effects
    assert phone.progress.disposition >= Disposition.URGENT_60
    phone.texts("et vous, ich bin").expects("H1")


@pytest.mark.parametrize("text", OURS)
def test_a_first_text_in_ours_does_not(text: str) -> None:
    assert "TWO_LANG" not in Phone().texts(text).sent


def test_no_text_that_people_wrote_in_ours_is_taken_for_another() -> None:
    rows = [row for path in PEOPLE.glob("*.yaml") for row in yaml.safe_load(path.read_text())]
    assert len(rows) > 1000
    taken = [row["text"] for row in rows if is_none_of_ours(protocol(), row["text"])]
    assert taken == []


@pytest.mark.parametrize(("picked", "language"), [("1", "en"), ("2", "es"), (" 2 ", "es")])
def test_one_of_the_two_can_be_picked_and_the_questions_begin(picked: str, language: str) -> None:
    phone = Phone().texts("bonjour je suis mal", picked)
    assert phone.progress.language == language
    assert phone.sent[0] == "W1"
    phone.texts("1")
    assert phone.progress.path == "self"
    assert phone.progress.language == language


def test_an_answer_in_another_language_in_the_middle_brings_a_human_as_well() -> None:
    phone = Phone().texts("hi", "1").texts("ich kann nicht mehr").expects("TWO_LANG")
    assert BookCallback(at_once=True) in phone.effects
    phone.texts("1")
    assert phone.progress.path == "self", "a digit answers nothing that was not asked"


def test_a_town_or_a_name_may_be_in_any_language() -> None:
    progress = Progress(state="LOCATE", question="L6", path="self")
    assert "TWO_LANG" not in Phone(progress=progress).texts("Aix en Provence, chez moi").sent


def test_no_word_of_another_language_is_an_everyday_word_of_ours() -> None:
    ours = set().union(*(protocol().answer_words[code]["tells"] for code in ("en", "es")))
    assert {
        code: sorted(words & ours)
        for code, words in protocol().other_languages.items()
        if words & ours
    } == {}
