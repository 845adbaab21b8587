"""What came while we were away is owed from when it came, not from when it was taken in."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from helpline.domain.delivery import CarrierCall, CarrierText, LegState
from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.service import deadlines, readiness, ring_safety
from helpline.service.outage import reconciler, replay
from helpline.store import Store, cases, conversations, tables
from helpline.store import callbacks as promises
from tests.builders import LINE_NUMBER, VOICE_NUMBER, Phone, Scene
from tests.fakes import AFTERNOON
from tests.service.test_outage import DANGER, Away, breaks, stranger

HOUR = timedelta(hours=1)
URGENT = "i am 15 and use ketamine"


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def line(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    made = Away(scene, monkeypatch)
    yield made
    made.web.close()


def listed(scene: Scene, number: str, body: str, at: datetime | None) -> None:
    """The carrier's log has a text of which no webhook reached us."""
    sid = f"SM{len(scene.carrier.log_texts):030x}in"
    scene.carrier.log_texts.append(CarrierText(sid, LINE_NUMBER, number, body, True, None, at))


def reads_log(scene: Scene) -> None:
    found = reconciler.reconcile_if_due(scene.rt)
    assert found is not None
    assert found.failed == 0
    scene.clock.advance(61)


def promise(scene: Scene) -> dict[str, Any]:
    return scene.only(tables.callback)


# --- from the spool ----------------------------------------------------------------------


def test_a_call_asked_for_in_an_outage_is_due_from_then(line: Away) -> None:
    scene, phone = line.scene, stranger(line)
    scene.staff(available=False)
    with line.away():
        line.text(phone, "hi")
        scene.clock.advance(60)
        asked_at = scene.now
        line.text(phone, URGENT)
        scene.clock.advance(40 * 60)
    assert line.back() == replay.Replayed(2, 0)
    assert promise(scene)["disposition"] == int(Disposition.URGENT_60)
    assert promise(scene)["asked_at"] == asked_at
    assert promise(scene)["due_at"] == asked_at + HOUR
    assert promise(scene)["not_before"] == asked_at + HOUR, "triage still runs: the deadline"
    assert scene.only(tables.case)["opened_at"] <= asked_at
    scene.clock.advance(20 * 60 + 1)
    assert deadlines.watch(scene.rt) == 1, "late an hour after they asked"


def test_a_ring_in_an_outage_is_owed_from_then(line: Away) -> None:
    scene = line.scene
    with line.away():
        rang_at = scene.now
        line.web.rings("CA" + "1" * 32, stranger(line).number, VOICE_NUMBER, breaks)
        scene.clock.advance(50 * 60)
    assert line.back() == replay.Replayed(1, 0)
    assert (promise(scene)["asked_at"], promise(scene)["due_at"]) == (rang_at, rang_at + HOUR)
    assert scene.only(tables.case)["opened_at"] == rang_at


def test_a_record_of_an_older_version_is_owed_from_now(line: Away) -> None:
    phone = stranger(line)
    with line.away():
        line.text(phone, URGENT)
        (name,) = line.rt.spool.list_waiting()
        known = json.loads(line.rt.spool.read(name))
        known.pop("came_at")
        line.rt.spool.remove(name)
        line.rt.spool.append(json.dumps(known | {"something": "newer"}))
        line.scene.clock.advance(600)
    assert line.back() == replay.Replayed(1, 0)
    assert promise(line.scene)["asked_at"] == line.scene.now


def test_many_long_texts_of_an_outage_are_no_machine(line: Away) -> None:
    """Taken in within a moment: that says nothing of how fast they were written."""
    phone = stranger(line)
    with line.away():
        for number in range(8):
            line.text(phone, f"{'ketamine ' * 4} and part {'abcdefgh'[number] * 9} of what I say")
            line.scene.clock.advance(120)
    assert line.back() == replay.Replayed(8, 0)
    answers = [row["answer"] for row in line.scene.rows(tables.message) if row["inbound"]]
    assert len(answers) == 8
    assert all(answers), "each is answered"


# --- from the carrier's log ----------------------------------------------------------------


def test_a_text_that_only_the_carrier_knew_is_owed_from_when_it_was_sent(scene: Scene) -> None:
    number, sent_at = scene.number(), scene.now
    listed(scene, number, URGENT, sent_at)
    scene.clock.advance(30 * 60)
    reads_log(scene)
    assert (promise(scene)["asked_at"], promise(scene)["due_at"]) == (sent_at, sent_at + HOUR)
    assert scene.only(tables.case)["opened_at"] == sent_at


def test_a_missed_call_is_owed_from_when_it_rang(scene: Scene) -> None:
    rang_at = scene.now
    scene.carrier.log_calls.append(
        CarrierCall("CA" + "2" * 32, VOICE_NUMBER, scene.number(), LegState.COMPLETED, rang_at)
    )
    scene.clock.advance(HOUR.total_seconds())
    reads_log(scene)
    assert promise(scene)["asked_at"] == scene.only(tables.case)["opened_at"] == rang_at


@pytest.mark.parametrize("ahead", [timedelta(minutes=9), None])
def test_nothing_is_asked_in_the_future(scene: Scene, ahead: timedelta | None) -> None:
    """The carrier's clock may be ahead, or its log without a time."""
    scene.clock.advance(600)
    listed(scene, scene.number(), URGENT, None)
    if ahead is not None:
        text = scene.carrier.log_texts.pop()
        sent = CarrierText(text.sid, text.to, text.sender, text.body, True, None, scene.now + ahead)
        reconciler._ingest(scene.rt, sent)
    else:
        reads_log(scene)
    assert promise(scene)["asked_at"] <= scene.now
    assert promise(scene)["asked_at"] >= scene.now - timedelta(seconds=61)


def test_whoever_asked_first_comes_first_though_taken_in_later(scene: Scene) -> None:
    older, younger = scene.number(), scene.phone()
    listed(scene, older, URGENT, scene.now)
    younger.texts(URGENT, after=600).unread_answers = False
    reads_log(scene)
    scene.clock.advance(2 * HOUR.total_seconds())
    readiness.mark_ready(scene.rt)
    with scene.store.begin() as tx:
        first = promises.find_next(tx, {"en"}, scene.now)
    assert first is not None
    assert first.phone is not None
    assert first.phone.e164 == older


def test_the_time_first_asked_is_the_earliest_of_all_their_texts(scene: Scene) -> None:
    phone, missed_at = Phone(scene, scene.number()), scene.now
    phone.texts(URGENT, after=900)
    assert promise(scene)["asked_at"] == scene.now
    due_at = promise(scene)["due_at"]
    listed(scene, phone.number, "person", missed_at)
    scene.clock.advance(60)
    reads_log(scene)
    assert promise(scene)["asked_at"] == missed_at
    assert promise(scene)["due_at"] == missed_at + HOUR < due_at


# --- danger ----------------------------------------------------------------------------------


def test_a_danger_that_came_150_seconds_ago_has_climbed_so_far_at_once(scene: Scene) -> None:
    one, two = scene.staff("One"), scene.staff("Two", tier=2)
    boss = scene.staff("Boss", role="supervisor")
    number, sent_at = scene.number(), scene.now
    listed(scene, number, DANGER, sent_at)
    scene.clock.advance(150)
    reconciler.reconcile_if_due(scene.rt)
    scene.work()
    people = (one, two, boss)
    assert [len(person.rings()) for person in people] == [1, 1, 1]
    assert [sum("Reply OK" in text for text in p.texts_got()) for p in people] == [1, 1, 1]
    page = scene.only(tables.page)
    assert (page["opened_at"], page["step"]) == (sent_at, 3)
    assert page["next_at"] == sent_at + timedelta(seconds=180)
    told = scene.carrier.texts_to(number)
    assert sum("delayed" in text for text in told) == 1, "the truth with the numbers"
    assert any("911" in text for text in told)


def test_a_danger_from_half_an_hour_ago_pages_everybody_once(scene: Scene) -> None:
    staff = [scene.staff("One"), scene.staff("Two", tier=2), scene.staff("B", role="supervisor")]
    listed(scene, scene.number(), DANGER, scene.now)
    scene.clock.advance(1800)
    reconciler.reconcile_if_due(scene.rt)
    scene.work()
    assert [len(person.rings()) for person in staff] == [1, 1, 1]
    assert [sum("Reply OK" in text for text in p.texts_got()) for p in staff] == [1, 1, 1]
    scene.guard()
    scene.work()
    assert [len(person.rings()) for person in staff] == [1, 1, 1], "next in 120 seconds"


# --- the conversation's own clocks -------------------------------------------------------------


def test_a_nudge_counts_from_our_answer_and_what_is_late_is_not_also_nearly_late(
    line: Away,
) -> None:
    scene, phone = line.scene, stranger(line)
    boss = scene.staff("Boss", role="supervisor")
    with line.away():
        line.text(phone, URGENT)
        scene.clock.advance(3 * 3600)
    line.back()
    wake_at = scene.only(tables.conversation)["wake_at"]
    assert wake_at is None or wake_at > scene.now
    scene.work()
    answered = len(scene.carrier.texts_to(phone.number))
    scene.guard()
    scene.work()
    assert len(scene.carrier.texts_to(phone.number)) == answered, "nobody is nudged at once"
    assert not [text for text in boss.texts_got() if "due soon" in text]
    assert scene.only(tables.page)["kind"] == int(Disposition.URGENT_60), "it is late, and paged"


def test_a_holder_has_two_minutes_from_when_they_could_read_it(line: Away) -> None:
    scene, phone = line.scene, stranger(line)
    ana = scene.staff()
    phone.texts(DANGER)
    scene.work()
    with scene.store.begin() as tx:
        cases.hold(tx, scene.only(tables.case)["id"], ana.id, scene.now)
    with line.away():
        line.text(phone, "are you there")
        scene.clock.advance(600)
    line.back()
    assert scene.only(tables.case)["caller_waits_since"] == scene.now


def test_a_time_in_their_own_words_is_understood_from_when_they_said_it(scene: Scene) -> None:
    with scene.store.begin() as tx:
        place = conversations.create(tx, scene.number(), LINE_NUMBER, whatsapp=False, now=AFTERNOON)
    progress = Progress(state="QUEUED", answers={"C2": ["said"]}, words={"time": "tomorrow 3pm"})

    def earliest(now: datetime) -> datetime | None:
        return ring_safety.find_earliest(
            scene.rt, place, progress, Disposition.URGENT_60, now, at_once=False, asked_at=AFTERNOON
        )

    said = earliest(AFTERNOON)
    assert said is not None
    assert earliest(AFTERNOON + timedelta(hours=10)) == said, "the day after they said it"
    assert earliest(said + timedelta(hours=1)) == said, "within the time they chose"
    over = earliest(said + timedelta(hours=3))
    assert over is not None
    assert over > said + timedelta(hours=3), "too late today: not at an hour they did not choose"
