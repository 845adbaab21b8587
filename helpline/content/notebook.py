"""What is noted while the files are read: mistakes, names that exist, names that are used."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path

from helpline.content.nodes import Node, read_yaml
from helpline.content.problems import Place, Problem
from helpline.domain.conditions import ALWAYS, Condition, ConditionError, parse

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that somebody used and that must exist."""

    kind: str
    name: str
    place: Place


@dataclass(slots=True)
class Notebook:
    """Shared by the readers of all files; reading goes on after a mistake."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    documents: dict[str, object] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    conditions: list[tuple[Condition, Node]] = field(default_factory=list)

    def wrong(self, place: Place, message: str) -> None:
        """Note a mistake; the same one twice (through a YAML anchor) counts once."""
        problem = Problem(place.file, place.line, message)
        if problem not in self.problems:
            self.problems.append(problem)

    def document(self, name: str) -> Node | None:
        """Read one file of the configuration."""
        node = read_yaml(self.root / name, self.wrong)
        if node is not None:
            self.documents[name] = node.plain()
        return node

    def start_of(self, name: str) -> Place:
        """The first line of a file, for what is missing from it."""
        return Place(str(self.root / name), 1)

    def define(self, kind: str, name: str, place: Place) -> None:
        """This name exists from here on."""
        first = self.places.setdefault((kind, name), place)
        if first is not place:
            self.wrong(place, f"{kind} {name} stands already on line {first.line}")

    def place_of(self, kind: str, name: str) -> Place:
        """Where a defined name stands."""
        return self.places[(kind, name)]

    def mention(self, kind: str, node: Node, name: str | None = None) -> str:
        """Note that a name is used; it is looked up when every file is read."""
        text = name if name is not None else self.text(node)
        if text:
            self.mentions.append(Mention(kind, text, node.place))
        return text

    # --- parts of a document ---------------------------------------------------

    def entries(self, node: Node | None, what: str) -> Mapping[str, Node]:
        """The entries of a mapping whose keys are names."""
        if node is None:
            return {}
        if isinstance(node.value, Mapping):
            return node.value
        self.wrong(node.place, f"{what} should be a mapping, not {_shown(node)}")
        return {}

    def fields(
        self, node: Node | None, what: str, known: Collection[str], required: Collection[str] = ()
    ) -> Mapping[str, Node]:
        """The entries of a mapping whose keys are fixed."""
        entries = self.entries(node, what)
        for key, value in entries.items():
            if key not in known:
                meant = did_you_mean(key, known)
                listed = ", ".join(sorted(known))
                self.wrong(value.place, f"{what}: unknown key {key!r}{meant}; known: {listed}")
        if node is not None and isinstance(node.value, Mapping):
            for key in required:
                if key not in entries:
                    self.wrong(node.place, f"{what}: {key} is missing")
        return {key: value for key, value in entries.items() if key in known}

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """The items of a list."""
        if node is None:
            return ()
        if isinstance(node.value, tuple):
            return node.value
        self.wrong(node.place, f"{what} should be a list, not {_shown(node)}")
        return ()

    # --- values ------------------------------------------------------------------

    def text(self, node: Node | None, default: str = "") -> str:
        """Text; a number that was not quoted stays the text it was only when it is whole."""
        if node is None:
            return default
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return str(node.value)
        self.wrong(node.place, f"expected text, not {_shown(node)}")
        return default

    def optional_text(self, node: Node | None) -> str | None:
        """Text or nothing at all (null)."""
        return None if node is None or node.value is None else self.text(node)

    def one_of(self, node: Node | None, known: Collection[str], default: str) -> str:
        """One of a few words."""
        text = self.text(node, default)
        if node is not None and text not in known:
            listed = ", ".join(sorted(known))
            self.wrong(
                node.place, f"{text!r} is not known{did_you_mean(text, known)}; known: {listed}"
            )
            return default
        return text

    def truth(self, node: Node | None, *, default: bool = False) -> bool:
        """True or false."""
        if node is None:
            return default
        if isinstance(node.value, bool):
            return node.value
        self.wrong(node.place, f"expected true or false, not {_shown(node)}")
        return default

    def whole(self, node: Node | None, default: int = 0) -> int:
        """A whole number that is not negative."""
        if node is None:
            return default
        if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 0:
            return node.value
        self.wrong(node.place, f"expected a whole number, not {_shown(node)}")
        return default

    def seconds(self, node: Node | None) -> timedelta:
        """A duration, written in seconds."""
        return timedelta(seconds=self.whole(node))

    def clock(self, node: Node | None) -> time:
        """A time of day such as "08:00"."""
        match = _CLOCK.match(self.text(node, "00:00"))
        if match is None:
            if node is not None:
                self.wrong(node.place, f'expected a time such as "08:00", not {_shown(node)}')
            return time(0)
        return time(int(match[1]), int(match[2]))

    def words(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts; one text stands for a list of one."""
        if node is None:
            return ()
        if not isinstance(node.value, tuple | Mapping):
            return (self.text(node),)
        return tuple(self.text(item) for item in self.items(node, what))

    def condition(self, node: Node | None) -> Condition:
        """A condition; what it refers to is checked when every file is read."""
        if node is None or node.value is None:
            return ALWAYS
        try:
            condition = parse(node.plain())
        except ConditionError:
            for part, reason in _unreadable(node):
                self.wrong(part.place, reason)
            return ALWAYS
        self.conditions.append((condition, node))
        return condition


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A hint when a name is nearly right."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _shown(node: Node) -> str:
    return "nothing" if node.value is None else repr(node.plain())


def _unreadable(node: Node) -> Iterator[tuple[Node, str]]:
    """The innermost parts of a condition that cannot be read."""
    try:
        parse(node.plain())
        return
    except ConditionError as error:
        reason = str(error)
    inner = node.value if isinstance(node.value, Mapping) else {}
    parts = [inner["not"]] if "not" in inner else []
    for key in ("all", "any"):
        if key in inner and isinstance(inner[key].value, tuple):
            parts.extend(inner[key].children())
    deeper = [found for part in parts for found in _unreadable(part)]
    yield from deeper or [(node, reason)]
