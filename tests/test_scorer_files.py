"""The score's files: what may stand in them, and what is learnt from them."""

import re
import shutil
from pathlib import Path

import pytest

from helpline import cli_lexicon
from helpline.content import ContentError, load_protocol
from helpline.content.learning import LABELS, learn
from helpline.content.scorer import UnreadableExamples, read_examples
from helpline.domain.risk.scorer import Scorer, danger
from tests.configuration import CONFIG, copied

SCORER = CONFIG / "scorer"
EXAMPLES = [
    *(("suicide", ["i", word, "flurble", "tonight"]) for word in "abcdef"),
    *(("medical", ["he", word, "wobble", "badly"]) for word in "abcdef"),
    *(("violence", ["she", word, "snarl", "now"]) for word in "abcdef"),
    *(("quiet", [one, word, "tonight"]) for word in "abcdef" for one in ("i", "he", "she")),
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return copied(tmp_path / "config")


def mistakes(config: Path) -> list[str]:
    try:
        load_protocol(config)
    except ContentError as error:
        return [str(problem) for problem in error.problems]
    return []


def plant(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "scorer.yaml",
            "ask_from: ",
            "ask_form: ",
            "unknown key 'ask_form' (did you mean ask_from",
        ),
        ("scorer.yaml", "ask_from: ", "ask_from: -", "expected a whole number"),
        ("weights.tsv", "\n(always)\t", "\n(always)\tx", "weights.tsv:2: should be words and 3"),
        (
            "examples/english.tsv",
            "quiet\t",
            "quiet\tWell, ",
            "weights.tsv:1: was learnt from other",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(
    config: Path, file: str, old: str, new: str, said: str
) -> None:
    before = mistakes(config)
    plant(config / "scorer" / file, old, new)
    told = [mistake for mistake in mistakes(config) if mistake not in before]
    assert any(said in mistake for mistake in told), told


def test_without_weights_the_start_is_refused(config: Path) -> None:
    (config / "scorer/weights.tsv").unlink()
    assert any("weights.tsv:1: cannot be read: No such file" in each for each in mistakes(config))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("quiet hello\n", "own.tsv:1: should be a label, a tab and a text"),
        ("quiet\thello\tyou\n", "own.tsv:1: should be a label, a tab and a text"),
        ("danger\thello\n", "own.tsv:1: 'danger' is none of suicide, medical, violence, quiet"),
        ("quiet\thello\nmedical\thello\n", "own.tsv:2: stands already as quiet"),
        ("", "no examples"),
    ],
)
def test_examples_that_cannot_be_learnt_from_are_told(
    tmp_path: Path, written: str, said: str
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/own.tsv").write_text(written)
    with pytest.raises(UnreadableExamples, match=re.escape(said)):
        read_examples(tmp_path)


def test_what_is_seen_with_one_label_only_decides() -> None:
    learnt = learn(EXAMPLES, {})
    scorer = Scorer(learnt.words, learnt.pairs, learnt.base, ask_from=0)
    for kind, words in (
        ("suicide", ["they", "flurble", "tonight"]),
        ("medical", ["they", "wobble", "badly"]),
        ("violence", ["they", "snarl", "now"]),
    ):
        doubt = scorer.doubt(words)
        assert doubt is not None
        assert doubt.kind == kind
    assert scorer.doubt(["i", "a", "tonight"]) is None
    assert learn(EXAMPLES, {}) == learnt


def test_learning_writes_what_the_line_reads(config: Path, capsys) -> None:
    examples = config / "scorer/examples"
    shutil.rmtree(examples)
    examples.mkdir()
    (examples / "own.tsv").write_text(
        "".join(f"{label}\t{' '.join(words)}\n" for label, words in EXAMPLES)
    )
    before = mistakes(config)
    assert any("learnt from other examples" in mistake for mistake in before)
    assert cli_lexicon.run_learn(config) == 0
    assert "from 6 suicide, 6 medical, 6 violence, 18 quiet" in capsys.readouterr().out
    assert not any("scorer" in mistake for mistake in mistakes(config))
    (examples / "own.tsv").write_text("nonsense\n")
    assert cli_lexicon.run_learn(config) == 2
    assert "own.tsv:1" in capsys.readouterr().err


def test_every_label_has_examples_in_every_language() -> None:
    for language in ("english", "spanish"):
        lines = (SCORER / f"examples/{language}.tsv").read_text(encoding="utf-8").splitlines()
        assert {line.partition("\t")[0] for line in lines} == set(LABELS)


def test_danger_of_nothing_is_small() -> None:
    assert danger([-9000, -9000, -9000]) < -7000
