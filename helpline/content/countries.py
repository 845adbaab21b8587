"""``countries.yaml``: the languages that are offered and one pack of numbers per country."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.content.wordings import read_message
from helpline.domain.countries import CountryPack, LocalWords
from helpline.domain.phone import find_phone
from helpline.domain.protocol import Message

_TOP = ("languages", "fallback", "stale_after_days", "packs")
_REQUIRED = (
    "calling_codes",
    "emergency",
    "crisis",
    "crisis_text",
    "medline",
    "never_dial",
    "lines",
)
_PACK = (*_REQUIRED, "poison", "words")
_VALUES = {"emergency": "EMG", "crisis": "CRISIS", "poison": "POISON", "medline": "MEDLINE"}
_WORDS = (*_VALUES, "replace", "messages")
_LINE = ("role", "name", "contact", "hours", "source", "confidence", "verified_at", "verified_by")
_ROLES = {
    "emergency": ("emergency",),
    "crisis": ("crisis", "crisis+substance"),
    "poison": ("poison", "medical"),
    "medline": ("medical",),
}
_ISO = re.compile(r"[A-Z]{2}$")
_NUMBER = re.compile(r"\d[\d\s\-]*")
_SPELLED = re.compile(r"(?<=\b\d),? (?=\d\b)")


@dataclass(frozen=True, slots=True)
class Geography:
    """Everything in ``countries.yaml``."""

    offered: tuple[str, ...]
    fallback: str
    stale_after: timedelta
    packs: Mapping[str, CountryPack]


def read_countries(notebook: Notebook) -> Geography:
    """Read the packs; a number without a confirmed line is a mistake."""
    document = notebook.document("countries.yaml")
    fields = notebook.fields(document, "countries.yaml", _TOP, required=_TOP)
    packs = {}
    for iso, node in notebook.entries(fields.get("packs"), "packs").items():
        if not _ISO.match(iso):
            notebook.wrong(node.place, f"{iso!r} should be a two-letter country code")
        notebook.define("country", iso, node.place)
        packs[iso] = _pack(notebook, iso, node)
    offered = notebook.items(fields.get("languages"), "languages")
    fallback = fields.get("fallback")
    return Geography(
        offered=tuple(notebook.mention("language", node) for node in offered),
        fallback=notebook.mention("country", fallback) if fallback else "",
        stale_after=timedelta(days=notebook.whole(fields.get("stale_after_days"), 180)),
        packs=packs,
    )


def _pack(notebook: Notebook, iso: str, node: Node) -> CountryPack:
    fields = notebook.fields(node, f"country {iso}", _PACK, required=_REQUIRED)
    lines = tuple(_line(notebook, item) for item in notebook.items(fields.get("lines"), "lines"))
    never_dial = frozenset(notebook.words(fields.get("never_dial"), "never_dial"))
    _check_numbers(notebook, fields, lines)
    _check_never_dial(notebook, node, fields, never_dial)
    return CountryPack(
        iso=iso,
        calling_codes=notebook.words(fields.get("calling_codes"), "calling_codes"),
        emergency=notebook.text(fields.get("emergency")),
        crisis=notebook.text(fields.get("crisis")),
        crisis_text=notebook.truth(fields.get("crisis_text")),
        poison=notebook.optional_text(fields.get("poison")),
        medline=notebook.text(fields.get("medline")),
        never_dial=never_dial,
        lines=lines,
        words=_local(notebook, iso, fields.get("words"), lines),
    )


def _line(notebook: Notebook, node: Node) -> dict[str, str]:
    fields = notebook.fields(node, "line", (*_LINE, "dial"), required=_LINE)
    line = {key: notebook.optional_text(value) or "" for key, value in fields.items()}
    confidence = fields.get("confidence")
    if confidence is not None and line["confidence"] != "H":
        notebook.wrong(
            confidence.place,
            f"{line.get('name', 'a line')}: only numbers of confidence H may be used,"
            f" not {line['confidence'] or 'none'}",
        )
    checked = fields.get("verified_at")
    if checked is not None and line["verified_at"]:
        try:
            date.fromisoformat(line["verified_at"])
        except ValueError:
            notebook.wrong(checked.place, "verified_at is a date such as 2026-06-02, or null")
    dial = fields.get("dial")
    if dial is not None and find_phone(line["dial"]) is None:
        notebook.wrong(dial.place, f"dial {line['dial']!r} is not an international number")
    return line


def _check_numbers(
    notebook: Notebook, fields: Mapping[str, Node], lines: tuple[Mapping[str, str], ...]
) -> None:
    """Every number that callers are given stands among the confirmed lines of its role."""
    for name, roles in _ROLES.items():
        node = fields.get(name)
        if node is None or node.value is None:
            continue
        contacts = [line.get("contact", "") for line in lines if line.get("role") in roles]
        _check_known(notebook, node, f"{name} {notebook.text(node)}", contacts)


def _check_known(notebook: Notebook, node: Node, what: str, contacts: list[str]) -> None:
    known = {_digits(number) for contact in contacts for number in _NUMBER.findall(contact)}
    for number in _NUMBER.findall(_SPELLED.sub("", notebook.text(node))):
        if len(_digits(number)) > 2 and _digits(number) not in known:
            notebook.wrong(node.place, f"{what}: {number.strip()} is not among the confirmed lines")


def _check_never_dial(
    notebook: Notebook, pack: Node, fields: Mapping[str, Node], never_dial: frozenset[str]
) -> None:
    node = fields.get("never_dial", pack)
    for name in ("emergency", "crisis", "poison", "medline"):
        value = fields.get(name)
        for number in _NUMBER.findall(notebook.optional_text(value) or "" if value else ""):
            digits = _digits(number)
            if len(digits) <= 6 and digits not in never_dial:
                notebook.wrong(node.place, f"never_dial lacks the {name} number {digits}")
    for number in never_dial:
        if not number.isdecimal():
            notebook.wrong(node.place, f"never_dial takes digits only, not {number!r}")


def _local(
    notebook: Notebook, iso: str, node: Node | None, lines: tuple[Mapping[str, str], ...]
) -> dict[str, LocalWords]:
    words = {}
    contacts = [line.get("contact", "") for line in lines]
    for language, own in notebook.entries(node, "words").items():
        notebook.mention("language", own, language)
        fields = notebook.fields(own, f"{iso} words {language}", _WORDS)
        for name in (*_VALUES, "replace", "messages"):
            for text in _texts(fields.get(name)):
                _check_known(notebook, text, f"{iso} words", contacts)
        words[language] = LocalWords(
            values={
                placeholder: notebook.text(fields[name])
                for name, placeholder in _VALUES.items()
                if name in fields
            },
            replace=tuple(
                (old, notebook.text(new))
                for old, new in notebook.entries(fields.get("replace"), "replace").items()
            ),
            messages=_own_messages(notebook, iso, language, fields.get("messages")),
        )
    return words


def _own_messages(
    notebook: Notebook, iso: str, language: str, node: Node | None
) -> dict[str, Message]:
    messages = {}
    for key, entry in notebook.entries(node, "messages").items():
        notebook.mention("message", entry, key)
        notebook.define(f"message of {iso} in {language}", key, entry.place)
        messages[key] = read_message(notebook, key, entry)
    return messages


def _texts(node: Node | None) -> list[Node]:
    if node is None:
        return []
    children = list(node.children())
    if not children:
        return [node] if isinstance(node.value, str) else []
    return [text for child in children for text in _texts(child)]


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
