"""Lines that run, shared by the tests of one test process; each test finds them as good as new."""

from collections.abc import Iterator

import pytest

from tests import services
from tests.scenarios.faults import everybody_works
from tests.scenarios.running import SECOND_TOKEN, Line


@pytest.fixture(scope="session")
def _sqlite_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """On SQLite, behind a TLS proxy, in the middle of a rotation of tokens."""
    folder = tmp_path_factory.mktemp("line")
    line = Line(
        folder,
        f"sqlite:///{folder}/helpline.db",
        PUBLIC_BASE_URL="https://line.example.org",
        TWILIO_AUTH_TOKEN_SECONDARY=SECOND_TOKEN,
    )
    try:
        line.start()
        yield line
    finally:
        line.close()


@pytest.fixture(scope="session")
def _postgres_line(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Line]:
    with services.fresh_database(postgres_url) as url:
        line = Line(tmp_path_factory.mktemp("line-pg"), url)
        try:
            line.start()
            yield line
        finally:
            line.close()


@pytest.fixture
def line(_sqlite_line: Line) -> Iterator[Line]:
    """A running line on SQLite."""
    everybody_works(_sqlite_line)
    _sqlite_line.begin()
    yield _sqlite_line
    _sqlite_line.end()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either_line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A running line on each database."""
    found: Line = request.getfixturevalue(f"_{request.param}_line")
    everybody_works(found)
    found.begin()
    yield found
    found.end()
