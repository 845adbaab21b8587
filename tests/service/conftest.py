"""Databases and a line for these tests."""

from collections.abc import Iterator

import pytest

from helpline.store import Store
from tests.builders import (
    Scene,
    _migrated_postgres,
    _migrated_sqlite,
    _postgres_store,
    _sqlite_engine,
    postgres_store,
    sqlite_store,
    store,
)

__all__ = [
    "_migrated_postgres",
    "_migrated_sqlite",
    "_postgres_store",
    "_sqlite_engine",
    "postgres_store",
    "sqlite_store",
    "store",
]


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    """A line on each database; at the end no phone holds a text that nobody expected."""
    made = Scene(store)
    yield made
    made.finish()


@pytest.fixture
def quick(sqlite_store: Store) -> Iterator[Scene]:
    """A line on SQLite only, for many variants of one thing."""
    made = Scene(sqlite_store)
    yield made
    made.finish()
