"""The database away, hung or unwritable: answered, kept, paged directly, taken in afterwards."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from helpline.domain.delivery import TryLater
from helpline.domain.said import CarrierWord
from helpline.domain.speech import Ask, HangUp, Join, Say
from helpline.runtime import SpoolBroken
from helpline.service.intake import IncomingText
from helpline.service.outage import direct, direct_leg, replay
from helpline.service.outage.answering import Outage
from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, VOICE_NUMBER, Phone, Scene

DANGER = "i took all my pills and cant stay awake"


def breaks(*_: Any, **__: Any) -> Any:
    raise OperationalError("SELECT 1", {}, Exception("away"))


class Away:
    """A scene whose database can go away, and the web process that notices."""

    def __init__(self, scene: Scene, patch: pytest.MonkeyPatch) -> None:
        self.scene = scene
        self.rt = scene.rt
        self.web = Outage(scene.rt)
        self._patch = patch

    @contextmanager
    def away(self) -> Iterator[None]:
        direct.remember_on_call(self.rt)
        with self._patch.context() as patch:
            for name in ("begin", "read", "glance", "swift"):
                patch.setattr(Store, name, breaks)
            yield
            self.sent()

    def sent(self) -> None:
        """Every page that was begun is at the carrier; the next may begin."""
        self.web._pages.shutdown(wait=True)
        self.web._pages = type(self.web._pages)(4)

    def text(self, phone: Phone, body: str, **more: Any) -> tuple[str, ...]:
        answer = self.web.receive(phone.incoming(body, **more))
        self.sent()
        return answer.texts

    def back(self) -> replay.Replayed:
        self.web.look()
        assert not self.web.away
        return replay.replay(self.rt)


def hangs_up(line: Away, steps: tuple[Any, ...]) -> None:
    """The caller leaves the conference."""
    (room,) = [step for step in steps if isinstance(step, Join)]
    direct_leg.left(line.rt, room.action.partition("attempt=")[2])


@pytest.fixture
def line(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    made = Away(scene, monkeypatch)
    yield made
    made.web.close()


def stranger(line: Away) -> Phone:
    """A caller whose texts the test reads at the carrier itself."""
    return Phone(line.scene, line.scene.number())


def test_an_ordinary_text_is_kept_and_answered_when_the_database_is_back(line: Away) -> None:
    phone = stranger(line)
    with line.away():
        said = line.text(phone, "hi i need help with ket")
        assert ["text" in words or "mensaje" in words for words in said] == [True, True]
        assert all("911" in words for words in said)
        assert line.web.away
    assert line.scene.rows(tables.message) == []
    assert line.back() == replay.Replayed(1, 0)
    assert line.rt.spool.length() == 0
    line.scene.work()
    answered = line.scene.carrier.texts_to(phone.number)
    assert "automated helpline" in answered[0]
    assert len(answered) == len(set(answered))
    assert line.back() == replay.Replayed(0, 0)
    texts = [row for row in line.scene.rows(tables.message) if row["inbound"]]
    assert len(texts) == 1


def test_a_yes_is_kept_for_nobody_knows_what_was_asked(line: Away) -> None:
    phone = stranger(line)
    with line.away():
        assert line.text(phone, "STOP", answered=CarrierWord.STOP) == ()
        said = line.text(phone, "yes", answered=CarrierWord.START)
    assert "911" in said[0]
    assert not any("automated helpline" in words for words in said)


def test_danger_is_answered_and_paged_without_the_database_and_once(line: Away) -> None:
    ana, ben = line.scene.staff(), line.scene.staff("Ben", tier=2)
    phone = stranger(line)
    with line.away():
        said = line.text(phone, DANGER)
        assert "911" in said[0]
        line.text(phone, DANGER, sid=phone.incoming(DANGER).sid)
        assert [order.entrance for order in line.scene.carrier.calls] == [direct.ENTRANCE]
        assert len(line.scene.carrier.texts_to(ana.number)) == 1
        assert line.scene.carrier.texts_to(ben.number) == []
    assert line.back() == replay.Replayed(2, 0)
    line.scene.work()
    page = line.scene.only(tables.page)
    assert (page["state"], page["step"]) == ("open", 1)
    assert len(line.scene.carrier.calls_to(ana.number)) == 1, "no second first page"
    line.scene.passes(61)
    assert len(line.scene.carrier.calls_to(ben.number)) == 1, "the ladder goes on"
    assert line.scene.carrier.texts_to(phone.number) == [], "nothing is said twice"


def test_a_page_that_begins_anew_within_a_second_has_names_of_its_own(line: Away) -> None:
    line.scene.staff()
    phone = stranger(line)
    with line.away():
        line.text(phone, DANGER)
    line.back()
    line.scene.clock.advance(0.4)
    with line.away():
        line.text(phone, DANGER)
    carrier = line.scene.carrier
    tokens = [*(call.token for call in carrier.calls), *(text.token for text in carrier.texts)]
    assert len(carrier.calls) == 2
    assert len(set(tokens)) == len(tokens)


def test_the_ladder_climbs_without_the_database_and_tells_the_caller(line: Away) -> None:
    ana, ben, sue = (
        line.scene.staff(),
        line.scene.staff("Ben", tier=2),
        line.scene.staff("Sue", role="supervisor"),
    )
    phone = stranger(line)
    with line.away():
        line.text(phone, DANGER)
        for after, rung in ((59, 0), (2, 1), (60, 1)):
            line.scene.clock.advance(after)
            direct.climb_due(line.rt)
            assert len(line.scene.carrier.calls_to(ben.number)) == rung
        assert len(line.scene.carrier.calls_to(sue.number)) == 1
        assert "keep trying" in line.scene.carrier.texts_to(phone.number)[0]
        line.scene.clock.advance(60)
        direct.climb_due(line.rt)
        assert [len(line.scene.carrier.calls_to(who.number)) for who in (ana, ben, sue)] == [2] * 3
        line.scene.clock.advance(121)
        direct.climb_due(line.rt)
        assert len(line.scene.carrier.calls_to(ana.number)) == 3, "and never ends by itself"
        direct.climb_due(line.rt)
        assert len(line.scene.carrier.calls_to(ana.number)) == 3
    carrier = line.scene.carrier
    tokens = [order.token for order in carrier.calls] + [order.token for order in carrier.texts]
    assert len(tokens) == len(set(tokens))


@pytest.mark.parametrize("away", [True, False])
def test_nobody_is_promised_who_is_not_there(line: Away, away: bool) -> None:
    if away:
        line.scene.staff(available=False)
    phone = stranger(line)
    with line.away():
        said = line.text(phone, DANGER)
        line.scene.clock.advance(121)
        direct.climb_due(line.rt)
    words = [*said, *line.scene.carrier.texts_to(phone.number)]
    assert any("can't reach anyone" in text for text in words)
    assert not any("our person" in text or "being alerted" in text for text in words)


def test_an_early_ok_ends_the_ladder_and_is_carried_out_afterwards(line: Away) -> None:
    ana = line.scene.staff()
    line.scene.staff("Ben", tier=2)
    phone, hers = stranger(line), Phone(line.scene, ana.number)
    with line.away():
        line.text(phone, DANGER)
        (said,) = line.text(hers, "OK")
        assert "it is yours" in said
        line.scene.clock.advance(300)
        assert direct.climb_due(line.rt) == 0
    assert line.back() == replay.Replayed(2, 0)
    page = line.scene.only(tables.page)
    assert (page["state"], page["acknowledged_by"]) == ("acknowledged", ana.id)
    line.scene.work()
    assert [order.entrance for order in line.scene.carrier.calls] == [
        direct.ENTRANCE, "/twilio/voice/page",
    ]  # fmt: skip
    answers = [row for row in line.scene.rows(tables.message) if row["body"] == "OK"]
    assert len(answers) == 1


def test_a_pressed_key_takes_the_page_once(line: Away) -> None:
    ana, ben = line.scene.staff(), line.scene.staff("Ben")
    phone = stranger(line)
    with line.away():
        line.text(phone, DANGER)
        hers, his = (line.scene.carrier.calls_to(who.number)[0].token for who in (ana, ben))
        assert isinstance(direct_leg.answered(line.rt, hers)[0], Ask)
        assert "next person" in spoken(direct_leg.chosen(line.rt, hers, "2"))
        assert "It is yours" in spoken(direct_leg.chosen(line.rt, hers, "1"))
        assert "It is yours" in spoken(direct_leg.chosen(line.rt, hers, "1"))
        assert "taken it" in spoken(direct_leg.chosen(line.rt, his, "1"))
        assert "taken it" in spoken(direct_leg.answered(line.rt, his))
        assert direct_leg.answered(line.rt, "nonsense") == (HangUp(),)
        assert direct_leg.chosen(line.rt, "-1-2-3", "1") == (HangUp(),)
    line.back()
    assert line.scene.only(tables.page)["acknowledged_by"] == ana.id


def test_a_key_pressed_after_the_database_came_back_takes_the_ordinary_page(line: Away) -> None:
    ana = line.scene.staff()
    with line.away():
        line.text(stranger(line), DANGER)
    line.back()
    token = line.scene.carrier.calls_to(ana.number)[0].token
    assert "It is yours" in spoken(direct_leg.chosen(line.rt, token, "1"))
    assert line.scene.only(tables.page)["acknowledged_by"] == ana.id


def spoken(steps: tuple[object, ...]) -> str:
    return " ".join(step.text for step in steps if isinstance(step, Say))


def test_staff_in_danger_are_callers_and_are_not_paged_about_it(line: Away) -> None:
    ana, ben = line.scene.staff(), line.scene.staff("Ben")
    with line.away():
        assert "911" in line.text(Phone(line.scene, ana.number), DANGER)[0]
        assert line.scene.carrier.calls_to(ana.number) == []
        assert len(line.scene.carrier.calls_to(ben.number)) == 1


def test_other_commands_of_staff_wait(line: Away) -> None:
    ana = line.scene.staff()
    with line.away():
        (said,) = line.text(Phone(line.scene, ana.number), "AWAY")
        assert "carried out when" in said
    line.back()
    assert line.scene.only(tables.staff)["presence"] == "away"


def test_doubt_is_asked_about_and_paged_after_two_minutes(line: Away) -> None:
    ana = line.scene.staff()
    with line.away():
        said = line.text(stranger(line), "i cant go on")
        assert "1 Yes" in " ".join(said)
        line.scene.clock.advance(119)
        direct.climb_due(line.rt)
        assert line.scene.carrier.calls == []
        line.scene.clock.advance(2)
        direct.climb_due(line.rt)
        assert len(line.scene.carrier.calls_to(ana.number)) == 1


def test_a_carrier_that_takes_nothing_is_asked_again_soon(line: Away) -> None:
    ana = line.scene.staff()
    later = TryLater(timedelta(seconds=1), 429, "busy")
    line.scene.carrier.call_script.append(later)
    line.scene.carrier.text_script.append(later)
    with line.away():
        line.text(stranger(line), DANGER)
        line.scene.clock.advance(3)
        direct.climb_due(line.rt)
        assert len(line.scene.carrier.calls_to(ana.number)) == 2


def test_without_the_spool_nothing_is_promised_but_danger_is_still_paged(
    line: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = line.scene.staff()

    def broken(*_: Any) -> None:
        raise SpoolBroken("OSError")

    with line.away():
        monkeypatch.setattr(type(line.rt.spool), "append", broken)
        with pytest.raises(SpoolBroken):
            line.text(stranger(line), "hello")
        monkeypatch.setattr(type(line.rt.spool), "keep", broken)
        with pytest.raises(SpoolBroken):
            line.text(stranger(line), DANGER)
        line.sent()
        assert len(line.scene.carrier.calls_to(ana.number)) == 1


def test_a_poison_record_is_set_aside_and_the_others_go_in(line: Away) -> None:
    with line.away():
        line.text(stranger(line), "first")
        line.rt.spool.append("this is no record")
        line.text(stranger(line), "second")
    assert line.back() == replay.Replayed(2, 1)
    assert (line.rt.spool.length(), line.rt.spool.count_aside()) == (0, 1)
    bodies = {row["body"] for row in line.scene.rows(tables.message) if row["inbound"]}
    assert bodies == {"first", "second"}


def test_while_the_database_is_away_replay_keeps_everything(line: Away) -> None:
    with line.away():
        line.text(stranger(line), "first")
        assert replay.replay(line.rt) == replay.Replayed(0, 0)
        assert line.rt.spool.length() == 1


def test_a_text_that_was_stored_after_all_is_not_stored_twice(line: Away) -> None:
    """The commit worked and its answer was lost: the direct page still finds its owner."""
    ana = line.scene.staff()
    phone = stranger(line)
    text = phone.incoming(DANGER)
    with line.away():
        line.web.receive(text)
        line.sent()
        token = line.scene.carrier.calls_to(ana.number)[0].token
        direct_leg.chosen(line.rt, token, "1")
    phone.texts(DANGER, sid=text.sid, after=0)
    phone.unread_answers = False
    assert line.back() == replay.Replayed(1, 0)
    assert line.scene.only(tables.page)["acknowledged_by"] == ana.id
    assert len([row for row in line.scene.rows(tables.message) if row["inbound"]]) == 1


def test_danger_that_waits_for_a_hung_database_is_paged_before_the_answer(
    line: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = line.scene.staff()
    direct.remember_on_call(line.rt)
    hung = threading.Event()

    def hangs(*_: Any, **__: Any) -> Any:
        hung.wait(10)
        breaks()

    monkeypatch.setattr("helpline.service.outage.answering.HEDGE", 0.05)
    answers: list[Any] = []
    phone = stranger(line)
    text: IncomingText = phone.incoming(DANGER)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "glance", hangs)
        request = threading.Thread(target=lambda: answers.append(line.web.receive(text)))
        request.start()
        called = threading.Event()
        line.scene.carrier.during = lambda _order: called.set()
        for _ in range(200):
            line.web.look()
            if called.wait(0.05):
                break
        assert answers == [], "the request still waits"
        hung.set()
        request.join(10)
    line.sent()
    assert "911" in answers[0].texts[0]
    assert len(line.scene.carrier.calls_to(ana.number)) == 1
    assert line.rt.spool.length() == 1


def test_a_caller_is_given_the_numbers_and_everybody_is_rung(line: Away) -> None:
    ana, sue = line.scene.staff(), line.scene.staff("Sue", role="supervisor")
    phone = stranger(line)
    with line.away():
        steps = line.web.rings("CA" + "1" * 32, phone.number, VOICE_NUMBER, breaks)
        line.sent()
        assert "9 1 1" in spoken(steps) or "911" in spoken(steps)
        (room,) = [step for step in steps if isinstance(step, Join)]
        assert {order.to.e164 for order in line.scene.carrier.calls} == {ana.number, sue.number}
        token = line.scene.carrier.calls_to(ana.number)[0].token
        joined = direct_leg.chosen(line.rt, token, "1")
        assert [step.conference for step in joined if isinstance(step, Join)] == [room.conference]
    assert line.back() == replay.Replayed(1, 0)
    assert line.scene.rows(tables.callback) == [], "they have spoken with somebody"


def test_a_caller_whom_nobody_reached_is_owed_a_call(line: Away) -> None:
    line.scene.staff()
    phone = stranger(line)
    with line.away():
        steps = line.web.rings("CA" + "1" * 32, phone.number, VOICE_NUMBER, breaks)
        hangs_up(line, steps)
    line.back()
    assert line.scene.only(tables.callback)["state"] == "waiting"
    assert direct.climb_due(line.rt) == 0, "the phones are left in peace"


def test_who_still_waits_on_the_line_is_not_given_up_when_the_database_is_back(
    line: Away,
) -> None:
    ana, sue = line.scene.staff(), line.scene.staff("Sue", role="supervisor")
    phone = stranger(line)
    with line.away():
        steps = line.web.rings("CA" + "1" * 32, phone.number, VOICE_NUMBER, breaks)
        line.sent()
    assert line.back() == replay.Replayed(0, 0)
    line.scene.clock.advance(121)
    assert direct.climb_due(line.rt) == 1, "everybody is rung again"
    token = line.scene.carrier.calls_to(ana.number)[-1].token
    assert any(isinstance(step, Join) for step in direct_leg.chosen(line.rt, token, "1"))
    hangs_up(line, steps)
    assert replay.replay(line.rt) == replay.Replayed(1, 0)
    assert line.scene.rows(tables.callback) == []
    assert len(line.scene.carrier.calls_to(sue.number)) == 2


def test_who_was_never_said_to_hang_up_is_owed_a_call_in_the_end(line: Away) -> None:
    line.scene.staff()
    with line.away():
        line.web.rings("CA" + "1" * 32, stranger(line).number, VOICE_NUMBER, breaks)
    line.back()
    line.scene.clock.advance(replay.LONGEST_HOLD.total_seconds())
    assert replay.replay(line.rt) == replay.Replayed(1, 0)
    assert line.scene.only(tables.callback)["state"] == "waiting"


def test_without_anybody_on_call_the_numbers_are_said(line: Away) -> None:
    with line.away():
        steps = line.web.rings("CA" + "1" * 32, "anonymous", LINE_NUMBER, breaks)
        assert isinstance(steps[-1], HangUp)
        assert "988" in spoken(steps).replace(" ", "")
