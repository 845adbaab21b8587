"""Every name that is used must exist: states, messages, flags, questions, choices, words."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook, did_you_mean
from helpline.content.states import Flow
from helpline.content.words import Vocabulary
from helpline.domain.conditions import (
    Answered,
    Condition,
    FlagCount,
    Flagged,
    Heard,
    InCountry,
    OnPath,
    Unanswered,
    walk,
)
from helpline.domain.protocol import PATHS
from helpline.domain.risk import Level

_LEVELS = frozenset(f"level.{level.name}" for level in Level)
_PREFIXES = frozenset(level.name.lower() for level in Level)


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that a condition may refer to."""

    choices: Mapping[str, Collection[str]]
    messages: Collection[str]
    flags: Collection[str]
    heard: Collection[str]
    tags: Collection[str]
    countries: Collection[str]

    def unknown(self, condition: Condition) -> Iterator[tuple[str, str]]:
        """Names that do not exist, each with what is wrong about it."""
        match condition:
            case Answered(question, choices, _) if question not in self.choices:
                yield (
                    question,
                    f"{question} is not a question" + did_you_mean(question, self.choices),
                )
            case Answered(question, choices, _):
                known = self.choices[question]
                for choice in sorted(choices.difference(known)):
                    listed = ", ".join(sorted(known))
                    yield choice, f"{question} has no choice {choice}; known: {listed}"
            case Unanswered(question) if question not in self.messages:
                yield (
                    question,
                    f"{question} is not a message" + did_you_mean(question, self.messages),
                )
            case Flagged(flags) | FlagCount(flags, _):
                yield from _absent("flag", flags, self.flags)
            case Heard(names):
                unheard = frozenset(name for name in names if not self.can_be_heard(name))
                yield from _absent("lexicon category or tag", unheard, self.heard)
            case OnPath(paths):
                yield from _absent("path", paths, PATHS)
            case InCountry(countries):
                yield from _absent("country", countries, self.countries)

    def can_be_heard(self, name: str) -> bool:
        """Is it a category, a tag, a level, or a tag at a level such as ``crisis.violence``?"""
        prefix, dot, tag = name.partition(".")
        at_level = bool(dot) and prefix in _PREFIXES and tag in self.tags
        return name in self.heard or at_level


def check_references(
    notebook: Notebook, flow: Flow, vocabulary: Vocabulary, countries: Collection[str]
) -> None:
    """Look up every mention and every name inside a condition."""
    defined: dict[str, set[str]] = {}
    for kind, name in notebook.places:
        defined.setdefault(kind, set()).add(name)
    defined["tag"] = set(vocabulary.tags)
    for mention in notebook.mentions:
        known = defined.get(mention.kind, set())
        if mention.name not in known:
            hint = did_you_mean(mention.name, known)
            notebook.wrong(mention.place, f"there is no {mention.kind} {mention.name}{hint}")
    names = Names(
        choices=_choices(flow),
        messages=defined.get("message", set()),
        flags=flow.flags,
        heard=_LEVELS | vocabulary.categories | vocabulary.tags,
        tags=vocabulary.tags,
        countries=countries,
    )
    for condition, node in notebook.conditions:
        _check_condition(notebook, names, condition, node)


def _check_condition(notebook: Notebook, names: Names, condition: Condition, node: Node) -> None:
    for part in walk(condition):
        for name, message in names.unknown(part):
            notebook.wrong((node.find(name) or node).place, message)


def _choices(flow: Flow) -> dict[str, set[str]]:
    """The choices of every question; one that silence asks takes the usual three."""
    choices: dict[str, set[str]] = {}
    for state in flow.states.values():
        for question in state.questions:
            known = choices.setdefault(question.message, set())
            known.update(question.answers)
            known.update(question.suffix or "")
    for steps in flow.silence.values():
        for step in steps:
            if step.act == "ask" and step.message:
                choices.setdefault(step.message, {"1", "2", "3"})
    return choices


def _absent(what: str, names: Collection[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        if name not in known:
            yield name, f"there is no {what} {name}{did_you_mean(name, known)}"
