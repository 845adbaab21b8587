"""Wordings: the right one, in the right language, with the right numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpline.content import load_protocol
from helpline.domain.countries import pack_for
from helpline.domain.messages import (
    LONGEST,
    MessageError,
    digit_by_digit,
    gsm7_length,
    render,
    segments,
    spoken,
)
from helpline.domain.protocol import Protocol

CONFIG = Path(__file__).parent.parent.parent / "config"
VALUES = {
    "ORG": "Harbour",
    "URL": "harbour.org",
    "NUM": "+12025550100",
    "NAME": "Sam",
    "ROLE": "specialist",
    "WHEN": "today at 16:30",
    "CALLER": "+12025550101",
    "MIN": "60 minutes",
    "CODE": "4821",
    "KIND": "CRISIS",
    "DISPOSITION": "crisis",
    "MINUTES": "3",
}


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol(CONFIG)


def say(
    protocol: Protocol, key: str, country: str = "US", language: str = "en", staffed: bool = True
) -> str:
    pack = pack_for(protocol, country)
    return render(protocol, key, language=language, country=pack, staffed=staffed, values=VALUES)


def speak(
    protocol: Protocol, key: str, country: str = "US", language: str = "en", staffed: bool = True
) -> str:
    pack = pack_for(protocol, country)
    return spoken(protocol, key, language=language, country=pack, staffed=staffed, values=VALUES)


def test_the_numbers_are_those_of_the_country(protocol: Protocol) -> None:
    assert say(protocol, "K1").startswith(
        "We're glad you told us, and you deserve support now. Call or text 988 any time."
    )
    assert "Call 116 123 any time" in say(protocol, "K1", "GB")
    assert "Call 999 now" in say(protocol, "E1", "GB")
    assert "Call or text 1737" in say(protocol, "K1", "NZ")


def test_an_unknown_country_is_given_no_number(protocol: Protocol) -> None:
    for key in ("W1", "E1", "E2", "EV", "EM", "K1", "K4", "SQC", "N1", "E4"):
        text = say(protocol, key, "KE")
        assert not any(number in text for number in ("911", "988", "112", "999")), text
        assert "emergency services" in text or "a crisis line" in text


def test_a_line_without_a_name_is_not_praised_and_opens_a_sentence(protocol: Protocol) -> None:
    assert "free" not in say(protocol, "K3", "KE")
    assert "24/7" not in say(protocol, "SQ3N", "KE")
    assert "connect" not in speak(protocol, "K3", "KE")
    assert "telling us. A crisis line is there" in say(protocol, "SQ2", "KE")


def test_nobody_on_duty_promises_nobody(protocol: Protocol) -> None:
    assert say(protocol, "E1", staffed=False) == say(protocol, "E1N")
    assert say(protocol, "K1", staffed=False) == say(protocol, "K1N")
    assert "15 min" not in say(protocol, "U1", staffed=False)
    assert say(protocol, "S2", staffed=False) == say(protocol, "S2")


def test_another_language_falls_back_to_english_by_message(protocol: Protocol) -> None:
    short = {key: message for key, message in protocol.messages["es"].items() if key != "L1"}
    without = replace(protocol, messages={**protocol.messages, "es": short})
    assert (
        say(without, "L1", language="es") == say(protocol, "L1") != say(protocol, "L1", "US", "es")
    )
    assert say(protocol, "E1", language="es").startswith("Llame al 911 ahora")
    assert say(protocol, "E1", language="es", staffed=False).endswith("que llame alguien cercano.")
    assert say(protocol, "E1", language="fr") == say(protocol, "E1")
    assert "Llame a emergencias ahora" in say(protocol, "E1", "KE", "es")


def test_words_of_a_country(protocol: Protocol) -> None:
    assert "a GP, A&E or 111" in say(protocol, "U3", "GB")
    assert "urgent care, ER or your doctor" in say(protocol, "U3")
    assert "Childline" in say(protocol, "YOUTH", "GB")


def test_a_country_without_a_poison_line_leaves_the_sentence_out(protocol: Protocol) -> None:
    assert say(protocol, "R6").endswith("Poison: 1-800-222-1222")
    assert say(protocol, "R6", "IE").endswith("If it gets worse call 112.")


def test_a_voice_reads_numbers_digit_by_digit(protocol: Protocol) -> None:
    assert "call 9 1 1" in speak(protocol, "E1")
    assert "1 1 6, 1 2 3" in speak(protocol, "K4", "GB")
    assert "within 15 minutes" in speak(protocol, "U1")
    assert digit_by_digit("1-800-222-1222") == "1, 8 0 0, 2 2 2, 1 2 2 2"
    assert digit_by_digit("+12025550100") == "plus 1 2 0, 2 5 5, 5 0 1, 0 0"
    assert digit_by_digit("+12025550100", "es").startswith("más 1 2 0")
    assert "al más 1 2 0, 2 5 5" in speak(protocol, "C7", "US", "es")
    assert digit_by_digit("your doctor") == "your doctor"
    assert digit_by_digit("112 or 999") == "1 1 2 or 9 9 9"


def test_before_connecting_nothing_is_given_away(protocol: Protocol) -> None:
    for key in ("BEFORE_CONNECT", "STAFF_WAITING", "CALLING", "C7", "ATTEMPTS_END"):
        try:
            text = say(protocol, key).lower()
        except MessageError:
            text = speak(protocol, key).lower()
        for word in ("harbour", "helpline", "ketamine", "drug", "crisis", "treatment", "988"):
            assert word not in text, (key, word)


def test_a_name_is_optional_and_cannot_break_a_text(protocol: Protocol) -> None:
    us = pack_for(protocol, "US")
    for name in ("", "   ", "\n\n"):
        values = {**VALUES, "NAME": name}
        text = render(protocol, "F1", language="en", country=us, staffed=True, values=values)
        assert text.startswith("Hi, checking in")
    values = {**VALUES, "NAME": "{EMG} Łukasz\nX" + "z" * 99}
    text = render(protocol, "F1", language="en", country=us, staffed=True, values=values)
    assert "{EMG}" in text
    assert len(text) <= 160
    assert "\n" not in text


def test_what_is_missing_is_an_error(protocol: Protocol) -> None:
    us = pack_for(protocol, "US")
    with pytest.raises(MessageError, match="no message NOPE"):
        say(protocol, "NOPE")
    with pytest.raises(MessageError, match=r"no value for \{WHEN\}"):
        render(
            protocol, "C6", language="en", country=us, staffed=True,
            values={name: value for name, value in VALUES.items() if name != "WHEN"},
        )  # fmt: skip
    with pytest.raises(MessageError, match="no written wording"):
        say(protocol, "BEFORE_CONNECT")


def test_values_never_replace_the_numbers_of_a_country(protocol: Protocol) -> None:
    us = pack_for(protocol, "US")
    values = {**VALUES, "EMG": "123", "CRISIS": "456"}
    text = render(protocol, "X2", language="en", country=us, staffed=True, values=values)
    assert "911" in text
    assert "123" not in text


def test_every_message_renders_in_every_country_and_language(protocol: Protocol) -> None:
    values = dict(LONGEST)
    for language in protocol.messages:
        for iso, country in protocol.countries.items():
            for key, message in protocol.messages["en"].items():
                for staffed in (True, False):
                    if message.sms:
                        text = render(
                            protocol, key, language=language, country=country,
                            staffed=staffed, values=values,
                        )  # fmt: skip
                        assert segments(text) == 1, (key, language, iso, text)
                        assert "{" not in text
                    said = spoken(
                        protocol, key, language=language, country=country,
                        staffed=staffed, values=values,
                    )  # fmt: skip
                    assert "{" not in said


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("a" * 160, 160), ("ñé¿¡", 4), ("[]", 4), ("€", 2), ("í", None), ("👍", None)],
)
def test_septets(text: str, length: int | None) -> None:
    assert gsm7_length(text) == length


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("a" * 152 + "€" * 76 + "a", 2),
        ("a" * 152 + "€" * 77, 3),
        ("í" * 70, 1),
        ("í" * 71, 2),
        ("í" * 134, 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("👍" * 67, 3),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count
