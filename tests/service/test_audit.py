"""The audit of one case: its own acts and those of its pages and callbacks."""

from datetime import timedelta

from helpline.service.staff import Desk
from helpline.service.upkeep import audit
from helpline.store import journal
from helpline.store.tables import case, page
from tests.builders import Scene


def test_everything_about_a_case_and_nothing_else(scene: Scene) -> None:
    ana = scene.staff()
    desk = Desk(scene.store, scene.clock, frozenset())
    for text in ("I want to kill myself", "he is not breathing"):
        phone = scene.phone()
        phone.texts(text, after=0)
        phone.unread_answers = False
    ana.texts("OK")
    first, second = scene.rows(case)
    ours = {row["id"] for row in scene.rows(page) if row["case_id"] == first["id"]}
    lines = [row.split("\t") for row in audit.list_lines(desk, case_id=first["id"])]
    subjects = {row[4] for row in lines}
    assert {f"page:{number}" for number in ours} <= subjects
    theirs = {row["id"] for row in scene.rows(page) if row["case_id"] == second["id"]}
    assert not {f"page:{number}" for number in theirs} & subjects
    taken = [row for row in audit.list_lines(desk, staff_id=ana.id) if "acknowledged" in row]
    assert len(taken) == 1
    for phone in scene.phones:
        phone.read = len(scene.carrier.texts_to(phone.number))
        assert not any(phone.number in row for row in audit.list_lines(desk))


def test_since_when(scene: Scene) -> None:
    desk = Desk(scene.store, scene.clock, frozenset())
    for minutes in (90, 30):
        with scene.store.begin() as tx:
            journal.note(tx, "looked", "case", minutes, now=scene.now - timedelta(minutes=minutes))
    assert [row.split("\t")[4] for row in audit.list_lines(desk, within=timedelta(hours=1))] == [
        "case:30"
    ]
