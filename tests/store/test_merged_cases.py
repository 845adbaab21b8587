"""Revision 0003: a caller with several open cases keeps one, the most urgent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from helpline.store import Store, open_engine
from helpline.store.migrate import downgrade, upgrade
from tests.builders import KEYS, ON_BOTH
from tests.fakes import AFTERNOON


@pytest.fixture
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of the revision before."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
    made = Store(open_engine(url, KEYS), KEYS)
    upgrade(made, "0002")
    yield made
    made.dispose()


_AT = "2026-11-23 18:00:00"
_CALLER = "INSERT INTO caller (id, address, address_index, created_at) VALUES (1, 'a', 'i', :at)"
_CONVERSATION = """
    INSERT INTO conversation
    (id, caller_id, line, whatsapp, progress, version, heard_at, created_at)
    VALUES (:id, 1, :line, false, 'p', 0, :at, :at)
"""
_CASE = """
    INSERT INTO "case"
    (id, conversation_id, caller_id, code, state, disposition, protocol_hash, opened_at)
    VALUES (:id, :id, 1, :code, 'open', :disposition, 'h', :at)
"""
_PAGE = """
    INSERT INTO page (id, case_id, kind, state, reason, ring_caller, step, next_at, opened_at)
    VALUES (:id, :id, :kind, 'open', 'words', true, 1, :at, :at)
"""
_CALLBACK = """
    INSERT INTO callback (id, case_id, caller_id, conversation_id, token, state, disposition,
    rank, language, voicemail, text_only, asked_at, due_at, not_before, tries)
    VALUES (1, 1, 1, 1, 't', 'waiting', 3, 3, 'en', false, false, :at, :at, :at, 0)
"""
_ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    (_CALLER, {}),
    *((_CONVERSATION, {"id": n, "line": f"line{n}"}) for n in (1, 2, 3)),
    *((_CASE, {"id": n, "code": f"000{n}", "disposition": d}) for n, d in ((1, 3), (2, 6), (3, 6))),
    *((_PAGE, {"id": n, "kind": kind}) for n, kind in ((1, 7), (2, 6))),
    (_CALLBACK, {}),
)


@pytest.mark.parametrize("old", ON_BOTH, indirect=True)
def test_the_most_urgent_case_takes_page_and_promise(old: Store) -> None:
    with old.begin() as tx:
        for statement, values in _ROWS:
            moment = AFTERNOON if old.engine.dialect.name == "postgresql" else _AT
            tx.connection.execute(text(statement), values | {"at": moment})
    upgrade(old)
    with old.read() as tx:
        run = tx.connection.execute
        cases = run(text('SELECT id, state FROM "case" ORDER BY id')).all()
        pages = run(text("SELECT case_id, state, kind FROM page ORDER BY id")).all()
        assert [tuple(row) for row in cases] == [(1, "closed"), (2, "open"), (3, "closed")]
        assert [tuple(row) for row in pages] == [(2, "closed", 7), (2, "open", 7)]
        assert run(text("SELECT case_id FROM callback")).scalar_one() == 2
    downgrade(old, "0002")
    upgrade(old)
