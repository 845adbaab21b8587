"""Every path: each reachable place of the protocol, with every answer, word and silence from it.

Places are keyed as CONTRACT 8 says: state, question, path, floor, flags and those answers that a
later rule may still combine with. One representative of each place is kept and walked from. Words
that leave the menus (0, 9, HELP, STOP, START, nonsense, doubt, silence) are tried everywhere;
where they lead is walked on with a coarser key.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import combinations

import pytest

from helpline.domain.conditions import Answered
from helpline.domain.conditions import walk as walk_condition
from helpline.domain.disposition import Disposition
from helpline.domain.effects import BookCallback, PageStaff, SendText
from helpline.domain.progress import Progress
from helpline.domain.protocol import Question
from helpline.domain.risk import NOTHING
from helpline.domain.said import Appointment, HungUp, Said, Silence, Words
from helpline.domain.triage import Step, advance
from tests.phone import (
    FIRST_IN_CRISIS,
    NOON,
    heard,
    messages,
    page_of,
    protocol,
    take,
)

MOMENT = timedelta(seconds=100)
MOST_ANSWERS = 20
LATER = {
    "LOC_1": ("L1",), "LOC_2": ("L1",), "LOC_3": ("L1", "L2"), "O_LOC": ("L1",),
    "R_SET": ("R3",), "R_WORRY": ("R3",), "CALLBACK": ("C1",),
}  # fmt: skip
"""Answers that a rule may still combine with what is asked from this state on."""

AHEAD = frozenset({"SUICIDAL_THOUGHTS", "OTHER_SELF_RISK", "SAFE_CONTACT", "DISCREET", "MINOR"})
COMBINED = {"LOC_2": {"WDRISK"}, "LOC_3": {"WDRISK", "MIX"}, "R_SET": {"ALONE"},
            "O_SUI": {"UNREACHABLE"}, "R_WORRY": {"HOME_USE", "ALONE"}}  # fmt: skip
"""Flags that a branch or rule may still combine; the others already did all they do: the floor."""

ASIDES = (
    "0", "9", "STOP", "START", "zxcvb", "kms lol", "HELP", "please stop texting me",
    "i hear voices", "are you a bot", "are you still calling me", "he has a knife he will kill us",
    "i cant wake him up",
)  # fmt: skip
FEW = 6
"""Of these, what is said where the walk only wants to see that it goes on."""

EMERGENCIES = {
    "i took all my pills and cant stay awake": {"E1"},
    "my son is not breathing": {"E2"},
    "he has a knife and is going to kill me": {"EV"},
    "cant pee at all since yesterday": {"EM", "E2"},
    "pregnant and bleeding": {"EM", "E2"},
}
CRISES = ("i want to kill myself", "my friend wants to kill himself")


@dataclass(frozen=True)
class Edge:
    """One step of the walk."""

    before: Progress
    said: Said
    step: Step
    aside: bool


@dataclass
class Walk:
    """Everything that can be reached, with or without staff."""

    staffed: bool
    places: dict[tuple[object, ...], Progress] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    onward: dict[tuple[object, ...], set[tuple[object, ...]]] = field(default_factory=dict)


def at(progress: Progress) -> datetime:
    """A little after the last word or prompt of this caller."""
    last = max(progress.heard_at, progress.silence_from, NOON.timestamp())
    return datetime.fromtimestamp(last, NOON.tzinfo) + MOMENT


def key_of(progress: Progress, aside: bool) -> tuple[object, ...]:
    state = progress.state or ""
    place = (state, progress.question, progress.nudge, progress.path, progress.floor, aside)
    if aside:
        return (*place, progress.opted_out, progress.returns_to is not None)
    answers = tuple(kind_of(name, progress.answers.get(name, ())) for name in LATER.get(state, ()))
    flags = set(progress.flags)
    ahead = frozenset(flags & (AHEAD | COMBINED.get(state, set())))
    return (*place, ahead, min(2, len(flags & protocol().plus_one)), answers)


def kind_of(question: str, given: Sequence[str]) -> tuple[bool, ...]:
    """What the protocol's conditions can tell of an answer."""
    return tuple(
        sum(choice in leaf.choices for choice in given) >= leaf.at_least
        for leaf in leaves()
        if leaf.question == question
    )


@lru_cache(maxsize=1)
def leaves() -> tuple[Answered, ...]:
    """Every condition on an answer, anywhere in the protocol."""
    book = protocol()
    conditions = [rule.when for rule in book.rules] + [send.when for send in book.notices]
    conditions += [flag.when for flag in book.flags.values() if flag.when is not None]
    for state in book.states.values():
        conditions += [branch.when for branch in state.then]
        conditions += [question.when for question in state.questions]
    inner = (part for condition in conditions for part in walk_condition(condition))
    return tuple(part for part in inner if isinstance(part, Answered))


def answers_to(question: Question) -> list[str]:
    """Every digit; of a multi-select each alone and each pair; of words one text and SKIP."""
    if question.saves == "phone":
        return ["+1 202 555 0143", "SKIP"]
    if question.choose == "words":
        return ["Springfield", "SKIP"]
    said = list(question.answers)
    if question.choose == "many":
        said += ["".join(pair) for pair in combinations(question.answers, 2)]
    if question.suffix:
        said += [f"{choice}{question.suffix}" for choice in question.answers]
    if question.saves == "time":
        said.append("tomorrow 3pm")
    return said


def open_question(progress: Progress) -> Question | None:
    state = protocol().states.get(progress.state or "")
    questions = state.questions if state else ()
    return next((item for item in questions if item.message == progress.question), None)


def say(progress: Progress, text: str, *, staffed: bool, twice: bool = False) -> Step:
    now = at(progress)
    scan = heard(text, hot=progress.heard_danger(now))
    return take(progress, Words(text), scan, now, staffed=staffed, twice=twice)


@lru_cache(maxsize=2)
def walk(staffed: bool) -> Walk:
    found = Walk(staffed)
    todo: deque[tuple[Progress, bool]] = deque([(Progress(), False)])
    for state in ("FOLLOWUP", "WATCH_CHECK"):
        start = Progress(path="self", state="QUEUED", heard_at=NOON.timestamp())
        step = take(start, Appointment(state), NOTHING, at(start), staffed=staffed)
        todo.append((step.progress, False))
    while todo:
        progress, aside = todo.popleft()
        key = key_of(progress, aside)
        if key in found.places:
            continue
        found.places[key] = progress
        found.onward[key] = set()
        for edge in edges_from(progress, aside, staffed):
            found.edges.append(edge)
            todo.append((edge.step.progress, edge.aside))
            if not edge.aside:
                found.onward[key].add(key_of(edge.step.progress, False))
    return found


def edges_from(progress: Progress, aside: bool, staffed: bool) -> list[Edge]:
    """The answers to the open question, then the words that leave the menus."""
    question = open_question(progress)
    answers = answers_to(question) if question else ["hello"]
    if not staffed:  # pairs were walked with staff, and decide nothing that staff could change
        answers = [text for text in answers if len(text) == 1 or not text.isdigit()]
    asides = ASIDES[:FEW] if aside or not staffed else ASIDES
    edges = []
    for number, text in enumerate((*answers, *asides)):
        step = say(progress, text, staffed=staffed, twice=number % 4 == 0)
        edges.append(Edge(progress, Words(text), step, aside or number >= len(answers)))
    return edges


@pytest.fixture(scope="module", params=[True, False], ids=["staffed", "nobody"])
def walked(request: pytest.FixtureRequest) -> Walk:
    return walk(request.param)


def places(walked: Walk) -> Iterator[Progress]:
    """One representative of each place as a caller would tell them apart, also opted out."""
    seen = set()
    for progress in walked.places.values():
        coarse = (progress.state, progress.question, progress.nudge, progress.path,
                  progress.floor, progress.opted_out)  # fmt: skip
        if coarse in seen:
            continue
        seen.add(coarse)
        yield progress


def where(progress: Progress) -> str:
    return f"{progress.state}/{progress.question} {progress.path} {progress.floor}"


def test_the_walk_reaches_every_state_and_question(walked: Walk) -> None:
    reached = {progress.state for progress in walked.places.values()}
    assert set(protocol().states) - reached <= {"RECEIVE", "SCAN"}
    asked = {(progress.state, progress.question) for progress in walked.places.values()}
    for state in protocol().states.values():
        for question in state.questions:
            staffed_only = question.message == "K2"
            nobody_only = question.message == "K3"
            if (staffed_only and not walked.staffed) or (nobody_only and walked.staffed):
                continue
            if state.id.startswith("EMERGENCY") and not walked.staffed:
                continue  # words of violence are walked on from once, with staff
            assert (state.id, question.message) in asked
    assert {p.path for p in walked.places.values()} == {None, "self", "other", "rx"}
    assert len(walked.edges) > 5_000


def test_every_path_ends_in_a_disposition_or_a_human(walked: Walk) -> None:
    """Answers only, from hello: at most 20 until somebody waits for a call, a human or has D6."""
    longest: dict[tuple[object, ...], int] = {}

    def answers_until_end(key: tuple[object, ...], path: frozenset[tuple[object, ...]]) -> int:
        progress = walked.places[key]
        state = protocol().states.get(progress.state or "")
        if state is not None and state.kind in {"wait", "end"}:
            assert progress.disposition >= Disposition.INFO or has_human(progress), where(progress)
            return 0
        assert key not in path, f"a circle of answers at {where(progress)}"
        if key not in longest:
            onward = walked.onward[key]
            assert onward, f"no way on from {where(progress)}"
            longest[key] = 1 + max(answers_until_end(next_, path | {key}) for next_ in onward)
        return longest[key]

    assert answers_until_end(next(iter(walked.places)), frozenset()) <= MOST_ANSWERS


def has_human(progress: Progress) -> bool:
    return progress.state in {"HUMAN", "HUMAN_VOICE", "EMERGENCY", "CRISIS", "CLOSED"}


def test_emergency_words_come_first_at_every_place(walked: Walk) -> None:
    for progress in places(walked):
        for text, first in EMERGENCIES.items():
            for before in (progress, stopped(progress)):
                step = say(before, text, staffed=walked.staffed)
                sent = messages(step.effects)
                page = page_of(step.effects)
                assert sent[0] in first, f"{text!r} at {where(before)}: {sent}"
                assert page is not None, f"{text!r} at {where(before)}"
                assert page.kind is Disposition.EMERGENCY_NOW
                assert step.progress.disposition is Disposition.EMERGENCY_NOW


def test_crisis_words_come_first_at_every_place(walked: Walk) -> None:
    for progress in places(walked):
        for text in CRISES:
            for before in (progress, stopped(progress)):
                step = say(before, text, staffed=walked.staffed)
                emergency = before.disposition is Disposition.EMERGENCY_NOW
                first = messages(step.effects)[0]
                wanted = {"E1", "E2", "EV", "EM"} if emergency else FIRST_IN_CRISIS
                assert first in wanted, f"{text!r} at {where(before)}: {first}"
                page = page_of(step.effects)
                assert page is not None
                assert page.kind >= Disposition.CRISIS_LIVE


def stopped(progress: Progress) -> Progress:
    """The same caller, opted out."""
    now = at(progress)
    return advance(protocol(), progress, Words("STOP"), NOTHING, now, staffed=True).progress


def test_danger_pages_while_a_human_holds_the_conversation(walked: Walk) -> None:
    for progress in places(walked):
        held = progress.copy()
        held.held = True
        assert messages(say(held, "hello", staffed=walked.staffed).effects) == []
        step = say(held, "my son is not breathing", staffed=walked.staffed)
        assert page_of(step.effects) is not None
        assert messages(step.effects)[0] in {"E2", "EV"}, "the number goes out all the same"


def test_hanging_up_at_any_place_leaves_a_call_of_at_least_the_floor(walked: Walk) -> None:
    """PROTOCOL V-02: also on the first words, and on a question that was not answered."""
    for progress in places(walked):
        soon = at(progress) - MOMENT + timedelta(seconds=10)
        step = take(progress, HungUp(), NOTHING, soon, staffed=walked.staffed)
        state = protocol().states.get(progress.state or "WELCOME")
        assert step.progress.disposition >= progress.disposition, where(progress)
        if progress.held or state is None or (state.kind == "end" and progress.question is None):
            continue
        booked = [effect for effect in step.effects if isinstance(effect, BookCallback)]
        assert len(booked) == 1, where(progress)
        if progress.disposition.is_danger:
            assert booked[0].at_once, where(progress)
            assert any(isinstance(effect, PageStaff) for effect in step.effects), where(progress)


def test_silence_ends_in_a_human_or_a_close(walked: Walk) -> None:
    for progress in walked.places.values():
        if progress.state == "" or progress.state is None or progress.opted_out:
            continue
        end, effects = in_silence(progress, walked.staffed)
        human = any(isinstance(effect, PageStaff | BookCallback) for effect in effects)
        state = protocol().states[end.state or ""]
        waiting = state.kind in {"wait", "end"}
        assert human or waiting or end.disposition.is_urgent, f"nothing ever at {where(progress)}"
        if state.safety and state.kind == "ask":
            assert human, f"silence at a safety question is nobody's at {where(progress)}"
        if end.disposition.is_urgent:
            assert SendText("D6") not in effects
            assert end.state != "CLOSED" or progress.state == "CLOSED"


def in_silence(progress: Progress, staffed: bool) -> tuple[Progress, list[object]]:
    """Nothing is said until the engine does not want to look again."""
    now = at(progress)
    effects: list[object] = []
    step = take(progress, Silence(), NOTHING, now, staffed=staffed, twice=False)
    effects += step.effects
    for _ in range(12):
        if step.wake_at is None:
            return step.progress, effects
        now = step.wake_at
        step = take(step.progress, Silence(), NOTHING, now, staffed=staffed, twice=False)
        effects += step.effects
    raise AssertionError(f"silence never ends at {where(progress)}")


def safety_places(walked: Walk) -> Iterator[tuple[Progress, Question]]:
    for progress in walked.places.values():
        question = open_question(progress)
        state = protocol().states.get(progress.state or "")
        if question is not None and state is not None and state.safety and state.kind == "ask":
            yield progress, question


def landing(progress: Progress, choice: str, staffed: bool) -> tuple[Disposition, bool]:
    """The floor right after an answer, and whether a human is paged."""
    step = say(progress, choice, staffed=staffed)
    page = page_of(step.effects)
    return max(step.progress.disposition, page.kind if page else Disposition.NONE), bool(page)


def test_the_first_option_is_the_riskiest(walked: Walk) -> None:
    for progress, question in safety_places(walked):
        floors = {choice: landing(progress, choice, walked.staffed) for choice in question.answers}
        assert floors["1"] == max(floors.values()), f"{where(progress)}: {floors}"


def test_not_sure_is_never_below_yes(walked: Walk) -> None:
    for progress, question in safety_places(walked):
        if question.message == "F1":
            continue
        sure = [c for c, answer in question.answers.items() if answer.means == "yes"]
        unsure = [c for c, answer in question.answers.items() if answer.means == "unsure"]
        for choice in unsure:
            lowest = min(landing(progress, yes, walked.staffed) for yes in sure)
            assert landing(progress, choice, walked.staffed) >= lowest, where(progress)
        spoken = landing(progress, "not sure", walked.staffed)
        if unsure:
            assert spoken == landing(progress, unsure[0], walked.staffed), where(progress)
