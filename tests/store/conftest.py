"""Databases and a line for these tests."""

from tests.builders import (
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
