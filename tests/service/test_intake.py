"""A text comes in: once, whole, in one transaction, whatever it is and whoever sends it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import update

from helpline.domain.disposition import Disposition
from helpline.domain.said import CarrierWord
from helpline.service import intake, silence, steps
from helpline.service.callbacks import HELD
from helpline.store import (
    arrivals,
    attempts,
    callbacks,
    cases,
    conversations,
    journal,
    messages,
    outbox,
    pages,
    people,
    tables,
)
from tests.builders import LINE_NUMBER, Scene, everything, race
from tests.fakes import AFTERNOON

DANGER = "i took all my pills and want to die tonight"
CRISIS = "i want to kill myself"
VIOLENCE = "my boyfriend is going to kill me he has a knife"


def receive(scene: Scene, text: intake.IncomingText) -> intake.Answer:
    return intake.receive(scene.rt, text)


# --- one transaction ---------------------------------------------------------------

WRITES = [
    (conversations, "introduce"),
    (conversations, "opt"),
    (arrivals, "record"),
    (messages, "plan"),
    (cases, "open_or_raise"),
    (callbacks, "promise"),
    (pages, "open_page"),
    (pages, "climb"),
    (attempts, "plan"),
    (outbox, "put"),
    (journal, "note"),
]


class Broken(Exception):
    pass


@pytest.mark.parametrize(
    ("module", "name"), WRITES, ids=[f"{m.__name__.rsplit('.')[-1]}.{n}" for m, n in WRITES]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failure_at_any_write_leaves_nothing_behind(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, when: str
) -> None:
    scene.staff()
    real: Callable[..., Any] = getattr(module, name)

    def breaks(*args: Any, **more: Any) -> Any:
        if when == "after":
            real(*args, **more)
        raise Broken

    caller, before = scene.phone(), everything(scene.store)
    body = "STOP i want to kill myself" if name != "opt" else "stop texting me"
    with monkeypatch.context() as patch:
        patch.setattr(module, name, breaks)
        if name == "plan" and module is messages:
            scene.staff("Bo")
            before = everything(scene.store)
        with pytest.raises(Broken):
            receive(scene, caller.incoming(body, sid="SMone"))
    assert everything(scene.store) == before
    assert scene.bell.hinted == []
    answer = receive(scene, caller.incoming(body, sid="SMone"))
    assert answer.texts
    assert not answer.repeated


# --- twice is the same as once ------------------------------------------------------


@pytest.mark.parametrize("body", ["hi", CRISIS, "STOP", "", "1"])
def test_the_same_sid_again_changes_nothing(scene: Scene, body: str) -> None:
    scene.staff()
    caller = scene.phone()
    text = caller.incoming(body)
    first = receive(scene, text)
    stored, hinted = everything(scene.store), list(scene.bell.hinted)
    scene.clock.advance(5)
    again = receive(scene, text)
    assert again.texts == first.texts
    assert (first.repeated, again.repeated) == (False, True)
    assert everything(scene.store) == stored
    assert scene.bell.hinted == hinted


@pytest.mark.parametrize("body", ["hi i need help with ket", CRISIS])
@pytest.mark.parametrize("known", [False, True])
def test_five_copies_at_once_are_one_text(scene: Scene, body: str, known: bool) -> None:
    scene.staff()
    caller = scene.phone()
    if known:
        receive(scene, caller.incoming("hello"))
        scene.clock.advance(100)
    before = len(scene.rows(tables.message))
    text = caller.incoming(body)
    answers = race(*[lambda: receive(scene, text)] * 5)
    assert len({answer.texts for answer in answers}) == 1
    assert answers[0].texts
    assert sorted(answer.repeated for answer in answers) == [False, True, True, True, True]
    inbound = [row for row in scene.rows(tables.message)[before:] if row["inbound"]]
    assert len(inbound) == 1
    assert len(scene.rows(tables.caller)) == 1
    assert len(scene.rows(tables.page)) == (body == CRISIS)
    assert len(caller.progress.recent) == 1
    assert len(scene.rows(tables.attempt)) == (body == CRISIS)


def test_two_texts_of_one_caller_at_once_are_both_heard(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    receive(scene, caller.incoming("hi"))
    scene.clock.advance(100)
    one, two = caller.incoming("my bladder hurts"), caller.incoming(CRISIS)
    race(lambda: receive(scene, one), lambda: receive(scene, two))
    progress = caller.progress
    assert {part for _, part in progress.recent} == {"my bladder hurts", CRISIS}
    assert progress.disposition.is_danger
    assert len([row for row in scene.rows(tables.message) if row["inbound"]]) == 3
    scene.only(tables.case, state="open")
    scene.only(tables.page, state="open")
    scene.only(tables.callback)


def test_the_first_two_texts_of_a_new_caller_at_once(scene: Scene) -> None:
    caller = scene.phone()
    texts = [caller.incoming(f"hello {index}") for index in range(4)]
    race(*[lambda text=text: receive(scene, text) for text in texts])
    scene.only(tables.caller)
    scene.only(tables.conversation)
    assert len(scene.rows(tables.message)) == 4
    assert {part for _, part in caller.progress.recent} == {f"hello {i}" for i in range(4)}


def test_two_lines_of_one_caller_at_once_are_one_caller_and_one_call(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    other = intake.IncomingText("SMother", caller.number, "+12025550199", CRISIS)
    race(
        lambda: receive(scene, caller.incoming(CRISIS)),
        lambda: receive(scene, other),
    )
    scene.only(tables.caller)
    assert len(scene.rows(tables.conversation)) == 2
    scene.only(tables.callback)


# --- what can arrive -----------------------------------------------------------------


def test_parts_within_ninety_seconds_are_read_together(scene: Scene) -> None:
    scene.staff()
    caller = scene.phone()
    caller.texts("i want to").expects_words("?")
    caller.texts("kill myself", after=60).expects_words("988")
    scene.only(tables.page, state="open")


def test_parts_far_apart_are_not(scene: Scene) -> None:
    caller = scene.phone()
    caller.texts("i want to").expects_words("?")
    caller.texts("sleep", after=91)
    caller.expects_words("")
    assert scene.rows(tables.page) == []


@pytest.mark.parametrize(
    ("body", "media"),
    [("", 1), ("", 0), ("🙏", 0), ("😭😭😭", 0), ("x" * 1600, 0), ("ket " * 400, 2), ("\n\t ", 0),
     ("ñandú ¿ayuda?", 0), ("a\u2028b\u0000c", 0)],
)  # fmt: skip
def test_any_text_is_stored_and_answered(scene: Scene, body: str, media: int) -> None:
    if "\0" in body and scene.store.engine.dialect.name == "postgresql":
        body = body.replace("\0", "")
    caller = scene.phone()
    answer = receive(scene, caller.incoming(body, media=media))
    assert answer.texts
    row = scene.only(tables.message, inbound=True)
    assert row["body"] == (body or ("[picture]" if media else ""))
    assert row["media"] == media


def test_whatsapp_with_and_without_a_number(scene: Scene) -> None:
    scene.staff()
    text = intake.IncomingText("SM1", "whatsapp:+12025560801", f"whatsapp:{LINE_NUMBER}", CRISIS,
                               whatsapp=True)  # fmt: skip
    assert receive(scene, text).texts
    assert scene.only(tables.callback)["text_only"] is False
    assert scene.only(tables.conversation)["whatsapp"] is True
    assert scene.only(tables.conversation)["line"] == LINE_NUMBER
    nameless = intake.IncomingText("SM2", "US.1234567890ABC", LINE_NUMBER, CRISIS, whatsapp=True)
    assert receive(scene, nameless).texts
    assert scene.rows(tables.callback)[1]["text_only"] is True
    assert len(scene.rows(tables.page)) == 2
    scene.work()


@pytest.mark.parametrize("sender", ["", "anonymous", "22000", "+1", "x" * 500, "+" + "9" * 40])
def test_any_sender_and_any_recipient_are_answered(scene: Scene, sender: str) -> None:
    for index, recipient in enumerate(("", "+19995550000", "y" * 500)):
        answer = receive(scene, intake.IncomingText(f"SM{index}", sender, recipient, CRISIS))
        assert answer.texts
    assert len(scene.rows(tables.message)) >= 3
    scene.work()


def test_a_text_decided_while_somebody_takes_the_case_reaches_her(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.work()
    real, case_id = steps.decide, scene.only(tables.case)["id"]

    def slow(*args: Any) -> Any:
        decision = real(*args)
        monkeypatch.setattr(steps, "decide", real)
        with scene.store.begin() as tx:
            cases.hold(tx, case_id, ana.id, scene.now)
        return decision

    monkeypatch.setattr(steps, "decide", slow)
    caller.texts("are you there").expects()
    scene.work()
    assert "are you there" in ana.texts_got()[-1]


# --- opted out ------------------------------------------------------------------------


def test_danger_after_stop_is_answered_paged_and_rung_but_not_texted(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("STOP").expects()
    assert scene.only(tables.conversation)["opted_out_at"] is not None
    caller.texts(CRISIS).expects_words("988")
    scene.work()
    assert ana.rings()
    assert ana.texts_got()
    assert scene.only(tables.callback)["state"] == "waiting"
    scene.passes(700)
    assert scene.carrier.texts_to(caller.number) == []


def test_stop_with_an_open_urgent_case_pages(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(CRISIS).expects_words("988")
    scene.work()
    ana.presses("1")
    pages_before = len(scene.rows(tables.page))
    with scene.store.begin() as tx:
        cases.hold(tx, scene.only(tables.case)["id"], None, scene.now)
    caller.texts("STOP", answered=CarrierWord.STOP).expects()
    assert len(scene.rows(tables.page)) == pages_before + 1
    assert scene.only(tables.case)["state"] == "open"
    scene.work()
    assert scene.carrier.texts_to(caller.number) == []
    assert len(ana.rings()) == 2


def test_start_makes_texts_welcome_again(scene: Scene) -> None:
    caller = scene.phone()
    caller.texts("hi").expects_words("Harbor")
    caller.texts("STOP").expects()
    caller.texts("hello there").expects()
    caller.texts("START").expects_words("Harbor")
    assert scene.only(tables.conversation)["opted_out_at"] is None


# --- danger ---------------------------------------------------------------------------


def test_danger_writes_everything_in_the_same_commit_and_rings_the_bell(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(DANGER).expects_words("911")
    case = scene.only(tables.case)
    assert case["disposition"] == Disposition.EMERGENCY_NOW
    assert scene.only(tables.callback)["case_id"] == case["id"]
    page = scene.only(tables.page)
    assert (page["state"], page["ring_caller"], page["step"]) == ("open", True, 1)
    leg = scene.only(tables.attempt)
    assert (leg["leg"], leg["staff_id"], leg["page_id"]) == ("staff", ana.id, page["id"])
    text = scene.only(tables.message, inbound=False)
    assert text["staff_id"] == ana.id
    crisis = [row for row in scene.rows(tables.outbox) if row["queue"] == "crisis"]
    assert {row["kind"] for row in crisis} == {"leg", "text"}
    assert {row["priority"] for row in crisis} == {outbox.CRISIS}
    assert scene.bell.hinted == [("crisis", row["id"]) for row in crisis]
    assert caller.number not in text["body"]
    assert "pills" not in text["body"]


def test_a_dead_bell_changes_nothing(scene: Scene) -> None:
    scene.staff()
    scene.bell.broken = True
    scene.phone().texts(DANGER).expects_words("911")
    assert len(scene.bell.hinted) == 1
    assert scene.work()
    assert scene.carrier.calls


def test_several_dangers_of_one_caller_are_one_page(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    for body in (CRISIS, "i really mean it i will kill myself", DANGER, DANGER + " now"):
        caller.texts(body).expects_words("9")
    assert scene.only(tables.page)["kind"] == Disposition.EMERGENCY_NOW
    scene.only(tables.callback)
    scene.work()
    assert len(ana.rings()) == len(ana.texts_got()) == 1


def test_violence_is_never_rung_unasked(scene: Scene) -> None:
    ana, caller = scene.staff(), scene.phone()
    caller.texts(VIOLENCE).expects_words("We will not ring you")
    assert scene.only(tables.page)["ring_caller"] is False
    assert scene.only(tables.callback)["not_before"] == HELD
    scene.work()
    assert ana.rings()
    caller.texts("1")
    caller.expects_words("")
    assert scene.only(tables.callback)["not_before"] < HELD
    assert scene.only(tables.page)["ring_caller"] is True


def test_staff_in_danger_are_callers_and_are_not_paged_about_it(scene: Scene) -> None:
    ana, bo = scene.staff(), scene.staff("Bo")
    assert "988" in "".join(ana.texts(CRISIS))
    scene.work()
    assert bo.rings()
    assert not ana.rings()


# --- silence ---------------------------------------------------------------------------


def test_silence_after_danger_nudges_calls_and_pages(scene: Scene) -> None:
    """Nobody works here, so that only silence acts."""
    caller = scene.phone()
    caller.texts("hi i need help with ket").expects_words("?")
    wakes = scene.only(tables.conversation)["wake_at"]
    assert wakes
    scene.clock.advance((wakes - scene.now).total_seconds() - 1)
    assert silence.wake_due(scene.rt) == 0
    scene.clock.advance(2)
    assert silence.wake_due(scene.rt) == 1
    stored = everything(scene.store)
    assert silence.wake_due(scene.rt) == 0
    silence.wake(scene.rt, scene.only(tables.conversation)["id"])
    after = everything(scene.store)
    assert {name: len(found) for name, found in after.items()} == {
        name: len(found) for name, found in stored.items()
    }, "waking twice is the same as once"
    text = scene.only(tables.message, inbound=False)
    assert text["state"] == "waiting"
    scene.work()
    caller.is_texted(text["body"])
    scene.passes(3600, step=60)
    came = scene.carrier.texts_to(caller.number)
    caller.read = len(came)
    times = {row["subject"]: row["at"] for row in scene.rows(tables.audit)}
    assert "page" in times, times
    assert scene.rows(tables.callback)


def test_silence_wakes_once_though_two_guards_look(scene: Scene) -> None:
    caller = scene.phone()
    caller.texts("hi i need help with ket").expects_words("?")
    scene.clock.advance(3600)
    race(lambda: silence.wake_due(scene.rt), lambda: silence.wake_due(scene.rt))
    bodies = [row["body"] for row in scene.rows(tables.message) if not row["inbound"]]
    assert len(bodies) == len(set(bodies))


# --- when a call may ring -----------------------------------------------------------------


def booked(scene: Scene, *texts: str) -> dict[str, Any]:
    caller = scene.phone()
    for body in texts:
        caller.texts(body)
        caller.unread_answers = False
    return scene.only(tables.callback)


def test_a_wish_for_a_person_rings_in_civil_hours_only(scene: Scene) -> None:
    row = booked(scene, "hi", "person")
    assert Disposition.ROUTINE <= row["disposition"] < Disposition.URGENT_60
    assert row["not_before"] == row["asked_at"] == scene.now


@pytest.mark.parametrize(
    ("hour", "opens"),
    [
        (datetime(2026, 11, 24, 3, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)),
        (datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)),
        (datetime(2026, 11, 24, 14, tzinfo=UTC), None),
    ],
)
def test_quiet_hours_are_the_callers(quick: Scene, hour: datetime, opens: datetime | None) -> None:
    """21:00 to 08:00 in New York, where the caller's number is from."""
    quick.clock.advance((hour - AFTERNOON).total_seconds())
    row = booked(quick, "hi", "person")
    assert row["not_before"] == (opens or quick.now)


def test_urgent_calls_ring_at_night(quick: Scene) -> None:
    quick.clock.advance(hours=9)
    caller = quick.phone()
    caller.texts(CRISIS)
    caller.unread_answers = False
    row = quick.only(tables.callback)
    assert row["disposition"] >= Disposition.CRISIS_LIVE
    assert row["due_at"] == row["asked_at"] + timedelta(seconds=120)


def _book(scene: Scene, *, floor: Disposition, at_once: bool = False, **known: Any) -> Any:
    from helpline.domain.progress import Progress
    from helpline.service import callbacks as queue

    caller = scene.phone()
    with scene.store.begin() as tx:
        place = conversations.create(tx, caller.number, LINE_NUMBER, whatsapp=False, now=scene.now)
        work = cases.open_or_raise(
            tx, conversation_id=place.conversation_id, caller_id=place.caller_id,
            disposition=floor, protocol_hash="x", now=scene.now,
        )  # fmt: skip
        progress = Progress(floor=floor.name, **known)
        queue.book(scene.rt, tx, place, work, progress, scene.now, at_once=at_once)
    return scene.rows(tables.callback)[-1]


@pytest.mark.parametrize("floor", [Disposition.URGENT_60, Disposition.URGENT_15])
def test_urgent_waits_for_the_end_of_triage_or_the_deadline(
    quick: Scene, floor: Disposition
) -> None:
    deadline = quick.rt.protocol.callbacks.by_disposition[floor].deadline
    row = _book(quick, floor=floor, state="SAFETY_MED")
    assert row["not_before"] == row["due_at"] == quick.now + deadline
    assert _book(quick, floor=floor, state="QUEUED")["not_before"] == quick.now
    assert _book(quick, floor=floor, state="SAFETY_MED", at_once=True)["not_before"] == quick.now


@pytest.mark.parametrize("flag", ["SAFE_CONTACT", "DISCREET"])
@pytest.mark.parametrize(
    "floor", [d for d in Disposition if Disposition.ROUTINE <= d < Disposition.EMERGENCY_NOW]
)
def test_a_secret_call_is_held_until_it_is_known_when(
    quick: Scene, flag: str, floor: Disposition
) -> None:
    row = _book(quick, floor=floor, flags=[flag], at_once=True)
    assert row["not_before"] == HELD
    asked = _book(quick, floor=floor, flags=[flag], answers={"C2": ["1"]}, at_once=True)
    assert asked["not_before"] == quick.now


def test_an_emergency_is_not_held_by_secrecy_but_by_violence(quick: Scene) -> None:
    floor = Disposition.EMERGENCY_NOW
    assert _book(quick, floor=floor, flags=["SAFE_CONTACT"])["not_before"] == quick.now
    hits = {"emergency.violence": quick.now.timestamp()}
    assert _book(quick, floor=floor, hits=hits)["not_before"] == HELD
    yes = _book(quick, floor=floor, hits=hits, answers={"EV": ["1"]})
    assert yes["not_before"] == quick.now


@pytest.mark.parametrize(
    ("choice", "opens"),
    [
        ("2", datetime(2026, 11, 24, 14, tzinfo=UTC)),
        ("3", datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("4", datetime(2026, 11, 23, 22, tzinfo=UTC)),
    ],
)
def test_windows_are_the_callers_clock(quick: Scene, choice: str, opens: datetime) -> None:
    for floor in (Disposition.SOON, Disposition.URGENT_60):
        row = _book(quick, floor=floor, answers={"C2": [choice]})
        assert row["not_before"] == opens


def test_a_time_in_the_callers_own_words(quick: Scene) -> None:
    row = _book(
        quick, floor=Disposition.SOON, answers={"C2": ["said"]}, words={"time": "tomorrow 3pm"}
    )
    assert row["not_before"] == datetime(2026, 11, 24, 20, tzinfo=UTC)


def test_another_number_and_voicemail_are_taken_from_the_answers(quick: Scene) -> None:
    row = _book(
        quick, floor=Disposition.SOON, words={"phone": "202-555-0188"}, answers={"C3": ["1"]}
    )
    assert (row["phone"], row["voicemail"], row["text_only"]) == ("+12025550188", True, False)
    secret = _book(quick, floor=Disposition.SOON, flags=["DISCREET"], answers={"C3": ["1"]})
    assert secret["voicemail"] is False
    assert _book(quick, floor=Disposition.SOON, answers={"C1": ["3"]})["text_only"] is True


def test_the_first_staff_and_presence_words_do_not_disturb(scene: Scene) -> None:
    ana = scene.staff()
    assert ana.texts("AWAY")
    with scene.store.read() as tx:
        assert not people.get(tx, ana.id).available
    assert ana.texts("AVAILABLE")
    with scene.store.begin() as tx:
        assert people.get(tx, ana.id).available
        tx.connection.execute(update(tables.staff).values(presence="away"))
    assert scene.rows(tables.page) == []
