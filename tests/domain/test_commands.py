"""The exact grammar of a staff text: what is a command, and what is never one."""

import pytest

from helpline.domain.commands import (
    AskOutcome,
    CallOutcome,
    Command,
    ListCommands,
    RingMe,
    SetPresence,
    TakePage,
    TellOutcome,
    TextCaller,
    is_exact,
    parse_command,
)

HELPED = CallOutcome.HELPED


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("COMMANDS", ListCommands()),
        (" commands.\n", ListCommands()),
        ("Available", SetPresence(True)),
        ("away!", SetPresence(False)),
        ("next", RingMe()),
        ("ok", TakePage(None)),
        ("Ok 4711", TakePage("4711")),
        ("OK\n47110815", TakePage("47110815")),
        ("say 4711 Hi Mia, I am HERE", TextCaller("4711", "Hi Mia, I am HERE")),
        ("SAY 4711: one\ntwo", TextCaller("4711", "one\ntwo")),
        ("SAY 4711", TextCaller("4711", "")),
        ("say 4711  ", TextCaller("4711", "")),
        ("SAY 4711 OK 4712", TextCaller("4711", "OK 4712")),
        ("DONE 4711 1", TellOutcome("4711", HELPED, "")),
        ("done 4711 1 Will try a Meeting", TellOutcome("4711", HELPED, "Will try a Meeting")),
        ("DONE 4711 6.", TellOutcome("4711", CallOutcome.WRONG_PERSON, "")),
        ("DONE 4711 5, worse\ntoday", TellOutcome("4711", CallOutcome.RAISE_TO_CRISIS,
                                                  "worse\ntoday")),
        ("DONE 4711", AskOutcome("4711")),
        ("DONE 4711 7", AskOutcome("4711")),
        ("DONE 4711 12", AskOutcome("4711")),
        ("DONE 4711 he is dead", AskOutcome("4711")),
    ],
)  # fmt: skip
def test_a_command(body: str, command: Command) -> None:
    assert parse_command(body) == command
    assert is_exact(command) is not isinstance(command, AskOutcome)


@pytest.mark.parametrize(
    "body",
    ["", "4711", "okay", "OK 12", "OK 123456789", "OK 4711 4712", "OK ٤٧١١", "say hello", "SAY",
     "SAY4711 hi", "SAY 12 hi", "DONE", "DONE it", "available tomorrow", "NEXT week", "I am OK",
     "AWAY with the fairies", "STOP", "1"],
)  # fmt: skip
def test_not_a_command(body: str) -> None:
    assert parse_command(body) is None
    assert not is_exact(None)
