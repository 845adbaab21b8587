"""A conversation that a human holds: SAY, silence, new danger, outcomes told by text."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.domain.speech import HangUp, Join
from helpline.service import correspondence
from helpline.service.calls import caller_leg
from helpline.store import Store, journal, tables
from tests.builders import Phone, Scene, StaffPhone, race, report

CRISIS = "i want to kill myself"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def danger(scene: Scene, body: str = CRISIS) -> Phone:
    caller = scene.phone()
    writes(caller, body)
    scene.work()
    return caller


def writes(caller: Phone, body: str, after: float = 1) -> tuple[str, ...]:
    """A text whose answer is read; texts that came before are read too."""
    caller.read = len(caller.scene.carrier.texts_to(caller.number))
    caller.texts(body, after=after)
    caller.unread_answers = False
    return caller.answers


def got(scene: Scene, caller: Phone, words: str) -> int:
    return sum(words in text for text in scene.carrier.texts_to(caller.number))


def told(person: StaffPhone, *parts: str) -> int:
    return sum(all(part in text for part in parts) for text in person.texts_got())


def code(scene: Scene) -> str:
    return str(case(scene)["code"])


def case(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.case)[-1]


def page(scene: Scene) -> dict[str, Any]:
    return scene.rows(tables.page)[-1]


def settles(scene: Scene, seconds: float) -> None:
    """Time passes while the guard looks every ten seconds."""
    scene.passes(seconds, step=10)


def held(scene: Scene) -> tuple[StaffPhone, Phone]:
    """Ana has texted somebody in danger and holds the conversation."""
    ana = scene.staff("Ana")
    caller = danger(scene)
    ana.texts(f"OK {code(scene)}")
    ana.texts(f"SAY {code(scene)} I am Ana, are you safe?")
    scene.work()
    return ana, caller


# --- SAY --------------------------------------------------------------------------------


def test_say_texts_my_caller_word_for_word(scene: Scene) -> None:
    ana, two = scene.staff("Ana"), scene.staff("Two", tier=2)
    caller = danger(scene)
    ana.texts(f"OK {code(scene)}")
    answer = ana.texts(f"say {code(scene)} Hi, I am ANA. Are you safe?")
    assert "sent" in answer[0]
    scene.work()
    assert got(scene, caller, "Hi, I am ANA. Are you safe?") == 1
    assert case(scene)["holder_id"] == ana.id
    assert (page(scene)["state"], page(scene)["acknowledged_by"]) == ("acknowledged", ana.id)
    settles(scene, 100)
    assert not two.rings(), "a human answers: nobody else is woken"
    with scene.store.read() as tx:
        actions = {action for _, action, _ in journal.list_notes(tx, "case", case(scene)["id"])}
    assert "texted" in actions


def test_words_of_danger_in_a_command_are_not_the_specialists_own(scene: Scene) -> None:
    """Exact grammar wins: she asks about suicide, she does not speak of hers."""
    ana = scene.staff("Ana")
    caller = danger(scene)
    ana.texts(f"OK {code(scene)}")
    asked = "do you want to kill yourself right now? i want to die too sometimes"
    assert "sent" in ana.texts(f"SAY {code(scene)} {asked}")[0]
    scene.work()
    assert got(scene, caller, asked) == 1
    assert len(scene.rows(tables.page)) == 1


def test_any_other_danger_from_staff_is_a_callers_and_stays_one(scene: Scene) -> None:
    ana, bo = scene.staff("Ana"), scene.staff("Bo")
    assert any("988" in text for text in ana.texts(CRISIS))
    scene.work()
    assert bo.rings()
    assert not ana.rings()
    hers = code(scene)
    assert not any("not a command" in text for text in ana.texts("yes please"))
    for command in (f"OK {hers}", "OK", f"SAY {hers} hello me", f"DONE {hers} 1"):
        ana.texts(command)
    assert page(scene)["state"] == "open", "nobody stands down their own danger"
    assert case(scene)["state"] == "open"


@pytest.mark.parametrize(
    ("words", "part"),
    [("", "no words"), ("x" * 481, "too long"), ("   ", "no words")],
)
def test_what_cannot_be_said_is_answered_clearly(scene: Scene, words: str, part: str) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    sent = len(scene.carrier.texts_to(caller.number))
    assert part in ana.texts(f"SAY {code(scene)} {words}")[0]
    scene.work()
    assert len(scene.carrier.texts_to(caller.number)) == sent
    assert case(scene)["holder_id"] is None


def test_unknown_and_closed_codes(scene: Scene) -> None:
    ana, caller = held(scene)
    theirs = code(scene)
    unknown = next(item for item in ("1111", "2222") if item != theirs)
    for command in (f"SAY {unknown} hi", f"DONE {unknown} 1", f"OK {unknown}"):
        assert "no case" in ana.texts(command)[0]
    sent = len(scene.carrier.texts_to(caller.number))
    ana.texts(f"DONE {theirs} 1")
    for command in (f"SAY {theirs} hi", f"DONE {theirs} 2", f"OK {theirs}"):
        assert "is closed" in ana.texts(command)[0]
    scene.work()
    assert len(scene.carrier.texts_to(caller.number)) == sent


def test_who_asked_for_no_texts_gets_none(scene: Scene) -> None:
    ana, caller = held(scene)
    writes(caller, "stop texting me")
    scene.work()
    sent = len(scene.carrier.texts_to(caller.number))
    assert "no texts" in ana.texts(f"SAY {code(scene)} please come back")[0]
    scene.work()
    assert len(scene.carrier.texts_to(caller.number)) == sent


@pytest.mark.parametrize("role", ["specialist", "supervisor"])
def test_words_under_a_code_that_is_not_mine_reach_nobody(scene: Scene, role: str) -> None:
    """A mistyped code is another caller's: she reads the code again, and what to do."""
    ana = scene.staff("Ana", role=role)
    mine, other = danger(scene), danger(scene)
    first, second = (str(row["code"]) for row in scene.rows(tables.case))
    ana.texts(f"OK {first}")
    for code_of_nobody in (second, second):
        said = ana.texts(f"SAY {code_of_nobody} are you at home now?")
        assert f"Code {second} is not yours: nothing was sent" in said[0]
        assert f"OK {second}" in said[0]
    scene.work()
    assert got(scene, other, "are you at home") == got(scene, mine, "are you at home") == 0
    held_by = {row["code"]: row["holder_id"] for row in scene.rows(tables.case)}
    assert held_by == {first: ana.id, second: None}
    assert page(scene)["state"] == "open", "the other caller is still paged about"
    ana.texts(f"OK {second}")
    assert "sent" in ana.texts(f"SAY {second} are you at home now?")[0]
    scene.work()
    assert got(scene, other, "are you at home") == 1


def test_a_colleagues_caller_is_texted_after_a_handing_over(scene: Scene) -> None:
    ana, caller = held(scene)
    bo = scene.staff("Bo")
    said = bo.texts(f"SAY {code(scene)} I am Bo")
    assert "colleague's: nothing was sent" in said[0]
    assert "somebody else" in bo.texts(f"OK {code(scene)}")[0]
    assert case(scene)["holder_id"] == ana.id
    ana.texts(f"DONE {code(scene)} 2")
    bo.texts(f"OK {code(scene)}")
    assert "sent" in bo.texts(f"SAY {code(scene)} I am Bo")[0]
    scene.work()
    assert got(scene, caller, "I am Bo") == 1
    writes(caller, "hello bo")
    scene.work()
    assert told(bo, f"{code(scene)}: hello bo") == 1
    assert told(ana, "hello bo") == 0


def test_a_case_without_a_page_is_taken_by_its_code_and_rings_nobody(scene: Scene) -> None:
    ana, bo = scene.staff("Ana"), scene.staff("Bo")
    caller = scene.phone()
    for body in ("hi", "person"):
        writes(caller, body)
    theirs = code(scene)
    assert f"Code {theirs} is yours" in ana.texts(f"OK {theirs}")[0]
    assert (case(scene)["holder_id"], page(scene)["acknowledged_by"]) == (ana.id, ana.id)
    assert "somebody else" in bo.texts(f"OK {theirs}")[0]
    ana.texts(f"SAY {theirs} when shall I ring?")
    assert "recorded" in ana.texts(f"DONE {theirs} 2")[0]
    assert f"Code {theirs} is yours" in bo.texts(f"OK {theirs}")[0], "she has handed it over"
    assert page(scene)["acknowledged_by"] == bo.id


def test_codes_forgive_a_wrong_digit_and_two_that_changed_places(scene: Scene) -> None:
    """Such a mistake is the code of no case at all, however many are open."""
    for _ in range(40):
        writes(scene.phone(), "hi")
        writes(scene.phones[-1], "person")
    codes = [str(row["code"]) for row in scene.rows(tables.case)]
    assert len(set(codes)) == 40
    for one in codes:
        near = {f"{one[:at]}{digit}{one[at + 1 :]}" for at in range(4) for digit in range(10)}
        near |= {
            one[:at] + one[other] + one[at + 1 : other] + one[at] + one[other + 1 :]
            for other in range(4)
            for at in range(other)
        }
        assert not (near - {one}) & set(codes)


# --- silence of the holder ---------------------------------------------------------------


def test_the_bot_is_silent_and_the_holder_reads(scene: Scene) -> None:
    ana, caller = held(scene)
    assert writes(caller, "yes i am home") == ()
    scene.work()
    assert told(ana, f"{code(scene)}: yes i am home") == 1


def test_two_minutes_of_silence_after_a_text_page_again(scene: Scene) -> None:
    ana, caller = held(scene)
    bo = scene.staff("Bo")
    settles(scene, 300)
    assert not bo.rings(), "the caller has not written: nobody keeps them waiting"
    writes(caller, "are you there")
    settles(scene, 60)
    writes(caller, "please")
    settles(scene, 50)
    assert not bo.rings()
    settles(scene, 20)
    assert len(bo.rings()) == 1, "two minutes after the first text, not the last"
    assert (page(scene)["state"], page(scene)["reason"]) == ("open", "holder silent")
    assert case(scene)["holder_id"] is None
    assert told(ana, "page again", code(scene)) == 1
    settles(scene, 30)
    assert len(scene.rows(tables.page)) == 2, "once"


@pytest.mark.parametrize("answer", ["SAY {code} I am here", "DONE {code} 1", "OK {code}"])
def test_an_answer_in_time_pages_nobody(scene: Scene, answer: str) -> None:
    ana, caller = held(scene)
    writes(caller, "are you there")
    settles(scene, 60)
    ana.texts(answer.format(code=code(scene)))
    if answer.startswith("OK"):
        scene.work()
        assert isinstance(ana.presses("1")[-1], Join)
        scene.work()
        report(scene, caller.rings()[-1], LegState.QUEUED, LegState.ANSWERED)
        caller_leg.ready(scene.rt, caller.rings()[-1].token)
    assert case(scene)["caller_waits_since"] is None
    bo = scene.staff("Bo")
    settles(scene, 180)
    assert not bo.rings()


def test_the_silent_holder_keeps_it_with_a_word(scene: Scene) -> None:
    ana, caller = held(scene)
    writes(caller, "are you there")
    settles(scene, 130)
    assert page(scene)["state"] == "open"
    ana.texts(f"SAY {code(scene)} sorry, I am back")
    assert (page(scene)["state"], page(scene)["acknowledged_by"]) == ("acknowledged", ana.id)
    assert case(scene)["holder_id"] == ana.id


def test_two_guards_page_once_for_a_silent_holder(scene: Scene) -> None:
    _, caller = held(scene)
    writes(caller, "are you there")
    scene.clock.advance(121)
    paged = race(*[partial(correspondence.page_for_silent_holders, scene.rt)] * 3)
    assert sum(paged) == 1
    assert len(scene.rows(tables.page)) == 2


# --- new danger while held, and no outcome ------------------------------------------------


def test_new_danger_while_held_rings_the_holder_and_the_ladder_goes_on_at_60_s(
    scene: Scene,
) -> None:
    ana, caller = held(scene)
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    before = len(ana.rings())
    scene.clock.advance(60)
    assert writes(caller, "i took all the pills", after=0), "the scan is not silent"
    scene.work()
    assert len(ana.rings()) == before + 1
    assert not one.rings()
    settles(scene, 50)
    assert not two.rings()
    settles(scene, 20)
    assert two.rings()
    assert not one.rings()


def test_an_outcome_does_not_close_over_danger_heard_since(scene: Scene) -> None:
    ana, caller = held(scene)
    scene.clock.advance(60)
    writes(caller, "i took all the pills", after=0)
    assert "stays open" in ana.texts(f"DONE {code(scene)} 1")[0]
    assert case(scene)["state"] == "open"
    assert page(scene)["state"] == "open"


def test_an_outcome_after_ten_minutes_answers_the_page_that_asks_for_it(scene: Scene) -> None:
    ana, _ = held(scene)
    settles(scene, 620)
    assert (page(scene)["state"], page(scene)["reason"]) == ("open", "no outcome")
    assert "recorded" in ana.texts(f"DONE {code(scene)} 1 sorry")[0]
    assert case(scene)["state"] == "closed"
    rings = len(ana.rings())
    settles(scene, 200)
    assert len(ana.rings()) == rings, "and nobody is paged any more"


def test_danger_on_top_of_a_reminder_is_danger(scene: Scene) -> None:
    ana, caller = held(scene)
    settles(scene, 620)
    writes(caller, "i took all the pills", after=0)
    assert "stays open" in ana.texts(f"DONE {code(scene)} 1")[0]
    assert case(scene)["state"] == "open"


# --- DONE ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "closed", "paged", "owed"),
    [
        ("1", True, False, False),
        ("2", False, False, True),
        ("3", False, False, True),
        ("4", True, False, False),
        ("5", False, True, True),
        ("6", True, False, False),
    ],
)
def test_each_outcome_by_text(
    scene: Scene, outcome: str, closed: bool, paged: bool, owed: bool
) -> None:
    ana, _ = held(scene)
    first = page(scene)["id"]
    assert "recorded" in ana.texts(f"DONE {code(scene)} {outcome} a Note")[0]
    row = case(scene)
    assert (row["state"] == "closed") is closed
    assert row["holder_id"] is None
    due_now = page(scene)["id"] != first and page(scene)["next_at"] is not None
    assert (page(scene)["state"] == "open") is (not closed), "danger is never left to a queue"
    assert due_now is not closed
    live = [item for item in scene.rows(tables.callback) if item["state"] == "waiting"]
    assert bool(live) is owed
    assert row["disposition"] >= Disposition.CRISIS_LIVE
    note = scene.only(tables.note)
    assert (note["body"], note["outcome"], note["staff_id"]) == ("a Note", int(outcome), ana.id)
    if paged:
        scene.work()
        assert ana.rings()


def test_a_mistyped_code_closes_nobody_elses_case(scene: Scene) -> None:
    _, _ = held(scene)
    bo, boss = scene.staff("Bo"), scene.staff("Boss", role="supervisor")
    assert "not yours" in bo.texts(f"DONE {code(scene)} 1")[0]
    assert case(scene)["state"] == "open"
    assert "how did it end" in boss.texts(f"DONE {code(scene)}")[0]
    assert "recorded" in boss.texts(f"DONE {code(scene)} 1")[0]
    assert case(scene)["state"] == "closed"


def test_done_twice_is_answered_and_changes_nothing(scene: Scene) -> None:
    ana, _ = held(scene)
    ana.texts(f"DONE {code(scene)} 4")
    row = case(scene)
    assert "closed" in ana.texts(f"DONE {code(scene)} 5")[0]
    assert case(scene) == row


# --- OK -----------------------------------------------------------------------------------


def test_a_second_ok_says_so_and_rings_again_only_when_no_leg_lives(scene: Scene) -> None:
    ana = scene.staff("Ana")
    danger(scene)
    assert "is ringing" in ana.texts("OK")[0]
    scene.work()
    assert len(ana.rings()) == 1
    assert "sent" in ana.texts(f"SAY {code(scene)} I am here")[0]
    report(scene, ana.rings()[0], LegState.QUEUED, LegState.RINGING, LegState.NO_ANSWER)
    assert "yours already" in ana.texts(f"ok {code(scene)}")[0]
    scene.work()
    assert len(ana.rings()) == 2
    assert "is ringing" in ana.texts("OK")[0]
    scene.work()
    assert len(ana.rings()) == 2
    assert isinstance(ana.presses("1")[-1], Join)
    assert "on a call" in ana.texts("OK")[0]


def test_two_ok_at_the_same_moment(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two")
    danger(scene)
    answers = race(lambda: one.texts("OK")[0], lambda: two.texts("OK")[0])
    winner = page(scene)["acknowledged_by"]
    loser = answers[1] if winner == one.id else answers[0]
    assert "somebody else" in loser or "no page" in loser
    key = one if winner == two.id else two
    assert isinstance(key.presses("1")[-1], HangUp)
    assert case(scene)["holder_id"] == winner
