"""What staff do about a case from their pages, and what they must not."""

from datetime import datetime, timedelta

import pytest

from helpline.domain.commands import CallOutcome
from helpline.domain.disposition import Disposition
from helpline.domain.rights import NotAllowed
from helpline.service.console import Person, acts, callers, left_messages, queue, reading, times
from helpline.service.console.acts import Done, Refused, Told
from helpline.store import cases, conversations, people, recordings, tables
from tests.builders import Phone, Scene, StaffPhone
from tests.service.stories import danger, knows, talks, wants_a_person, writes


def person_of(scene: Scene, staff: StaffPhone) -> Person:
    with scene.store.read() as tx:
        return people.get(tx, staff.id)


def case_id(scene: Scene) -> int:
    return int(scene.rows(tables.case)[-1]["id"])


def floor(scene: Scene) -> Disposition:
    with scene.store.read() as tx:
        return cases.get(tx, case_id(scene)).disposition


def routine(scene: Scene, disposition: Disposition = Disposition.SOON) -> Phone:
    """A caller who waits for an ordinary call, now."""
    caller = wants_a_person(scene)
    with scene.store.begin() as tx:
        place = conversations.lock(tx, caller.number, caller.line)
        assert place is not None
        assert place.case_id is not None
        cases.lower(tx, place.case_id, disposition)
    return caller


def test_the_most_urgent_rings_me_and_then_the_caller(scene: Scene) -> None:
    ana = scene.staff(available=False)
    caller = wants_a_person(scene)
    told = acts.take_next(scene.rt, person_of(scene, ana))
    assert isinstance(told, Told)
    scene.work()
    talks(scene, ana, caller)
    caller.is_texted("You will get a call")


def test_acknowledging_from_a_page_rings_me_for_the_caller(scene: Scene) -> None:
    ana = scene.staff()
    caller = danger(scene)
    found = queue.find_alert(scene.rt, person_of(scene, ana))
    assert found == case_id(scene)
    acts.take(scene.rt, person_of(scene, ana), found)
    page = scene.only(tables.page)
    assert (page["state"], page["acknowledged_by"]) == ("acknowledged", ana.id)
    assert caller.progress.floor
    assert queue.find_alert(scene.rt, person_of(scene, ana)) is None


def test_call_now_rings_for_this_very_case(scene: Scene) -> None:
    ana = scene.staff(available=False)
    wants_a_person(scene)
    other = case_id(scene)
    second = wants_a_person(scene)
    assert acts.call_now(scene.rt, person_of(scene, ana), case_id(scene)) is Done.RINGS
    scene.work()
    assert acts.call_now(scene.rt, person_of(scene, ana), other) is Refused.ENGAGED
    talks(scene, ana, second)
    second.is_texted("You will get a call")


def test_two_who_want_the_same_caller_one_gets_them(scene: Scene) -> None:
    ana, ben = scene.staff(available=False), scene.staff("Ben", available=False)
    wants_a_person(scene)
    first = acts.call_now(scene.rt, person_of(scene, ana), case_id(scene))
    second = acts.call_now(scene.rt, person_of(scene, ben), case_id(scene))
    assert (first, second) == (Done.RINGS, Refused.TALKING)


def test_two_who_take_the_same_page_one_has_it(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    danger(scene)
    acts.take(scene.rt, person_of(scene, ana), case_id(scene))
    with pytest.raises(NotAllowed):
        acts.take(scene.rt, person_of(scene, ben), case_id(scene))
    assert scene.only(tables.page)["acknowledged_by"] == ana.id


def test_a_ring_that_may_hurt_is_not_made(scene: Scene) -> None:
    ana = scene.staff(available=False)
    caller = wants_a_person(scene)
    knows(scene, caller, flags=["SAFE_CONTACT"])
    assert acts.call_now(scene.rt, person_of(scene, ana), case_id(scene)) is Refused.NOT_SAFE
    scene.work()
    assert not ana.rings()


def test_a_time_that_was_agreed_on_is_kept_and_may_be_moved(scene: Scene) -> None:
    ana = scene.staff(available=False)
    person = person_of(scene, ana)
    routine(scene)
    local = reading.open_case(scene.rt, person, case_id(scene)).local_time
    at = (local + timedelta(hours=3)).replace(microsecond=0)
    asked_at = scene.only(tables.callback)["asked_at"]
    assert times.move_call(scene.rt, person, case_id(scene), f"{at:%Y-%m-%dT%H:%M}") is Done.MOVED
    row = scene.only(tables.callback)
    assert row["not_before"] == at.replace(second=0)
    assert row["due_at"] == at.replace(second=0) + timedelta(hours=2)
    assert row["asked_at"] == asked_at
    assert acts.call_now(scene.rt, person, case_id(scene)) is Refused.NOT_YET


@pytest.mark.parametrize("bad", ["", "soon", "2020-01-01T10:00", "2199-01-01T10:00", "9" * 40])
def test_what_is_no_time_moves_nothing(scene: Scene, bad: str) -> None:
    ana = scene.staff()
    routine(scene)
    before = scene.only(tables.callback)
    done = times.move_call(scene.rt, person_of(scene, ana), case_id(scene), bad)
    assert done is Refused.BAD_TIME
    assert scene.only(tables.callback) == before


def test_a_call_of_fifteen_minutes_is_not_put_off(scene: Scene) -> None:
    ana = scene.staff()
    routine(scene, Disposition.URGENT_15)
    at = datetime.fromisoformat(f"{scene.now + timedelta(days=1):%Y-%m-%dT%H:%M}")
    done = times.move_call(scene.rt, person_of(scene, ana), case_id(scene), at.isoformat())
    assert done is Refused.URGENT


def test_only_a_named_human_with_a_reason_lowers_and_it_stays_low(scene: Scene) -> None:
    ana = scene.staff()
    person = person_of(scene, ana)
    caller = wants_a_person(scene)
    before = floor(scene)
    assert before is Disposition.SOON
    low = Disposition.ROUTINE
    assert acts.lower(scene.rt, person, case_id(scene), low, " ") is Refused.NO_REASON
    assert acts.lower(scene.rt, person, case_id(scene), before, "x") is Refused.NOT_LOWER
    assert acts.lower(scene.rt, person, case_id(scene), low, "only a question") is Done.LOWERED
    assert floor(scene) is low
    assert scene.only(tables.callback)["disposition"] == int(low)
    assert caller.progress.floor == low.name
    noted = [row for row in scene.rows(tables.audit) if row["action"] == "lowered"]
    assert [row["actor"] for row in noted] == [f"staff:{ana.id}"]
    assert scene.only(tables.note)["body"] == "only a question"


def test_nothing_is_lowered_under_an_open_page(scene: Scene) -> None:
    ana = scene.staff()
    danger(scene)
    done = acts.lower(
        scene.rt, person_of(scene, ana), case_id(scene), Disposition.SOON, "looks fine"
    )
    assert done is Refused.PAGE_OPEN
    assert floor(scene).is_danger


def test_a_danger_after_a_lowering_raises_again(scene: Scene) -> None:
    ana = scene.staff()
    caller = wants_a_person(scene)
    acts.lower(scene.rt, person_of(scene, ana), case_id(scene), Disposition.ROUTINE, "calm")
    writes(caller, "I want to kill myself tonight")
    assert floor(scene).is_danger


def test_a_colleagues_case_is_closed_to_others_and_open_to_supervisors(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    sam = scene.staff("Sam", role="supervisor")
    danger(scene)
    acts.take(scene.rt, person_of(scene, ana), case_id(scene))
    with pytest.raises(NotAllowed):
        reading.open_case(scene.rt, person_of(scene, ben), case_id(scene))
    for who in (ana, sam):
        assert reading.open_case(scene.rt, person_of(scene, who), case_id(scene)).holder == "Ana"


def test_nobody_reads_the_case_about_themselves(scene: Scene) -> None:
    sam = scene.staff("Sam", role="supervisor")
    caller = scene.phone(sam.number)
    writes(caller, "I want to kill myself tonight")
    with pytest.raises(NotAllowed):
        reading.open_case(scene.rt, person_of(scene, sam), case_id(scene))


def test_each_look_is_noted_once_in_five_minutes(scene: Scene) -> None:
    ana = scene.staff()
    wants_a_person(scene)

    def views() -> int:
        return sum(row["action"] == "case viewed" for row in scene.rows(tables.audit))

    for wait, wanted in ((0, 1), (60, 1), (300, 2)):
        scene.clock.advance(wait)
        reading.open_case(scene.rt, person_of(scene, ana), case_id(scene))
        assert views() == wanted


def test_danger_is_marked_word_by_word_and_said_why(scene: Scene) -> None:
    ana = scene.staff()
    caller = scene.phone()
    writes(caller, "hi all good but I want to kill myself tonight ok")
    page = reading.open_case(scene.rt, person_of(scene, ana), case_id(scene))
    said = next(entry for entry in page.tale if entry.kind == "in")
    assert "".join(piece.words for piece in said.pieces) == caller_words(scene)
    marked = [piece for piece in said.pieces if piece.why]
    assert any("kill myself" in piece.words for piece in marked)
    assert all(piece.why and piece.why.category for piece in marked)


def caller_words(scene: Scene) -> str:
    return next(str(row["body"]) for row in scene.rows(tables.message) if row["inbound"])


def test_texts_notes_and_outcome_from_the_page(scene: Scene) -> None:
    ana = scene.staff()
    person = person_of(scene, ana)
    caller = danger(scene)
    acts.take(scene.rt, person, case_id(scene))
    acts.say(scene.rt, person, case_id(scene), "  I am here.  ")
    scene.work()
    assert scene.carrier.texts_to(caller.number)[-1] == "I am here."
    assert acts.say(scene.rt, person, case_id(scene), " ") is Refused.NO_WORDS
    assert acts.note(scene.rt, person, case_id(scene), "has a sister") is Done.NOTED
    acts.tell_outcome(scene.rt, person, case_id(scene), CallOutcome.HELPED, "calm now")
    assert scene.only(tables.case)["state"] == "closed"
    assert [row["body"] for row in scene.rows(tables.note)] == ["has a sister", "calm now"]
    assert acts.say(scene.rt, person, case_id(scene), "more") is Refused.CLOSED
    caller.read = len(scene.carrier.texts_to(caller.number))


def test_a_supervisor_hands_a_case_over_and_the_new_holder_is_told(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    sam = scene.staff("Sam", role="supervisor")
    danger(scene)
    acts.take(scene.rt, person_of(scene, ana), case_id(scene))
    with pytest.raises(NotAllowed):
        acts.hand_over(scene.rt, person_of(scene, ana), case_id(scene), ben.id)
    done = acts.hand_over(scene.rt, person_of(scene, sam), case_id(scene), ben.id)
    assert done is Done.HANDED
    assert scene.only(tables.case)["holder_id"] == ben.id
    scene.work()
    assert any("is yours" in text for text in ben.texts_got())
    assert any("has" in text or "moved" in text.lower() for text in ana.texts_got())


def test_a_judgement_is_counted_and_changes_nothing(scene: Scene) -> None:
    ana = scene.staff()
    danger(scene)
    before = floor(scene)
    done = acts.judge_danger(scene.rt, person_of(scene, ana), case_id(scene), 1, real=False)
    assert done is Done.JUDGED
    assert floor(scene) is before
    assert scene.only(tables.page)["state"] == "open"


def test_a_blocked_caller_is_answered_for_danger_alone(scene: Scene) -> None:
    sam = scene.staff("Sam", role="supervisor")
    person = person_of(scene, sam)
    caller = scene.phone()
    writes(caller, "hi")
    writes(caller, "person")
    acts.tell_outcome(scene.rt, person, case_id(scene), CallOutcome.HELPED, "")
    assert callers.block(scene.rt, person, case_id(scene), "abuses volunteers") is Done.BLOCKED
    scene.passes(30)
    caller.read = len(scene.carrier.texts_to(caller.number))
    caller.texts("you are all idiots").expects()
    caller.texts("I want to kill myself tonight").expects_words("988")
    assert scene.rows(tables.page)[-1]["state"] == "open"
    [(blocked, masked)] = callers.list_blocked(scene.rt, person)
    assert (blocked.why, caller.number in masked) == ("abuses volunteers", False)
    callers.unblock(scene.rt, person, blocked.caller_id)
    assert callers.list_blocked(scene.rt, person) == []


def test_two_numbers_of_one_person_show_one_tale(scene: Scene) -> None:
    sam = scene.staff("Sam", role="supervisor")
    person = person_of(scene, sam)
    first = wants_a_person(scene)
    one = scene.rows(tables.case)[-1]
    wants_a_person(scene)
    two = scene.rows(tables.case)[-1]
    assert callers.merge(scene.rt, person, two["id"], "0000001") is Refused.NO_SUCH_CASE
    assert callers.merge(scene.rt, person, two["id"], one["code"]) is Done.MERGED
    shown = reading.open_case(scene.rt, person, two["id"])
    assert {episode.code for episode in shown.episodes} == {one["code"], two["code"]}
    assert shown.same
    assert callers.part(scene.rt, person, two["id"]) is Done.PARTED
    assert not reading.open_case(scene.rt, person, two["id"]).same
    assert not reading.open_case(scene.rt, person, one["id"]).same
    assert first.progress.state is not None


def test_a_number_with_somebody_new_shows_nothing_of_before(scene: Scene) -> None:
    ana = scene.staff("Sam", role="supervisor")
    person = person_of(scene, ana)
    caller = wants_a_person(scene)
    closed = case_id(scene)
    assert callers.changed_hands(scene.rt, person, closed) is Refused.STILL_OPEN
    acts.tell_outcome(scene.rt, person, closed, CallOutcome.WRONG_PERSON, "")
    assert callers.changed_hands(scene.rt, person, closed) is Done.FRESH
    scene.clock.advance(5)
    writes(caller, "hello, who is this")
    writes(caller, "person")
    shown = reading.open_case(scene.rt, person, case_id(scene))
    words = "".join(piece.words for entry in shown.tale for piece in entry.pieces)
    assert "hello, who is this" in words
    assert [episode.case_id for episode in shown.episodes] == [case_id(scene)]


def test_questions_are_planned_and_canceled(scene: Scene) -> None:
    ana = scene.staff()
    person = person_of(scene, ana)
    routine(scene)
    at = f"{scene.now + timedelta(days=2):%Y-%m-%d}T15:00"
    assert times.plan_question(scene.rt, person, case_id(scene), at) is Done.PLANNED
    planned = [row for row in scene.rows(tables.follow_up) if row["state"] == "planned"]
    assert planned
    done = times.cancel_question(scene.rt, person, case_id(scene), planned[-1]["id"])
    assert done is Done.CANCELED
    left = [row["id"] for row in scene.rows(tables.follow_up) if row["state"] == "planned"]
    assert planned[-1]["id"] not in left


def test_a_message_left_is_heard_by_whoever_may_read_the_case_and_noted(scene: Scene) -> None:
    ana, ben = scene.staff(), scene.staff("Ben")
    danger(scene)
    with scene.store.begin() as tx:
        case = cases.get(tx, case_id(scene))
        sound = recordings.keep(
            tx, sid="RE1", case_id=case.id, conversation_id=case.conversation_id, seconds=3,
            now=scene.now,
        )  # fmt: skip
    assert sound is not None
    acts.take(scene.rt, person_of(scene, ana), case_id(scene))
    assert left_messages.listen(scene.rt, person_of(scene, ana), sound) == b"ID3RE1"
    with pytest.raises(NotAllowed):
        left_messages.listen(scene.rt, person_of(scene, ben), sound)
    scene.carrier.log_away = True
    with pytest.raises(ConnectionError):
        left_messages.listen(scene.rt, person_of(scene, ana), sound)
    scene.carrier.log_away = False
    with scene.store.begin() as tx:
        recordings.forget(tx, sound, scene.now)
    assert left_messages.listen(scene.rt, person_of(scene, ana), sound) is None
    heard = [row for row in scene.rows(tables.audit) if row["action"] == "listened"]
    assert {row["actor"] for row in heard} == {f"staff:{ana.id}"}
