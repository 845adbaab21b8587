"""A line and its staff pages: databases, people at browsers, a page's form token."""

from collections.abc import Iterator

import pytest
from flask import Flask

from config.settings import REPOSITORY
from helpline.store import Store
from helpline.web.console.wsgi import Surroundings, make_console
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
from tests.console.browsing import Browser

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
    """A line on each database."""
    made = Scene(store)
    yield made
    made.finish()


@pytest.fixture
def quick(sqlite_store: Store) -> Iterator[Scene]:
    """A line on SQLite only."""
    made = Scene(sqlite_store)
    yield made
    made.connections.forget()


def pages_of(scene: Scene) -> Flask:
    """The staff pages around a line."""
    around = Surroundings("a secret of these tests, long enough", "http://localhost",
                          REPOSITORY / "config", "http://127.0.0.1:9")  # fmt: skip
    app = make_console(scene.rt, around)
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture
def app(quick: Scene) -> Flask:
    """The staff pages on SQLite."""
    return pages_of(quick)


@pytest.fixture
def ana(quick: Scene, app: Flask) -> Browser:
    """A specialist at a browser."""
    return Browser(quick, app, "specialist")


@pytest.fixture
def sam(quick: Scene, app: Flask) -> Browser:
    """A supervisor."""
    return Browser(quick, app, "supervisor")


@pytest.fixture
def ada(quick: Scene, app: Flask) -> Browser:
    """An admin."""
    return Browser(quick, app, "admin")
