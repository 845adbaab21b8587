"""A whole line to measure: every process as `make run` starts it, on PostgreSQL, with a team."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import environment
from config.settings import Settings, load_settings
from helpline import processes
from helpline.service import staff
from helpline.supervisor import Supervisor
from helpline.wiring import build_staff_desk
from tests import services

TEAM = (("Ana", "specialist", 1), ("Ben", "specialist", 2), ("Cleo", "supervisor", 3))
_PRACTICE = ("TWILIO_", "HELPLINE_SECRET", "HELPLINE_INDEX", "HELPLINE_ENCRYPTION", "PUBLIC_")


@contextmanager
def line(folder: Path, **environ: str) -> Iterator[tuple[Settings, Supervisor]]:
    """Everything on PostgreSQL with a team of three, in practice mode, for the block."""
    with services.postgres_server() as server, services.fresh_database(server.url) as url:
        given = environment(folder, url)
        given = {name: value for name, value in given.items() if not name.startswith(_PRACTICE)}
        for name in ("CONSOLE_PORT", "HELPLINE_SIMULATOR_PORT"):
            given[name] = str(processes.free_port())
        given |= environ
        settings = load_settings(given)
        add_staff(given)
        with _environ(given), processes.running(settings) as supervisor:
            yield settings, supervisor


def add_staff(environ: dict[str, str]) -> None:
    """Tables, and somebody to page on each tier: an unstaffed line would do less."""
    desk = build_staff_desk(load_settings(environ))
    for number, (name, role, tier) in enumerate(TEAM):
        phone = f"+1202555011{number}"
        staff.add(desk, name=name, phone=phone, role=role, languages=["en"], tier=tier)
    desk.store.dispose()


@contextmanager
def _environ(given: dict[str, str]) -> Iterator[None]:
    """This process's environment for the block: the supervisor's children inherit it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
