"""What a fresh reader found could strand a caller, each as a story that must end well."""

from collections.abc import Iterator, Sequence

import pytest

from helpline.domain.delivery import CallOrder, LegState
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.secrecy import may_ring, may_ring_now
from helpline.domain.speech import CallStep, Say
from helpline.service.calls import caller_leg, outcomes
from helpline.store import Store, conversations, tables
from helpline.store import callbacks as promises
from tests.builders import Phone, Scene, StaffPhone, report

PICKED_UP = (LegState.QUEUED, LegState.RINGING, LegState.ANSWERED)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def texts(caller: Phone, body: str) -> str:
    """Everything that was answered."""
    caller.read = len(caller.scene.carrier.texts_to(caller.number))
    caller.texts(body)
    caller.unread_answers = False
    return "\n".join(caller.answers)


def said(steps: Sequence[CallStep]) -> str:
    return " ".join(step.text for step in steps if isinstance(step, Say))


def test_a_secret_caller_is_not_rung_before_they_said_when() -> None:
    progress = Progress(flags=["SAFE_CONTACT"], floor=Disposition.CRISIS_LIVE.name)
    assert not may_ring(progress)
    progress.answers["C2"] = ["4"]
    assert may_ring(progress)
    assert not may_ring_now(progress), "the evening was chosen"
    progress.floor = Disposition.EMERGENCY_NOW.name
    assert may_ring_now(progress)


def test_nobody_near_violence_is_rung_unasked() -> None:
    progress = Progress(hits={"emergency.violence": 1.0}, floor=Disposition.EMERGENCY_NOW.name)
    assert not may_ring(progress)
    progress.answers["EV"] = ["1"]
    assert may_ring(progress)


def talks(scene: Scene, ana: StaffPhone, caller: Phone) -> tuple[CallOrder, CallOrder]:
    """Ana takes what rings, the caller picks up, they talk; both legs."""
    hers = ana.rings()[-1]
    report(scene, hers, *PICKED_UP)
    ana.presses("1")
    scene.work()
    theirs = caller.rings()[-1]
    report(scene, theirs, *PICKED_UP)
    caller_leg.ready(scene.rt, theirs.token)
    return hers, theirs


def hang_up(scene: Scene, *legs: CallOrder) -> None:
    for leg in legs:
        report(scene, leg, LegState.COMPLETED)


def test_danger_left_without_an_outcome_is_joined_to_the_caller_again(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    texts(caller, "I want to kill myself tonight")
    scene.work()
    hang_up(scene, *reversed(talks(scene, ana, caller)))
    scene.passes(900)
    rung = len(caller.rings())
    report(scene, ana.rings()[-1], *PICKED_UP)
    assert "Connecting you" in said(ana.presses("1"))
    scene.work()
    assert len(caller.rings()) == rung + 1


def test_words_after_the_last_attempt_are_a_new_promise(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    texts(caller, "hi")
    texts(caller, "person")
    promised = scene.only(tables.callback)
    with scene.store.begin() as tx:
        assert promises.finish(tx, promised["id"], "exhausted", "not reached", scene.now)
    texts(caller, "hello? i am here now")
    assert [row["state"] for row in scene.rows(tables.callback)] == ["exhausted", "waiting"]


def test_an_outcome_does_not_end_danger_heard_during_the_call(scene: Scene) -> None:
    ana, ben, caller = scene.staff(), scene.staff(name="Ben", tier=2), scene.phone()
    texts(caller, "hi")
    texts(caller, "person")
    scene.work()
    hers, theirs = talks(scene, ana, caller)
    texts(caller, "I want to kill myself tonight")
    scene.work()
    hang_up(scene, theirs)
    outcomes.pressed(scene.rt, hers.token, "1")
    hang_up(scene, hers)
    assert [row["state"] for row in scene.rows(tables.case)] == ["open"]
    assert "is yours" in ben.texts("OK")[0]


def test_a_life_at_risk_gets_the_number_also_while_a_human_holds(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    texts(caller, "I want to kill myself tonight")
    scene.work()
    ana.presses("1")
    assert "911" in texts(caller, "i took all my pills and cant stay awake")


def test_a_state_that_the_protocol_lost_is_no_dead_end(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    texts(caller, "hi")
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        progress = Progress.from_json(place.progress)
        progress.state, progress.silence = "RETIRED", "retired"
        conversations.save(
            tx, place, progress.to_json(), wake_at=None, heard_at=scene.now, whatsapp=False
        )
    assert "988" in texts(caller, "I want to kill myself tonight")
    assert [row["state"] for row in scene.rows(tables.page)] == ["open"]
