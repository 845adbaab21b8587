"""Carrier words as a table: CONTRACT 4 and PROTOCOL 4.5.

Each word, with and without the carrier having answered it, for a caller without a case, in an
ordinary question, and with an open urgent case, by text and on WhatsApp.
"""

from dataclasses import dataclass

import pytest

from helpline.domain.disposition import Disposition
from helpline.domain.effects import OptIn, OptOut, PageStaff
from helpline.domain.said import CarrierWord
from tests.phone import Phone, books_call, protocol

STOP_WORDS = ("STOP", "stop", " Stop. ", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL",
              "REVOKE", "OPTOUT")  # fmt: skip
OUR_STOP_WORDS = ("ALTO", "PARAR", "BAJA", "CANCELAR", "ARRET", "OPT OUT", "stop texting me",
                  "leave me alone", "no more", "please quit")  # fmt: skip
HELP_WORDS = ("HELP", "info", "AYUDA", "Aide")
START_WORDS = ("START", "unstop", "COMENZAR")
SENTENCES = ("please stop texting me", "can you stop texting me please")
CONTENT = ("i want to stop", "quit ket", "i quit my job")

NOBODY, ASKED, URGENT = "no case", "an ordinary question", "an urgent case"
CASES = (NOBODY, ASKED, URGENT)


def caller(case: str) -> Phone:
    phone = Phone()
    if case == ASKED:
        phone.texts("hi", "1", "2", "3", "3")
        assert phone.progress.state == "LOC_1"
    elif case == URGENT:
        phone.texts("hi", "1", "2", "3", "4")
        assert phone.progress.disposition is Disposition.URGENT_60
    return phone


@dataclass(frozen=True)
class Stop:
    """What a word of the STOP family does."""

    word: str
    answered: bool
    whatsapp: bool
    texts: tuple[str, ...]


STOPS = [
    *(Stop(word, True, False, ()) for word in STOP_WORDS),
    *(Stop(word, False, False, ()) for word in STOP_WORDS),
    *(Stop(word, False, True, ("WHATSAPP_STOP",)) for word in STOP_WORDS),
    *(Stop(word, False, False, ("OPTOUT_DONE",)) for word in (*OUR_STOP_WORDS, *SENTENCES)),
    Stop("ALTO", True, False, ()),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_stop(stop: Stop, case: str) -> None:
    phone = caller(case)
    floor = phone.progress.floor
    phone.texts(
        stop.word,
        answered=CarrierWord.STOP if stop.answered else None,
        whatsapp=stop.whatsapp,
    ).expects(*stop.texts)
    assert OptOut() in phone.effects
    assert phone.progress.opted_out
    assert phone.progress.floor == floor
    assert phone.wake_at is None
    if case == URGENT:
        assert phone.progress.state == "HUMAN_VOICE"
        assert phone.page == PageStaff(Disposition.CRISIS_LIVE, "opted out with an open case")
        assert books_call(phone.effects)
    else:
        assert phone.progress.state == "CLOSED_OPTOUT"
        assert phone.page is None
        assert not books_call(phone.effects)


@pytest.mark.parametrize("word", STOP_WORDS[:2] + OUR_STOP_WORDS[:2] + SENTENCES[:1])
def test_stop_after_words_of_danger_brings_a_voice(word: str) -> None:
    phone = Phone().texts("kms lol").texts(word)
    assert phone.progress.opted_out
    assert phone.progress.state == "HUMAN_VOICE"
    assert phone.page is not None


def test_only_one_confirmation() -> None:
    phone = Phone().texts("hi", "ALTO").expects("OPTOUT_DONE")
    phone.texts("ALTO").expects()
    phone.texts("hello?").expects()
    assert phone.progress.state == "CLOSED_OPTOUT"


@pytest.mark.parametrize("text", CONTENT)
def test_a_sentence_about_stopping_is_content(text: str) -> None:
    phone = Phone().texts("hi", text)
    assert not phone.progress.opted_out


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("word", HELP_WORDS)
@pytest.mark.parametrize("answered", [True, False])
def test_help(word: str, case: str, answered: bool) -> None:
    phone = caller(case)
    place = phone.progress.state, phone.progress.question
    phone.texts(word, answered=CarrierWord.HELP if answered else None)
    phone.expects(*(() if answered else ("KW_HELP",)))
    assert "HELP_WORD" in phone.progress.flags
    assert not phone.progress.opted_out
    if case != NOBODY:
        assert (phone.progress.state, phone.progress.question) == place
    if case != URGENT:
        phone.silent_for(119)
        assert phone.sent == []
        phone.silent_for(2)
        assert phone.sent == ["S2"]


@pytest.mark.parametrize("answered", [True, False])
def test_the_first_words_after_help_are_welcomed(answered: bool) -> None:
    carrier = CarrierWord.HELP if answered else None
    Phone().texts("HELP", answered=carrier).texts("hello").expects("W1", "W2")
    Phone().texts("HELP", answered=carrier).texts("2").expects("W1", "W2")
    phone = Phone().texts("HELP", answered=carrier).texts("my son uses ketamine every day")
    phone.expects("W0", "O1", "W2")


@pytest.mark.parametrize("word", START_WORDS)
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("opted_out", [True, False])
def test_start(word: str, answered: bool, opted_out: bool) -> None:
    phone = Phone().texts("hi")
    if opted_out:
        phone.texts("STOP")
    phone.texts(word, answered=CarrierWord.START if answered else None)
    phone.expects(*(() if answered else ("KW_START",)))
    assert (OptIn() in phone.effects) is opted_out
    assert not phone.progress.opted_out
    assert "OPTED_OUT" not in phone.progress.flags
    assert phone.place[:2] == ("COMPLIANCE", "KW_START")


@pytest.mark.parametrize(("answer", "pages"), [("1", True), ("2", False), ("3", True)])
def test_what_follows_start_binds_to_the_text_of_the_carrier(answer: str, pages: bool) -> None:
    phone = Phone().texts("hi", "STOP").texts("START", answered=CarrierWord.START)
    phone.texts(answer)
    assert phone.progress.state == "SAFETY_MED"
    assert (phone.page is not None) is pages


def test_start_forgets_where_a_detour_wanted_to_go_back() -> None:
    phone = Phone().texts("hi", "1", "2", "3", "3", "my heart is pounding and chest pain")
    phone.texts("START", "1")
    assert phone.sent == ["S2"]
    assert phone.page is not None


@pytest.mark.parametrize("word", ["YES", "si", "Yes."])
def test_yes_means_start_only_to_somebody_who_had_opted_out(word: str) -> None:
    phone = Phone().texts("hi", "1").texts(word)
    assert phone.progress.state == "EMERGENCY"
    phone = Phone().texts("hi", "STOP").texts(word).expects("KW_START")
    assert phone.progress.state == "COMPLIANCE"


@pytest.mark.parametrize("carrier", [None, *CarrierWord])
@pytest.mark.parametrize("opted_out", [True, False])
@pytest.mark.parametrize("whatsapp", [True, False])
@pytest.mark.parametrize(
    ("text", "first", "kind"),
    [
        ("stop i took all my pills", "E1", Disposition.EMERGENCY_NOW),
        ("HELP my son is not breathing", "E2", Disposition.EMERGENCY_NOW),
        ("start he has a knife and is going to kill me", "EV", Disposition.EMERGENCY_NOW),
        ("stop texting me i want to kill myself", "K1", Disposition.CRISIS_LIVE),
    ],
)
def test_danger_in_any_of_these_or_from_an_opted_out_number(
    text: str,
    first: str,
    kind: Disposition,
    carrier: CarrierWord | None,
    opted_out: bool,
    whatsapp: bool,
) -> None:
    phone = Phone().texts("hi")
    if opted_out:
        phone.texts("STOP")
    phone.texts(text, answered=carrier, whatsapp=whatsapp)
    assert phone.sent[0] == first
    assert phone.page is not None
    assert phone.page.kind is kind
    assert books_call(phone.effects)
    if carrier is CarrierWord.STOP and not opted_out:
        assert OptOut() in phone.effects


def test_doubt_from_an_opted_out_number_gets_a_human_since_it_cannot_be_asked() -> None:
    phone = Phone().texts("hi", "STOP", "kms lol").expects()
    assert phone.page is not None
    assert books_call(phone.effects)
    assert phone.progress.disposition is Disposition.URGENT_15


def test_an_appointment_does_not_text_somebody_who_opted_out() -> None:
    phone = Phone().texts("hi", "STOP").appointed("FOLLOWUP").expects()
    assert phone.progress.state == "CLOSED_OPTOUT"


def test_every_word_of_the_table_is_in_the_configuration() -> None:
    words = protocol().carrier_words
    assert {word.strip(" .").lower() for word in STOP_WORDS} == set(words["stop"])
    assert {word.lower() for word in OUR_STOP_WORDS} <= set(words["stop_ours"])


def test_yes_is_an_answer_even_where_the_carrier_greets_it() -> None:
    """PROTOCOL 9 item 7: "YES" from somebody who never opted out has no START side effect."""
    phone = Phone().texts("hi", "1")
    phone.texts("no").texts("no").texts("no")
    before = phone.progress.state
    phone.texts("yes", answered=CarrierWord.START)
    assert phone.progress.state != "COMPLIANCE"
    assert before == "LOC_1"
