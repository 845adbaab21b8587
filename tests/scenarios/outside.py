"""A line whose carrier is not one of its processes: it lives on when all of those die."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpline.processes import free_port
from helpline.simulator import SimulatorSettings, create_simulator
from tests.scenarios.running import LINE, SPEED, Line

PUBLIC = "https://line.example.org"
ACCOUNT, TOKEN = "AC" + "5" * 32, "token-of-a-test"


@contextmanager
def line_with_outside_carrier(folder: Path, database_url: str) -> Iterator[Line]:
    """It runs for the block, with settings as in earnest: only the carrier's address is ours."""
    port = free_port()
    line = Line(
        folder,
        database_url,
        TWILIO_ACCOUNT_SID=ACCOUNT,
        TWILIO_AUTH_TOKEN=TOKEN,
        TWILIO_API_BASE_URL=f"http://127.0.0.1:{port}",
        PUBLIC_BASE_URL=PUBLIC,
        HELPLINE_SIMULATOR_PORT=str(port),
        HELPLINE_SMS_NUMBERS=LINE,
        HELPLINE_VOICE_NUMBERS=LINE,
        HELPLINE_SECRET_KEY="s" * 40,
        HELPLINE_INDEX_KEY="i" * 40,
        HELPLINE_ENCRYPTION_KEYS="dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",
    )
    settings = SimulatorSettings(
        ACCOUNT, TOKEN, line.settings.web_url, (LINE,), port=port, time_scale=SPEED,
        public_base_url=PUBLIC,
    )  # fmt: skip
    with create_simulator(settings):
        try:
            line.start()
            yield line
        finally:
            line.close()
