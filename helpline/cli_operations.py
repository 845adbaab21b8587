"""The operator's commands: ``drill``, ``audit`` and ``case``."""

import argparse
import re
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from config.settings import load_settings

if TYPE_CHECKING:
    from helpline.runtime import Runtime
    from helpline.service.upkeep.drill import Report

LOOK_SECONDS = 0.5
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `2h` or `7d`; a bare number is seconds.

    Raises:
        argparse.ArgumentTypeError: it is none of these, or nothing at all.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd]?)", text.strip())
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError("a duration like 90s, 15m, 2h or 7d is needed")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2] or "s"])


def add_drill_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``drill``."""
    parser.add_argument(
        "--wait", type=duration, default=None, help="how long answers count, like 5m"
    )
    parser.add_argument(
        "--last", action="store_true", help="page nobody, show how the last drill went"
    )


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``audit``."""
    parser.add_argument(
        "what", nargs="?", default="list", help="verify: was the record changed? (default: list)"
    )
    parser.add_argument("--case", type=int, help="id of a case: with its pages and callbacks")
    parser.add_argument("--staff", type=int, help="id of a person: what they did")
    parser.add_argument("--since", type=duration, help="like 90s, 15m, 2h or 7d")
    parser.add_argument("--most", type=int, default=500, help="lines at the most, the newest")


def add_case_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``case``."""
    actions = parser.add_subparsers(required=True, dest="action", metavar="action")
    show = actions.add_parser("show", help="a case and what staff wrote about its caller")
    show.add_argument("code", help="the code of a case, as it stands in texts to staff")
    show.add_argument("--by", type=int, required=True, help="your id: a supervisor or an admin")


def run_case(arguments: argparse.Namespace) -> int:
    """Show a case with the notes about its caller; 1 when it is not there or not for them."""
    from helpline.service.upkeep import dossier
    from helpline.wiring import build_staff_desk

    desk = build_staff_desk(load_settings())
    try:
        lines = dossier.show(desk, arguments.code, reader_id=arguments.by)
    except (LookupError, PermissionError) as error:
        print(error, file=sys.stderr)
        return 1
    for line in lines:
        print(line)
    return 0


def run_audit(arguments: argparse.Namespace) -> int:
    """List who did what, the newest last; or check the seals: 1 when one is broken."""
    from helpline.service.upkeep import audit
    from helpline.wiring import build_staff_desk

    if arguments.what == "verify":
        return _verify()
    if arguments.what != "list":
        print(f"audit knows list and verify, not {arguments.what}", file=sys.stderr)
        return 2

    lines = audit.list_lines(
        build_staff_desk(load_settings()),
        case_id=arguments.case,
        staff_id=arguments.staff,
        within=arguments.since,
        most=arguments.most,
    )
    for line in lines:
        print(line)
    return 0


def _verify() -> int:
    from helpline.service.upkeep import sealing
    from helpline.wiring import build_staff_desk

    found = sealing.verify(build_staff_desk(load_settings()))
    if found.broken_at is not None:
        print(
            f"BROKEN at seal {found.broken_at}: an entry under it was changed, removed or added."
            f" {found.entries} entries under {found.seals} seals before it are as they were.",
            file=sys.stderr,
        )
        return 1
    print(
        f"{found.entries} entries under {found.seals} seals are as they were;"
        f" {found.unsealed} newer ones are not sealed yet. Newest seal: {found.newest or 'none'}"
    )
    return 0


def run_drill(arguments: argparse.Namespace) -> int:
    """Page everybody on duty and wait for answers; 1 when nobody answered."""
    from helpline.service.upkeep import drill, health
    from helpline.wiring import build_runtime, migrate

    settings = load_settings()
    migrate(settings)
    rt = build_runtime(settings)
    try:
        if arguments.last:
            found = drill.find_latest(rt)
            if found is None:
                print("there was no drill yet", file=sys.stderr)
                return 1
            return _summary(drill.look(rt, found))
        if health.is_guard_silent(rt):
            print("warning: the guard shows no sign of life; is the line running?", file=sys.stderr)
        return _summary(_watch(rt, drill.start(rt, arguments.wait)))
    finally:
        rt.store.dispose()


def _watch(rt: "Runtime", drill_id: int) -> "Report":
    """Print each answer as it comes, until all have answered or the time has passed."""
    from helpline.service.upkeep import drill

    report = drill.look(rt, drill_id)
    print(
        f"drill {drill_id}: {len(report.people)} on duty are paged,"
        f" answers count until {report.ends_at:%H:%M:%S} UTC",
        flush=True,
    )
    told: set[tuple[int, str]] = set()
    looking = threading.Event()
    while True:
        for answer in _answers(report):
            if answer[:2] not in told:
                told.add(answer[:2])
                print(f"+{answer[2]:.0f} s staff {answer[0]} answered by {answer[1]}", flush=True)
        if report.over:
            drill.end(rt, drill_id)
            return report
        looking.wait(LOOK_SECONDS)
        report = drill.look(rt, drill_id)


def _answers(report: "Report") -> list[tuple[int, str, float]]:
    """(person, channel, seconds) of every answer."""
    by_channel = [(one.staff_id, "text", one.text) for one in report.people]
    by_channel += [(one.staff_id, "call", one.call) for one in report.people]
    return sorted(
        ((who, how, after) for who, how, after in by_channel if after is not None),
        key=lambda answer: answer[2],
    )


def _summary(report: "Report") -> int:
    for one in report.people:
        text = f"{one.text:.0f} s" if one.text is not None else f"no ({one.text_state})"
        call = f"{one.call:.0f} s" if one.call is not None else f"no ({one.ring_state})"
        print(f"staff {one.staff_id}\ttext {text}\tcall {call}")
    print(f"drill {report.drill_id}: {report.count} of {len(report.people)} answered")
    return 0 if report.count else 1
