"""`python -m helpline.simulator`: a carrier on its own, from flags or SIMULATOR_* variables."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence

from helpline.simulator.server import serve
from helpline.simulator.settings import (
    DEFAULT_HELP_TEXT,
    DEFAULT_START_TEXT,
    DEFAULT_STOP_TEXT,
    SimulatorSettings,
)

PREFIX = "SIMULATOR_"
FLAGS: tuple[tuple[str, type, str, str], ...] = (
    ("host", str, "127.0.0.1", "address to listen on; anybody who reaches it can use the phones"),
    ("port", int, "8010", "port to listen on"),
    ("account-sid", str, "AC" + "0" * 32, "account that the application signs in as"),
    ("auth-token", str, "practice", "token for signing in and for signatures"),
    ("webhook-base-url", str, "http://127.0.0.1:8000", "where webhooks are sent"),
    (
        "public-base-url",
        str,
        "",
        "what is signed, when the application is known by another address",
    ),
    ("numbers", str, "+12025550100", "the helpline's numbers, separated by commas"),
    ("messaging-service-sid", str, "", "a messaging service that owns the numbers"),
    ("time-scale", float, "1", "how many simulated seconds pass in a real one"),
    ("calls-per-second", float, "0", "pace at which calls may be started; 0 means any"),
    ("fault-seed", str, "", "a number that makes the luck of faults repeatable"),
    ("stop-text", str, DEFAULT_STOP_TEXT, "what the carrier answers to STOP"),
    ("help-text", str, DEFAULT_HELP_TEXT, "what the carrier answers to HELP"),
    ("start-text", str, DEFAULT_START_TEXT, "what the carrier answers to START"),
    ("log-path", str, "", "append every event to this file as JSON lines"),
    ("clock-offset-file", str, "", "seconds that the calendar is ahead, read again each time"),
)


def read_settings(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> SimulatorSettings:
    """Settings from flags, else the environment, else defaults. Exits on nonsense."""
    parser = argparse.ArgumentParser(prog="python -m helpline.simulator", description=__doc__)
    for name, kind, default, text in FLAGS:
        variable = PREFIX + name.upper().replace("-", "_")
        given = environ.get(variable, default)
        now = "" if name == "auth-token" else f", now {given!r}"
        parser.add_argument(f"--{name}", type=kind, default=given, help=f"{text} ({variable}{now})")
    parser.add_argument(
        "--plain-opt-out", action="store_true", help="no carrier texts and no OptOutType on STOP"
    )
    found = vars(parser.parse_args(arguments))
    numbers = tuple(number.strip() for number in found.pop("numbers").split(",") if number.strip())
    plain, luck = found.pop("plain_opt_out"), found.pop("fault_seed")
    try:
        seed = int(luck) if luck else None
        return SimulatorSettings(
            numbers=numbers, advanced_opt_out=not plain, fault_seed=seed, **found
        )
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    serve(read_settings(None, os.environ))
