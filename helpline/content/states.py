"""``protocol/*.yaml``: states, rules, flags, notices and what silence means."""

from collections.abc import Mapping
from dataclasses import dataclass

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.answers import plain, tokens
from helpline.domain.disposition import Disposition
from helpline.domain.protocol import (
    PATHS,
    Answer,
    Branch,
    Flag,
    Question,
    Rule,
    Send,
    SilenceStep,
    State,
)

KINDS = ("gate", "ask", "wait", "end")
CHOOSE = ("one", "many", "words")
MEANS = ("yes", "no", "unsure", "decline", "skip")
ACTS = ("nudge", "call", "page", "close", "ask", "medical")
ACTS_THAT_SAY = ("nudge", "ask", "close")
RETURN = "RETURN"
"""The pseudo-target that means: where the conversation stood."""

_STATE = ("kind", "paths", "safety", "silence", "says", "ask", "then", "leads_to", "note")
_QUESTION = ("message", "choose", "when", "saves", "suffix", "answers")
_ANSWER = ("means", "go", "page", "sends", "words", "tags")
_CHOICES = frozenset("12345678")


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything in ``protocol/``."""

    states: Mapping[str, State]
    rules: tuple[Rule, ...]
    flags: Mapping[str, Flag]
    plus_one: frozenset[str]
    notices: tuple[Send, ...]
    silence: Mapping[str, tuple[SilenceStep, ...]]


def read_flow(notebook: Notebook) -> Flow:
    """Read the five files; what cannot be read is left out and noted."""
    flags, plus_one = _read_flags(notebook)
    return Flow(
        states=_read_states(notebook),
        rules=_read_rules(notebook),
        flags=flags,
        plus_one=plus_one,
        notices=tuple(
            _send(notebook, node)
            for node in notebook.items(notebook.document("protocol/notices.yaml"), "notices")
        ),
        silence=_read_silence(notebook),
    )


def _read_states(notebook: Notebook) -> dict[str, State]:
    document = notebook.document("protocol/states.yaml")
    states = {}
    for name, node in notebook.entries(document, "states").items():
        notebook.define("state", name, node.place)
        states[name] = _state(notebook, name, node)
    return states


def _state(notebook: Notebook, name: str, node: Node) -> State:
    fields = notebook.fields(node, f"state {name}", _STATE, required=("kind", "paths"))
    asked = notebook.items(fields.get("ask"), "ask")
    leads_to = notebook.items(fields.get("leads_to"), "leads_to")
    silence = fields.get("silence")
    return State(
        id=name,
        kind=notebook.one_of(fields.get("kind"), KINDS, "ask"),
        paths=_paths(notebook, fields.get("paths")),
        safety=notebook.truth(fields.get("safety")),
        says=_sends(notebook, fields.get("says"), "says"),
        questions=tuple(_question(notebook, question) for question in asked),
        then=_branches(notebook, fields.get("then"), "then"),
        silence=notebook.mention("silence", silence) if silence else "ordinary",
        leads_to=tuple(notebook.mention("state", target) for target in leads_to),
        note=notebook.text(fields.get("note")),
    )


def _paths(notebook: Notebook, node: Node | None) -> frozenset[str]:
    if node is None or node.value == "all":
        return frozenset(PATHS)
    return frozenset(notebook.one_of(item, PATHS, "self") for item in notebook.items(node, "paths"))


def _question(notebook: Notebook, node: Node) -> Question:
    fields = notebook.fields(node, "question", _QUESTION, required=("message",))
    message = fields.get("message")
    name = notebook.mention("message", message) if message else ""
    choose = notebook.one_of(fields.get("choose"), CHOOSE, "one")
    answers = {
        choice: _answer(notebook, name, choice, answer)
        for choice, answer in notebook.entries(fields.get("answers"), "answers").items()
    }
    saves = notebook.optional_text(fields.get("saves"))
    if choose == "words" and (answers or not saves):
        notebook.wrong(node.place, f"{name}: choose words takes saves, and no answers")
    if choose != "words" and not answers:
        notebook.wrong(node.place, f"{name}: a question needs answers")
    return Question(
        message=name,
        choose=choose,
        answers=answers,
        when=notebook.condition(fields.get("when")),
        saves=saves,
        suffix=notebook.optional_text(fields.get("suffix")),
    )


def _answer(notebook: Notebook, question: str, choice: str, node: Node) -> Answer:
    if choice not in _CHOICES:
        notebook.wrong(node.place, f"{question}: a choice is a digit from 1 to 8, not {choice!r}")
    fields = notebook.fields(node, f"{question} answer {choice}", _ANSWER)
    means = fields.get("means")
    words = {}
    for language, phrases in notebook.entries(fields.get("words"), "words").items():
        notebook.mention("language", phrases, language)
        words[language] = tuple(
            " ".join(tokens(plain(phrase))) for phrase in notebook.words(phrases, "words")
        )
    tags = notebook.items(fields.get("tags"), "tags")
    return Answer(
        choice=choice,
        means=notebook.one_of(means, MEANS, "skip") if means else None,
        words=words,
        tags=frozenset(notebook.mention("tag", tag) for tag in tags),
        go=_branches(notebook, fields.get("go"), "go"),
        sends=_sends(notebook, fields.get("sends"), "sends"),
        page=notebook.truth(fields.get("page")),
    )


def _sends(notebook: Notebook, node: Node | None, what: str) -> tuple[Send, ...]:
    return tuple(_send(notebook, item) for item in notebook.items(node, what))


def _send(notebook: Notebook, node: Node) -> Send:
    if not isinstance(node.value, Mapping):
        return Send(notebook.mention("message", node))
    fields = notebook.fields(node, "message", ("message", "when"), required=("message",))
    message = fields.get("message")
    name = notebook.mention("message", message) if message else ""
    return Send(name, notebook.condition(fields.get("when")))


def _branches(notebook: Notebook, node: Node | None, what: str) -> tuple[Branch, ...]:
    if node is None:
        return ()
    if isinstance(node.value, str):
        return (Branch(_target(notebook, node)),)
    branches = []
    for item in notebook.items(node, what):
        fields = notebook.fields(item, what, ("to", "when"), required=("to",))
        if "to" in fields:
            when = notebook.condition(fields.get("when"))
            branches.append(Branch(_target(notebook, fields["to"]), when))
    return tuple(branches)


def _target(notebook: Notebook, node: Node) -> str:
    if node.value == RETURN:
        return RETURN
    return notebook.mention("state", node)


def _read_rules(notebook: Notebook) -> tuple[Rule, ...]:
    rules = []
    known = ("id", "disposition", "when", "basis")
    for node in notebook.items(notebook.document("protocol/rules.yaml"), "rules"):
        fields = notebook.fields(node, "rule", known, required=("id", "disposition", "when"))
        name = notebook.text(fields.get("id"))
        if name:
            notebook.define("rule", name, node.place)
        dispositions = [disposition.name for disposition in Disposition]
        disposition = notebook.one_of(fields.get("disposition"), dispositions, "NONE")
        when = notebook.condition(fields.get("when"))
        basis = notebook.text(fields.get("basis"))
        rules.append(Rule(name, Disposition[disposition], when, basis))
    return tuple(rules)


def _read_flags(notebook: Notebook) -> tuple[dict[str, Flag], frozenset[str]]:
    document = notebook.document("protocol/flags.yaml")
    top = notebook.fields(document, "flags.yaml", ("flags", "plus_one"), ("flags", "plus_one"))
    flags = {}
    for name, node in notebook.entries(top.get("flags"), "flags").items():
        notebook.define("flag", name, node.place)
        fields = notebook.fields(node, f"flag {name}", ("when", "note"), required=("when",))
        when = fields.get("when")
        condition = None if when is None or when.value is None else notebook.condition(when)
        flags[name] = Flag(name, condition, notebook.text(fields.get("note")))
    rule = notebook.fields(top.get("plus_one"), "plus_one", ("of",), required=("of",))
    named = notebook.items(rule.get("of"), "of")
    return flags, frozenset(notebook.mention("flag", node) for node in named)


def _read_silence(notebook: Notebook) -> dict[str, tuple[SilenceStep, ...]]:
    policies = {}
    document = notebook.document("protocol/silence.yaml")
    for name, node in notebook.entries(document, "silence").items():
        notebook.define("silence", name, node.place)
        steps = tuple(_silence_step(notebook, item) for item in notebook.items(node, name))
        if list(steps) != sorted(steps, key=lambda step: step.after):
            notebook.wrong(node.place, f"silence {name}: the steps must follow each other in time")
        policies[name] = steps
    return policies


def _silence_step(notebook: Notebook, node: Node) -> SilenceStep:
    known = ("after", "act", "message")
    fields = notebook.fields(node, "silence step", known, required=("after", "act"))
    act = notebook.one_of(fields.get("act"), ACTS, "page")
    message = fields.get("message")
    if message is None and act in ACTS_THAT_SAY:
        notebook.wrong(node.place, f"{act} needs a message")
    name = notebook.mention("message", message) if message else None
    return SilenceStep(notebook.seconds(fields.get("after")), act, name)
