"""Carrier words, answer words and the lexicon: how what people write is recognised."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from helpline.content.everyday import everyday_words
from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.content.problems import Place
from helpline.domain.answers import plain, tokens
from helpline.domain.risk import Lexicon, LexiconError, answer_words, compile_lexicon, parse_entries

CARRIER_WORDS = ("stop", "stop_ours", "help", "help_ours", "start", "start_again")
MEANINGS = ("yes", "no", "unsure", "decline", "person", "crisis")
_DIGIT_MEANS = {"1": "yes", "2": "no", "3": "unsure", "4": "decline", "0": "person", "9": "crisis"}
_NUMBER_WORDS = {
    "en": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "es": ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
}
_OF_LANGUAGES = ("named", "tells")
"""How a language is asked for, and what it is told by: words that no other language shares."""

_LETTERS = frozenset("abcd")
_PATH_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SOURCE = re.compile(r"(?P<file>\w+/[\w-]+\.yaml):(?P<line>\d+): (?P<reason>.*)")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the words of callers are compared with."""

    lexicon: Lexicon
    rows: int
    categories: frozenset[str]
    tags: frozenset[str]
    answer_words: Mapping[str, Mapping[str, frozenset[str]]]


def read_carrier_words(notebook: Notebook) -> dict[str, frozenset[str]]:
    """The STOP, HELP and START families, folded as texts are."""
    document = notebook.document("carrier_words.yaml")
    fields = notebook.fields(document, "carrier_words.yaml", CARRIER_WORDS, CARRIER_WORDS)
    seen: dict[str, str] = {}
    families: dict[str, frozenset[str]] = {}
    for family in CARRIER_WORDS:
        node = fields.get(family)
        folded = {}
        for item in notebook.items(node, family):
            folded[_fold(notebook.text(item))] = item.place
        for word, place in folded.items():
            if seen.setdefault(word, family) != family:
                notebook.wrong(place, f"{word!r} stands already in {seen[word]}")
        families[family] = frozenset(folded) - {""}
        if node is not None and not families[family]:
            notebook.wrong(node.place, f"{family} has no words")
    return families


def read_other_languages(notebook: Notebook) -> dict[str, frozenset[str]]:
    """Telltale words of languages that the line does not speak, folded as texts are."""
    name = "other_languages.yaml"
    languages: dict[str, frozenset[str]] = {}
    for code, node in notebook.entries(notebook.document(name), name).items():
        folded = [_fold(notebook.text(item)) for item in notebook.items(node, code)]
        for word in folded:
            if not word or " " in word:
                notebook.wrong(node.place, f"{code}: {word!r} is not one word")
        languages[code] = frozenset(folded)
    return languages


def read_vocabulary(notebook: Notebook, languages: Iterable[str]) -> Vocabulary:
    """Everything under ``lexicon/``; its own reader says what is wrong, we say on which line."""
    nodes: dict[str, Node] = {}
    for path in sorted((notebook.root / "lexicon").glob("*/*.yaml")):
        name = f"{path.parent.name}/{path.name}"
        node = notebook.document(f"lexicon/{name}")
        if node is not None:
            nodes[name] = node
    if not nodes:
        notebook.wrong(notebook.start_of("lexicon"), "there are no lexicon files")
    documents = {name: node.lined() for name, node in nodes.items()}
    entries, problems = parse_entries(documents)
    for problem in problems:
        place = _line_of(nodes[problem.document], problem.path)
        notebook.wrong(place, f"{problem.path}: {problem.message}")
    try:
        lexicon = compile_lexicon(entries, everyday_words())
    except LexiconError as error:
        for reason in error.reasons:
            _note_reason(notebook, reason)
        lexicon = compile_lexicon(())
    return Vocabulary(
        lexicon=lexicon,
        rows=sum(entry.kind != "list" for entry in entries),
        categories=frozenset(entry.category for entry in entries if entry.category),
        tags=frozenset(tag for entry in entries for tag in (*entry.tags, *entry.raise_tags)),
        answer_words=_answer_words(answer_words(documents), languages),
    )


def _line_of(node: Node, path: str) -> Place:
    """The line of ``categories[2].rows[0].tags``, as near as the file knows it."""
    for index, key in _PATH_STEP.findall(path):
        value = node.value
        if index and isinstance(value, tuple) and int(index) < len(value):
            node = value[int(index)]
        elif key and isinstance(value, Mapping) and key in value:
            node = value[key]
        else:
            break
    return node.place


def _note_reason(notebook: Notebook, reason: str) -> None:
    match = _SOURCE.match(reason)
    if match is None:
        notebook.wrong(notebook.start_of("lexicon"), reason)
        return
    file = str(notebook.root / "lexicon" / match["file"])
    notebook.wrong(Place(file, int(match["line"])), match["reason"])


def _answer_words(
    read: Mapping[str, Mapping[str, tuple[str, ...]]], languages: Iterable[str]
) -> dict[str, dict[str, frozenset[str]]]:
    """Words by language and meaning; number words are kept apart, English helps everywhere."""
    english = _meanings(read.get("en", {}), "en")
    by_language = {"en": english}
    for language in languages:
        if language == "en":
            continue
        own = _meanings(read.get(language, {}), language)
        shared = {
            name: {word for word in words if len(word) > 1} for name, words in english.items()
        }
        by_language[language] = {
            name: own.get(name, frozenset())
            | (set() if name in _OF_LANGUAGES else shared.get(name, set()))
            for name in english
        }
    return by_language


def _meanings(read: Mapping[str, tuple[str, ...]], language: str) -> dict[str, frozenset[str]]:
    number_words = _NUMBER_WORDS.get(language, ())
    every = {word for words in _NUMBER_WORDS.values() for word in words}
    found: dict[str, set[str]] = {name: set() for name in (*MEANINGS, *_OF_LANGUAGES)}
    for digit, word in zip("123456789", number_words or ("",) * 9, strict=True):
        found[digit] = {digit, word} - {""}
    found["person"].add("0")
    found["crisis"].add("9")
    for name, words in read.items():
        meaning = _DIGIT_MEANS.get(name, name)
        folded = {_fold(word) for word in words} - {""}
        for word in folded:
            is_choice = word in every or word.isdecimal() or word in _LETTERS
            if meaning in {"person", "crisis"} or not is_choice:
                found.setdefault(meaning, set()).add(word)
    return {name: frozenset(words) for name, words in found.items()}


def _fold(text: str) -> str:
    return " ".join(tokens(plain(text)))
