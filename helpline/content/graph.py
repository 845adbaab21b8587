"""The shape of the protocol: nothing missing, no dead end, the riskiest answer first."""

from collections.abc import Iterator, Sequence

from helpline.content.notebook import Notebook
from helpline.content.states import RETURN, Flow
from helpline.domain.conditions import ALWAYS
from helpline.domain.disposition import Disposition
from helpline.domain.protocol import Answer, Branch, Question, State

STATES = frozenset(
    [
        "RECEIVE",
        "SCAN",
        "COMPLIANCE",
        "WELCOME",
        "SAFETY_MED",
        "SUI_1",
        "SUI_2",
        "SUI_3",
        "SUI_4",
        "CLARIFY",
        "LOC_1",
        "LOC_2",
        "LOC_3",
        "LOC_4",
        "WANT",
        "LOCATE",
        "PAY",
        "CALLBACK",
        "O_MED",
        "O_SUI",
        "O_SAFE",
        "O_LOC",
        "O_AWARE",
        "O_SELF",
        "O_WANT",
        "R_MED",
        "R_TIME",
        "R_SET",
        "R_WORRY",
        "EMERGENCY",
        "EMERGENCY_OTHER",
        "CRISIS",
        "CRISIS_OTHER",
        "HUMAN",
        "HUMAN_VOICE",
        "QUEUED",
        "FOLLOWUP",
        "WATCH_CHECK",
        "CLOSED",
        "CLOSED_OPTOUT",
    ]
)
RULES = frozenset(
    f"{letter}-{number:02}"
    for letter, count in (("E", 11), ("C", 5), ("U", 7), ("V", 9), ("S", 7), ("R", 1), ("I", 1))
    for number in range(1, count + 1)
)
_RULE_FLOORS = {
    "E": Disposition.EMERGENCY_NOW,
    "C": Disposition.CRISIS_LIVE,
    "U": Disposition.URGENT_15,
    "V": Disposition.URGENT_60,
    "S": Disposition.SOON,
    "R": Disposition.ROUTINE,
    "I": Disposition.INFO,
}
_ENTRANCES = ("RECEIVE", "SCAN", "WELCOME")
_BY_DANGER = ("EMERGENCY", "EMERGENCY_OTHER", "CRISIS", "CRISIS_OTHER", "CLARIFY", "HUMAN")
_BY_CLOCK = ("FOLLOWUP", "WATCH_CHECK", "HUMAN_VOICE", "CLOSED")
_RISK = {
    "EMERGENCY": 4,
    "EMERGENCY_OTHER": 4,
    "CRISIS": 3,
    "CRISIS_OTHER": 3,
    "HUMAN_VOICE": 2,
    "HUMAN": 1,
}
_PAGED = 2


def check_graph(notebook: Notebook, flow: Flow) -> None:
    """Note whatever would leave a caller without a way forward."""
    _check_complete(notebook, flow)
    _check_reachable(notebook, flow)
    for state in flow.states.values():
        _check_exit(notebook, state)
        if state.safety:
            for question in state.questions:
                _check_polarity(notebook, state, question)


def _check_complete(notebook: Notebook, flow: Flow) -> None:
    if flow.states:
        missing = sorted(STATES.difference(flow.states))
        for name in missing:
            notebook.wrong(notebook.start_of("protocol/states.yaml"), f"state {name} is missing")
    found = {rule.id for rule in flow.rules}
    for name in sorted(RULES - found) if found else ():
        notebook.wrong(notebook.start_of("protocol/rules.yaml"), f"rule {name} is missing")
    for rule in flow.rules:
        if not rule.id:
            continue
        place = notebook.place_of("rule", rule.id)
        if rule.id not in RULES:
            notebook.wrong(place, f"rule {rule.id} is none of the 41 rules")
        elif rule.disposition is not _RULE_FLOORS[rule.id[0]]:
            floor = _RULE_FLOORS[rule.id[0]].name
            notebook.wrong(place, f"rule {rule.id} should be {floor}, not {rule.disposition.name}")
        if rule.when is ALWAYS:
            notebook.wrong(place, f"rule {rule.id} would hold for everyone")


def _check_reachable(notebook: Notebook, flow: Flow) -> None:
    reached: set[str] = set()
    ahead = [name for name in (*_ENTRANCES, *_BY_DANGER, *_BY_CLOCK) if name in flow.states]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in flow.states:
            continue
        reached.add(name)
        ahead.extend(targets(flow.states[name]))
    for name in flow.states:
        if name not in reached:
            notebook.wrong(notebook.place_of("state", name), f"state {name} cannot be reached")


def targets(state: State) -> Iterator[str]:
    """Every state that can follow this one."""
    yield from state.leads_to
    for branch in (*state.then, *(b for a in answers(state) for b in a.go)):
        if branch.to != RETURN:
            yield branch.to


def answers(state: State) -> Iterator[Answer]:
    """The answers of all questions of a state."""
    for question in state.questions:
        yield from question.answers.values()


def _check_exit(notebook: Notebook, state: State) -> None:
    place = notebook.place_of("state", state.id)
    ways = set(targets(state)) - {state.id}
    returns = any(branch.to == RETURN for answer in answers(state) for branch in answer.go)
    if not ways and not returns:
        notebook.wrong(place, f"state {state.id} has no exit")
    if state.then and not _always_leads(state.then):
        notebook.wrong(place, f"state {state.id}: then needs a last branch without a condition")
    if state.kind != "ask":
        return
    if not state.questions:
        notebook.wrong(place, f"state {state.id} asks nothing")
    for question in state.questions:
        stuck = [a.choice for a in question.answers.values() if not _always_leads(a.go)]
        if not state.then and (stuck or not question.answers):
            after = f" after {question.message} answer {', '.join(stuck)}" if stuck else ""
            notebook.wrong(place, f"state {state.id} is a dead end{after}: it has no then")


def _always_leads(branches: Sequence[Branch]) -> bool:
    return bool(branches) and branches[-1].when is ALWAYS


def _check_polarity(notebook: Notebook, state: State, question: Question) -> None:
    """On a safety question 1 is the riskiest answer, so a late "1" never reads as safe."""
    if not question.answers:
        return
    place = notebook.place_of("state", state.id)
    first = question.answers.get("1")
    if first is None:
        notebook.wrong(place, f"{question.message}: a safety question needs an answer 1")
        return
    risk = {choice: _risk(answer) for choice, answer in question.answers.items()}
    if first.means in {"no", "decline", "skip"} and not risk["1"]:
        notebook.wrong(
            place, f"{question.message}: answer 1 means {first.means}; it must be the riskiest"
        )
    for choice, height in risk.items():
        if height > risk["1"]:
            message = f"{question.message}: answer {choice} leads to more danger than answer 1"
            notebook.wrong(place, message)


def _risk(answer: Answer) -> int:
    heights = [_RISK.get(branch.to, 0) for branch in answer.go]
    return max([*heights, _PAGED if answer.page else 0])
