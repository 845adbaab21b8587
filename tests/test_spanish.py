"""Everything that a caller reads or hears exists in Spanish, and in Spanish only."""

import re
from pathlib import Path

import pytest

from helpline.content.translations import STAFF_FAMILIES, list_missing
from helpline.domain.countries import local_words
from helpline.domain.messages import (
    LONGEST,
    PLACEHOLDER,
    country_values,
    gsm7_length,
    localise,
    segments,
)
from helpline.domain.protocol import Country, Question
from tests.phone import protocol
from tests.spanish import ENGLISH, FOR_CARRIERS, spoken_answers

SOURCES = Path(__file__).parent.parent / "helpline"
IN_BOTH = {"TWO_LANG"}
VERBATIM = {
    "W1": ("¿Es sobre? 1 Usted 2 Otra persona 3 Ketamina recetada. 0 Persona",
           "Este es un sistema de ayuda. Si hay peligro de muerte, llame al {EMG}."),
    "S2": ("convulsiona, dolor de pecho, no puede orinar, herida grave o ha tomado de mas? 1 Si",
           "¿le cuesta mantenerse despierto o respirar, tiene convulsiones, dolor de pecho,"),
    "SQ1": ("En este mes, ¿ha pensado en el suicidio o en no estar con vida? 1 Hoy 2 Este mes, no",
            "En el último mes, ¿ha pensado en el suicidio o en no estar con vida?"),
    "SQ2": ("¿Tiene un plan o siente que lo puede hacer? Sin detalles. 1 Si 2 Solo pensamientos",
            "Gracias por decírmelo. ¿Tiene un plan o siente que podría hacerlo?"),
    "E1": ("Abra la puerta, acuéstese de lado, no se quede a solas. Estamos avisando a una persona",
           "Llame al {EMG} ahora mismo, o pida que alguien llame."),
    "E2": ("Haga lo que le digan. Naloxona si la tiene. Si respira, de lado. Quédese.",
           "Llame al {EMG} ahora. Diga primero si no despierta o no respira"),
    "K1": ("Llame al {CRISIS} a cualquier hora. Una persona del equipo va a unirse a esta charla.",
           "Gracias por contarlo. Merece ayuda ahora. Le comunico con una persona."),
}  # fmt: skip
"""PROTOCOL 3.4 has these words; more may follow them, nothing replaces them."""


def questions() -> dict[str, tuple[Question, bool]]:
    return {
        question.message: (question, state.safety)
        for state in protocol().states.values()
        for question in state.questions
    }


def longest(text: str, pack: Country) -> str:
    values = {**LONGEST, **country_values(pack, "es")}
    filled = localise(text, "es", pack)
    return PLACEHOLDER.sub(lambda blank: values.get(blank[1], blank[0]), filled)


def said_in(pack: Country, key: str, channel: str) -> str | None:
    for known in (local_words(pack, "es").messages.get(key), protocol().messages["es"][key]):
        text: str | None = getattr(known, channel, None)
        if text is not None:
            return text
    return None


def test_every_message_for_callers_is_there() -> None:
    assert list_missing(protocol().messages, "es") == ()
    assert len(protocol().messages["es"]) > 120


def test_staff_are_spoken_to_in_the_first_language_and_callers_never_in_staff_words() -> None:
    """The families that Spanish leaves out are those that only `to_staff` and its kin name."""
    assert not [key for key in protocol().messages["es"] if key.startswith(STAFF_FAMILIES)]
    staff_word = re.compile(rf'(?:to_caller|aloud)\(\s*rt,\s*"(?:{"|".join(STAFF_FAMILIES)})')
    for path in SOURCES.rglob("*.py"):
        assert not staff_word.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("iso", sorted(protocol().countries))
def test_every_text_fits_with_the_longest_values(iso: str) -> None:
    pack = protocol().countries[iso]
    for key in protocol().messages["es"]:
        text = said_in(pack, key, "sms")
        if text is None:
            continue
        full = longest(text, pack)
        assert gsm7_length(full) is not None, (key, [c for c in full if gsm7_length(c) is None])
        assert segments(full) == 1, (key, len(full))


@pytest.mark.parametrize("iso", sorted(protocol().countries))
def test_no_english_is_left(iso: str) -> None:
    pack = protocol().countries[iso]
    local = country_values(pack, "es")
    for key in set(protocol().messages["es"]) - IN_BOTH:
        for channel in ("sms", "voice"):
            text = said_in(pack, key, channel) or ""
            said = PLACEHOLDER.sub(
                lambda blank: local.get(blank[1], ""), localise(text, "es", pack)
            )
            assert set(ENGLISH.findall(said)) <= FOR_CARRIERS, (key, channel, said)


def test_the_blanks_are_those_of_english() -> None:
    english, spanish = protocol().messages["en"], protocol().messages["es"]
    for key, message in spanish.items():
        for channel in ("sms", "voice"):
            ours, theirs = getattr(message, channel), getattr(english[key], channel)
            assert (ours is None) is (theirs is None), (key, channel)
            assert set(PLACEHOLDER.findall(ours or "")) == set(PLACEHOLDER.findall(theirs or "")), (
                key, channel,
            )  # fmt: skip


def test_the_words_of_the_protocol_are_kept() -> None:
    for key, (written, spoken) in VERBATIM.items():
        message = protocol().messages["es"][key]
        assert written in (message.sms or ""), key
        assert spoken in (message.voice or ""), key


def test_what_was_not_in_the_protocol_waits_for_a_clinician() -> None:
    finished = {key for key, message in protocol().messages["es"].items() if not message.draft}
    assert finished <= set(VERBATIM)


def test_the_first_option_of_a_safety_question_is_yes_or_today() -> None:
    for key, (question, safety) in questions().items():
        if not safety or question.answers.get("1") is None or question.answers["1"].means != "yes":
            continue
        first = spoken_answers(protocol(), question)["1"]
        assert re.match(r"s[ií]\b|hoy\b", first, re.IGNORECASE), (key, first)


def test_every_digit_that_english_speaks_is_spoken() -> None:
    for key, (question, _) in questions().items():
        theirs = protocol().messages["en"][key].voice or ""
        ours = protocol().messages["es"][key].voice or ""
        for choice in question.answers:
            alone = re.compile(rf"(?<![\d{{]){choice}(?!\d)")
            assert not alone.search(theirs) or alone.search(ours), (key, choice)


def test_the_spanish_line_of_the_american_number_is_named_where_it_is_confirmed() -> None:
    lines = local_words(protocol().countries["US"], "es").messages
    assert all("oprima 2" in (message.sms or "") for message in lines.values())
    assert {"K1", "K3", "E4"} <= set(lines)
