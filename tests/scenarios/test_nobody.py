"""Nobody on call, nobody at all, and callers who text STOP: the truth, and still a human."""

from typing import Any

import pytest
from sqlalchemy import Row, select

from helpline.store import tables
from tests.scenarios.faults import BUSY, DANGER, PAGE_SECONDS, paged_after
from tests.scenarios.machine import REPEAT
from tests.scenarios.running import PAGE_MARGIN, Line

pytestmark = [pytest.mark.redis, pytest.mark.slow]

PROMISES = ("being alerted", "our person", "will call you")


@pytest.mark.row(24)
def test_with_nobody_on_call_the_supervisor_is_paged_at_once(either_line: Line) -> None:
    """R8 row 24: tiers without anybody cost no time, and no text promises a person."""
    line = either_line
    ana, sue, caller = line.person(), line.person("supervisor"), line.caller()
    ana.texts("AWAY")
    answer = caller.texts(DANGER)
    assert "911" in answer
    assert not promises(answer)
    assert paged_after(line, caller, sue, "Calls") < PAGE_SECONDS + BUSY
    caller.waits_for_text("can't reach anyone on our team now")
    assert ana.calls() == []
    sue.takes()
    caller.waits_for_ring()


@pytest.mark.row(24)
def test_an_empty_roster_is_told_honestly_and_pages_whoever_comes(either_line: Line) -> None:
    """R8 row 24: numbers and the truth at once; the page climbs until somebody is there."""
    line, caller = either_line, either_line.caller()
    # A slow disk lets the web process page by itself, which tells of the same empty list.
    line.tolerate(failures=True)
    answer = caller.texts(DANGER)
    assert "911" in answer
    assert not promises(answer)
    caller.waits_for_text("can't reach anyone on our team now")
    assert not any(promises(body) for body in caller.received)
    assert "nobody can be paged" in line.get("/ready").body
    ana = line.person()
    ana.waits_for_ring(REPEAT + PAGE_MARGIN + 10)
    ana.takes()
    caller.waits_for_ring()


@pytest.mark.row(25)
@pytest.mark.parametrize("word", ["STOP", "END"])
def test_one_word_opts_out_and_closes_nothing(either_line: Line, word: str) -> None:
    """R8 row 25: a frightened person may mean the fear; the promise of a call stays."""
    line, caller = either_line, either_line.caller()
    # Somebody is there, but not for this language: the call waits.
    line.person(languages="es")
    assert "alerted" in caller.texts("0")
    assert caller.texts(word) == ""
    kept = newest_case(line)
    assert kept.opted_out_at is not None
    assert kept.state == "open"
    ana = line.person()
    ana.takes()
    caller.waits_for_ring()
    line.settled()
    assert line.rest_texts_to(caller) == []


@pytest.mark.row(25)
@pytest.mark.parametrize(
    "words", ["STOP i want to die", "please end it, i took all my pills. stop"]
)
def test_danger_beside_the_word_is_paged(either_line: Line, words: str) -> None:
    """R8 row 25: words of danger win, whatever stands beside them."""
    line, ana, caller = either_line, either_line.person(), either_line.caller()
    answer = caller.texts(words)
    assert "911" in answer or "988" in answer
    assert paged_after(line, caller, ana) < PAGE_SECONDS + BUSY
    assert newest_case(line).opted_out_at is None
    ana.takes()
    caller.waits_for_ring()


def promises(words: str) -> bool:
    """Whether a text promises a person."""
    return any(promise in words for promise in PROMISES)


def newest_case(line: Line) -> Row[Any]:
    """The newest case, and whether its caller opted out."""
    newest = (
        select(tables.conversation.c.opted_out_at, tables.case.c.state)
        .join(tables.case, tables.case.c.caller_id == tables.conversation.c.caller_id)
        .order_by(tables.case.c.id.desc())
        .limit(1)
    )
    return line.rows(newest)[0]
