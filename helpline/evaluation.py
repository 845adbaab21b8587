"""How well the danger scan does on texts whose meaning is known: counts and shares, no texts."""

import csv
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from helpline.domain.risk import Level, Lexicon, assess

COLUMNS = ("id", "text", "label")
MEAN_DANGER = frozenset({"danger", "emergency", "crisis", "ask", "self_harm"})
"""Labels of texts that have to be heard, unless others are named."""

_Z = 1.959964
"""Of a two-sided interval of 95 %."""


class UnreadableSet(Exception):
    """A file that is no set of labelled texts; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    found: int
    of: int

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval, from 0 to 1."""
        if not self.of:
            return 0.0, 1.0
        share, weight = self.found / self.of, _Z * _Z / self.of
        centre = share + weight / 2
        reach = _Z * math.sqrt(share * (1 - share) / self.of + weight / (4 * self.of))
        return max(0.0, (centre - reach) / (1 + weight)), min(1.0, (centre + reach) / (1 + weight))

    def __str__(self) -> str:
        if not self.of:
            return "none to look at"
        low, high = (100 * end for end in self.interval())
        share = 100 * self.found / self.of
        return f"{self.found} of {self.of}, {share:.1f} % ({low:.1f} to {high:.1f})"


@dataclass(slots=True)
class Outcome:
    """What the scan said of the texts of one set."""

    levels: dict[str, Counter[Level]] = field(default_factory=dict)
    categories: dict[str, Counter[str]] = field(default_factory=dict)

    def share(self, labels: Collection[str], at_least: Level) -> Share:
        """How many texts with one of these labels reached a level."""
        counts = [self.levels[label] for label in labels]
        found = sum(n for count in counts for level, n in count.items() if level >= at_least)
        return Share(found, sum(count.total() for count in counts))


def read_set(path: Path) -> Iterator[tuple[str, str]]:
    """Texts and labels of a CSV file with the columns id, text and label.

    Raises:
        UnreadableSet: the file is missing, no UTF-8, or lacks a column or a value.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UnreadableSet(f"{path}: there is no column {', '.join(missing)}")
            for row in rows:
                if row["text"] is None or not row["label"]:
                    raise UnreadableSet(f"{path}:{rows.line_num}: a text or a label is missing")
                yield row["text"], row["label"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableSet(f"{path}: {error}") from None


def evaluate(texts: Iterable[tuple[str, str]], lexicon: Lexicon) -> Outcome:
    """Scan every text by itself."""
    outcome = Outcome()
    for text, label in texts:
        found = assess(text, lexicon)
        outcome.levels.setdefault(label, Counter())[found.level] += 1
        heard = {signal.category for signal in found.signals if signal.level >= Level.ASK}
        outcome.categories.setdefault(label, Counter()).update(heard)
    return outcome


def report(name: str, outcome: Outcome, danger: Collection[str]) -> Iterator[str]:
    """The lines to print for one set."""
    yield f"{name}: {sum(count.total() for count in outcome.levels.values())} texts"
    yield from _by_label(outcome.levels)
    meant = sorted(label for label in outcome.levels if label.lower() in danger)
    others = sorted(set(outcome.levels) - set(meant))
    for words, labels in (("danger heard", meant), ("false alarms", others)):
        if labels:
            for level in (Level.ASK, Level.CRISIS, Level.EMERGENCY):
                yield f"  {words}, {level.name} or more: {outcome.share(labels, level)}"
    for label in sorted(outcome.categories):
        found = outcome.categories[label].most_common()
        if found:
            yield f"  {label} heard as: {', '.join(f'{name} {n}' for name, n in found)}"


def _by_label(levels: Mapping[str, Counter[Level]]) -> Iterator[str]:
    width = max((len(label) for label in levels), default=0)
    columns = sorted(Level, reverse=True)
    yield f"  {'':{width}} {' '.join(f'{level.name:>9}' for level in columns)}"
    for label, count in sorted(levels.items()):
        yield f"  {label:{width}} {' '.join(f'{count[level]:>9}' for level in columns)}"
