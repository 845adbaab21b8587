"""What the documents say is so: commands, targets, variables, links, texts, the diagram."""

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import REPOSITORY, load_settings
from helpline import cli
from helpline.cli_content import draw
from helpline.content import load_protocol
from helpline.demo import calls, stories
from helpline.domain import messages
from helpline.domain.protocol import Protocol
from helpline.store.tables import metadata
from helpline.wiring import carrier_texts
from workers import guard

DOCS = sorted(
    [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    + list((REPOSITORY / "docs").rglob("*.md"))
)
SHOWN = {path.relative_to(REPOSITORY).as_posix(): path for path in DOCS}
SET_UP_ONLY = {"HELPLINE_ALLOW_APT"}
"""Read by `bin/setup` alone, before there is a Python to load settings with."""

_MADE_UP = {
    "ORG": "Helpline",
    "ROLE": "specialist",
    "URL": "line.example.org",
    "NUM": "+12025550100",
    "CALLER": "+12025550100",
    "WHEN": "once one is free",
}
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_VARIABLE = re.compile(
    r"\b(?:(?:HELPLINE|TWILIO)_[A-Z_]*[A-Z]|DATABASE_URL|REDIS_URL|PUBLIC_BASE_URL|CONSOLE_PORT)\b"
)
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|tmp|mnt|Users|opt|var/folders)/")
_HIDDEN = re.compile(r"[\u200b-\u200f\u2028-\u202e\ufeff]")

every_document = pytest.mark.parametrize("name", SHOWN)


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol(REPOSITORY / "config")


def _read(name: str) -> str:
    return SHOWN[name].read_text(encoding="utf-8")


def _prose(text: str) -> str:
    return _FENCE.sub("", text)


def _code(text: str) -> Iterator[str]:
    """Each line of a fenced block, each span of code."""
    for block in _FENCE.findall(text):
        yield from block.splitlines()
    yield from _SPAN.findall(_prose(text))


def _anchors(text: str) -> set[str]:
    """As the pages of a repository name their headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def _unknown(parser: argparse.ArgumentParser, words: list[str]) -> str | None:
    """The first word that this parser, or the one it hands over to, does not know."""
    for place, word in enumerate(words):
        if word.startswith("-"):
            if word not in parser._option_string_actions:
                return word
            continue
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                inner = action.choices.get(word)
                return word if inner is None else _unknown(inner, words[place + 1 :])
            if not action.option_strings and action.choices and word not in action.choices:
                return word
    return None


def _commands(text: str) -> Iterator[list[str]]:
    for line in _code(text):
        for found in re.findall(r"python -m helpline(?![.\w])([^|>#]*)", line):
            words = shlex.split(found)
            if words and not words[0].startswith("…"):
                yield words


def test_the_diagram_is_the_protocol_of_today(protocol: Protocol) -> None:
    text = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    shown = re.search(
        r"<!-- protocol draw -->\n```mermaid\n(.*?)```\n<!-- /protocol draw -->", text, re.DOTALL
    )
    assert shown, "docs/protocol.md has lost its markers"
    assert shown[1] == draw(protocol), "renew it: python -m helpline protocol draw"


@every_document
def test_every_command_exists(name: str) -> None:
    for words in _commands(_read(name)):
        assert _unknown(cli._parser(), words) is None, " ".join(words)


def test_the_readme_names_every_command() -> None:
    named = {words[0] for words in _commands(_read("README.md"))}
    actions = cli._parser()._actions
    known = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    assert named == set(known.choices)


@every_document
def test_every_target_exists(name: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for line in _code(_read(name)):
        if line.startswith("make "):
            words = [word for word in shlex.split(line, comments=True)[1:] if "=" not in word]
            assert set(words) <= targets, line


def test_the_readme_names_every_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^\| `make ([a-z]+)`", _read("README.md"), re.MULTILINE))


@every_document
def test_every_variable_is_in_the_example(name: str) -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    known = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)) | SET_UP_ONLY
    assert set(_VARIABLE.findall(_read(name))) <= known


def test_variables_of_the_set_up_are_read_there() -> None:
    script = (REPOSITORY / "bin" / "setup").read_text(encoding="utf-8")
    assert all(variable in script for variable in SET_UP_ONLY)


@every_document
def test_relative_links_resolve(name: str) -> None:
    text = _read(name)
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = SHOWN[name].parent / path if path else SHOWN[name]
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked.read_text(encoding="utf-8")), target


@every_document
def test_every_file_named_exists(name: str) -> None:
    for span in _SPAN.findall(_prose(_read(name))):
        if re.fullmatch(r"(?:helpline|workers|tests|bin)/[\w./]+|config/[\w/]+\.(?:py|yaml)", span):
            assert (REPOSITORY / span).exists(), span


@every_document
def test_no_path_of_a_machine_and_nothing_hidden(name: str) -> None:
    text = _read(name)
    assert not _MACHINE_PATH.search(text)
    assert not _HIDDEN.search(text)


@pytest.mark.parametrize("word", ["STOP", "HELP", "START"])
def test_the_texts_to_paste_at_the_carrier_are_ours_filled_in(
    word: str, protocol: Protocol, tmp_path: Path
) -> None:
    printed = carrier_texts(load_settings({"HELPLINE_VAR_DIR": str(tmp_path)}))
    words = protocol.messages["en"][f"KW_{word}"].sms
    assert words
    assert re.fullmatch(re.sub(r"\\{[A-Z]+\\}", "[^{}]+", re.escape(words)), printed[word])
    assert len(printed[word]) <= 160


@pytest.mark.parametrize("key", ["W1", "W2", "C6"])
def test_sample_texts_are_what_callers_get(key: str, protocol: Protocol) -> None:
    words = messages.render(
        protocol,
        key,
        language="en",
        country=protocol.countries["US"],
        staffed=True,
        values=_MADE_UP,
    )
    assert f"\n{words}\n" in _read("README.md")


def _told(word: ast.expr) -> str:
    """A pattern of what the demo prints for this argument."""
    if isinstance(word, ast.JoinedStr):
        return "".join(_told(part) for part in word.values)
    return re.escape(str(word.value)) if isinstance(word, ast.Constant) else ".+"


def _lines_of_the_stories() -> set[str]:
    modules = (Path(str(module.__file__)) for module in (stories, calls))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules]
    return {
        _told(node.args[-1])
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"step", "promise", "until"}
    }


def test_the_sample_of_the_demo_is_what_it_prints() -> None:
    sample = re.search(
        r"^story 1:.*?^demo: (\d+) stories, 0 broken$", _read("README.md"), re.M | re.S
    )
    assert sample
    assert int(sample[1]) == len(stories.STORIES)
    titles = re.findall(r"^story \d+: (.+)$", sample[0], re.MULTILINE)
    assert titles == [title for title, _ in stories.STORIES]
    shown = re.findall(r"^(?:\+\d+\.\d{3} s|ok) (.+)$", sample[0], re.MULTILINE)
    patterns = _lines_of_the_stories()
    for line in shown:
        assert any(re.fullmatch(pattern, line) for pattern in patterns), line
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in shown), pattern


def _first_column(text: str, heading: str) -> set[str]:
    """Every word of the first cells of the table that begins with this heading."""
    _, _, rest = text.partition(f"\n| {heading} |")
    rows = rest.split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return {word for row in rows for word in re.findall(r"\w+", row.split("|")[1])}


def test_every_duty_of_the_guard_is_named() -> None:
    named = _first_column(_read("docs/architecture.md"), "Duty")
    assert named == {*guard.DUTIES, "takeover", "deadman", "seals"}


def test_every_table_is_named() -> None:
    named = _first_column(_read("docs/architecture.md"), "Table")
    assert named == set(metadata.tables)


def test_every_file_of_rules_is_named() -> None:
    config = REPOSITORY / "config"
    files = {path.relative_to(config).as_posix() for path in config.rglob("*.yaml")}
    for name in files - {path for path in files if path.startswith("lexicon/")}:
        assert f"`{name}`" in _read("docs/protocol.md"), name


@pytest.mark.parametrize("name", [name for name in SHOWN if name.startswith("docs/adr/0")])
def test_decisions_have_the_parts_of_the_template(name: str) -> None:
    def parts(text: str) -> list[str]:
        return re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert parts(_read(name)) == parts(_read("docs/adr/template.md"))
    assert _read(name).startswith(f"# {Path(name).name[:4]} ")
    assert f"]({Path(name).name})" in _read("docs/adr/README.md")
