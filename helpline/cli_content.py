"""The bodies of ``check-config`` and ``protocol draw``; `helpline.cli` wires them in."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TextIO

from helpline.content import ContentError, ContentSummary, summarise
from helpline.domain.conditions import (
    ALWAYS,
    Answered,
    Condition,
    Either,
    Every,
    FlagCount,
    Flagged,
    FloorAtLeast,
    Heard,
    InCountry,
    Negated,
    OnPath,
    Staffed,
    Unanswered,
)
from helpline.domain.protocol import Branch, Protocol, Question, State

_GROUPS: Mapping[str, str] = {
    "all": "Everyone",
    "self": "For yourself",
    "other": "For someone else",
    "rx": "Prescribed ketamine",
    "shared": "Shared by several paths",
    "danger": "Danger: numbers first, a human at once",
}


def print_check(config_dir: Path, out: TextIO = sys.stdout, today: date | None = None) -> int:
    """Print what the configuration contains, or every mistake; 0 when it may start."""
    try:
        summary = summarise(config_dir, today or date.today())  # noqa: DTZ011 the operator's day
    except ContentError as error:
        for problem in error.problems:
            out.write(f"{problem}\n")
        out.write(f"{_count(len(error.problems), 'mistake')}: the line cannot start like this\n")
        return 1
    out.writelines(f"{line}\n" for line in _lines(summary))
    return 0


def _lines(summary: ContentSummary) -> Iterator[str]:
    yield f"protocol@{summary.hash}"
    yield f"{summary.states} states, {summary.rules} rules, {summary.flags} flags"
    for language, count in summary.messages.items():
        offered = "offered" if language in summary.offered else "danger answers only"
        drafts, missing = summary.drafts[language], summary.missing[language]
        complete = f"{len(missing)} missing" if missing else "complete for callers"
        yield f"{language} ({offered}): {count} messages, {complete}, {len(drafts)} drafts"
        if missing:
            yield f"  said in English: {' '.join(missing)}"
        if drafts:
            yield f"  drafts: {' '.join(drafts)}"
    countries = ", ".join(summary.countries)
    yield f"{len(summary.countries)} countries: {countries}; every other: {summary.fallback}"
    yield f"{summary.lexicon_rows} lexicon rows"
    for warning in summary.warnings:
        yield f"warning: {warning}"
    yield "no mistakes"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def draw(protocol: Protocol) -> str:
    """A Mermaid flowchart of every state, grouped by path; labels are questions and choices."""
    groups: dict[str, list[State]] = defaultdict(list)
    for state in protocol.states.values():
        groups[_group(state)].append(state)
    lines = ["flowchart TD"]
    for group, title in _GROUPS.items():
        if groups[group]:
            lines.append(f'  subgraph {group}_path["{title}"]')
            lines += [f"    {_box(state)}" for state in groups[group]]
            lines.append("  end")
    for state in protocol.states.values():
        lines += [f"  {edge}" for edge in _edges(state)]
    return "\n".join(lines) + "\n"


def _group(state: State) -> str:
    if state.silence in {"emergency", "crisis"}:
        return "danger"
    if len(state.paths) == 1:
        return next(iter(state.paths))
    if state.paths == {"self", "rx"}:
        return "self"
    return "all" if len(state.paths) == 3 else "shared"


def _box(state: State) -> str:
    asked = ", ".join(question.message for question in state.questions)
    label = f"{state.id}<br/>{asked}" if asked else state.id
    if state.kind == "gate":
        return f'{state.id}{{{{"{label}"}}}}'
    if state.kind == "ask":
        return f'{state.id}["{label}"]'
    return f'{state.id}(["{label}"])'


def _edges(state: State) -> Iterator[str]:
    """One arrow per target; its label says which answers and conditions lead there."""
    labels: dict[str, list[str]] = defaultdict(list)
    for question in state.questions:
        for target, label in _answer_labels(question):
            labels[target].append(label)
    for branch in state.then:
        labels[branch.to].append(_when(branch) or "then")
    for target in state.leads_to:
        labels[target] += []
    for target, reasons in labels.items():
        arrow = f'-->|"{"; ".join(dict.fromkeys(reasons))}"|' if reasons else "-.->"
        yield f"{state.id} {arrow} {'RETURN([back])' if target == 'RETURN' else target}"


def _answer_labels(question: Question) -> Iterator[tuple[str, str]]:
    leading: dict[tuple[str, str], list[str]] = defaultdict(list)
    for answer in question.answers.values():
        for branch in answer.go:
            leading[branch.to, _when(branch)].append(answer.choice)
    for (target, when), choices in leading.items():
        yield target, f"{question.message}={'/'.join(choices)}" + (f" if {when}" if when else "")


def _when(branch: Branch) -> str:
    return "" if branch.when is ALWAYS else describe(branch.when)


def describe(condition: Condition) -> str:
    """A condition in a few words."""
    match condition:
        case Answered(question, choices, at_least):
            enough = f" ({at_least} of them)" if at_least > 1 else ""
            return f"{question}={_either(choices)}{enough}"
        case Unanswered(question):
            return f"{question} not answered"
        case Flagged(names) | Heard(names) | OnPath(names) | InCountry(names):
            return _either(names)
        case FlagCount(flags, at_least):
            return f"{at_least} of {_either(flags)}"
        case FloorAtLeast(floor):
            return f"at least {floor.name}"
        case Staffed(staffed):
            return "staffed" if staffed else "nobody on duty"
        case Negated(inner):
            return f"not {describe(inner)}"
        case Every(inner):
            return " and ".join(describe(part) for part in inner)
        case Either(inner):
            return f"({' or '.join(describe(part) for part in inner)})"
        case _:
            return "always"


def _either(names: frozenset[str]) -> str:
    return "/".join(sorted(names))
