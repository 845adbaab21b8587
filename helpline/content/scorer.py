"""``scorer/``: weights behind the rows of the lexicon, and the examples they are learnt from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpline.content.everyday import everyday_words
from helpline.content.learning import LABELS, Learnt, learn
from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.content.problems import ContentError, Place
from helpline.content.words import read_vocabulary
from helpline.domain.risk.scorer import KINDS, Scorer, Weights, without_aside
from helpline.domain.risk.text import Text

FOLDER = "scorer"
_SETTINGS = f"{FOLDER}/scorer.yaml"
_WEIGHTS = f"{FOLDER}/weights.tsv"
_EXAMPLES = "examples"
_BASE = "(always)"
_LEARNT_FROM = "# learnt from "
_FIELDS = ("ask_from", "aside")


@dataclass
class UnreadableExamples(Exception):
    """Examples that cannot be learnt from; each reason names its file and line."""

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.reasons)


def read_scorer(notebook: Notebook) -> Scorer | None:
    """The weights and from where on they raise a question; None after a mistake."""
    fields = notebook.fields(notebook.document(_SETTINGS), _SETTINGS, _FIELDS, required=_FIELDS)
    ask_from = notebook.whole(fields.get("ask_from"), 0)
    aside = _aside(notebook, fields)
    try:
        lines = (notebook.root / _WEIGHTS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        notebook.wrong(notebook.start_of(_WEIGHTS), f"cannot be read: {error.strerror}")
        return None
    notebook.documents[_WEIGHTS] = lines
    if lines[:1] != [_LEARNT_FROM + _mark(notebook.root / FOLDER)]:
        notebook.wrong(
            notebook.start_of(_WEIGHTS),
            "was learnt from other examples; learn anew: python -m helpline lexicon learn",
        )
    rows: dict[str, Weights] = {}
    for number, line in enumerate(lines[1:], 2):
        try:
            feature, *values = line.split("\t")
            one, two, three = map(int, values)
            rows[feature] = one, two, three
        except ValueError:
            place = Place(str(notebook.root / _WEIGHTS), number)
            notebook.wrong(place, f"should be words and {len(KINDS)} whole numbers, by tabs")
    base = rows.pop(_BASE, (0, 0, 0))
    parted = {feature: feature.split(" ") for feature in rows}
    return Scorer(
        words={feature: rows[feature] for feature, words in parted.items() if len(words) == 1},
        pairs={(w[0], w[1]): rows[feature] for feature, w in parted.items() if len(w) == 2},
        base=base,
        ask_from=ask_from,
        aside=aside,
    )


def relearn(config_dir: Path) -> str:
    """Learn the weights anew and write them; what was learnt, for people.

    Raises:
        ContentError: with every mistake of the lexicon, whose words are learnt.
        UnreadableExamples: with every mistake of every file of examples.
    """
    notebook = Notebook(config_dir)
    chunks = read_vocabulary(notebook, ()).lexicon.chunks
    aside = _aside(notebook, notebook.fields(notebook.document(_SETTINGS), _SETTINGS, _FIELDS))
    if notebook.problems:
        raise ContentError(tuple(sorted(notebook.problems)))
    folder = config_dir / FOLDER
    examples = read_examples(folder)
    seen = []
    for label, text in examples:
        words = Text(text, chunks).words
        seen.append((label, words[slice(*without_aside(words, aside))]))
    learnt = learn(seen, everyday_words())
    (config_dir / _WEIGHTS).write_text(_written(learnt, _mark(folder)), encoding="utf-8")
    counts = ", ".join(
        f"{sum(found == label for found, _ in examples):,} {label}" for label in LABELS
    )
    return f"{len(learnt.words):,} words and {len(learnt.pairs):,} pairs from {counts}"


def read_examples(folder: Path) -> list[tuple[str, str]]:
    """Label and text of every example, each text once.

    Raises:
        UnreadableExamples: with every mistake of every file.
    """
    examples: dict[str, str] = {}
    wrong: list[str] = []
    for path in _example_files(folder):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            label, tab, text = line.partition("\t")
            where = f"{path.name}:{number}"
            if not tab or not text.strip() or "\t" in text:
                wrong.append(f"{where}: should be a label, a tab and a text")
            elif label not in LABELS:
                wrong.append(f"{where}: {label!r} is none of {', '.join(LABELS)}")
            elif examples.setdefault(text, label) != label:
                wrong.append(f"{where}: stands already as {examples[text]}")
    if wrong or not examples:
        raise UnreadableExamples(tuple(wrong) or (f"{folder}: no examples",))
    return [(label, text) for text, label in examples.items()]


def _aside(notebook: Notebook, fields: Mapping[str, Node]) -> frozenset[str]:
    return frozenset(notebook.text(item) for item in notebook.items(fields.get("aside"), "aside"))


def _example_files(folder: Path) -> Sequence[Path]:
    return sorted((folder / _EXAMPLES).glob("*.tsv"))


def _mark(folder: Path) -> str:
    """Of all examples, so that nobody changes them and forgets to learn."""
    mark = hashlib.sha256()
    for path in _example_files(folder):
        mark.update(path.read_bytes())
    return mark.hexdigest()[:16]


def _written(learnt: Learnt, mark: str) -> str:
    rows = {_BASE: learnt.base} | learnt.words
    rows |= {f"{first} {second}": weights for (first, second), weights in learnt.pairs.items()}
    lines = ["\t".join((feature, *map(str, weights))) for feature, weights in rows.items()]
    return "\n".join([_LEARNT_FROM + mark, *lines, ""])
