"""The commands about people: ``staff add``, ``list``, ``invite``, ``practice``, ``disable``."""

import argparse
import sys
from typing import TYPE_CHECKING

from config.settings import Settings, load_settings

if TYPE_CHECKING:
    from helpline.service.staff import Desk


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``staff``."""
    actions = parser.add_subparsers(required=True, dest="action", metavar="action")
    add = actions.add_parser("add", help="add somebody, or update the one with this number")
    add.add_argument("--name", required=True)
    add.add_argument("--phone", required=True, help="E.164, like +12025550111")
    add.add_argument("--role", choices=["specialist", "supervisor", "admin"], default="specialist")
    add.add_argument("--languages", default="en", help="comma separated, like en,es")
    add.add_argument("--tier", type=int, choices=[1, 2, 3], default=1)
    actions.add_parser("list", help="everybody, numbers masked")
    invite = actions.add_parser("invite", help="a link with which somebody sets up signing in")
    invite.add_argument("id", type=int)
    actions.add_parser("practice", help="three accounts for practice mode, with their password")
    disable = actions.add_parser("disable", help="somebody works here no longer")
    disable.add_argument("id", type=int)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 0 when it worked, 1 when there is nobody, 2 when it cannot be done."""
    from helpline.service import staff
    from helpline.wiring import build_staff_desk

    settings = load_settings()
    desk = build_staff_desk(settings)
    try:
        match arguments.action:
            case "add":
                print(_add(desk, arguments))
            case "list":
                for line in staff.list_lines(desk):
                    print(line)
            case "invite":
                print(_invite(desk, settings, arguments.id))
            case "practice":
                _practice(desk, settings)
            case _:
                if not staff.disable(desk, arguments.id):
                    raise LookupError(f"nobody with id {arguments.id} works here")
    except LookupError as nobody:
        print(nobody, file=sys.stderr)
        return 1
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    finally:
        desk.store.dispose()
    return 0


def _add(desk: "Desk", arguments: argparse.Namespace) -> int:
    from helpline.service import staff

    return staff.add(
        desk,
        name=arguments.name,
        phone=arguments.phone,
        role=arguments.role,
        languages=[item.strip() for item in arguments.languages.split(",") if item],
        tier=arguments.tier,
    )


def _invite(desk: "Desk", settings: Settings, staff_id: int) -> str:
    from helpline.service.console import signing_in
    from helpline.service.staff import COMMAND_LINE

    token = signing_in.invite(desk.store, desk.clock, staff_id, actor=COMMAND_LINE)
    return f"{settings.staff_url}/welcome/{token}"


def _practice(desk: "Desk", settings: Settings) -> None:
    """Raises ValueError: there is a real carrier, and so real people."""
    from helpline.service.console import practice_accounts

    if not settings.practice:
        raise ValueError("practice accounts have no second factor: only without a carrier account")
    for login, role in practice_accounts.keep(desk):
        print(f"{login}\t{role}\tpassword: {practice_accounts.PASSWORD}")
    print(f"sign in at {settings.staff_url}")
