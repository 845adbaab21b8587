"""Reading TwiML as strictly as the documentation describes it.

`parse` is pure. What Twilio cannot read at all raises `TwimlError` with Twilio's error code;
what it would refuse, warn about or ignore comes back as `problems`, because an application
that is correct has none. The table is `twiml_schema.py`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.etree import ElementTree  # nosec B405 - see parse: documents with a DOCTYPE are refused

from helpline.simulator.twiml_schema import (
    AT_MOST,
    ENDS_THE_DOCUMENT,
    KNOWN_ELSEWHERE,
    MUST,
    NONE,
    VOICE,
    Element,
    elements_of,
)

MAX_BYTES = 64 * 1024
CONTENT_TYPES = ("text/xml", "application/xml")
_XML = "{http://www.w3.org/XML/1998/namespace}"
_MARKUP = frozenset(VOICE["Say"].holds)


class TwimlError(Exception):
    """A document the carrier cannot use. `code` is one of Twilio's error codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Verb:
    """One element: its name, attributes, own text and nested elements."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple[Verb, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def flag(self, name: str, default: bool) -> bool:
        return self.attributes.get(name, str(default)).lower() == "true"

    def number(self, name: str, default: float) -> float:
        try:
            return float(self.attributes.get(name, default))
        except ValueError:
            return default


@dataclass(frozen=True)
class Document:
    """What a webhook answered, and everything that is wrong with it."""

    verbs: tuple[Verb, ...]
    problems: tuple[str, ...] = ()


def parse(body: bytes, content_type: str, kind: str) -> Document:
    """Read an answer; `kind` is a key of `twiml_schema.DOCUMENTS`, mostly `voice`.

    Raises TwimlError: 12300 wrong content type, 11750 too large, 12100 not XML,
    12102 not a `<Response>`. An empty 200 body is an empty document for messages.
    """
    if kind == "messaging" and not body.strip():
        return Document(())
    if len(body) > MAX_BYTES:
        raise TwimlError(11750, f"document of {len(body)} bytes, {MAX_BYTES} are allowed")
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise TwimlError(
            12300, f"content type {content_type!r} is not one of {', '.join(CONTENT_TYPES)}"
        )
    if b"<!DOCTYPE" in body:
        raise TwimlError(12100, "a document type declaration is not TwiML")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  # nosec B314
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"not well-formed: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, f"the outermost element is <{root.tag}>, not <Response>")
    reader = _Reader(elements_of(kind))
    verbs = reader.read(root).children
    reader.check_order(verbs)
    return Document(verbs, tuple(reader.problems))


class _Reader:
    """Turns elements into verbs and collects what is wrong with them."""

    def __init__(self, elements: dict[str, Element]) -> None:
        self.elements = elements
        self.problems: list[str] = []

    def read(self, element: ElementTree.Element) -> Verb:
        rule = self.elements[element.tag]
        self._check_attributes(element, rule)
        children = [self.read(child) for child in element if self._may_stand(child, element, rule)]
        self._check_counts(element.tag, children)
        text = self._text_of(element, rule)
        verb = Verb(element.tag, dict(element.attrib), text, tuple(children))
        self._check_words(verb, rule, holds_nothing=not len(element))
        return verb

    def check_order(self, verbs: tuple[Verb, ...]) -> None:
        """The rules that only show when the whole document is seen."""
        for number, verb in enumerate(verbs):
            if verb.name in ENDS_THE_DOCUMENT and number + 1 < len(verbs):
                self.problems.append(
                    f"<{verbs[number + 1].name}> after <{verb.name}> is unreachable"
                )
            if verb.name == "Reject" and number:
                self.problems.append("<Reject> is not the first verb: the call is already answered")

    def _may_stand(
        self, child: ElementTree.Element, parent: ElementTree.Element, rule: Element
    ) -> bool:
        if child.tag in rule.holds:
            return True
        if child.tag in KNOWN_ELSEWHERE:
            self.problems.append(f"<{child.tag}> is known to the carrier, but not performed here")
        elif child.tag in self.elements:
            self.problems.append(f"<{child.tag}> is not allowed in <{parent.tag}>")
        else:
            self.problems.append(f"<{child.tag}> is unknown in <{parent.tag}>")
        return False

    def _check_attributes(self, element: ElementTree.Element, rule: Element) -> None:
        for name, value in element.attrib.items():
            check = rule.attributes.get(name.replace(_XML, "xml:"))
            if check is None:
                self.problems.append(f"<{element.tag}> has no attribute {name!r}")
            elif not check(value):
                shown = value if len(value) <= 60 else value[:57] + "..."
                self.problems.append(f"<{element.tag}> {name}={shown!r} is not an allowed value")

    def _check_counts(self, parent: str, children: list[Verb]) -> None:
        for name, count in Counter(child.name for child in children).items():
            limit = AT_MOST.get((parent, name), count)
            if count > limit:
                self.problems.append(f"<{parent}> holds {count} <{name}>, {limit} are allowed")

    def _text_of(self, element: ElementTree.Element, rule: Element) -> str:
        """The element's words, with those of speech markup inside it, without outer blanks."""
        if element.tag == "Say" or element.tag in _MARKUP:
            return "".join(element.itertext()).strip()
        own = (element.text or "") + "".join(child.tail or "" for child in element)
        if own.strip() and rule.text == NONE:
            shown = own.strip()[:40]
            self.problems.append(f"text {shown!r} stands outside of a verb in <{element.tag}>")
        return own.strip()

    def _check_words(self, verb: Verb, rule: Element, holds_nothing: bool) -> None:
        name, text = verb.name, verb.text
        if rule.limit and len(text) > rule.limit:
            self.problems.append(f"<{name}> holds {len(text)} characters, {rule.limit} are allowed")
        if not text and (rule.text == MUST or (holds_nothing and _needs_something(verb))):
            self.problems.append(f"<{name}> is empty")
        if text and not rule.text_check(text):
            self.problems.append(f"<{name}> text {text[:60]!r} is not allowed")
        if name in ("Dial", "Message") and text and verb.children:
            self.problems.append(f"<{name}> holds both words and elements")
        if name == "Dial" and len({child.name for child in verb.children}) > 1:
            self.problems.append("<Dial> mixes nouns of several kinds")


def _needs_something(verb: Verb) -> bool:
    """Whether an element without words must have elements or an attribute instead."""
    return verb.name in ("Dial", "Message") or (
        verb.name == "Play" and "digits" not in verb.attributes
    )
