"""Everything that a carrier really posted about a call, to each of our voice webhooks.

Whole, and with each field missing, empty and hostile. A webhook reads few of the fields, so
mutations that read alike go to one webhook in turn, those that read differently to each one.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpline.carrier.webhook import CallEvent, parse_call
from helpline.store import Store, invariants, tables
from tests.builders import Scene, everything
from tests.carrier.signing import TOKEN, sign
from tests.telephone import VoiceCaller
from tests.twiml import kind_at, read
from tests.web.signed import BASE, FORM, client_of
from tests.web.test_payloads import DATA, REASON

FAMILIES = ("voice", "dial", "recording", "amd", "conference", "transcription")
FILES = sorted(path for family in FAMILIES for path in (DATA / "payloads").glob(f"{family}_*.json"))
pytestmark = pytest.mark.skipif(not FILES, reason=REASON)

SIXTEENTH = 16

Fields = list[tuple[str, bytes]]

HOSTILE: dict[str, list[bytes]] = {
    "empty": [b""],
    "blank": [b" \t "],
    "very long": [b"x" * 20_000],
    "many digits": [b"1" * 5_000],
    "control characters": [bytes(range(32)) + b"\x7f"],
    "emoji": ["🆘😶‍🌫️\u202e\ufeff".encode()],
    "wrong words": [b"true"],
    "not a number": [b"NaN"],
    "infinite": [b"-Infinity"],
    "negative": [b"-1"],
    "huge": [b"9" * 40],
    "tiny": [b"1e-400"],
    "other digits": ["١٢٣".encode()],
    "SQL": [b"1'); DROP TABLE caller; --"],
    "XML": [b"]]></Say><Dial>+19005550000</Dial><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///'>]>&y;"],
    "lines": [b"a\r\nX-Injected: 1\r\n\r\n"],
    "not UTF-8": [b"\xff\xfe\x80abc"],
    "half a letter": [b"\xf0\x9f"],
    "surrogate": [b"\xed\xa0\x80"],
    "twice": [b"one", b"2", b"one"],
    "format": [b"%s%n{0}{x.__class__}${jndi:x}"],
}


@pytest.fixture
def scene(sqlite_store: Store) -> Iterator[Scene]:
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    return client_of(scene.rt)


def fields_of(path: Path) -> Fields:
    return [(name, value.encode()) for name, value in json.loads(path.read_text())["params"]]


def routes_of(client: FlaskClient) -> list[str]:
    """Every voice webhook that there is."""
    found = [rule.rule for rule in client.application.url_map.iter_rules()]
    return sorted(rule for rule in found if rule.startswith("/twilio/voice"))


def as_read(fields: Fields) -> tuple[bytes, MultiDict[str, str]]:
    """The body, and what a web server makes of it: that is what the signature is made for."""
    body = urlencode(fields).encode()
    items = parse_qsl(body.decode(), keep_blank_values=True, errors="werkzeug.url_quote")
    return body, MultiDict(items)


def post(client: FlaskClient, target: str, fields: Fields) -> Any:
    """Post as the carrier does, and hold the answer to what it can perform."""
    body, form = as_read(fields)
    answer = client.post(
        target,
        data=body,
        content_type=FORM,
        headers={"X-Twilio-Signature": sign(BASE + target, form, TOKEN)},
        environ_overrides={"RAW_URI": target},
    )
    assert answer.status_code in {200, 204}, (target, answer.status_code, answer.data, fields)
    if answer.status_code == 204:
        assert not answer.data
    else:
        read(answer.data, answer.content_type, kind_at(target))
    return answer


def mutations(fields: Fields) -> Iterator[Fields]:
    """Each field missing, then with each hostile value, one at a time."""
    for name in dict.fromkeys(name for name, _ in fields):
        others = [item for item in fields if item[0] != name]
        yield others
        for values in HOSTILE.values():
            yield others + [(name, value) for value in values]


def kept(fields: Fields) -> CallEvent:
    """What any of our webhooks can know of these fields."""
    return parse_call(as_read(fields)[1], MultiDict())


class Town:
    """A line on which everything is going on that a webhook may be about."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.people = [scene.staff("Ana"), scene.staff("Ben")]
        self.caller = VoiceCaller(scene)
        self.calls = 0

    def goes_on(self) -> tuple[str, ...]:
        """Somebody is asked a question on the telephone, somebody waits in the room for a human,
        a page rings, a callback is talked about: the tokens of all that."""
        VoiceCaller(self.scene).rings().presses("9")
        self.scene.phone().texts("0", after=1)
        self.caller = VoiceCaller(self.scene).rings()
        self.scene.clock.advance(1)
        self.scene.work()
        asked = self.caller.token
        with self.scene.store.read() as tx:
            newest = tables.attempt.c.id.desc()
            found = tx.connection.execute(tables.attempt.select().order_by(newest).limit(4)).all()
        return (asked, *(row.token for row in found))

    def said_of(self, route: str, fields: Fields) -> Fields:
        """The same webhook about the call that goes on, or about a new one where one rings."""
        self.calls += 1
        new = f"CAdd{self.calls:030x}"
        sid = (new if route == "/twilio/voice" else self.caller.sid).encode()
        return [
            (name, sid if name == "CallSid" and value.startswith(b"CA") else value)
            for name, value in fields
        ]


def check_whole(scene: Scene) -> None:
    """Nothing is half there, before the workers come and after."""
    check_parents(scene)
    scene.work()
    check_parents(scene)
    with scene.store.read() as tx:
        broken = {
            "pages without a clock": invariants.list_pages_without_clock(tx),
            "cases without a clock": invariants.list_without_clock(tx, scene.now),
            "texts unread": invariants.list_unread(tx),
            "legs in the middle": invariants.list_stuck_sending(tx, scene.now),
        }
    assert not any(broken.values()), broken


def check_parents(scene: Scene) -> None:
    rows = everything(scene.store)
    ids = {name: {row.get("id") for row in found} for name, found in rows.items()}
    of_call = {row["conversation_id"] for row in rows["call"]}
    of_text = {row["conversation_id"] for row in rows["message"] if row["conversation_id"]}
    assert of_call | of_text == ids["conversation"], "somebody was stored who never said anything"
    assert {row["caller_id"] for row in rows["conversation"]} == ids["caller"]
    assert all(row["answer"] not in ("", "[]") for row in rows["call"]), "a call that hears nothing"
    cases = {row["case_id"] for name in ("callback", "page") for row in rows[name]}
    assert cases <= ids["case"]
    ordered = {(row["kind"], row["row_id"]) for row in rows["outbox"]}
    for row in rows["attempt"]:
        assert row["page_id"] or row["callback_id"], "a leg for nothing"
        assert row["sid"] or ("leg", row["id"]) in ordered, "a leg that nobody will dial"
    for row in rows["message"]:
        assert row["inbound"] or row["sid"] or ("text", row["id"]) in ordered


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_whole_to_every_webhook_and_again(scene: Scene, client: FlaskClient, path: Path) -> None:
    fields = fields_of(path)
    town = Town(scene)
    tokens: tuple[str, ...] = ()
    for number, route in enumerate(routes_of(client)):
        if number % 8 == 0:
            tokens = town.goes_on()
        for token in ("", "x" * 300, *tokens):
            target = f"{route}?attempt={token}"
            said = town.said_of(route, fields)
            first = post(client, target, said)
            again = post(client, target, said)
            assert (again.status_code, again.data) == (first.status_code, first.data), target
    check_whole(scene)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_field_missing_empty_and_hostile(
    scene: Scene, client: FlaskClient, path: Path
) -> None:
    """What reads differently goes to one webhook in SIXTEENTH, each time and file to others."""
    fields = fields_of(path)
    town, routes = Town(scene), routes_of(client)
    turn = itertools.count(FILES.index(path))
    known: set[CallEvent] = set()
    tokens = itertools.cycle(town.goes_on())
    for number, mutated in enumerate(mutations(fields)):
        if number % 40 == 0:
            tokens = itertools.cycle(town.goes_on())
        event, at = kept(mutated), next(turn)
        some = [routes[at % len(routes)]] if event in known else routes[at % SIXTEENTH :: SIXTEENTH]
        for route in some:
            target = f"{route}?attempt={next(tokens)}"
            post(client, target, town.said_of(route, mutated))
        known.add(event)
    assert len(known) > 1
    check_whole(scene)


def test_every_webhook_is_among_those_that_are_tried(client: FlaskClient) -> None:
    routes = routes_of(client)
    assert {"/twilio/voice", "/twilio/voice/status", "/twilio/voice/heard"} <= set(routes)
    assert len(routes) == len(set(routes)) > 40
