"""A caller whom everybody has left is asked, and rung for again; nobody is left alone."""

from collections.abc import Iterator

import pytest

from helpline.domain.delivery import LegState
from helpline.domain.speech import Ask, CallStep, HangUp, Join, Redirect, Say
from helpline.service.calls import (
    caller_leg,
    cut_off,
    guest_leg,
    keeping_place,
    legs,
    outcomes,
    staff_leg,
    switchboard,
    waiting_room,
)
from helpline.store import Store, attempts, tables
from tests.builders import Phone, Scene, StaffPhone, report
from tests.service.stories import (
    PICKED_UP,
    case,
    danger,
    has_no_case_without_clock,
    page,
    promise,
    talks,
    wants_a_person,
)
from tests.telephone import VoiceCaller

ALONE = "/twilio/voice/caller/alone"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts the caller gets meanwhile is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def in_a_talk(scene: Scene) -> tuple[StaffPhone, Phone]:
    ana, caller = scene.staff("Ana"), wants_a_person(scene)
    scene.work()
    talks(scene, ana, caller)
    return ana, caller


def hangs_up(scene: Scene, phone: StaffPhone | Phone) -> None:
    report(scene, phone.rings()[-1], LegState.COMPLETED)
    scene.work()


def moved(scene: Scene) -> list[tuple[str, str]]:
    return [(entrance, token) for _, entrance, token in scene.carrier.moved]


def token(caller: Phone) -> str:
    return caller.rings()[-1].token


def spoken(steps: tuple[CallStep, ...]) -> str:
    first = steps[0].prompts[0] if isinstance(steps[0], Ask) else steps[0]
    assert isinstance(first, Say)
    return first.text


def test_whoever_is_left_in_the_room_is_asked_whether_they_were_cut_off(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    hangs_up(scene, ana)
    assert moved(scene) == [(ALONE, token(caller))]
    steps = cut_off.asked(scene.rt, token(caller))
    assert "stay on the line" in spoken(steps)
    assert "9 1 1" in spoken(steps)
    assert isinstance(steps[-1], Redirect), "who says nothing stays"
    assert cut_off.asked(scene.rt, token(caller)) == steps, "a repeat is told the same"


def test_who_is_done_hangs_up_and_the_specialist_owes_the_outcome(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    hangs_up(scene, ana)
    cut_off.asked(scene.rt, token(caller))
    hangs_up(scene, caller)
    assert promise(scene)["state"] == "talking"
    assert promise(scene)["specialist_id"] == ana.id
    ana.texts(f"DONE {case(scene)['code']} 1")
    assert promise(scene)["state"] == "done"
    assert case(scene)["state"] == "closed"


def test_who_stays_waits_on_the_line_and_somebody_is_rung(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    hangs_up(scene, ana)
    (wait,) = cut_off.stays(scene.rt, token(caller))
    assert isinstance(wait, Join)
    assert not wait.start, "the room begins with whoever comes"
    assert wait.end_on_exit
    assert cut_off.stays(scene.rt, token(caller)) == (wait,), "a repeat rings nobody twice"
    assert wait.wait is not None
    assert "stay on the line" in spoken(waiting_room.hold(scene.rt, token(caller)))
    scene.work()
    assert len(scene.rows(tables.page)) == 1
    joined = next(phone for phone in (ana, ben) if phone.rings() and phone.leg["result"] is None)
    report(scene, joined.rings()[-1], *PICKED_UP)
    met = joined.presses("1")[-1]
    assert isinstance(met, Join)
    assert met.conference == wait.conference
    assert promise(scene)["specialist_id"] == joined.id
    scene.work()
    assert len(caller.rings()) == 1, "who is on the line is not rung"


def test_who_waits_again_and_hangs_up_is_called_back(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    asked_at = promise(scene)["asked_at"]
    hangs_up(scene, ana)
    cut_off.stays(scene.rt, token(caller))
    hangs_up(scene, caller)
    assert promise(scene)["state"] in {"waiting", "claimed"}
    assert promise(scene)["asked_at"] == asked_at
    assert page(scene)["state"] != "open", "without danger nobody hurries to an empty line"
    assert has_no_case_without_clock(scene)


def test_in_danger_the_page_climbs_in_seconds_and_stays_when_they_hang_up(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = danger(scene)
    talks(scene, ana, caller)
    hangs_up(scene, ana)
    assert moved(scene) == [(ALONE, token(caller))]
    cut_off.stays(scene.rt, token(caller))
    assert page(scene)["state"] == "open"
    with scene.store.read() as tx:
        assert attempts.find_holding(tx, int(str(case(scene)["id"]))) is not None
    hangs_up(scene, caller)
    assert page(scene)["state"] == "open"


def test_nobody_is_asked_while_somebody_is_with_them(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    staff_leg.after(scene.rt, ana.token)
    switchboard.chosen(scene.rt, ana.token, "2")
    scene.work()
    hangs_up(scene, ana)
    assert moved(scene) == [], "a colleague is being rung"
    report(scene, ben.rings()[-1], *PICKED_UP)
    guest_leg.colleague_chosen(scene.rt, ben.token, "1")
    hangs_up(scene, ben)
    assert moved(scene) == [(ALONE, token(caller))]


def test_a_colleague_who_does_not_come_leaves_nobody_alone(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    ben = scene.staff("Ben")
    staff_leg.after(scene.rt, ana.token)
    switchboard.chosen(scene.rt, ana.token, "2")
    scene.work()
    hangs_up(scene, ana)
    report(scene, ben.rings()[-1], LegState.NO_ANSWER)
    scene.work()
    assert moved(scene) == [(ALONE, token(caller))]


def test_who_comes_back_at_that_moment_is_joined(scene: Scene) -> None:
    """The question was asked already when somebody came in."""
    ana, caller = in_a_talk(scene)
    legs.reported(scene.rt, token(caller), None, LegState.ANSWERED)
    (back,) = cut_off.stays(scene.rt, token(caller))
    assert isinstance(back, Join)
    assert back.start
    assert promise(scene)["specialist_id"] == ana.id


def test_the_outcome_ends_the_call_of_who_was_asked(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    with scene.store.read() as tx:
        assert attempts.latest_connected(tx, int(str(promise(scene)["id"]))) is not None
    outcomes.pressed(scene.rt, ana.token, "1")
    hangs_up(scene, ana)
    assert moved(scene) == []
    assert isinstance(cut_off.stays(scene.rt, token(caller))[0], HangUp)


def test_nobody_came_and_their_place_is_kept(scene: Scene) -> None:
    ana, caller = in_a_talk(scene)
    hangs_up(scene, ana)
    cut_off.stays(scene.rt, token(caller))
    words, end = keeping_place.moved_here(scene.rt, "CA" + "9" * 32, token(caller))
    assert isinstance(words, Say)
    assert "kept" in words.text
    assert isinstance(end, HangUp)


def test_who_rang_in_is_asked_as_well(scene: Scene) -> None:
    ana = scene.staff("Ana")
    caller = VoiceCaller(scene).rings().presses("0")
    scene.work()
    report(scene, ana.rings()[-1], *PICKED_UP)
    ana.presses("1")
    hangs_up(scene, ana)
    ((entrance, mine),) = moved(scene)
    assert entrance == ALONE
    (wait,) = cut_off.stays(scene.rt, mine)
    assert isinstance(wait, Join)
    assert caller.waits is not None
    assert wait.conference == caller.waits.conference


def test_a_leg_that_nobody_knows_is_told_nothing(scene: Scene) -> None:
    for told in (cut_off.asked, cut_off.stays, caller_leg.after):
        assert isinstance(told(scene.rt, "nobody")[0], HangUp)
