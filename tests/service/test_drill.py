"""Drills: who is paged, who answered after how long, and that no caller notices."""

from datetime import timedelta

from helpline.domain.delivery import Refused, TryLater, Unknown
from helpline.domain.speech import Ask, HangUp, Say
from helpline.service import dispatch
from helpline.service.upkeep import drill
from helpline.store import audit as acts
from helpline.store.tables import drill as drills
from helpline.store.tables import outbox, page
from tests.builders import Scene


def _pressed(scene: Scene, token: str, digits: str | None) -> str:
    said = drill.call_chosen(scene.rt, token, digits)
    assert isinstance(said[0], Say)
    return said[0].text


def _acts(scene: Scene, drill_id: int) -> list[str]:
    with scene.store.read() as tx:
        found = acts.list_entries(tx)
    return [
        entry.action for entry in found if (entry.subject, entry.subject_id) == ("drill", drill_id)
    ]


def test_everybody_on_duty_is_texted_and_rung_and_answers_are_counted(scene: Scene) -> None:
    ana, ben = scene.staff("Ana"), scene.staff("Ben", tier=2)
    away = scene.staff("Cleo", available=False)
    boss = scene.staff("Dora", role="supervisor", available=False)
    number = drill.start(scene.rt)
    scene.work()
    for phone in (ana, ben, boss):
        assert [order.entrance for order in phone.rings()] == [drill.ENTRANCE]
        assert "DRILL" in phone.texts_got()[0]
    assert not away.rings()
    assert not away.texts_got()

    scene.clock.advance(4)
    assert "counted" in _pressed(scene, ana.token, "1")
    scene.clock.advance(5)
    assert "counted" in ben.texts("OK")[0]
    report = drill.look(scene.rt, number)
    by_id = {one.staff_id: one for one in report.people}
    assert (by_id[ana.id].call, by_id[ana.id].text) == (4.0, None)
    assert (by_id[ben.id].call, by_id[ben.id].text) == (None, 10.0)
    assert not by_id[boss.id].answered
    assert (report.count, report.over) == (2, False)

    scene.clock.advance(300)
    assert drill.look(scene.rt, number).over
    drill.end(scene.rt, number)
    drill.end(scene.rt, number)
    assert _acts(scene, number) == [
        "drill started", "drill answered", "drill answered", "drill ended",
    ]  # fmt: skip
    assert not scene.rows(page)


def test_the_call_says_that_it_is_a_drill_and_asks_for_a_key(quick: Scene) -> None:
    ana = quick.staff()
    drill.start(quick.rt)
    quick.work()
    asked = drill.call_answered(quick.rt, ana.token)
    assert isinstance(asked[0], Ask)
    assert isinstance(asked[0].prompts[0], Say)
    assert "drill" in asked[0].prompts[0].text
    assert asked[0].action == f"/twilio/voice/drill/choice?attempt={ana.token}"
    assert drill.call_answered(quick.rt, "unknown") == (HangUp(),)
    assert drill.call_chosen(quick.rt, "unknown", "1") == (HangUp(),)


def test_another_key_and_a_late_one_do_not_count(quick: Scene) -> None:
    ana = quick.staff()
    number = drill.start(quick.rt, timedelta(seconds=30))
    quick.work()
    assert "No answer was counted" in _pressed(quick, ana.token, "2")
    quick.clock.advance(31)
    assert "No answer was counted" in _pressed(quick, ana.token, "1")
    assert "no page is open" in ana.texts("OK")[0]
    assert drill.look(quick.rt, number).count == 0


def test_twice_is_the_same_as_once(scene: Scene) -> None:
    ana = scene.staff()
    number = drill.start(scene.rt)
    assert drill.start(scene.rt) == number, "a second drill goes on with the first"
    scene.work()
    for row in scene.rows(outbox):
        assert not dispatch.deliver(scene.rt, row["id"])
    assert len(ana.rings()) == 1
    _pressed(scene, ana.token, "1")
    scene.clock.advance(9)
    _pressed(scene, ana.token, "1")
    assert drill.look(scene.rt, number).people[0].call == 0.0
    assert len(scene.rows(drills)) == 1


def test_a_real_page_comes_before_the_drill(scene: Scene) -> None:
    """OK takes the caller's page while one is open; the drill waits."""
    ana = scene.staff()
    caller = scene.phone()
    number = drill.start(scene.rt)
    caller.texts("I want to kill myself", after=0)
    caller.unread_answers = False
    first = min(
        (row for row in scene.rows(outbox) if row["state"] == "new"),
        key=lambda row: (row["priority"], row["id"]),
    )
    assert first["queue"] == "crisis"
    assert "is yours" in ana.texts("OK")[0]
    assert drill.look(scene.rt, number).count == 0
    caller.read = len(scene.carrier.texts_to(caller.number))


def test_nobody_on_a_call_is_rung(quick: Scene) -> None:
    ana = quick.staff()
    caller = quick.phone()
    caller.texts("I want to kill myself", after=0)
    caller.unread_answers = False
    quick.work()
    rung = len(ana.rings())
    number = drill.start(quick.rt)
    quick.work()
    assert len(ana.rings()) == rung
    assert drill.look(quick.rt, number).people[0].ring_state == "on a call"
    caller.read = len(quick.carrier.texts_to(caller.number))


def test_what_the_carrier_says_is_reported_and_only_later_is_tried_again(quick: Scene) -> None:
    ana, ben, cleo = quick.staff("Ana"), quick.staff("Ben"), quick.staff("Cleo")
    quick.carrier.call_script.extend(
        [Refused(21219, "not verified"), Unknown("no answer"), TryLater(timedelta(0), 429, "busy")]
    )
    number = drill.start(quick.rt)
    quick.work()
    quick.clock.advance(30)
    quick.work()
    states = [one.ring_state for one in drill.look(quick.rt, number).people]
    assert states == ["refused 21219 not verified", "unknown no answer", "accepted"]
    assert [len(phone.rings()) for phone in (ana, ben, cleo)] == [1, 1, 2]


def test_a_worker_killed_while_ringing_leaves_a_drill_that_rings_nobody_twice(
    quick: Scene,
) -> None:
    from tests.fakes import Killed

    ana = quick.staff()
    quick.carrier.call_script.append(Killed())
    number = drill.start(quick.rt)
    effect = quick.only(outbox, kind="drill")
    try:
        dispatch.deliver(quick.rt, effect["id"])
    except Killed:
        quick.clock.advance(60)
    quick.work()
    assert len(ana.rings()) == 1
    assert drill.look(quick.rt, number).people[0].ring_state == "unknown"


def test_a_drill_that_is_over_rings_nobody_any_more(quick: Scene) -> None:
    ana = quick.staff()
    number = drill.start(quick.rt, timedelta(seconds=10))
    quick.clock.advance(11)
    quick.work()
    assert not ana.rings()
    assert drill.look(quick.rt, number).people[0].ring_state == "too late"
    assert drill.find_latest(quick.rt) == number
