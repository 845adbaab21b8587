"""The commands: ``python -m helpline …`` (DESIGN 8)."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from config.settings import SettingsError, load_settings
from helpline import cli_content, cli_lexicon, cli_operations, cli_staff, content
from helpline.content import ContentError

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments)
    except (SettingsError, ContentError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(command=command)
        return sub

    add("run", _run, "start everything on this machine")
    add("demo", _demo, "play the stories through the running parts")
    chat = add("chat", _chat, "talk to the protocol in this terminal")
    chat.add_argument("--country", default=None, help="ISO code, default HELPLINE_COUNTRY")
    add("classify", _classify, "JSON lines of texts in, danger out")
    evaluate = add("evaluate", _evaluate, "recall and false alarms on labelled texts, none shown")
    cli_lexicon.add_evaluate_options(evaluate)
    lexicon = add("lexicon", _lexicon, "add: a text the danger scan got wrong becomes a test case")
    cli_lexicon.add_lexicon_options(lexicon)
    add("check-config", _check_config, "check config/ and print every mistake")
    draw = add("protocol", _protocol, "draw: the protocol as a diagram")
    draw.add_argument("what", choices=["draw"])
    staff = add("staff", _staff, "add, list or disable staff")
    cli_staff.add_options(staff)
    drill = add("drill", _drill, "page everybody on duty as an exercise, report who answered")
    cli_operations.add_drill_options(drill)
    audit = add("audit", _audit, "who did what, ids only")
    cli_operations.add_audit_options(audit)
    case = add("case", _case, "show a case and what staff wrote about its caller; noted")
    cli_operations.add_case_options(case)
    add("migrate", _migrate, "bring the database to the newest tables")
    fallback = add("fallback-twiml", _fallback_twiml, "static safe TwiML to host somewhere else")
    fallback.add_argument("--voice", action="store_true", help="for calls; without it for texts")
    add("carrier-texts", _carrier_texts, "STOP, HELP and START texts to paste at the carrier")
    sign = add("sign-off", _sign_off, "record a clinician's sign-off of this protocol")
    sign.add_argument("--by", required=True)
    sign.add_argument("--role", required=True)
    sign.add_argument("--covers", required=True, help="protocol@HASH, as check-config prints it")
    return parser


def _run(_arguments: argparse.Namespace) -> int:
    from helpline import processes

    return processes.run(load_settings())


def _demo(_arguments: argparse.Namespace) -> int:
    from helpline.demo import play

    return play()


def _chat(arguments: argparse.Namespace) -> int:
    from helpline.chat import talk

    settings = load_settings()
    return talk(content.load_protocol(settings.config_dir), arguments.country or settings.country)


def _classify(_arguments: argparse.Namespace) -> int:
    lexicon = content.load_protocol(load_settings().config_dir).lexicon
    return cli_lexicon.run_classify(lexicon, sys.stdin.fileno())


def _evaluate(arguments: argparse.Namespace) -> int:
    return cli_lexicon.run_evaluate(arguments, content.load_protocol(_config_dir()).lexicon)


def _lexicon(arguments: argparse.Namespace) -> int:
    if arguments.action == "learn":
        return cli_lexicon.run_learn(_config_dir())
    return cli_lexicon.run_add(arguments, content.load_protocol(_config_dir()).lexicon)


def _check_config(_arguments: argparse.Namespace) -> int:
    return cli_content.print_check(_config_dir())


def _config_dir() -> Path:
    """The configured folder; a wrong environment elsewhere must not hide its mistakes."""
    import os

    return Path(os.environ.get("HELPLINE_CONFIG_DIR") or Path(__file__).parent.parent / "config")


def _protocol(_arguments: argparse.Namespace) -> int:
    print(cli_content.draw(content.load_protocol(_config_dir())))
    return 0


def _staff(arguments: argparse.Namespace) -> int:
    return cli_staff.run(arguments)


def _drill(arguments: argparse.Namespace) -> int:
    return cli_operations.run_drill(arguments)


def _audit(arguments: argparse.Namespace) -> int:
    return cli_operations.run_audit(arguments)


def _case(arguments: argparse.Namespace) -> int:
    return cli_operations.run_case(arguments)


def _migrate(_arguments: argparse.Namespace) -> int:
    from helpline.wiring import migrate

    migrate(load_settings())
    return 0


def _carrier_texts(_arguments: argparse.Namespace) -> int:
    from helpline.wiring import carrier_texts

    for word, text in carrier_texts(load_settings()).items():
        print(f"{word}\n{text}\n")
    return 0


def _fallback_twiml(arguments: argparse.Namespace) -> int:
    from helpline.wiring import fallback_twiml

    settings = load_settings()
    print(fallback_twiml(settings, aloud=arguments.voice))
    return 0


def _sign_off(arguments: argparse.Namespace) -> int:
    from helpline.service import staff
    from helpline.wiring import build_staff_desk

    settings = load_settings()
    protocol = content.load_protocol(settings.config_dir)
    if arguments.covers != f"protocol@{protocol.hash}":
        print(f"this protocol is protocol@{protocol.hash}, not {arguments.covers}", file=sys.stderr)
        return 2
    staff.sign_off(
        build_staff_desk(settings), by=arguments.by, role=arguments.role, covers=arguments.covers
    )
    print(f"recorded: {arguments.covers} signed by {arguments.by}, {arguments.role}")
    return 0
