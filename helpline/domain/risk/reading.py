"""Reading the lexicon's files: from plain data to rows, or every mistake at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from helpline.domain.risk.model import SEVERITIES, Entry, Problem, Slot, Template

REMARKS = frozenset(
    {"negation", "pseudo_negation", "contrast", "joke", "quote", "forward"}
    | {"past_old", "past_recent", "past_days", "past_day", "present"}
)
ROLES = REMARKS | {"hit", "mask"}
_ROW_KEYS = frozenset(
    {"severity", "role", "variants", "templates", "tags", "comment", "needs", "raise", "alone"}
    | {"not_before", "not_after", "covers", "masks_emergency", "id", "__line__"}
)
_COMBINATION_KEYS = frozenset(
    {"id", "title", "category", "severity", "tags", "all", "rows_of", "at_least", "comment"}
    | {"__line__"}
)
_SECTIONS = frozenset(
    {"categories", "lists", "spelling", "correct", "real_words", "fillers", "combinations"}
    | {"courtesies"}
    | {"answers", "about", "__line__"}
)
_DEFAULT_WITHIN = 5


class _Reader:
    def __init__(self, document: str) -> None:
        self.document = document
        self.language = document.split("/")[0] if "/" in document else "en"
        self.problems: list[Problem] = []
        self.entries: list[Entry] = []

    def wrong(self, path: str, message: str) -> None:
        self.problems.append(Problem(self.document, path, message))

    def source(self, data: object, path: str) -> str:
        line = data.get("__line__") if isinstance(data, Mapping) else None
        return f"{self.document}:{line}" if line else f"{self.document}:{path}"

    def mapping(self, data: object, path: str) -> Mapping[str, object]:
        if isinstance(data, Mapping):
            return data
        self.wrong(path, "should be a mapping")
        return {}

    def sequence(self, data: object, path: str) -> Sequence[object]:
        if data is None:
            return ()
        if isinstance(data, Sequence) and not isinstance(data, str):
            return data
        self.wrong(path, "should be a list")
        return ()

    def words(self, data: object, path: str) -> tuple[str, ...]:
        """A list of words; numbers that YAML read as such become words again."""
        words: list[str] = []
        for index, word in enumerate(self.sequence(data, path)):
            if isinstance(word, bool) or not isinstance(word, str | int):
                self.wrong(f"{path}[{index}]", f"{word!r} should be text; put it in quotes")
            else:
                words.append(str(word))
        return tuple(words)

    def text(self, data: object, path: str) -> str:
        if data is None:
            return ""
        if isinstance(data, str):
            return data
        self.wrong(path, "should be text")
        return ""

    def severity(self, data: object, path: str) -> str:
        if isinstance(data, str) and data in SEVERITIES:
            return data
        self.wrong(path, f"severity {data!r} is none of E, C, L, W, T, M")
        return "T"

    def unknown_keys(self, data: Mapping[str, object], known: frozenset[str], path: str) -> None:
        for key in data:
            if key not in known:
                self.wrong(f"{path}.{key}" if path else str(key), "is not a known key")

    def read(self, data: object) -> None:
        document = self.mapping(data, "")
        self.unknown_keys(document, _SECTIONS, "")
        for index, category in enumerate(self.sequence(document.get("categories"), "categories")):
            self.category(category, f"categories[{index}]")
        for name, words in self.mapping(document.get("lists", {}), "lists").items():
            if name != "__line__":
                self.simple("list", name, self.words(words, f"lists.{name}"), f"lists.{name}")
        for section, kind in (
            ("correct", "correct"),
            ("real_words", "real_word"),
            ("fillers", "filler"),
            ("courtesies", "courtesy"),
        ):
            if section in document:
                self.simple(kind, section, self.words(document[section], section), section)
        for meaning, words in self.mapping(document.get("spelling", {}), "spelling").items():
            if meaning != "__line__":
                path = f"spelling.{meaning}"
                self.simple("spelling", path, self.words(words, path), path, str(meaning))
        rows = self.sequence(document.get("combinations"), "combinations")
        for index, row in enumerate(rows):
            self.combination(row, f"combinations[{index}]")

    def simple(
        self, kind: str, name: str, words: tuple[str, ...], path: str, meaning: str = ""
    ) -> None:
        self.entries.append(
            Entry(
                id=name, category="", severity="M", language=self.language, phrases=words,
                kind=kind, meaning=meaning, source=self.source(None, path),
            )
        )  # fmt: skip

    def category(self, data: object, path: str) -> None:
        category = self.mapping(data, path)
        self.unknown_keys(category, frozenset({"id", "title", "note", "rows", "__line__"}), path)
        name = self.text(category.get("id"), f"{path}.id")
        if not name.startswith("lex."):
            self.wrong(f"{path}.id", f"{name!r} should look like lex.A1")
        if not self.text(category.get("title"), f"{path}.title"):
            self.wrong(f"{path}.title", "is missing")
        self.text(category.get("note"), f"{path}.note")
        for index, row in enumerate(self.sequence(category.get("rows"), f"{path}.rows")):
            self.row(name, index, row, f"{path}.rows[{index}]")

    def row(self, category: str, index: int, data: object, path: str) -> None:
        row = self.mapping(data, path)
        self.unknown_keys(row, _ROW_KEYS, path)
        role = self.text(row.get("role", "hit"), f"{path}.role")
        if role not in ROLES:
            self.wrong(f"{path}.role", f"{role!r} is none of {', '.join(sorted(ROLES))}")
        phrases = self.words(row.get("variants"), f"{path}.variants")
        templates = tuple(self.templates(row, path))
        if not phrases and not templates:
            self.wrong(path, "has neither variants nor templates")
        entry = Entry(
            id=self.text(row.get("id"), f"{path}.id") or f"{category}.{self.language}.{index + 1}",
            category=category,
            severity=self.severity(row.get("severity", "M"), f"{path}.severity"),
            language=self.language,
            phrases=phrases,
            templates=templates,
            tags=frozenset(self.words(row.get("tags"), f"{path}.tags")),
            comment=self.text(row.get("comment"), f"{path}.comment"),
            source=self.source(row, path),
            kind=role,
            covers=bool(row.get("covers") or row.get("masks_emergency")),
        )
        self.entries.append(self.conditions(entry, row, path))

    def conditions(self, entry: Entry, row: Mapping[str, object], path: str) -> Entry:
        """The entry with what raises it, what it needs and what may not stand beside it."""
        raised = self.mapping(row.get("raise", {}), f"{path}.raise")
        self.unknown_keys(raised, frozenset({"to", "with", "tags", "__line__"}), f"{path}.raise")
        alone = row.get("alone")
        return replace(
            entry,
            needs=frozenset(self.words(row.get("needs"), f"{path}.needs")),
            raise_to=self.severity(raised.get("to"), f"{path}.raise.to") if raised else "",
            raise_with=frozenset(self.words(raised.get("with"), f"{path}.raise.with")),
            raise_tags=frozenset(self.words(raised.get("tags"), f"{path}.raise.tags")),
            alone=self.severity(alone, f"{path}.alone") if alone is not None else "",
            not_before=frozenset(self.words(row.get("not_before"), f"{path}.not_before")),
            not_after=frozenset(self.words(row.get("not_after"), f"{path}.not_after")),
        )

    def templates(self, row: Mapping[str, object], path: str) -> Iterator[Template]:
        rows = self.sequence(row.get("templates"), f"{path}.templates")
        for index, data in enumerate(rows):
            where = f"{path}.templates[{index}]"
            template = self.mapping(data, where)
            self.unknown_keys(
                template, frozenset({"slots", "within", "not_between", "__line__"}), where
            )
            within = template.get("within", _DEFAULT_WITHIN)
            if isinstance(within, bool) or not isinstance(within, int) or not 0 <= within <= 12:
                self.wrong(f"{where}.within", "should be a whole number from 0 to 12")
                within = _DEFAULT_WITHIN
            slots = self.sequence(template.get("slots"), f"{where}.slots")
            yield Template(
                tuple(self.slot(s, f"{where}.slots[{n}]") for n, s in enumerate(slots)),
                within,
                self.words(template.get("not_between"), f"{where}.not_between"),
            )

    def slot(self, data: object, path: str) -> Slot:
        names = (data,) if isinstance(data, str) else self.words(data, path)
        if not names:
            self.wrong(path, "is empty")
        lists = tuple(n for n in names if n.startswith("<") and n != "<number>")
        return Slot(tuple(n for n in names if n not in lists), tuple(n.strip("<>") for n in lists))

    def combination(self, data: object, path: str) -> None:
        row = self.mapping(data, path)
        self.unknown_keys(row, _COMBINATION_KEYS, path)
        alternatives = self.sequence(row.get("all"), f"{path}.all")
        at_least = row.get("at_least", 0)
        if not isinstance(at_least, int):
            self.wrong(f"{path}.at_least", "should be a whole number")
            at_least = 0
        all_of = tuple(
            frozenset(self.words([one] if isinstance(one, str) else one, f"{path}.all[{n}]"))
            for n, one in enumerate(alternatives)
        )
        rows_of = self.text(row.get("rows_of"), f"{path}.rows_of")
        if not all_of and not rows_of:
            self.wrong(path, "needs 'all' or 'rows_of'")
        self.entries.append(
            Entry(
                id=self.text(row.get("id"), f"{path}.id"),
                category=self.text(row.get("category"), f"{path}.category"),
                severity=self.severity(row.get("severity"), f"{path}.severity"),
                language=self.language,
                tags=frozenset(self.words(row.get("tags"), f"{path}.tags")),
                comment=self.text(row.get("comment"), f"{path}.comment"),
                source=self.source(row, path),
                kind="combination",
                all_of=all_of,
                rows_of=rows_of,
                at_least=at_least,
            )
        )


def parse_entries(documents: Mapping[str, object]) -> tuple[list[Entry], list[Problem]]:
    """Rows of all documents, already parsed from YAML, and every mistake in them.

    Names look like ``en/suicide.yaml``; what stands before the slash is the language.
    A loader that knows lines may put ``__line__`` into mappings.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for name in sorted(documents):
        reader = _Reader(name)
        reader.read(documents[name])
        entries.extend(reader.entries)
        problems.extend(reader.problems)
    return entries, problems


def answer_words(documents: Mapping[str, object]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The answer words by language and digit, from each language's ``answers`` section."""
    answers: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in sorted(documents):
        data = documents[name]
        section = data.get("answers") if isinstance(data, Mapping) else None
        if isinstance(section, Mapping):
            reader = _Reader(name)
            answers[reader.language] = {
                str(digit): reader.words(words, f"answers.{digit}")
                for digit, words in section.items()
                if digit != "__line__"
            }
    return answers
