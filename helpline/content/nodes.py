"""YAML with line numbers: plain data of which every part knows where it stands.

Only what configuration needs: no tags, no merge keys, keys are text, and a
plain ``yes`` or ``08:00`` stays the text that was written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from helpline.content.problems import Place

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)$")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+$")
_WORDS: Mapping[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    "": None,
}

_INSIDE = (yaml.NodeEvent, yaml.CollectionEndEvent)
"""Events of a document's content; the others say where stream and documents begin and end."""

Report = Callable[[Place, str], None]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line it stands on."""

    value: "str | int | float | bool | tuple[Node, ...] | Mapping[str, Node] | None"
    place: Place

    def plain(self) -> object:
        """The value without lines."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def lined(self) -> object:
        """The value with ``__line__`` in every mapping."""
        if isinstance(self.value, Mapping):
            inner: dict[str, object] = {key: node.lined() for key, node in self.value.items()}
            return {**inner, "__line__": self.place.line}
        if isinstance(self.value, tuple):
            return [node.lined() for node in self.value]
        return self.value

    def children(self) -> Iterator["Node"]:
        """The nodes directly inside."""
        if isinstance(self.value, Mapping):
            yield from self.value.values()
        elif isinstance(self.value, tuple):
            yield from self.value

    def find(self, word: str) -> "Node | None":
        """The first scalar, or the value under the first key, that reads like this word."""
        if not isinstance(self.value, Mapping | tuple):
            return self if str(self.value) == word else None
        if isinstance(self.value, Mapping) and word in self.value:
            return self.value[word]
        return next((found for child in self.children() if (found := child.find(word))), None)


def read_yaml(path: Path, report: Report) -> Node | None:
    """The document of one file; mistakes go to `report`, None when nothing can be read."""
    start = Place(str(path), 1)
    builder = _Builder(str(path), report)
    try:
        # Events, not nodes of YAML's own: those are resolved to types that we do not use.
        document = builder.document(yaml.parse(path.read_text(encoding="utf-8"), Loader=_LOADER))
    except FileNotFoundError:
        report(start, "this file is missing")
    except (UnicodeDecodeError, OSError) as error:
        report(start, f"cannot be read: {error}")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        report(Place(str(path), line), f"not YAML: {getattr(error, 'problem', None) or error}")
    else:
        if document is None:
            report(start, "this file is empty")
        return document
    return None


class _Builder:
    """Nodes from the events of one file."""

    def __init__(self, file: str, report: Report) -> None:
        self.file = file
        self.report = report
        self.anchors: dict[str, Node | None] = {}  # None: still open
        self.places: dict[int, Place] = {}

    def document(self, events: Iterator[yaml.Event]) -> Node | None:
        self.events = (event for event in events if isinstance(event, _INSIDE))
        first = next(self.events, None)
        document = None if first is None else self.build(first)
        for more in self.events:  # also finds what is wrong after the document
            self.report(self.place(more), "a file holds one document")
            break
        return document

    def build(self, event: yaml.Event, place: Place | None = None) -> Node:
        place = place or self.place(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(str(event.anchor), place)
        if isinstance(event, yaml.ScalarEvent):
            return self.known_as(event.anchor, Node(_scalar(event), place))
        assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - an end has its start
        if event.anchor:
            self.anchors[event.anchor] = None
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        inner = self.mapping() if is_mapping else self.sequence()
        return self.known_as(event.anchor, Node(inner, place))

    def known_as(self, anchor: str | None, node: Node) -> Node:
        if anchor:
            self.anchors[anchor] = node
        return node

    def alias(self, anchor: str, place: Place) -> Node:
        if anchor not in self.anchors:
            self.report(place, f"there is no anchor {anchor!r} before this alias")
            return Node(None, place)
        node = self.anchors[anchor]
        if node is None:
            self.report(place, "an alias must not stand inside its own anchor")
            return Node(None, place)
        return Node(node.value, place)

    def place(self, event: yaml.Event) -> Place:
        line = event.start_mark.line + 1 if event.start_mark else 1
        place = self.places.get(line)
        if place is None:
            place = self.places[line] = Place(self.file, line)
        return place

    def mapping(self) -> dict[str, Node]:
        inner: dict[str, Node] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            place = self.place(key)
            self.build(key)
            value = self.build(next(self.events), place)
            if not isinstance(key, yaml.ScalarEvent):
                self.report(place, "a key must be a word")
            elif key.value in inner:
                first = inner[key.value].place.line
                self.report(place, f"duplicate key {key.value!r}, first on line {first}")
            else:
                inner[key.value] = value
        return inner

    def sequence(self) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.build(event))
        return tuple(items)


def _scalar(event: yaml.ScalarEvent) -> str | int | float | bool | None:
    text = str(event.value)
    if event.style:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text
