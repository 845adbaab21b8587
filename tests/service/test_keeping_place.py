"""Nobody is free: hold, be called back, or leave a message; the promise stands meanwhile."""

from helpline.domain.speech import Join, Record
from helpline.service.calls import keeping_place, voicemail
from helpline.store import tables
from tests.builders import Scene
from tests.telephone import VoiceCaller


def queued(scene: Scene) -> VoiceCaller:
    """A caller whose questions are answered, and who is owed a routine call."""
    caller = VoiceCaller(scene).rings()
    for key in "123311376242112111":
        if "place in line" in caller.words:
            break
        caller.presses(key)
    return caller


def choose(
    scene: Scene, caller: VoiceCaller, digits: str | None, speech: str | None = None
) -> VoiceCaller:
    caller.told = keeping_place.chosen(
        scene.rt, caller.sid, caller.token, digits=digits, speech=speech
    )
    return caller


def test_the_wait_is_told_and_the_place_is_kept(scene: Scene) -> None:
    scene.staff(available=True)
    caller = queued(scene).hears("about", "minutes", "place in line")
    promise = scene.only(tables.callback)
    assert promise["state"] == "waiting"
    asked_at = promise["asked_at"]
    assert choose(scene, caller, None).is_over
    caller.hears("call this number back")
    assert scene.only(tables.callback)["asked_at"] == asked_at


def test_who_holds_is_spoken_to_by_the_next_who_is_free(scene: Scene) -> None:
    ana = scene.staff()
    caller = choose(scene, queued(scene), "1")
    assert caller.waits is not None
    scene.work()
    join = ana.presses("1")[-1]
    assert isinstance(join, Join)
    assert join.conference == caller.waits.conference
    scene.work()
    assert not scene.carrier.calls_to(caller.number), "they are on the line already"


def test_holding_may_be_said(scene: Scene) -> None:
    scene.staff()
    assert choose(scene, queued(scene), None, "I will wait").waits is not None


def test_a_message_is_recorded_after_consent_and_scanned(scene: Scene) -> None:
    boss = scene.staff("Boss", role="supervisor", tier=3)
    caller = choose(scene, queued(scene), "3").hears("recorded")
    record = caller.told[-1]
    assert isinstance(record, Record)
    voicemail.taken(scene.rt, caller.sid, "RE1" + "0" * 30, 12)
    voicemail.recorded(scene.rt, caller.sid, "RE1" + "0" * 30, 12)
    assert len(scene.rows(tables.recording)) == 1
    scene.work()
    assert any("message" in text for text in boss.texts_got())
    voicemail.understood(
        scene.rt, caller.sid, "RE1" + "0" * 30, "i am going to kill myself tonight"
    )
    voicemail.understood(
        scene.rt, caller.sid, "RE1" + "0" * 30, "i am going to kill myself tonight"
    )
    assert scene.only(tables.page)["state"] == "open"
    scene.phones.clear()


def test_messages_are_deleted_by_age(scene: Scene) -> None:
    scene.staff()
    caller = choose(scene, queued(scene), "3")
    voicemail.taken(scene.rt, caller.sid, "RE2" + "0" * 30, 5)
    voicemail.understood(scene.rt, caller.sid, "RE2" + "0" * 30, "please call me")
    assert voicemail.delete_old(scene.rt) == 0
    scene.clock.advance(hours=24 * 31)
    assert voicemail.delete_old(scene.rt) == 1
    assert scene.carrier.deleted == ["RE2" + "0" * 30]
    assert scene.only(tables.recording)["words"] == ""
    assert voicemail.delete_old(scene.rt) == 0
