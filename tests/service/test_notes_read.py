"""What staff write with DONE is read: by whoever calls next, and by supervisors."""

import json
from collections.abc import Iterator

import pytest

from helpline.domain.speech import CallStep, Join, Say
from helpline.service.calls import conference, triage_leg
from helpline.service.staff import Desk
from helpline.service.upkeep import audit, dossier
from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, Phone, Scene, StaffPhone, report
from tests.service.stories import PICKED_UP, case, danger, wants_a_person, writes

WORDS = "has a dog, ring before noon"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def said(steps: tuple[CallStep, ...]) -> str:
    return " ".join(step.text for step in steps if isinstance(step, Say))


def noted(scene: Scene, words: str = WORDS) -> tuple[StaffPhone, Phone]:
    """Ana has written this about somebody who is to be called again."""
    ana = scene.staff("Ana")
    caller = wants_a_person(scene)
    theirs = case(scene)["code"]
    ana.texts(f"OK {theirs}")
    assert "recorded" in ana.texts(f"DONE {theirs} 2 {words}")[0]
    ana.texts("AWAY")
    return ana, caller


def read_out(scene: Scene, person: StaffPhone) -> tuple[CallStep, ...]:
    """They take what rings."""
    scene.work()
    report(scene, person.rings()[-1], *PICKED_UP)
    return person.presses("1")


def test_whoever_calls_next_hears_the_note_after_key_1(scene: Scene) -> None:
    _, caller = noted(scene)
    ben = scene.staff("Ben")
    scene.passes(60)
    ben.texts("NEXT")
    scene.work()
    assert not any(WORDS in text for text in ben.texts_got()), "words of nobody stand in a text"
    steps = read_out(scene, ben)
    assert WORDS in said(steps)
    assert isinstance(steps[-1], Join)
    desk = Desk(scene.store, scene.clock, frozenset())
    lines = audit.list_lines(desk, staff_id=ben.id)
    assert any(f"heard note\tcase:{case(scene)['id']}" in line for line in lines)
    assert not any("dog" in line for line in lines)
    assert WORDS not in "".join(scene.carrier.texts_to(caller.number))


def test_the_note_of_an_earlier_case_is_heard_when_they_are_in_danger(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    ana.texts("OK")
    ana.texts(f"DONE {case(scene)['code']} 1 {WORDS}")
    assert case(scene)["state"] == "closed"
    writes(caller, "i want to kill myself")
    scene.work()
    assert WORDS in said(read_out(scene, ana))


def test_a_long_note_is_cut_and_the_newest_counts(scene: Scene) -> None:
    ana, _ = noted(scene, "old")
    ana.texts(f"OK {case(scene)['code']}")
    ana.texts(f"DONE {case(scene)['code']} 2 new {'x' * 400}")
    ben = scene.staff("Ben")
    scene.passes(3600, step=600)
    ben.texts("NEXT")
    heard = said(read_out(scene, ben))
    assert f"new {'x' * (conference.LONGEST_NOTE - 4)}." in heard
    assert "old" not in heard


def test_who_waits_on_the_line_is_spoken_to_at_once(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    ana.texts("OK")
    ana.texts(f"DONE {case(scene)['code']} 1 {WORDS}")
    writes(caller, "i want to kill myself")
    triage_leg.rings(scene.rt, "CA" + "7" * 32, caller.number, LINE_NUMBER)
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    steps = ana.presses("1")
    assert isinstance(steps[-1], Join)
    assert WORDS not in said(steps)


# --- the supervisor's command -------------------------------------------------------------


def test_a_supervisor_reads_the_notes_and_that_is_noted(scene: Scene) -> None:
    ana, caller = noted(scene)
    boss = scene.staff("Dora", role="supervisor")
    desk = Desk(scene.store, scene.clock, frozenset())
    lines = dossier.show(desk, str(case(scene)["code"]), reader_id=boss.id)
    assert lines[0].startswith(f"case:{case(scene)['id']}\tcode {case(scene)['code']}\topen")
    assert lines[1].startswith("callback:")
    assert lines[-1].endswith(f"staff:{ana.id}\tcall again\t{WORDS}")
    assert not any(caller.number[2:] in line for line in lines)
    row = scene.only(tables.audit, action="case shown")
    assert (row["actor"], row["subject_id"]) == (f"staff:{boss.id}", case(scene)["id"])
    assert WORDS not in json.dumps(row["detail"])


def test_nobody_else_reads_them(scene: Scene) -> None:
    ana, _ = noted(scene)
    desk = Desk(scene.store, scene.clock, frozenset())
    theirs = str(case(scene)["code"])
    with pytest.raises(PermissionError):
        dossier.show(desk, theirs, reader_id=ana.id)
    with pytest.raises(LookupError):
        dossier.show(desk, theirs, reader_id=ana.id + 99)
    boss = scene.staff("Dora", role="supervisor")
    with pytest.raises(LookupError):
        dossier.show(desk, "0001", reader_id=boss.id)
    assert not [row for row in scene.rows(tables.audit) if row["action"] == "case shown"]
