"""Staff ring the line: a menu by key, kind to silence, that says nothing of a caller."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.store import Store, tables
from tests.builders import LINE_NUMBER, Scene, StaffPhone
from tests.web.signed import client_of, post


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    made = Scene(store)
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


class Call:
    """A telephone on the line: hears the answer, and follows it as the carrier does."""

    def __init__(self, client: FlaskClient, sender: str) -> None:
        self.client = client
        self.sender = sender
        self.next: str | None = None
        self.heard = ""
        self._go("/twilio/voice")

    def presses(self, digits: str | None) -> "Call":
        assert self.next is not None, "the line has hung up"
        self._go(self.next, digits)
        return self

    def _go(self, path: str, digits: str | None = None) -> None:
        form = MultiDict({"CallSid": "CA" + "4" * 32, "From": self.sender, "To": LINE_NUMBER})
        if digits is not None:
            form["Digits"] = digits
        answer = post(self.client, path, form)
        assert answer.status_code == 200
        root = ElementTree.fromstring(answer.data)  # noqa: S314 - our own answer
        self.heard = " ".join(item.text or "" for item in root.iter("Say"))
        gather = root.find("Gather")
        self.next = None if gather is None else gather.attrib["action"]
        if gather is not None:
            assert gather.attrib["actionOnEmptyResult"] == "true"


def presence(scene: Scene, person: StaffPhone) -> str:
    return str(scene.only(tables.staff, id=person.id)["presence"])


def waiting(scene: Scene) -> str:
    caller = scene.phone()
    for body in ("hi", "person"):
        caller.texts(body)
        caller.unread_answers = False
    return caller.number


def test_two_and_three_come_and_go(scene: Scene, client: FlaskClient) -> None:
    ana = scene.staff()
    call = Call(client, ana.number)
    assert "1 for the next case" in call.heard
    assert "away" in call.presses("3").heard
    assert call.next is None
    assert presence(scene, ana) == "away"
    assert "available" in Call(client, ana.number).presses("2").heard
    assert presence(scene, ana) == "available"
    assert not scene.rows(tables.callback), "staff who ring are not callers"


def test_one_rings_back_and_says_nothing_of_the_caller(scene: Scene, client: FlaskClient) -> None:
    """A number can be faked: who waits is told on a call that we placed."""
    ana = scene.staff(available=False)
    number = waiting(scene)
    call = Call(client, ana.number).presses("1")
    assert "ring you" in call.heard
    assert call.next is None
    assert number not in call.heard
    scene.work()
    assert not ana.rings(), "she is still on the line"
    scene.passes(7, step=1)
    assert [order.entrance for order in ana.rings()] == ["/twilio/voice/staff"]
    scene.passes(55, step=5)
    assert scene.only(tables.callback)["state"] == "claimed", "the lease began with the ring"


def test_one_with_nobody_waiting(scene: Scene, client: FlaskClient) -> None:
    ana = scene.staff()
    assert "Nobody waits" in Call(client, ana.number).presses("1").heard


def test_nine_pages_the_supervisor_at_once_and_says_so(scene: Scene, client: FlaskClient) -> None:
    ana, bo, boss = scene.staff("Ana"), scene.staff("Bo"), scene.staff("Boss", role="supervisor")
    call = Call(client, ana.number).presses("9")
    assert "supervisor is being paged" in call.heard
    assert "911" in call.heard.replace(" ", "")
    assert scene.bell.hinted
    scene.work()
    assert len(boss.rings()) == 1
    assert boss.texts_got()
    assert not bo.rings()
    assert not ana.rings()
    boss.presses("1")
    scene.work()
    assert [order.entrance for order in ana.rings()] == ["/twilio/voice/caller"]


def test_nine_twice_is_one_page(scene: Scene, client: FlaskClient) -> None:
    ana, _ = scene.staff("Ana"), scene.staff("Boss", role="supervisor")
    for _ in range(2):
        assert "being paged" in Call(client, ana.number).presses("9").heard
    assert len(scene.rows(tables.page)) == 1


@pytest.mark.parametrize("key", [None, "7", "0", "*", "#", "11"])
def test_silence_and_nonsense_are_asked_again_twice(
    scene: Scene, client: FlaskClient, key: str | None
) -> None:
    ana = scene.staff()
    call = Call(client, ana.number)
    for _ in range(2):
        assert "did not get that" in call.presses(key).heard
    assert "goodbye" in call.presses(key).heard
    assert call.next is None
    assert presence(scene, ana) == "available"
    late = Call(client, ana.number).presses(key).presses("3")
    assert "away" in late.heard


def test_somebody_else_hears_what_callers_hear(scene: Scene, client: FlaskClient) -> None:
    scene.staff()
    call = Call(client, "+12025560999")
    assert "1 for the next case" not in call.heard
    assert call.next is not None
    assert call.next.startswith("/twilio/voice/heard")
    form = MultiDict({"CallSid": "CA" + "5" * 32, "From": "+12025560999", "To": LINE_NUMBER,
                      "Digits": "9"})  # fmt: skip
    answer = post(client, "/twilio/voice/line", form)
    assert b"<Hangup" in answer.data
    assert b"<Say" not in answer.data
    assert not scene.rows(tables.page)
