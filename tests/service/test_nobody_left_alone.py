"""What a hostile reader found in the human half of the line, each as a story that must end well."""

from collections.abc import Iterator

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.disposition import Disposition
from helpline.service import callbacks, silence
from helpline.service.calls import outcomes
from helpline.service.upkeep import invariants
from helpline.store import Store, pages, tables
from helpline.store import callbacks as promises
from tests.builders import LINE_NUMBER, Scene, report
from tests.service.stories import (
    CRISIS,
    OTHER_LINE,
    case,
    danger,
    has_no_case_without_clock,
    page,
    promise,
    rings_the_line,
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


# --- silence ----------------------------------------------------------------------------


def test_whoever_wrote_just_now_is_not_silent(scene: Scene) -> None:
    """Listed as silent, and the text comes before the step is taken."""
    caller = scene.phone()
    writes(caller, "hi i need help with ket")
    listed = scene.only(tables.conversation)
    scene.clock.advance((listed["wake_at"] - scene.now).total_seconds() + 1)
    writes(caller, "1", after=0)
    before = scene.only(tables.conversation)["version"]
    assert silence.wake(scene.rt, listed["id"]) is False
    assert scene.only(tables.conversation)["version"] == before


# --- ends of promises -------------------------------------------------------------------


def test_no_outcome_of_an_urgent_call_pages_a_supervisor_until_one_decides(scene: Scene) -> None:
    boss, ana = scene.staff("Boss", role="supervisor"), scene.staff()
    caller = rings_the_line(scene)
    scene.work()
    talks(scene, ana, caller)
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    report(scene, ana.rings()[-1], LegState.COMPLETED)
    scene.clock.advance(601)
    scene.guard()
    assert (promise(scene)["state"], promise(scene)["result"]) == ("done", "no outcome")
    assert (page(scene)["state"], page(scene)["reason"]) == ("open", pages.NO_OUTCOME)
    assert has_no_case_without_clock(scene)
    scene.work()
    assert len(boss.rings()) == 1
    assert ana.texts(f"DONE {case(scene)['code']} 1")
    assert (case(scene)["state"], page(scene)["state"]) == ("closed", "acknowledged")


def test_after_the_last_attempt_a_supervisor_is_paged_and_a_text_is_a_new_promise(
    scene: Scene,
) -> None:
    boss = scene.staff("Boss", role="supervisor")
    caller = rings_the_line(scene)
    with scene.store.begin() as tx:
        row = promise(scene)
        many = len(scene.rt.protocol.callbacks.by_disposition[Disposition.URGENT_60].retries)
        tx.connection.execute(tables.callback.update().values(tries=many, state="talking"))
        ended = promises.find(tx, row["id"])  # type: ignore[arg-type]
        assert ended is not None
        callbacks.not_reached(scene.rt, tx, ended, scene.now)
    assert promise(scene)["state"] == "exhausted"
    assert page(scene)["state"] == "open"
    assert has_no_case_without_clock(scene)
    scene.work()
    assert boss.rings()
    writes(caller, "hello? i am here now")
    assert [row["state"] for row in scene.rows(tables.callback)] == ["exhausted", "waiting"]


def test_an_outcome_by_key_answers_the_page_of_a_late_promise(scene: Scene) -> None:
    scene.staff("Boss", role="supervisor")
    ana = scene.staff()
    caller = wants_a_person(scene)
    scene.work()
    talks(scene, ana, caller)
    with scene.store.begin() as tx:
        work = scene.only(tables.case)
        pages.open_page(
            tx, case_id=work["id"], kind=Disposition.URGENT_15, reason="late",
            ring_caller=True, next_at=scene.now, now=scene.now,
        )  # fmt: skip
    report(scene, caller.rings()[-1], LegState.COMPLETED)
    outcomes.pressed(scene.rt, ana.token, "1")
    assert case(scene)["state"] == "closed"
    assert page(scene)["state"] == "acknowledged", "nobody is paged about it any more"


def test_danger_that_only_waits_in_the_queue_has_no_clock(scene: Scene) -> None:
    """Danger is never offered from the queue: without its page nobody would come."""
    scene.staff()
    danger(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
        tx.connection.execute(tables.callback.update().values(late_at=scene.now))
        tx.connection.execute(tables.conversation.update().values(wake_at=None))
    assert not has_no_case_without_clock(scene)
    assert invariants.repair(scene.rt) == 1
    assert has_no_case_without_clock(scene)


def test_an_outcome_ends_all_conversations_of_the_caller(scene: Scene) -> None:
    ana = scene.staff()
    caller = danger(scene)
    caller.line = OTHER_LINE
    writes(caller, CRISIS)
    scene.work()
    ana.texts(f"OK {case(scene)['code']}")
    ana.texts(f"DONE {case(scene)['code']} 1")
    assert case(scene)["state"] == "closed"
    for line in (LINE_NUMBER, OTHER_LINE):
        caller.line = line
        assert caller.progress.state == "CLOSED"


# --- who has it owes an outcome ---------------------------------------------------------


def test_a_case_taken_without_a_page_owes_an_outcome(scene: Scene) -> None:
    boss, ana = scene.staff("Boss", role="supervisor"), scene.staff()
    wants_a_person(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.callback.update().values(state="canceled"))
        tx.connection.execute(tables.conversation.update().values(wake_at=None))
    ana.texts(f"OK {case(scene)['code']}")
    assert (case(scene)["holder_id"], page(scene)["acknowledged_by"]) == (ana.id, ana.id)
    assert has_no_case_without_clock(scene)
    scene.passes(590)
    assert len(scene.rows(tables.page)) == 1
    scene.passes(60)
    assert (page(scene)["state"], page(scene)["reason"]) == ("open", pages.NO_OUTCOME)
    assert boss.rings()


def test_a_colleague_who_takes_it_over_has_ten_minutes_of_their_own(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    wants_a_person(scene)
    code = case(scene)["code"]
    ana.texts(f"OK {code}")
    scene.clock.advance(590)
    ana.texts(f"DONE {code} 2")
    ben.texts(f"OK {code}")
    scene.passes(60)
    assert (page(scene)["state"], page(scene)["acknowledged_by"]) == ("acknowledged", ben.id)
    assert "taken" not in ben.texts(f"OK {code}")[0]
    scene.passes(600)
    assert page(scene)["reason"] == pages.NO_OUTCOME
