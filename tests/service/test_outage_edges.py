"""Faults at the edges of an outage: half a commit, new danger, our own mistakes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from helpline.service import intake
from helpline.service.outage import direct, direct_leg, replay
from helpline.store import Store, tables
from tests.builders import VOICE_NUMBER, Phone
from tests.service.test_outage import DANGER, Away, breaks, line, stranger

__all__ = ["line"]


def loses_the_answer_of_the_commit(patch: pytest.MonkeyPatch) -> None:
    """The database commits, and its word never reaches us."""
    begin, swift = Store.begin, Store.swift

    def cut_off(road: Any) -> Any:
        @contextmanager
        def act(store: Store) -> Iterator[Any]:
            with road(store) as tx:
                yield tx
            breaks()

        return act

    patch.setattr(Store, "begin", cut_off(begin))
    patch.setattr(Store, "swift", cut_off(swift))


def test_an_answer_that_was_lost_with_the_commit_is_sent_once(
    line: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = stranger(line)
    with monkeypatch.context() as patch:
        loses_the_answer_of_the_commit(patch)
        said = line.web.receive(phone.incoming("hi")).texts
    assert "cannot answer it right now" in said[0]
    (record,) = line.rt.spool.list_waiting()
    kept = line.rt.spool.read(record)
    assert line.back() == replay.Replayed(1, 0)
    line.scene.work()
    (answer,) = [row for row in line.scene.rows(tables.message) if row["inbound"]]
    texted = line.scene.carrier.texts_to(phone.number)
    assert texted
    assert all(words in answer["answer"] for words in texted)
    line.rt.spool.append(kept)
    assert replay.replay(line.rt) == replay.Replayed(1, 0), "a guard killed before it removed it"
    line.scene.work()
    assert line.scene.carrier.texts_to(phone.number) == texted


def test_new_danger_after_an_early_ok_is_paged_again(line: Away) -> None:
    ana = line.scene.staff()
    phone = stranger(line)
    with line.away():
        line.text(phone, DANGER)
        line.text(Phone(line.scene, ana.number), "OK")
        line.scene.clock.advance(30)
        line.text(phone, "i have a knife and will kill myself now")
        assert len(line.scene.carrier.calls_to(ana.number)) == 2
    line.back()
    assert line.scene.only(tables.page)["state"] == "open"


def test_ok_by_text_leaves_a_caller_on_the_line_to_whoever_answers(line: Away) -> None:
    ana, ben = line.scene.staff(), line.scene.staff("Ben")
    with line.away():
        line.web.rings("CA" + "1" * 32, stranger(line).number, VOICE_NUMBER, breaks)
        line.sent()
        (said,) = line.text(Phone(line.scene, ana.number), "OK")
        assert "carried out when" in said
        token = line.scene.carrier.calls_to(ben.number)[0].token
        key = direct.split_token(token)[0]
        page = direct.find(line.rt, key)
        assert page is not None
        assert page.climbs
        direct_leg.chosen(line.rt, token, "1")
        direct_leg.left(line.rt, key)


def test_a_mistake_of_ours_costs_neither_the_text_nor_the_page(
    line: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = line.scene.staff()
    direct.remember_on_call(line.rt)
    phone = stranger(line)

    def mistaken(*_: Any, **__: Any) -> Any:
        raise KeyError("words")

    with monkeypatch.context() as patch:
        patch.setattr(intake, "receive", mistaken)
        said = line.text(phone, DANGER)
        assert "911" in said[0]
        assert not line.web.away, "the database is well"
        assert len(line.scene.carrier.calls_to(ana.number)) == 1
    assert replay.replay(line.rt) == replay.Replayed(1, 0)
    assert line.scene.only(tables.page)["state"] == "open"


def test_an_old_page_is_forgotten_and_a_new_one_of_the_same_caller_is_not(
    line: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = line.scene.staff()
    phone = stranger(line)
    with line.away():
        line.text(phone, DANGER)
        line.text(Phone(line.scene, ana.number), "OK")
        line.scene.clock.advance((direct.FORGET_AFTER + timedelta(minutes=3)).total_seconds())
        known = direct.find
        found: list[Any] = []

        def found_just_before(rt: Any, key: str) -> Any:
            page = known(rt, key)
            if not found:
                found.append(page)
                line.text(phone, DANGER)
            return page

        with monkeypatch.context() as patch:
            patch.setattr(direct, "find", found_just_before)
            direct.climb_due(line.rt)
        assert len(line.rt.spool.list_notes("page-")) == 1
        line.scene.clock.advance(61)
        assert direct.climb_due(line.rt) == 1
