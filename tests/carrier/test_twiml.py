"""TwiML is valid XML within the carrier's limits, whatever it is made of."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.carrier import twiml
from helpline.domain.phone import PhoneNumber
from helpline.domain.speech import (
    Ask,
    Bridge,
    CallStep,
    HangUp,
    Join,
    Pause,
    Record,
    Redirect,
    Say,
)

anything = st.text(st.characters(exclude_categories=()))


def parse(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document.encode("utf-8"))  # noqa: S314 - our own


def test_texts() -> None:
    root = parse(twiml.texts(["a <b> & 'c'", "Ünïcode 😀"]))
    assert [m.text for m in root.findall("Message")] == ["a <b> & 'c'", "Ünïcode 😀"]
    assert twiml.texts([]).endswith("<Response/>")
    assert twiml.texts(["", " ", "\x00"]) == twiml.texts([])


def test_long_texts_are_split_and_whole() -> None:
    long = "word " * 700
    parts = [m.text or "" for m in parse(twiml.texts([long])).findall("Message")]
    assert "".join(parts) == long
    assert all(len(part) <= twiml.MESSAGE_LIMIT for part in parts)
    assert all(part.endswith(" ") for part in parts)
    assert len(parse(twiml.texts(["x" * 3201])).findall("Message")) == 3


@given(st.lists(anything))
def test_any_words_make_valid_xml(words: list[str]) -> None:
    root = parse(twiml.texts(words))
    assert all(1 <= len(m.text or "") <= twiml.MESSAGE_LIMIT for m in root)
    steps: list[CallStep] = []
    for word in words:
        ask = Ask((Say(word), Pause()), word, hints=(word,), speech=True)
        steps += [Say(word), ask, Join(word, word, wait=word), Record(word), Redirect(word)]
    parse(twiml.voice(steps)).iter()


def test_asking_for_one_key() -> None:
    root = parse(twiml.voice([Ask((Say("Press 1"), Pause()), "/a?b=1&c=é"), HangUp()]))
    gather = root.find("Gather")
    assert gather is not None
    assert gather.attrib == {
        "input": "dtmf",
        "action": "/a?b=1&c=%C3%A9",
        "method": "POST",
        "numDigits": "1",
        "timeout": "8",
        "actionOnEmptyResult": "false",
    }
    assert [child.tag for child in gather] == ["Say", "Pause"]
    assert [child.tag for child in root] == ["Gather", "Hangup"]


def test_asking_for_speech_never_stars_words_and_still_takes_keys() -> None:
    ask = Ask((), "/a", digits=4, timeout=timedelta(0), speech=True, language="es-US",
              hints=("sí", "no"), silence_to_action=True)  # fmt: skip
    gather = parse(twiml.voice([ask])).find("Gather")
    assert gather is not None
    assert gather.get("input") == "dtmf speech"
    assert gather.get("profanityFilter") == "false"
    assert gather.get("hints") == "sí,no"
    assert gather.get("actionOnEmptyResult") == "true"
    assert (gather.get("numDigits"), gather.get("timeout")) == ("4", "1")


def test_joining_a_conference() -> None:
    join = Join("room-7f", "/left", start=False, end_on_exit=True, wait="/hold")
    dial = parse(twiml.voice([join])).find("Dial")
    assert dial is not None
    assert (dial.get("action"), dial.get("method")) == ("/left", "POST")
    room = dial.find("Conference")
    assert room is not None
    assert room.text == "room-7f"
    assert room.attrib == {
        "beep": "false",
        "startConferenceOnEnter": "false",
        "endConferenceOnExit": "true",
        "waitUrl": "/hold",
        "waitMethod": "POST",
    }
    silent = parse(twiml.voice([Join("r", "/left")])).find("Dial/Conference")
    assert silent is not None
    assert silent.get("waitUrl") == ""


def test_bridge_record_redirect() -> None:
    bridge = Bridge(PhoneNumber("+18002738255"), PhoneNumber("+12025550123"), "/b")
    root = parse(twiml.voice([bridge, Record("/r", "/heard"), Redirect("/next")]))
    number = root.find("Dial/Number")
    assert number is not None
    assert number.text == "+18002738255"
    dial, record = root.find("Dial"), root.find("Record")
    assert dial is not None
    assert record is not None
    assert (dial.get("callerId"), dial.get("answerOnBridge")) == ("+12025550123", "true")
    assert (record.get("transcribeCallback"), record.get("maxLength")) == ("/heard", "120")
    assert root[-1].text == "/next"


def test_long_speech_is_split_below_the_limit() -> None:
    says = parse(twiml.voice([Say("word " * 2000, "es-US")])).findall("Say")
    assert "".join(say.text or "" for say in says) == "word " * 2000
    assert all(len(say.text or "") <= 4096 and say.get("language") == "es-US" for say in says)


@pytest.mark.parametrize("steps", [[], [HangUp()]])
def test_nothing_to_say(steps: list[CallStep]) -> None:
    assert parse(twiml.voice(steps)).tag == "Response"
