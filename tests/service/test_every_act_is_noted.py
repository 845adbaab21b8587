"""Each command by text and each key by telephone leaves an entry under the name of its author."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.said import CarrierWord
from helpline.service import intake
from helpline.service.calls import outcomes, staff_line
from helpline.service.upkeep import drill
from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, Scene, StaffPhone, report
from tests.service.stories import (
    case,
    danger,
    promise,
    talks,
    wants_a_person,
    writes,
)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def quick(sqlite_store: Store) -> Iterator[Scene]:
    """The same on SQLite only, for many variants of one thing."""
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


def acts_of(scene: Scene, person: StaffPhone, act: Callable[[], object]) -> set[str]:
    """What is noted of this person while they do this."""
    before = len(scene.rows(tables.audit))
    act()
    rows = scene.rows(tables.audit)[before:]
    return {row["action"] for row in rows if row["actor"] == f"staff:{person.id}"}


def code(scene: Scene) -> str:
    return str(case(scene)["code"])


# --- by text ----------------------------------------------------------------------------


def nothing(_scene: Scene, _person: StaffPhone) -> None:
    """Nobody is in need."""


def paged(scene: Scene, _person: StaffPhone) -> None:
    danger(scene)


def theirs(scene: Scene, person: StaffPhone) -> None:
    danger(scene)
    person.texts("OK")
    scene.work()


def silent_leg(scene: Scene, person: StaffPhone) -> None:
    theirs(scene, person)
    scene.clock.advance(200)
    report(scene, person.rings()[-1], LegState.NO_ANSWER)


def a_colleagues(scene: Scene, _person: StaffPhone) -> None:
    other = scene.staff("Other")
    danger(scene)
    other.texts("OK")


def waiting(scene: Scene, _person: StaffPhone) -> None:
    wants_a_person(scene)


def drilled(scene: Scene, _person: StaffPhone) -> None:
    drill.start(scene.rt)


TEXTS = [
    (nothing, "AVAILABLE", "available"),
    (nothing, "AWAY", "away"),
    (nothing, "COMMANDS", "asked for commands"),
    (nothing, "NEXT", "asked for next"),
    (waiting, "NEXT", "asked for next"),
    (nothing, "OK", "found no page"),
    (drilled, "OK", "drill answered"),
    (paged, "OK", "acknowledged"),
    (paged, "OK {code}", "acknowledged"),
    (waiting, "OK {code}", "held"),
    (silent_leg, "OK {code}", "acknowledged"),
    (theirs, "OK", "asked for ring"),
    (a_colleagues, "OK {code}", "came too late"),
    (paged, "OK 0001", "wrong code"),
    (theirs, "SAY {code} hello", "texted"),
    (paged, "SAY {code} hello", "say refused"),
    (paged, "SAY 0001 hello", "wrong code"),
    *[(theirs, f"DONE {{code}} {outcome} a note", "outcome") for outcome in range(1, 7)],
    (paged, "DONE {code} 1", "outcome refused"),
    (paged, "DONE 0001 1", "wrong code"),
    (theirs, "DONE {code}", "asked for outcomes"),
]


@pytest.mark.parametrize(("before", "body", "noted"), TEXTS)
def test_each_command_by_text(
    quick: Scene, before: Callable[[Scene, StaffPhone], None], body: str, noted: str
) -> None:
    ana = quick.staff("Ana")
    before(quick, ana)
    text = body.format(code=code(quick)) if "{code}" in body else body
    assert noted in acts_of(quick, ana, partial(ana.texts, text))


@pytest.mark.parametrize(("word", "noted"), [("STOP", "opted out"), ("START", "opted in")])
def test_stop_and_start(quick: Scene, word: str, noted: str) -> None:
    ana = quick.staff("Ana")

    def texts(body: str) -> None:
        text = intake.IncomingText(
            f"SM{body:0>32}", ana.number, LINE_NUMBER, body, answered=CarrierWord[body]
        )
        intake.receive(quick.rt, text)

    if word == "START":
        texts("STOP")
    assert noted in acts_of(quick, ana, partial(texts, word))


# --- by key -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digit", "noted"),
    [("1", "asked for next"), ("2", "available"), ("3", "away"), ("9", "asked for help")],
)
def test_each_key_of_the_staff_line(quick: Scene, digit: str, noted: str) -> None:
    ana = quick.staff("Ana")
    press = partial(staff_line.chosen, quick.rt, ana.number, LINE_NUMBER, digit, 0)
    assert noted in acts_of(quick, ana, press)


@pytest.mark.parametrize(("digit", "noted"), [("1", "acknowledged"), ("2", "passed")])
def test_each_key_of_a_page(quick: Scene, digit: str, noted: str) -> None:
    ana = quick.staff("Ana")
    danger(quick)
    assert noted in acts_of(quick, ana, partial(ana.presses, digit))


def test_the_key_of_whoever_came_second(quick: Scene) -> None:
    ana, ben = quick.staff("Ana"), quick.staff("Ben")
    danger(quick)
    ana.presses("1")
    assert acts_of(quick, ben, partial(ben.presses, "1")) == {"came too late"}


@pytest.mark.parametrize(("digit", "noted"), [("1", "taken"), ("2", "pressed to pass")])
def test_each_key_of_a_callback(quick: Scene, digit: str, noted: str) -> None:
    ana = quick.staff("Ana")
    wants_a_person(quick)
    quick.work()
    assert noted in acts_of(quick, ana, partial(ana.presses, digit))


def test_a_key_for_a_caller_who_hides_by_now(quick: Scene) -> None:
    ana = quick.staff("Ana")
    caller = wants_a_person(quick)
    quick.work()
    writes(caller, "he is here and he will kill me, he hits me")
    assert "came too late" in acts_of(quick, ana, partial(ana.presses, "1"))


@pytest.mark.parametrize("digit", list("123456"))
def test_each_outcome_by_key(quick: Scene, digit: str) -> None:
    ana = quick.staff("Ana")
    caller = wants_a_person(quick)
    quick.work()
    talks(quick, ana, caller)
    token = ana.token
    press = partial(outcomes.pressed, quick.rt, token, digit)
    assert "outcome" in acts_of(quick, ana, press)


def test_the_key_of_a_drill(quick: Scene) -> None:
    ana = quick.staff("Ana")
    drill.start(quick.rt)
    quick.work()
    press = partial(drill.call_chosen, quick.rt, ana.token, "1")
    assert "drill answered" in acts_of(quick, ana, press)


# --- what the line does by itself ---------------------------------------------------------


def test_a_case_opened_promised_raised_and_paged_about(scene: Scene) -> None:
    scene.staff("Ana")
    caller = wants_a_person(scene)
    noted = [(row["action"], row["subject"], row["subject_id"]) for row in scene.rows(tables.audit)]
    assert ("opened", "case", case(scene)["id"]) in noted
    assert noted.count(("promised", "callback", promise(scene)["id"])) == 1
    writes(caller, "i want to kill myself")
    writes(caller, "i took all the pills")
    later = scene.rows(tables.audit)[len(noted) :]
    acts = [(row["action"], row["subject"]) for row in later]
    assert ("raised", "case") in acts
    assert ("raised", "callback") in acts
    assert ("worsened", "page") in acts
    raised = [row["detail"] for row in later if row["action"] == "raised"]
    assert {"disposition": case(scene)["disposition"]} in raised
    before = len(scene.rows(tables.audit))
    writes(caller, "yes")
    again = {row["action"] for row in scene.rows(tables.audit)[before:]}
    assert not {"opened", "raised", "promised"} & again, "each is noted once"
