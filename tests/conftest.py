"""Servers for the lanes that need one, and an environment that nobody else has touched."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from tests import distribution, services

# How long an example takes says more of the machine than of the code; timings live in bench/.
hypothesis.settings.register_profile("helpline", deadline=None)
hypothesis.settings.load_profile("helpline")

# structlog's own default draws every exception with the values of all variables: seconds each.
structlog.configure(
    [
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


_MEMORY = Path("/dev/shm")
_ROOM = 2 * 2**30


def pytest_configure() -> None:
    """Folders of tests in memory, where there is room: several lines on one disk make it stall.

    Promises are timed by the line's own clock; what they cost on a disk is measured in bench/.
    """
    with suppress(OSError):
        disk = os.statvfs(_MEMORY)
        usable = os.access(_MEMORY, os.W_OK) and not disk.f_flag & os.ST_NOEXEC
        if usable and disk.f_bavail * disk.f_frsize > _ROOM:
            for folder in ("PYTEST_DEBUG_TEMPROOT", "TMPDIR"):
                os.environ.setdefault(folder, str(_MEMORY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the shuffle: what takes longest begins first."""
    items.sort(key=lambda item: distribution.place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`."""
    return distribution.processes()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> distribution.Scheduling:
    """What the test processes are given, and when."""
    return distribution.Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """No variable of the developer's shell reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.startswith(("HELPLINE_", "TWILIO_", "SIMULATOR_")) or name in _OURS:
                patch.delenv(name)
        if kept := _KEPT:
            patch.setenv("HELPLINE_TEST_DATA", kept)
        yield


_OURS = {"DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL", "HOST", "PORT", "CONSOLE_PORT"}
_KEPT = os.environ.get("HELPLINE_TEST_DATA", "")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this test process; the test that needs it empty flushes it."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, shared by every test process of this run."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with services.shared_postgres(folder / "postgres") as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database of this test: postgresql+psycopg://…"""
    with services.fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_database_of_module(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database shared by the tests of a module."""
    with services.fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """An empty SQLite database of this test: sqlite:///…"""
    return f"sqlite:///{tmp_path / 'helpline.db'}"
