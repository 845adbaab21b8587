"""The people of a storm: callers with a small story each, and staff who are only human."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.chaos.wire import Wire

EMERGENCY = (
    "i took all my pills and cant stay awake",
    "my friend is not breathing",
    "he wont wake up and his lips are blue",
    "i overdosed please help",
)
CRISIS = ("i want to kill myself tonight", "i am going to end my life")
DANGER = EMERGENCY + CRISIS
OPENINGS = (
    "hi",
    "i use ketamine every day and want to stop",
    "my bladder hurts and i cant stop using k",
    "worried about my brother",
    "what is this",
    "1",
)
NONSENSE = ("asdf qwer zxcv", "banana", "?", "blub blub", "\N{THUMBS UP SIGN}", "....", "7 7 7")
ANSWERS = ("1", "2", "3", "4", "no", "not sure", "weekends mostly", "yes", "0")
ASKING = ("can someone call me", "0", "i want to talk to a person")
RETURNS = ("im back", "are you still calling me?", "hello?", "thanks")
DANGEROUS = 0.12
"""How many of the callers come to speak of danger."""

RINGS = (
    ("answer", 6),
    ("no-answer", 2),
    ("busy", 1),
    ("reject", 1),
    ("voicemail", 1),
)


@dataclass(frozen=True)
class Turn:
    """One thing a caller does, after a pause in seconds."""

    act: str
    words: str
    pause: float


def story(random: Random) -> Iterator[Turn]:
    """A small story: an opening, some answers, a turn or two, danger at a random point."""
    turns = [random.choice(OPENINGS)]
    turns += random.choices(ANSWERS, k=random.randint(1, 5))
    for kind, odds in ((NONSENSE, 0.3), (ASKING, 0.35), (RETURNS, 0.3)):
        if random.random() < odds:
            turns.insert(random.randint(1, len(turns)), random.choice(kind))
    if random.random() < 0.1:
        turns.insert(random.randint(1, len(turns)), "STOP")
        if random.random() < 0.5:
            turns += ["START", random.choice(RETURNS)]
    if random.random() < DANGEROUS:
        for _ in range(random.choice((1, 1, 2))):
            turns.insert(random.randint(0, len(turns)), random.choice(DANGER))
    for words in turns:
        yield Turn("text", words, random.uniform(0.0, 1.5))
    if random.random() < 0.05:
        yield Turn("call", "", random.uniform(0.0, 1.5))


def rings(random: Random) -> str:
    """What a caller's telephone does when it rings."""
    mode, _ = random.choices(RINGS, [weight for _, weight in RINGS])[0]
    return mode


def live(wire: Wire, number: str, random: Random, over: threading.Event) -> None:
    """A caller lives through their story, or until the storm is over."""
    wire.act(number, "behaviour", mode=rings(random), keys=[{"keys": "1"}], talk_for=5)
    for turn in story(random):
        if over.wait(turn.pause):
            return
        if turn.act == "text":
            wire.act(number, "text", body=turn.words)
        else:
            wire.act(number, "call", keys=[{"keys": random.choice(("1", "0", "9"))}])


MOODS: tuple[tuple[str, tuple[dict[str, object], ...], int], ...] = (
    ("answer", ({"keys": "1", "repeat": True},), 8),
    ("answer", ({"keys": "2"},), 2),
    ("answer", ({"hang_up": True},), 1),
    ("answer", (), 1),
    ("no-answer", (), 2),
    ("busy", (), 1),
    ("voicemail", (), 1),
)


def works(wire: Wire, number: str, random: Random, over: threading.Event) -> None:
    """A member of staff: answers or not, presses this or that, texts OK, comes and goes."""
    while not over.wait(random.uniform(0.5, 2.5)):
        mode, keys, _ = random.choices(MOODS, [weight for _, _, weight in MOODS])[0]
        wire.act(number, "behaviour", mode=mode, keys=list(keys), talk_for=5)
        says = random.choices(("", "OK", "AVAILABLE", "AWAY"), (6, 4, 2, 0.5))[0]
        if says:
            wire.act(number, "text", body=says)


def serves(wire: Wire, number: str, over: threading.Event) -> None:
    """The same person on a good day: picks up, takes it, and answers every page."""
    keys = [{"keys": "1", "repeat": True}]
    wire.act(number, "behaviour", mode="answer", keys=keys)
    wire.act(number, "text", body="AVAILABLE")
    while not over.wait(1.5):
        wire.act(number, "text", body="OK")


def hangs_up(wire: Wire, random: Random, over: threading.Event) -> None:
    """Nobody talks for ever: everyone who is on a call puts the phone down after a while."""
    seen = 0
    talking: dict[str, int] = {}
    while not over.is_set():
        log = wire.ask("GET", f"/control/log?kind=call.status&after={seen}&wait=0.5")
        seen = max([seen, *(event["n"] for event in log["events"])])
        for number in [number for number, rounds in talking.items() if rounds <= 0]:
            del talking[number]
            wire.act(number, "hang_up")
        talking = {number: rounds - 1 for number, rounds in talking.items()}
        for event in log["events"]:
            if event["status"] == "in-progress" and event["direction"] == "outbound-api":
                talking[event["to"]] = random.randint(2, 6)
        over.wait(0.25)
