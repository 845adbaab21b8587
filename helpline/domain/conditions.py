"""The small language in which the protocol's rules are written.

A condition is data that a clinician can read (``{answer: {SQ1: [1, 2]}}``) and
a pure question about the facts of one case. Leaves may be combined with
``all``, ``any`` and ``not``. `parse` turns plain data into conditions and
raises `ConditionError` with a sentence that says what is wrong.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from typing import Protocol as Interface

from helpline.domain.disposition import Disposition


class ConditionError(ValueError):
    """A condition in the configuration that cannot be understood."""


class Facts(NamedTuple):
    """What is known of a case at one moment.

    `hits` holds lexicon categories (``lex.A1``), meaning tags (``violence``) and
    levels (``level.CRISIS``) found in the caller's words of the last 24 hours.
    """

    answers: Mapping[str, Sequence[str]]
    flags: Collection[str]
    hits: Collection[str]
    path: str | None
    floor: Disposition
    staffed: bool
    country: str


class Condition(Interface):
    """Anything that can be asked of the facts."""

    def holds(self, facts: Facts) -> bool:
        """Is it so?"""
        ...

    def parts(self) -> "Sequence[Condition]":
        """Conditions inside this one, for the loader's checks."""
        ...


class _Leaf:
    __slots__ = ()

    def parts(self) -> Sequence[Condition]:
        return ()


@dataclass(frozen=True, slots=True)
class Always(_Leaf):
    """No condition at all. There is one; a kept copy is the same one."""

    def __reduce__(self) -> str:
        return "ALWAYS"

    def holds(self, facts: Facts) -> bool:
        return True


ALWAYS = Always()


@dataclass(frozen=True, slots=True)
class Answered(_Leaf):
    """At least `at_least` of `choices` were chosen at `question`."""

    question: str
    choices: frozenset[str]
    at_least: int = 1

    def holds(self, facts: Facts) -> bool:
        given = facts.answers.get(self.question)
        if given is None:
            return False
        if self.at_least == 1:
            return not self.choices.isdisjoint(given)
        return sum(choice in self.choices for choice in given) >= self.at_least


@dataclass(frozen=True, slots=True)
class Unanswered(_Leaf):
    """The question has not been answered yet."""

    question: str

    def holds(self, facts: Facts) -> bool:
        return self.question not in facts.answers


@dataclass(frozen=True, slots=True)
class Flagged(_Leaf):
    """Any of the flags is set."""

    flags: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        return not self.flags.isdisjoint(facts.flags)


@dataclass(frozen=True, slots=True)
class FlagCount(_Leaf):
    """At least `at_least` of the flags are set (the +1 rule of PROTOCOL 3.2)."""

    flags: frozenset[str]
    at_least: int

    def holds(self, facts: Facts) -> bool:
        return sum(flag in self.flags for flag in facts.flags) >= self.at_least


@dataclass(frozen=True, slots=True)
class Heard(_Leaf):
    """Any of these categories, tags or levels was found in the caller's words."""

    names: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        return not self.names.isdisjoint(facts.hits)


@dataclass(frozen=True, slots=True)
class OnPath(_Leaf):
    """The caller is on one of these paths (self, other, rx)."""

    paths: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        return facts.path in self.paths


@dataclass(frozen=True, slots=True)
class FloorAtLeast(_Leaf):
    """The case has reached this floor."""

    floor: Disposition

    def holds(self, facts: Facts) -> bool:
        return facts.floor >= self.floor


@dataclass(frozen=True, slots=True)
class Staffed(_Leaf):
    """Somebody below supervisor can be reached now (CONTRACT 2)."""

    staffed: bool

    def holds(self, facts: Facts) -> bool:
        return facts.staffed is self.staffed


@dataclass(frozen=True, slots=True)
class InCountry(_Leaf):
    """The caller's country is one of these (ISO codes)."""

    countries: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        return facts.country in self.countries


@dataclass(frozen=True, slots=True)
class Every:
    """All of the inner conditions hold."""

    inner: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        for condition in self.inner:  # noqa: SIM110 - asked dozens of times a text, a loop is faster
            if not condition.holds(facts):
                return False
        return True

    def parts(self) -> Sequence[Condition]:
        return self.inner


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the inner conditions holds."""

    inner: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        for condition in self.inner:  # noqa: SIM110 - as above
            if condition.holds(facts):
                return True
        return False

    def parts(self) -> Sequence[Condition]:
        return self.inner


@dataclass(frozen=True, slots=True)
class Negated:
    """The inner condition does not hold."""

    inner: Condition

    def holds(self, facts: Facts) -> bool:
        return not self.inner.holds(facts)

    def parts(self) -> Sequence[Condition]:
        return (self.inner,)


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition and everything inside it."""
    yield condition
    for part in condition.parts():
        yield from walk(part)


def parse(data: object) -> Condition:
    """Read a condition from plain data; several keys in one mapping must all hold.

    Raises:
        ConditionError: with what is wrong and what would be understood.
    """
    if data is None:
        return ALWAYS
    if not isinstance(data, Mapping) or not data:
        raise ConditionError(f"a condition is a mapping such as {{flag: MIX}}, not {data!r}")
    inner = tuple(_parse_one(str(key), value) for key, value in data.items())
    return inner[0] if len(inner) == 1 else Every(inner)


def _parse_one(key: str, value: object) -> Condition:
    reader = _READERS.get(key)
    if reader is None:
        raise ConditionError(f"unknown condition {key!r}; known: {', '.join(sorted(_READERS))}")
    return reader(value)


def _names(value: object) -> frozenset[str]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str | int) for item in items):
        raise ConditionError(f"expected a name or a list of names, not {value!r}")
    return frozenset(str(item) for item in items)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not value:
        raise ConditionError(f"{what}, not {value!r}")
    return value


def _answer(value: object) -> Condition:
    wanted = _mapping(value, "answer takes {question: [choices]}")
    leaves = tuple(Answered(str(q), _names(choices)) for q, choices in wanted.items())
    return leaves[0] if len(leaves) == 1 else Every(leaves)


def _several(value: object) -> Condition:
    wanted = _mapping(value, "several takes {question: …, of: [choices], at_least: n}")
    at_least = wanted.get("at_least")
    if set(wanted) != {"question", "of", "at_least"} or not isinstance(at_least, int):
        raise ConditionError("several takes exactly question, of and at_least (a number)")
    return Answered(str(wanted["question"]), _names(wanted["of"]), at_least)


def _flag_count(value: object) -> Condition:
    wanted = _mapping(value, "flags takes {of: [flags], at_least: n}")
    at_least = wanted.get("at_least")
    if set(wanted) != {"of", "at_least"} or not isinstance(at_least, int):
        raise ConditionError("flags takes exactly of and at_least (a number)")
    return FlagCount(_names(wanted["of"]), at_least)


def _floor(value: object) -> Condition:
    try:
        return FloorAtLeast(Disposition[str(value)])
    except KeyError:
        known = ", ".join(disposition.name for disposition in Disposition)
        raise ConditionError(f"unknown floor {value!r}; known: {known}") from None


def _staffed(value: object) -> Condition:
    if not isinstance(value, bool):
        raise ConditionError(f"staffed is true or false, not {value!r}")
    return Staffed(value)


def _list(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, list) or not value:
        raise ConditionError(f"all and any take a list of conditions, not {value!r}")
    return tuple(parse(item) for item in value)


_READERS: Mapping[str, Callable[[object], Condition]] = {
    "all": lambda value: Every(_list(value)),
    "any": lambda value: Either(_list(value)),
    "not": lambda value: Negated(parse(value)),
    "answer": _answer,
    "unanswered": lambda value: Unanswered(str(value)),
    "several": _several,
    "flag": lambda value: Flagged(_names(value)),
    "flags": _flag_count,
    "heard": lambda value: Heard(_names(value)),
    "path": lambda value: OnPath(_names(value)),
    "floor": _floor,
    "staffed": _staffed,
    "country": lambda value: InCountry(_names(value)),
}
