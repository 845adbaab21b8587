"""``python -m tests.fuzz``: minutes of hostile texts; the scan must neither raise nor be slow."""

import argparse
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path
from secrets import randbelow

import yaml

from helpline.content import load_protocol
from helpline.domain.risk import assess
from tests.fuzz.hostile import Texts, mistake, seconds_of_a_text, slowness

ROOT = Path(__file__).parents[2]


def main() -> int:
    """0 when nothing was found; else the seed and the text, escaped, and 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else randbelow(10**6)
    lexicon = load_protocol(ROOT / "config").lexicon
    rows = yaml.safe_load((ROOT / "tests/risk/people/danger.yaml").read_text("utf-8"))
    said = [row["text"] for row in rows]
    words = sorted(lexicon.chunks.vocabulary.known)
    scan = partial(assess, lexicon=lexicon)
    ends = time.monotonic() + options.minutes * 60
    number, signs, slowest = 0, 0, 0.0
    likes = (text for text in Texts(words, said, seed + 1) if len(text) >= 160)
    a_text = seconds_of_a_text(scan, islice(likes, 200))
    print(f"seed {seed}; 160 hostile characters take {a_text * 1e6:.0f} us", flush=True)  # noqa: T201
    for number, text in enumerate(Texts(words, said, seed), 1):
        slow = slowness(scan, text, a_text)
        wrong = mistake(scan, text)
        if wrong is None and slow > 1:
            wrong = f"{len(text)} characters took {slow:.1f} times as long as they may"
        if wrong is not None:
            print(f"{wrong}\nseed {seed}, text {number}: {text!a}")  # noqa: T201
            return 1
        signs += len(text)
        slowest = max(slowest, slow)
        if time.monotonic() > ends:
            break
    print(f"{number} texts, {signs} characters; the slowest took {slowest:.2f} of what it may")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
