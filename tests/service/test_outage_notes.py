"""Notes of the spool that say something else than was written: an alarm, never a lost answer."""

import json

import pytest
from structlog.testing import capture_logs

from helpline.domain.outage import DirectPage, OnCall, Unreadable, roster_from_json, roster_to_json
from helpline.domain.phone import PhoneNumber
from helpline.service.outage import direct, replay
from helpline.service.upkeep import figures, health
from helpline.spool import FileSpool
from helpline.store import tables
from tests.builders import VOICE_NUMBER
from tests.service.test_outage import DANGER, Away, breaks, line, stranger

__all__ = ["line"]

ENTRY = {
    "staff_id": 1, "phone": "+12025550123", "role": "specialist", "tier": 1, "available": True,
}  # fmt: skip
BAD = (
    "",
    "no json",
    "5",
    "null",
    '"a name"',
    "[5]",
    "[null]",
    '["+12025550123"]',
    "[[]]",
    "{}x",
    json.dumps([ENTRY | {"phone": None}]),
    json.dumps([ENTRY | {"phone": "nobody"}]),
    json.dumps([ENTRY | {"tier": "first"}]),
    json.dumps([ENTRY | {"staff_id": None}]),
    json.dumps([{name: value for name, value in ENTRY.items() if name != "role"}]),
    json.dumps([ENTRY, "half a list"]),
)


def reason(line: Away, name: str) -> int:
    return dict(health.list_reasons(line.rt)).get(name, 0)


@pytest.mark.parametrize("text", BAD)
def test_a_list_that_does_not_parse_says_so_and_tells_no_word_of_it(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        roster_from_json(text)
    assert "2025550123" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_what_a_newer_version_wrote_besides_is_left_out() -> None:
    person = OnCall(1, PhoneNumber("+12025550123"), "specialist", 1, True)
    assert roster_from_json(json.dumps([ENTRY | {"languages": ["en"]}])) == (person,)
    assert roster_from_json(roster_to_json([person])) == (person,)


@pytest.mark.parametrize("text", BAD[:3])
def test_danger_is_answered_and_kept_though_the_list_is_unreadable(line: Away, text: str) -> None:
    line.scene.staff()
    with line.away():
        line.rt.spool.keep("roster", text)
        with capture_logs() as logged:
            said = line.text(stranger(line), DANGER)
        assert "911" in said[0]
        assert "roster.unreadable" in {entry["event"] for entry in logged}
        (spoken, _) = line.web.rings("CA" + "1" * 32, stranger(line).number, VOICE_NUMBER, breaks)
        assert "911" in str(spoken) or "9 1 1" in str(spoken)
    assert reason(line, "SpoolUnreadable") == 1
    shown = {figure.name: figure.values for figure in figures.from_spool(line.rt)}
    assert list(shown["spool_unreadable"].values()) == [1]
    assert line.back() == replay.Replayed(2, 0)
    assert line.scene.only(tables.page)["state"] == "open"
    direct.remember_on_call(line.rt)
    assert reason(line, "SpoolUnreadable") == 0, "the guard writes it anew"


def test_one_unreadable_page_keeps_no_other_from_climbing(line: Away) -> None:
    line.scene.staff()
    ben = line.scene.staff("Ben", tier=2)
    with line.away():
        line.text(stranger(line), DANGER)
        line.rt.spool.keep("page-bad", '{"kind": "EMERGENCY_NOW"}')
        assert direct.find(line.rt, "bad") is None
        assert direct.take_most_urgent(line.rt, 99) is not None
        line.text(stranger(line), DANGER)
        line.scene.clock.advance(61)
        assert direct.climb_due(line.rt) == 1
        assert len(line.scene.carrier.calls_to(ben.number)) == 1
    assert reason(line, "SpoolUnreadable") == 1


def test_a_note_that_no_key_opens_is_an_alarm_too(line: Away) -> None:
    line.scene.staff()
    direct.remember_on_call(line.rt)
    assert reason(line, "SpoolUnreadable") == 0
    assert isinstance(line.rt.spool, FileSpool)
    roster = line.rt.spool._folder / "notes" / "roster"
    roster.write_bytes(b"sealed with a key that is gone")
    assert direct.list_on_call(line.rt) == ()
    assert reason(line, "SpoolUnreadable") == 1


def test_a_page_that_another_version_wrote_is_read(line: Away) -> None:
    line.scene.staff()
    with line.away():
        line.text(stranger(line), DANGER)
        (name,) = line.rt.spool.list_notes("page-")
        written = line.rt.spool.find(name)
        assert written is not None
        page = DirectPage.from_json(written)
        assert DirectPage.from_json(json.dumps(json.loads(written) | {"newer": 1})) == page
