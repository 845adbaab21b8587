"""What the pages show: in both languages, in every state of a case, whatever is missing."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from config.settings import REPOSITORY
from helpline.domain.commands import CallOutcome
from helpline.domain.disposition import Disposition
from helpline.service.console import acts, callers, reports
from helpline.service.console.acts import Done, Refused
from helpline.service.console.signing_in import Refusal
from helpline.store import tables
from helpline.web.console.words import LANGUAGES, WordsMissing, load_words
from tests.builders import Scene, case_of, place_of, promise_of, report
from tests.console.browsing import Browser, plain
from tests.console.test_acts import case_id, person_of
from tests.service.stories import PICKED_UP, danger, talks, wants_a_person, writes

TEMPLATES = REPOSITORY / "helpline/web/console/templates"
PAGES = ("/", "/queue", "/wallboard", "/reports", "/blocked", "/people", "/practice")


# --- words ------------------------------------------------------------------------------


def test_every_key_that_a_page_names_is_known() -> None:
    words = load_words(REPOSITORY / "config")["en"]
    named = set()
    for path in TEMPLATES.glob("*.html"):
        named |= set(re.findall(r"\bt\('(\w+)'[,)]", path.read_text()))
        named |= set(re.findall(r"tab\('[\w.]+', '(\w+)'", path.read_text()))
    for path in (REPOSITORY / "helpline/web/console").glob("*.py"):
        named |= set(re.findall(r'\btell\(\s*"(\w+)"', path.read_text()))
    assert len(named) > 150
    assert named <= words.keys(), named - words.keys()


def test_everything_that_can_come_of_an_act_has_words() -> None:
    words = load_words(REPOSITORY / "config")["en"]
    for result in (*Done, *Refused, *Refusal):
        assert result.value in words, result
    for item in Disposition:
        assert f"disposition_{item.name}" in words
    for outcome in CallOutcome:
        assert f"outcome_{outcome.value}" in words
        assert f"row_{outcome.name}" in words


def test_every_flag_and_question_of_the_protocol_has_words(quick: Scene) -> None:
    words = load_words(REPOSITORY / "config")["en"]
    protocol = quick.rt.protocol
    for flag in protocol.flags:
        name = flag if isinstance(flag, str) else flag.name
        assert f"flag_{name}" in words, name
    for state in protocol.states.values():
        for question in state.questions:
            assert f"question_{question.message}" in words, question.message


def test_a_word_that_one_language_lacks_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console/en.yaml").write_text("a: x\nb: y\n")
    (tmp_path / "console/es.yaml").write_text("a: x\n")
    with pytest.raises(WordsMissing, match="b"):
        load_words(tmp_path)
    (tmp_path / "console/es.yaml").unlink()
    with pytest.raises(WordsMissing, match=r"es\.yaml"):
        load_words(tmp_path)


def test_no_word_is_left_over() -> None:
    """What no page, no act and no value of the line names is dead."""
    words = load_words(REPOSITORY / "config")["en"]
    read = "\n".join(
        path.read_text()
        for folder in (TEMPLATES, REPOSITORY / "helpline/web", REPOSITORY / "helpline/service")
        for path in folder.rglob("*")
        if path.suffix in {".py", ".html"}
    )
    built = re.compile(
        "(disposition|flag|question|answer|danger|leg|result|did|outcome|row|report|define|column"
        "|role|level|about|when|means|end|call|error|speaks|followup|channel)_"
    )
    for key in words:
        used = f"'{key}'" in read or f'"{key}"' in read
        assert used or built.match(key), key


# --- pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_opens_empty_in_both_languages(ada: Browser, language: str) -> None:
    ada.post("/language", language=language)
    for path in PAGES:
        page = ada.get(path)
        assert page.status_code == 200, path
        assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_opens_at_every_turn_of_its_life(ada: Browser, language: str) -> None:
    scene = ada.scene
    ada.post("/language", language=language)
    ana = scene.staff(available=False)
    person = person_of(scene, ana)
    caller = wants_a_person(scene)
    path = f"/cases/{case_id(scene)}"
    for act in (
        lambda: None,
        lambda: acts.note(scene.rt, person, case_id(scene), "a note"),
        lambda: acts.call_now(scene.rt, person, case_id(scene)),
        scene.work,
        lambda: talks(scene, ana, caller),
        lambda: report(scene, caller.rings()[-1], *PICKED_UP),
        lambda: acts.tell_outcome(scene.rt, person, case_id(scene), CallOutcome.HELPED, "ok"),
        lambda: callers.block(scene.rt, ada.person, case_id(scene), "why"),
    ):
        act()
        for where in (path, *PAGES):
            page = ada.get(where)
            assert page.status_code == 200, (where, act)
            assert "row_" not in plain(page.text), where


def test_the_page_of_a_case_says_what_triage_learned(ana: Browser) -> None:
    caller = ana.scene.phone()
    for body in (
        "hi",
        "1",
        "2",
        "3",
        "3",
        "1 2",
        "2",
        "2",
        "7",
        "6",
        "6",
        "10001",
        "5",
        "1",
        "1",
        "1",
        "Maya Lopez",
        "6",
    ):
        writes(caller, body)
    page = ana.reads(f"/cases/{case_id(ana.scene)}")
    assert "Takes ketamine, alcohol" in page
    assert "Thoughts of suicide no" in page
    assert caller.number not in page
    assert f"…{caller.number[-2:]}" in page
    assert "Maya" in page
    assert "Maya Lopez" not in ana.reads("/queue")
    assert "Maya" in ana.reads("/queue")


def test_the_queue_shows_first_names_promises_and_reasons_and_pages(ana: Browser) -> None:
    scene = ana.scene
    with scene.store.begin() as tx:
        for number in range(60):
            place = place_of(tx, f"+120255{number:05}")
            kind = Disposition.URGENT_60 if number % 2 else Disposition.ROUTINE
            due_at = scene.now + timedelta(minutes=number - 10)
            promise_of(tx, place, case_of(tx, place, kind), kind, due_at=due_at)
    page = ana.reads("/queue")
    assert "Promised calls: 60" in page
    assert "1 of 3" in page
    assert "9 min late" in page
    assert page.index("1 hour") < page.index("Routine 30") < len(page)
    assert "Promised calls: 30" in ana.reads("/queue?disposition=URGENT_60")
    assert "Promised calls: 10" in ana.reads("/queue?late=1")
    assert "Promised calls: 0" in ana.reads("/queue?language=es")
    for odd in ("?page=99", "?page=-1", "?page=x", "?page=" + "9" * 50, "?disposition=x&late=2"):
        assert "Promised calls: 60" in ana.reads(f"/queue{odd}")


def test_forms_say_what_came_of_them(ana: Browser) -> None:
    wants_a_person(ana.scene)
    path = f"/cases/{case_id(ana.scene)}"
    assert "The note is kept" in ana.does(f"{path}/note", words="x")
    assert "no words" in ana.does(f"{path}/note", words=" ")
    assert "no time" in ana.does(f"{path}/move", at="soon")
    assert "reason" in ana.does(f"{path}/lower", to="ROUTINE", reason="")
    assert ana.post(f"{path}/lower", to="NONSENSE").status_code == 400
    assert ana.post(f"{path}/outcome", outcome="9").status_code == 400
    assert "No page is open" in ana.does("/acknowledge")


def test_presence_is_switched_and_comes_back_to_the_page(ana: Browser) -> None:
    answer = ana.post("/presence", available="no", next="/queue")
    assert answer.headers["Location"] == "/queue"
    assert not ana.person.available
    ana.post("/presence", available="yes")
    assert ana.person.available


def test_what_is_not_there_is_a_page_with_a_way_on(ana: Browser) -> None:
    for path in ("/cases/999999", "/nowhere", "/left/999999"):
        answer = ana.get(path)
        assert answer.status_code == 404
        assert "My work" in answer.text


def test_a_database_that_is_away_is_said_with_503(ana: Browser) -> None:
    def away(*_: object, **__: object) -> object:
        raise OperationalError("SELECT", {}, Exception("away"))

    view = ana.app.view_functions["queue.waiting"]
    ana.app.view_functions["queue.waiting"] = _guarded(away, view)
    answer = ana.get("/queue")
    assert answer.status_code == 503
    assert "texts and your phone" in plain(answer.text)


def _guarded(view: Any, like: Any) -> Any:
    view.guard = like.guard
    return view


def test_admins_add_invite_and_disable(ada: Browser) -> None:
    form = {"name": "Ben", "phone": "+12025550177", "role": "specialist", "tier": "2"}
    assert "Kept" in ada.does("/people", **form, language="en")
    ben = ada.scene.rows(tables.staff)[-1]["id"]
    link = re.search(r"/welcome/([\w-]+)", ada.post(f"/people/{ben}/invite").text)
    assert link
    assert "Hello Ben" in plain(ada.app.test_client().get(link[0]).text)
    for wrong in ({"phone": "x"}, {"role": "king"}, {"tier": "9"}, {"name": " "}):
        assert ada.post("/people", **(form | {"language": "en"} | wrong)).status_code == 400
    assert "signed in nowhere" in ada.does(f"/people/{ben}/disable")
    assert ada.app.test_client().get(link[0]).status_code == 404
    assert "Nothing was changed" in ada.does(f"/people/{ada.staff.id}/disable")


# --- reports ----------------------------------------------------------------------------


def test_a_report_counts_waits_with_the_call_and_those_never_reached(sam: Browser) -> None:
    scene = sam.scene
    ana = scene.staff()
    caller = wants_a_person(scene)
    asked_at = scene.only(tables.callback)["asked_at"]
    scene.work()
    scene.clock.advance(90)
    talks(scene, ana, caller)
    waited = round((scene.now - asked_at).total_seconds())
    acts.tell_outcome(scene.rt, person_of(scene, ana), case_id(scene), CallOutcome.HELPED, "")
    wants_a_person(scene)
    late = scene.rows(tables.callback)[-1]["due_at"]
    scene.clock.advance((late - scene.now).total_seconds() + 60)
    made = reports.make(scene.rt, sam.person, days=28)
    table = {item.name: item for item in made.tables}
    [row] = table["waits_by_disposition"].rows
    known = dict(zip(table["waits_by_disposition"].columns, row, strict=True))
    assert (known["asked"], known["reached"], known["waiting"]) == (2, 1, 1)
    assert known["p50"] == pytest.approx(waited, abs=2)
    assert known["inside"] == 50.0
    assert ("HELPED", 1) in table["outcomes"].rows
    sam.comes_back()
    page = sam.reads("/reports?days=28")
    assert "Inside the promise" in page
    json = sam.get("/reports.json?days=28").json
    assert json is not None
    assert json["tables"]["waits_by_disposition"][0]["reached"] == 1
    lines = list(csv.reader(io.StringIO(sam.get("/reports.csv?days=28").text)))
    assert ["waits_by_disposition", str(row[0]), "reached", "1"] in lines


def test_pages_and_judgements_are_in_the_report(sam: Browser) -> None:
    scene = sam.scene
    ana = scene.staff()
    danger(scene)
    acts.judge_danger(scene.rt, person_of(scene, ana), case_id(scene), 1, real=True)
    scene.clock.advance(40)
    acts.take(scene.rt, person_of(scene, ana), case_id(scene))
    table = {item.name: item.rows for item in reports.make(scene.rt, sam.person, days=1).tables}
    [row] = table["acknowledged"]
    assert row[1] == 1
    assert row[2] == pytest.approx(41, abs=2)
    assert ("danger confirmed", 1) in table["judged"]
    assert "danger" in sam.reads("/reports?days=1")


def test_quantiles_are_by_nearest_rank() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [reports.rank(ordered, share) for share in (0.5, 0.9, 0.99, 1)] == [50, 90, 99, 100]
    assert reports.rank([7.0], 0.99) == 7


def test_a_page_of_ten_thousand_is_small(app: Flask, ana: Browser) -> None:
    scene = ana.scene
    with scene.store.begin() as tx:
        for number in range(300):
            place = place_of(tx, f"+120255{number:05}")
            promise_of(tx, place, case_of(tx, place))
    page = ana.get("/queue")
    assert len(page.data) <= 60_000
