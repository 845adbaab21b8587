"""Promises from before the mark: nobody is marked by the revision, and nobody is lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from helpline.store import Store, open_engine
from helpline.store import callbacks as promises
from helpline.store.migrate import downgrade, upgrade
from helpline.store.tables import callback
from tests.builders import KEYS, ON_BOTH, place_of, promise_of, rows
from tests.fakes import AFTERNOON

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("database", ON_BOTH)
def test_down_and_up_with_people_waiting(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = f"sqlite:///{tmp_path / 'line.db'}"
    url = file if database == "sqlite" else request.getfixturevalue("postgres_database")
    store = Store(open_engine(url, KEYS), KEYS)
    upgrade(store)
    with store.begin() as tx:
        first = promise_of(tx, place_of(tx, "+12025550111"))
        later = promise_of(tx, place_of(tx, "+12025550112"), not_before=AFTERNOON + HOUR)
        promises.release(tx, AFTERNOON)
    downgrade(store, "0006")
    with store.read() as tx:
        kept = tx.connection.execute(text("SELECT id FROM callback ORDER BY id")).scalars().all()
        assert kept == [first, later]
    upgrade(store)
    assert [row["ready"] for row in rows(store, callback)] == [False, False]
    with store.begin() as tx:
        found = promises.find_next(tx, ("en",), AFTERNOON)
        assert found
        assert found.id == first
        assert promises.release(tx, AFTERNOON) == 1
    assert [row["ready"] for row in rows(store, callback)] == [True, False]
    store.dispose()
