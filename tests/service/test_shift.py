"""A shift worked from a plain telephone: commands, missed rings, numbers that do not work."""

from collections.abc import Iterator
from typing import Any

import pytest

from helpline.domain.delivery import LegState, Refused, TryLater
from helpline.domain.said import CarrierWord
from helpline.domain.speech import Join, Say
from helpline.service import dispatch, intake
from helpline.service.calls import caller_leg, staff_line
from helpline.store import Store, journal, tables
from tests.builders import LINE_NUMBER, Phone, Scene, StaffPhone, report

CRISIS = "i want to kill myself"
RINGS = (LegState.QUEUED, LegState.RINGING)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is another story."""
    made = Scene(store)
    yield made
    made.connections.forget()


def asks(scene: Scene) -> Phone:
    """A caller who asks for a person."""
    caller = scene.phone()
    for body in ("hi", "person"):
        caller.texts(body)
        caller.unread_answers = False
    return caller


def danger(scene: Scene) -> Phone:
    caller = scene.phone()
    caller.texts(CRISIS, after=0)
    caller.unread_answers = False
    scene.work()
    return caller


def presence(scene: Scene, person: StaffPhone) -> str:
    return str(scene.only(tables.staff, id=person.id)["presence"])


def told(person: StaffPhone, *parts: str) -> list[str]:
    """The texts to a telephone that hold these words."""
    return [text for text in person.texts_got() if all(part in text for part in parts)]


def acts(scene: Scene, subject: str, subject_id: int) -> list[str]:
    with scene.store.read() as tx:
        return [action for _, action, _ in journal.list_notes(tx, subject, subject_id)]


# --- come, go, the list ---------------------------------------------------------------


def test_a_whole_shift_without_a_web_page(scene: Scene) -> None:
    """Ana comes, is rung for a caller, talks, tells the outcome by text, and goes."""
    ana = scene.staff(available=False)
    caller = asks(scene)
    scene.passes(60)
    assert not ana.rings()
    assert "you are available" in ana.texts("available")[0]
    scene.passes(5)
    report(scene, ana.rings()[0], *RINGS, LegState.ANSWERED)
    assert isinstance(ana.presses("1")[-1], Join)
    scene.work()
    assert len(caller.rings()) == 1
    code = scene.only(tables.case)["code"]
    report(scene, caller.rings()[0], *RINGS, LegState.ANSWERED)
    caller_leg.ready(scene.rt, caller.rings()[0].token)
    report(scene, caller.rings()[0], LegState.COMPLETED)
    assert "recorded" in ana.texts(f"DONE {code} 1 Wants a Meeting list")[0]
    assert scene.only(tables.case)["outcome"] == "helped"
    assert scene.only(tables.note)["body"] == "Wants a Meeting list"
    assert "you are away" in ana.texts("AWAY")[0]
    assert presence(scene, ana) == "away"
    assert acts(scene, "staff", ana.id)[:1] == ["available"]
    assert "away" in acts(scene, "staff", ana.id)


@pytest.mark.parametrize("role", ["specialist", "supervisor", "admin"])
def test_who_goes_away_is_told_which_pages_still_come(scene: Scene, role: str) -> None:
    """And it is so: a supervisor at their step, everybody when all are paged (CONTRACT 2, 3)."""
    person = scene.staff(role=role)
    (by_text,) = person.texts("AWAY")
    by_key = staff_line.chosen(scene.rt, person.number, LINE_NUMBER, "3", 0)[0]
    assert isinstance(by_key, Say)
    for words in (by_text, by_key.text):
        assert "o pages" not in words
        told = "all staff are paged" if role == "specialist" else "Pages and notices for superv"
        assert told in words
    for tier in (1, 2):
        scene.staff(tier=tier)
    scene.staff(role="supervisor")
    danger(scene)
    scene.passes(100, step=10)
    assert not person.rings()
    scene.passes(40 if role != "specialist" else 100, step=10)
    assert person.rings()


def test_commands_lists_every_command(scene: Scene) -> None:
    ana = scene.staff()
    answer = " ".join(ana.texts("Commands"))
    for word in ("AVAILABLE", "AWAY", "NEXT", "OK", "SAY", "DONE", "COMMANDS"):
        assert word in answer


# --- the next case --------------------------------------------------------------------


def test_next_rings_with_the_page_before_any_callback_and_acknowledges_nothing(
    scene: Scene,
) -> None:
    ana = scene.staff(available=False)
    asks(scene)
    danger(scene)
    report(scene, ana.rings()[0], *RINGS, LegState.NO_ANSWER)
    assert "rings now" in ana.texts("NEXT")[0]
    scene.work()
    assert [order.entrance for order in ana.rings()] == ["/twilio/voice/page"] * 2
    assert scene.only(tables.page)["state"] == "open"
    assert isinstance(ana.presses("1")[-1], Join)
    assert scene.only(tables.page)["acknowledged_by"] == ana.id


def test_next_rings_with_the_most_urgent_callback_even_while_away(scene: Scene) -> None:
    ana = scene.staff(available=False)
    asks(scene)
    ana.texts("next")
    scene.work()
    assert [order.entrance for order in ana.rings()] == ["/twilio/voice/staff"]
    assert presence(scene, ana) == "away"
    assert scene.only(tables.callback)["specialist_id"] == ana.id
    assert "ringing" in ana.texts("NEXT")[0], "one telephone, one ring"
    scene.work()
    assert len(ana.rings()) == 1


def test_next_with_nobody_waiting_or_of_another_language(scene: Scene) -> None:
    ana = scene.staff(available=False, languages=("es",))
    assert "nobody waits" in ana.texts("NEXT")[0]
    asks(scene)
    assert "nobody waits" in ana.texts("NEXT")[0]


# --- missed rings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "goes_away"),
    [
        ((*RINGS, LegState.NO_ANSWER), True),
        ((*RINGS, LegState.ANSWERED, LegState.COMPLETED), True),
        ((LegState.QUEUED, LegState.BUSY), False),
        ((LegState.QUEUED, LegState.FAILED), False),
    ],
)
def test_a_missed_ring_means_away_and_a_text_that_says_so(
    scene: Scene, how: tuple[LegState, ...], goes_away: bool
) -> None:
    ana = scene.staff()
    asks(scene)
    scene.work()
    report(scene, ana.rings()[0], *how)
    report(scene, ana.rings()[0], *how)
    scene.work()
    assert (presence(scene, ana) == "away") is goes_away
    assert len(told(ana, "missed", "AVAILABLE")) == goes_away
    assert scene.only(tables.callback)["state"] == "waiting"
    if goes_away:
        scene.passes(300)
        assert len(ana.rings()) == 1
        ana.texts("AVAILABLE")
        scene.passes(30)
        assert len(ana.rings()) == 2


def test_a_passed_ring_is_not_a_missed_one(scene: Scene) -> None:
    ana = scene.staff()
    asks(scene)
    scene.work()
    report(scene, ana.rings()[0], *RINGS, LegState.ANSWERED)
    ana.presses("2")
    report(scene, ana.rings()[0], LegState.COMPLETED)
    assert presence(scene, ana) == "available"


def test_a_missed_page_does_not_set_away(scene: Scene) -> None:
    ana = scene.staff()
    danger(scene)
    report(scene, ana.rings()[0], *RINGS, LegState.NO_ANSWER)
    assert presence(scene, ana) == "available"


def test_a_silent_voicemail_is_hung_up_when_the_lease_is_over(scene: Scene) -> None:
    """It took the call and the carrier never said so: the line ends it."""
    ana = scene.staff()
    asks(scene)
    scene.work()
    report(scene, ana.rings()[0], *RINGS, LegState.ANSWERED)
    scene.passes(70, step=10)
    assert scene.carrier.ended == [ana.leg["sid"]]
    report(scene, ana.rings()[0], LegState.COMPLETED)
    assert presence(scene, ana) == "away"


# --- numbers that fail ----------------------------------------------------------------


def test_three_hard_failures_in_a_row_set_the_number_aside(scene: Scene) -> None:
    ana, boss = scene.staff("Ana"), scene.staff("Boss", role="supervisor", available=False)
    for _ in range(3):
        caller = asks(scene)
        scene.work()
        report(scene, ana.rings()[-1], LegState.QUEUED, LegState.FAILED)
        caller.texts("danke", after=1)
        caller.unread_answers = False
        scene.clock.advance(400)
        scene.guard()
        scene.work()
        if len(told(ana, "stopped ringing")):
            break
    assert scene.only(tables.staff, id=ana.id)["set_aside_at"] is not None
    scene.work()
    assert len(told(ana, "stopped ringing it", "AVAILABLE")) == 1
    assert len(told(boss, "Ana", "set aside")) == 1
    rings = len(ana.rings())
    assert rings == 3
    danger(scene)
    scene.passes(400)
    assert len(ana.rings()) == rings, "not rung, though paged"
    assert told(ana, "Code", "OK"), "the page is readable"
    assert boss.rings(), "and the next step was taken"
    ana.texts("AVAILABLE")
    scene.passes(130)
    assert len(ana.rings()) > rings


def test_failures_with_a_ring_between_them_do_not_count(scene: Scene) -> None:
    ana = scene.staff()
    asks(scene)
    for end in (LegState.FAILED, LegState.FAILED, LegState.BUSY, LegState.FAILED, LegState.FAILED):
        while not ana.rings() or ana.leg["state"] != "queued":
            scene.passes(30)
        report(scene, ana.rings()[-1], end)
    assert scene.only(tables.staff, id=ana.id)["set_aside_at"] is None
    assert scene.only(tables.staff, id=ana.id)["hard_failures"] == 2


def test_what_the_carrier_refuses_counts_and_what_we_gave_up_does_not(scene: Scene) -> None:
    ana = scene.staff()
    asks(scene)
    scene.carrier.call_script.append(Refused(21211, "not a valid number"))
    scene.work()
    assert scene.only(tables.staff, id=ana.id)["hard_failures"] == 1
    scene.carrier.call_script.extend([TryLater(scene.now - scene.now, 20003, "account")] * 40)
    scene.passes(4000)
    assert scene.only(tables.staff, id=ana.id)["hard_failures"] == 1


# --- staff who told the carrier to stop -----------------------------------------------


def test_staff_who_opt_out_are_an_alarm_and_paged_by_voice_alone(scene: Scene) -> None:
    ana, boss = scene.staff("Ana"), scene.staff("Boss", role="supervisor")
    scene.carrier.text_script.append(Refused(21610, "opted out"))
    danger(scene)
    assert len(told(boss, "Ana", "STOP")) == 1
    texts, rings = len(ana.texts_got()), len(ana.rings())
    scene.passes(320)
    assert len(ana.texts_got()) == texts, "nothing is sent that cannot arrive"
    assert len(ana.rings()) > rings
    assert len(told(boss, "Ana", "STOP")) == 1, "told once"
    answered(scene, ana, "START", CarrierWord.START)
    scene.passes(130)
    assert len(ana.texts_got()) > texts


def test_stop_from_staff_is_an_alarm_before_any_page_is_lost(scene: Scene) -> None:
    ana, boss = scene.staff("Ana"), scene.staff("Boss", role="supervisor")
    assert answered(scene, ana, "STOP", CarrierWord.STOP) == ()
    scene.work()
    assert len(told(boss, "Ana", "STOP")) == 1


def answered(scene: Scene, who: StaffPhone, body: str, word: CarrierWord) -> tuple[str, ...]:
    """A word that the carrier has answered already."""
    sid = f"SM{who.id:08x}{word:>024}".replace(" ", "0")
    text = intake.IncomingText(sid, who.number, LINE_NUMBER, body, answered=word)
    return intake.receive(scene.rt, text).texts


# --- telephones that are not needed any more ------------------------------------------


def test_phones_that_still_ring_for_a_taken_page_are_hung_up(scene: Scene) -> None:
    one, two, three = scene.staff("One"), scene.staff("Two"), scene.staff("Three")
    danger(scene)
    for person in (one, two, three):
        report(scene, person.rings()[0], *RINGS)
    report(scene, three.rings()[0], LegState.ANSWERED)
    one.presses("1")
    scene.work()
    assert scene.carrier.ended == [two.leg["sid"]], "three listens, and hears that it is taken"
    report(scene, two.rings()[0], LegState.COMPLETED)
    assert presence(scene, two) == "available"


def test_a_leg_that_is_being_created_is_hung_up_once_it_has_a_name(scene: Scene) -> None:
    """Two acknowledges while the carrier is asked to ring One."""
    one, two = scene.staff("One"), scene.staff("Two")
    caller = scene.phone()
    caller.texts(CRISIS, after=0)

    def during(order: Any) -> None:
        scene.carrier.during = None
        two.texts("OK")

    legs = [row["id"] for row in scene.rows(tables.outbox) if row["kind"] == "leg"]
    scene.carrier.during = during
    dispatch.deliver(scene.rt, legs[0])
    assert scene.only(tables.attempt, staff_id=one.id)["sid"]
    scene.work()
    assert scene.carrier.ended == [scene.only(tables.attempt, staff_id=one.id)["sid"]]


def test_a_hang_up_that_the_carrier_cannot_take_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = scene.staff("One"), scene.staff("Two")
    danger(scene)
    report(scene, two.rings()[0], *RINGS)
    real = scene.carrier.end_call
    monkeypatch.setattr(
        scene.carrier, "end_call", lambda sid: TryLater(scene.now - scene.now, 20429, "busy")
    )
    one.presses("1")
    scene.work()
    assert not scene.carrier.ended
    monkeypatch.setattr(scene.carrier, "end_call", real)
    scene.passes(30)
    assert scene.carrier.ended == [two.leg["sid"]]


def test_nobody_who_talks_is_rung_for_a_page(scene: Scene) -> None:
    ana, bo = scene.staff("Ana"), scene.staff("Bo", tier=2)
    asks(scene)
    scene.work()
    report(scene, ana.rings()[0], *RINGS, LegState.ANSWERED)
    ana.presses("1")
    danger(scene)
    assert len(ana.rings()) == 1
    assert told(ana, "Code", "OK"), "she can read it"
    assert len(bo.rings()) == 1, "the next step was taken at once"


def test_a_colleague_rung_for_a_caller_whom_a_page_joined_is_released(scene: Scene) -> None:
    """She is hung up, and did not miss anything."""
    ana = scene.staff("Ana")
    caller = asks(scene)
    scene.work()
    report(scene, ana.rings()[0], *RINGS)
    offered = ana.leg["sid"]
    bo = scene.staff("Bo")
    caller.read = len(scene.carrier.texts_to(caller.number))
    caller.texts(CRISIS, after=1)
    scene.work()
    assert isinstance(bo.presses("1")[-1], Join)
    scene.work()
    assert offered in scene.carrier.ended
    report(scene, ana.rings()[0], LegState.NO_ANSWER)
    assert presence(scene, ana) == "available"
    assert not told(ana, "missed")
