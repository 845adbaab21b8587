"""The revisions build exactly the tables of the code, down and up again, many at once."""

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from helpline.store import Store, open_engine
from helpline.store.migrate import downgrade, upgrade
from helpline.store.tables import metadata
from tests.builders import KEYS, ON_BOTH, race

KNOWN = {"ix_callback_ready", "ix_callback_not_yet", "ix_callback_live"}
"""Indexes with an expression (rank DESC), which Alembic cannot compare."""


@pytest.fixture(params=ON_BOTH)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
    made = Store(open_engine(url, KEYS), KEYS)
    yield made
    made.dispose()


def difference(store: Store) -> list[object]:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, metadata)
    return [
        item
        for item in found
        if not (item[0] in {"add_index", "remove_index"} and item[1].name in KNOWN)
    ]


def tables_of(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
def test_head_is_what_the_code_says(bare: Store) -> None:
    upgrade(bare)
    assert difference(bare) == []
    assert tables_of(bare) == set(metadata.tables)
    indexes = {item["name"] for item in inspect(bare.engine).get_indexes("callback")}
    assert indexes >= KNOWN


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
def test_down_and_up_again(bare: Store) -> None:
    upgrade(bare)
    downgrade(bare)
    assert tables_of(bare) == set()
    upgrade(bare)
    assert difference(bare) == []


def test_upgrading_twice_and_at_the_same_moment(bare: Store) -> None:
    race(*[lambda: upgrade(bare)] * 3)
    upgrade(bare)
    assert tables_of(bare) == set(metadata.tables)


def test_whoever_comes_second_to_a_new_file_waits_for_its_turn(tmp_path: Path) -> None:
    """SQLite refuses a second change of the journal at once, whatever the busy time-out says."""
    store = Store(open_engine(f"sqlite:///{tmp_path / 'new.db'}", KEYS), KEYS)
    second = threading.Thread(target=upgrade, args=(store,))
    rival = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(rival, fcntl.LOCK_EX)
    second.start()
    second.join(0.5)
    assert second.is_alive(), "a rival prepares the file"
    os.close(rival)
    second.join(30)
    assert tables_of(store) == set(metadata.tables)
    assert list(tmp_path.glob("*lock*")) == []
    store.dispose()


def test_a_revision_may_take_its_time(bare: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Web requests are impatient with a database that hangs; an index over years is no hang."""
    monkeypatch.setattr("helpline.store.patience.LONGEST_WAIT", 0.0)
    upgrade(bare)
    monkeypatch.undo()
    assert tables_of(bare) == set(metadata.tables)
