"""The bodies of ``evaluate`` and ``lexicon add``; `helpline.cli` wires them in."""

import argparse
import json
import re
import sys
from pathlib import Path

from helpline import evaluation
from helpline.domain.risk import Level, Lexicon, assess

REPORTED = Path(__file__).parent.parent / "tests/risk/reported/cases.yaml"
"""Texts that the scan got wrong once, written anew; `test_risk_reported.py` reads it."""

_LEVELS = tuple(level.name for level in sorted(Level))
_NUMBER_OR_ADDRESS = re.compile(r"\+?\d(?:[\s().-]?\d){6,}|\S+@\S+|https?://")


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """FILE… and which labels mean danger."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV: id,text,label")
    parser.add_argument(
        "--danger",
        default=",".join(sorted(evaluation.MEAN_DANGER)),
        help="labels of texts that must be heard, comma separated; default %(default)s",
    )


def run_evaluate(arguments: argparse.Namespace, lexicon: Lexicon) -> int:
    """Each set by itself, never pooled; 2 when one cannot be read."""
    danger = {label.strip().lower() for label in arguments.danger.split(",")}
    for path in arguments.files:
        try:
            outcome = evaluation.evaluate(evaluation.read_set(path), lexicon)
        except evaluation.UnreadableSet as error:
            print(error, file=sys.stderr)
            return 2
        for line in evaluation.report(path.name, outcome, danger):
            print(line)
    return 0


def add_lexicon_options(parser: argparse.ArgumentParser) -> None:
    """``add`` and what the text should have been."""
    actions = parser.add_subparsers(required=True, dest="action", metavar="action")
    add = actions.add_parser("add", help="a text that was missed, or taken for more than it is")
    add.add_argument("text", help="in your own words: never what a real person wrote")
    bound = add.add_mutually_exclusive_group(required=True)
    bound.add_argument("--at-least", choices=_LEVELS, help="it was missed")
    bound.add_argument("--at-most", choices=_LEVELS, help="it was a false alarm")
    add.add_argument("--language", choices=["en", "es"], default="en")
    add.add_argument("--why", default="", help="what it means, for who mends the lexicon")


def run_lexicon(arguments: argparse.Namespace, lexicon: Lexicon, file: Path = REPORTED) -> int:
    """Write the case down, to fail until the lexicon is mended; 1 when it is right already."""
    text = " ".join(arguments.text.split())
    if not text or _NUMBER_OR_ADDRESS.search(text):
        print("write the text anew, without numbers or addresses of anybody", file=sys.stderr)
        return 2
    if not file.exists():
        print(f"{file} is missing: do this in a clone of the project", file=sys.stderr)
        return 2
    bound = "at_least" if arguments.at_least else "at_most"
    wanted = Level[arguments.at_least or arguments.at_most]
    found = assess(text, lexicon).level
    if found >= wanted if arguments.at_least else found <= wanted:
        print(f"the scan says {found.name} of this already; nothing was added", file=sys.stderr)
        return 1
    case = {"text": text, "language": arguments.language, bound: wanted.name, "why": arguments.why}
    with file.open("a", encoding="utf-8") as cases:
        cases.write(f"- {json.dumps(case, ensure_ascii=False)}\n")  # JSON is YAML of one line
    print(f"added to {file.name}: {found.name} now, {bound.replace('_', ' ')} {wanted.name} wanted")
    print("mend the rows in config/lexicon, then: make test TESTS=tests/domain")
    return 0
