"""The bodies of ``classify``, ``evaluate`` and ``lexicon``; `helpline.cli` wires them in."""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from helpline import evaluation
from helpline.content import ContentError, scorer
from helpline.domain.risk import Level, Lexicon, assess

REPORTED = Path(__file__).parent.parent / "tests/risk/reported/cases.yaml"
"""Texts that the scan got wrong once, written anew; `test_risk_reported.py` reads it."""

_BLOCK = 1 << 16
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


def run_classify(lexicon: Lexicon, source: int) -> int:
    """Answer each line of JSON with a line of JSON, whenever the input pauses.

    2 when a line was no text to classify; the others are answered all the same.
    """
    code, number, unfinished = 0, 0, b""
    while block := os.read(source, _BLOCK):
        *lines, unfinished = (unfinished + block).split(b"\n")
        code |= _classify_all(lexicon, lines, number)
        number += len(lines)
    return code | _classify_all(lexicon, [unfinished], number)


def _classify_all(lexicon: Lexicon, lines: list[bytes], before: int) -> int:
    answers: list[str] = []
    code = 0
    for number, line in enumerate(lines, before + 1):
        if line.strip():
            try:
                given = json.loads(line)
                answers.append(_classified(lexicon, given.get("id"), given["text"]))
            except (ValueError, AttributeError, KeyError, TypeError):
                wanted = '{"id": ..., "text": "..."}'
                print(f"line {number}: should be {wanted}", file=sys.stderr)
                code = 2
    if answers:
        sys.stdout.write("\n".join([*answers, ""]))
        sys.stdout.flush()
    return code


def _classified(lexicon: Lexicon, name: object, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError
    found = assess(text, lexicon)
    signals = [
        {
            "category": signal.category,
            "start": signal.start,
            "end": signal.end,
            "who": signal.who,
            "when": signal.when,
        }
        for signal in found.signals
    ]
    answer = {"id": name, "level": found.level.name, "signals": signals}
    return json.dumps(answer, ensure_ascii=False)


def add_lexicon_options(parser: argparse.ArgumentParser) -> None:
    """``add`` and what the text should have been; ``learn``."""
    actions = parser.add_subparsers(required=True, dest="action", metavar="action")
    add = actions.add_parser("add", help="a text that was missed, or taken for more than it is")
    add.add_argument("text", help="in your own words: never what a real person wrote")
    bound = add.add_mutually_exclusive_group(required=True)
    bound.add_argument("--at-least", choices=_LEVELS, help="it was missed")
    bound.add_argument("--at-most", choices=_LEVELS, help="it was a false alarm")
    add.add_argument("--language", choices=["en", "es"], default="en")
    actions.add_parser("learn", help="the score's weights, anew from config/scorer/examples")
    add.add_argument("--why", default="", help="what it means, for who mends the lexicon")


def run_learn(config_dir: Path) -> int:
    """Learn the score's weights from its examples; 2 when these cannot be read."""
    try:
        print(scorer.relearn(config_dir))
    except (ContentError, scorer.UnreadableExamples) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def run_add(arguments: argparse.Namespace, lexicon: Lexicon, file: Path = REPORTED) -> int:
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
