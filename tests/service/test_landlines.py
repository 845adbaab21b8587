"""A telephone that takes no texts is remembered: nothing is texted again, what is owed is rung."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from helpline.domain.delivery import LegState, Refused
from helpline.domain.disposition import Disposition
from helpline.domain.refusals import LANDLINES
from helpline.service.sending import outgoing, receipts
from helpline.store import Store, outbox, tables
from tests.builders import Phone, Scene, case_of, place_of, promise_of, report

LATER = timedelta(hours=5)


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """What texts a caller gets is looked at where it matters."""
    made = Scene(store)
    yield made
    made.connections.forget()


def owed(scene: Scene, disposition: Disposition = Disposition.URGENT_60) -> Phone:
    """A caller whose call is promised, and not before some hours have passed."""
    phone = Phone(scene, scene.number())
    with scene.store.begin() as tx:
        place = place_of(tx, phone.number, now=scene.now)
        promise_of(
            tx, place, case_of(tx, place, disposition, now=scene.now), disposition,
            due_at=scene.now + LATER, not_before=scene.now + LATER, now=scene.now,
        )  # fmt: skip
    return phone


def texted(scene: Scene, phone: Phone, words: str = "Hello") -> None:
    with scene.store.begin() as tx:
        place = place_of(tx, phone.number, now=scene.now)
        outgoing.text_words(tx, place.conversation_id, words, scene.now, priority=outbox.URGENT)
    scene.work()


def refused(scene: Scene, phone: Phone, code: int, *, in_receipt: bool = False) -> None:
    """A text is refused, at once or later."""
    if not in_receipt:
        scene.carrier.text_script.append(Refused(code, "refused"))
    texted(scene, phone)
    if in_receipt:
        sid = scene.rows(tables.message)[-1]["sid"]
        receipts.text_reported(scene.rt, sid, None, "undelivered", code)


def postpone(scene: Scene) -> None:
    with scene.store.begin() as tx:
        tx.connection.execute(tables.callback.update().values(not_before=scene.now + LATER))


def rung_from(scene: Scene) -> Any:
    return scene.only(tables.callback)["not_before"]


@pytest.mark.parametrize("in_receipt", [False, True], ids=["at once", "in a receipt"])
@pytest.mark.parametrize("code", sorted(LANDLINES))
def test_no_further_text_is_tried_and_each_becomes_a_ring(
    scene: Scene, code: int, in_receipt: bool
) -> None:
    phone = owed(scene)
    refused(scene, phone, code, in_receipt=in_receipt)
    assert rung_from(scene) == scene.now
    for _ in range(2):
        postpone(scene)
        scene.clock.advance(60)
        texted(scene, phone, "are you there")
        assert scene.carrier.texts_to(phone.number) == ["Hello"], "not repeated"
        assert rung_from(scene) == scene.now, "a voice task"
    assert {row["state"] for row in scene.rows(tables.message)} <= {"failed", "undelivered"}
    assert not [row for row in scene.rows(tables.outbox) if row["state"] in {"new", "claimed"}]


@pytest.mark.parametrize("code", [21612, 30003, 30005, 30007, 30008, 77777])
def test_what_speaks_of_one_text_only_is_not_remembered(scene: Scene, code: int) -> None:
    phone = owed(scene)
    refused(scene, phone, code)
    texted(scene, phone, "are you there")
    assert scene.carrier.texts_to(phone.number) == ["Hello", "are you there"]
    assert scene.only(tables.caller)["texts_refused_at"] is None


def test_in_danger_a_text_that_is_not_tried_pages_staff(scene: Scene) -> None:
    ana = scene.staff()
    phone = owed(scene, Disposition.CRISIS_LIVE)
    refused(scene, phone, 30006)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.page.update().values(state="closed"))
    scene.clock.advance(60)
    texted(scene, phone)
    assert scene.only(tables.page, state="open")["reason"] == "text refused 30006"
    assert ana.rings()


def test_words_of_ours_are_not_written_for_it_and_the_ring_goes_out(scene: Scene) -> None:
    ana, phone = scene.staff(), owed(scene)
    refused(scene, phone, 21614)
    scene.guard()
    scene.work()
    report(scene, ana.rings()[-1], LegState.ANSWERED)
    ana.presses("1")
    scene.work()
    assert len(phone.rings()) == 1
    assert scene.carrier.texts_to(phone.number) == ["Hello"], "no text that the call comes"
    planned = [row for row in scene.rows(tables.message) if row["conversation_id"]]
    assert len(planned) == 1


def test_say_tells_staff_that_it_reaches_nobody(scene: Scene) -> None:
    ana, phone = scene.staff(), owed(scene)
    refused(scene, phone, 21614)
    code = scene.only(tables.case)["code"]
    (said,) = ana.texts(f"SAY {code} hello")
    assert "may be a landline" in said
    assert scene.carrier.texts_to(phone.number) == ["Hello"]
    assert scene.only(tables.case)["holder_id"] is None


@pytest.mark.parametrize("words", ["hi", "thanks", "i want to kill myself"])
def test_whoever_writes_can_be_texted(scene: Scene, words: str) -> None:
    phone = owed(scene)
    refused(scene, phone, 30006)
    phone.read = 1
    phone.texts(words)
    assert phone.answers
    assert scene.only(tables.caller)["texts_refused_at"] is None
    texted(scene, phone, "good to hear from you")
    assert scene.carrier.texts_to(phone.number)[-1] == "good to hear from you"


def test_a_whatsapp_conversation_says_nothing_of_the_telephone(scene: Scene) -> None:
    phone = owed(scene)
    with scene.store.begin() as tx:
        tx.connection.execute(tables.conversation.update().values(whatsapp=True))
    refused(scene, phone, 30006)
    assert scene.only(tables.caller)["texts_refused_at"] is None
    with scene.store.begin() as tx:
        tx.connection.execute(tables.caller.update().values(texts_refused_at=scene.now))
    texted(scene, phone, "on another road")
    assert scene.carrier.texts_to(phone.number)[-1] == "on another road"
