"""``callbacks.yaml`` and ``escalation.yaml``: every deadline, ring and ladder, in seconds."""

from datetime import timedelta
from itertools import pairwise

from helpline.content.nodes import Node
from helpline.content.notebook import Notebook
from helpline.domain.disposition import Disposition
from helpline.domain.protocol import CallbackPolicy, CallbackRules, EscalationRules, LadderStep

_LADDERS = ("steps", "live", "asked")
_PROCESSES = ("process_silent", "alarm_again")
_HOLDING = ("holder_silence", "ring_back")
WHO = ("tier1", "tier2", "supervisor", "all")
LIVE = (*WHO, "outside", "place")
_CALLED = tuple(disposition.name for disposition in Disposition if disposition > Disposition.INFO)
_DURATIONS = (
    "lease",
    "ring_staff",
    "ring_caller",
    "pass_pause",
    "outcome_within",
    "in_line_after",
)
_HOURS = ("calling_hours", "staffed_hours")
_FOLLOW_UPS = ("FOLLOWUP", "WATCH_CHECK")


def read_callbacks(notebook: Notebook) -> CallbackRules:
    """Deadlines and retry ladders of every disposition that owes a call."""
    document = notebook.document("callbacks.yaml")
    known = ("dispositions", *_DURATIONS, *_HOURS, "warn_percent", "follow_ups")
    fields = notebook.fields(document, "callbacks.yaml", known, required=known)
    entries = notebook.fields(fields.get("dispositions"), "dispositions", _CALLED, _CALLED)
    durations = {name: _positive(notebook, fields.get(name), name) for name in _DURATIONS}
    hours = {}
    for name in _HOURS:
        span = notebook.fields(fields.get(name), name, ("from", "to"), ("from", "to"))
        hours[name] = (notebook.clock(span.get("from")), notebook.clock(span.get("to")))
        if "from" in span and "to" in span and hours[name][0] >= hours[name][1]:
            notebook.wrong(fields[name].place, f"{name}: from must be earlier than to")
    return CallbackRules(
        by_disposition={
            Disposition[name]: _policy(notebook, name, node) for name, node in entries.items()
        },
        lease=durations["lease"],
        ring_staff=durations["ring_staff"],
        ring_caller=durations["ring_caller"],
        pass_pause=durations["pass_pause"],
        outcome_within=durations["outcome_within"],
        in_line_after=durations["in_line_after"],
        opens=hours["calling_hours"][0],
        closes=hours["calling_hours"][1],
        staffed_from=hours["staffed_hours"][0],
        staffed_to=hours["staffed_hours"][1],
        warn_share=_share(notebook, fields.get("warn_percent")),
        follow_ups=_follow_ups(notebook, fields.get("follow_ups")),
    )


def _share(notebook: Notebook, node: Node | None) -> float:
    percent = notebook.whole(node, 70)
    if node is not None and not 0 < percent < 100:
        notebook.wrong(node.place, "warn_percent must be between 1 and 99")
    return percent / 100


def _follow_ups(notebook: Notebook, node: Node | None) -> dict[str, tuple[timedelta, ...]]:
    fields = notebook.fields(node, "follow_ups", _FOLLOW_UPS, _FOLLOW_UPS)
    return {name: _rising(notebook, fields.get(name), name) for name in _FOLLOW_UPS}


def _rising(notebook: Notebook, node: Node | None, name: str) -> tuple[timedelta, ...]:
    times = tuple(notebook.seconds(item) for item in notebook.items(node, name))
    if node is not None and list(times) != sorted(set(times)):
        notebook.wrong(node.place, f"{name}: each time must be later than the last")
    return times


def _policy(notebook: Notebook, name: str, node: Node) -> CallbackPolicy:
    known = ("deadline", "any_hour", "retries")
    fields = notebook.fields(node, name, known, required=known)
    any_hour = notebook.truth(fields.get("any_hour"), default=True)
    if Disposition[name].is_urgent and not any_hour and "any_hour" in fields:
        notebook.wrong(fields["any_hour"].place, f"{name} is owed at any hour")
    retries = tuple(
        notebook.seconds(item) for item in notebook.items(fields.get("retries"), "retries")
    )
    if list(retries) != sorted(set(retries)) and "retries" in fields:
        notebook.wrong(fields["retries"].place, f"{name}: each retry must be later than the last")
    return CallbackPolicy(_positive(notebook, fields.get("deadline"), name), any_hour, retries)


def read_escalation(notebook: Notebook) -> EscalationRules:
    """The one ladder of CONTRACT 3; its last step must reach everyone."""
    document = notebook.document("escalation.yaml")
    known = (*_LADDERS, "repeat", "ring", "reopen_without_outcome", "drill_wait", *_PROCESSES,
             *_HOLDING)  # fmt: skip
    fields = notebook.fields(document, "escalation.yaml", known, required=known)
    nodes = notebook.items(fields.get("steps"), "steps")
    steps = tuple(_step(notebook, node) for node in nodes)
    if "steps" in fields:
        _check_ladder(notebook, fields["steps"], steps)
    return EscalationRules(
        steps=steps,
        live=_live(notebook, fields.get("live"), "live", "all"),
        asked=_live(notebook, fields.get("asked"), "asked", "place"),
        repeat=_positive(notebook, fields.get("repeat"), "repeat"),
        ring=_positive(notebook, fields.get("ring"), "ring"),
        reopen_without_outcome=_positive(
            notebook, fields.get("reopen_without_outcome"), "reopen_without_outcome"
        ),
        holder_silence=_positive(notebook, fields.get("holder_silence"), "holder_silence"),
        ring_back=_positive(notebook, fields.get("ring_back"), "ring_back"),
        drill_wait=_positive(notebook, fields.get("drill_wait"), "drill_wait"),
        process_silent=_positive(notebook, fields.get("process_silent"), "process_silent"),
        alarm_again=_positive(notebook, fields.get("alarm_again"), "alarm_again"),
    )


def _live(notebook: Notebook, node: Node | None, name: str, last: str) -> tuple[LadderStep, ...]:
    """A ladder for somebody who waits on the line; steps may come together."""
    steps = tuple(_step(notebook, item, LIVE) for item in notebook.items(node, name))
    if node is None:
        return steps
    if not steps or steps[0].after != timedelta(0):
        notebook.wrong(node.place, f"{name}: the first step must come at once (after: 0)")
    if any(later.after < sooner.after for sooner, later in pairwise(steps)):
        notebook.wrong(node.place, f"{name}: the steps must follow each other in time")
    if steps and steps[-1].who != last:
        notebook.wrong(node.place, f"{name}: the last step must be {last}")
    return steps


def _step(notebook: Notebook, node: Node, who: tuple[str, ...] = WHO) -> LadderStep:
    known = ("after", "who", "tell_caller")
    fields = notebook.fields(node, "step", known, required=("after", "who"))
    tell = fields.get("tell_caller")
    return LadderStep(
        after=notebook.seconds(fields.get("after")),
        who=notebook.one_of(fields.get("who"), who, "all"),
        tell_caller=notebook.mention("message", tell) if tell else None,
    )


def _check_ladder(notebook: Notebook, node: Node, steps: tuple[LadderStep, ...]) -> None:
    if not steps or steps[0].after != timedelta(0):
        notebook.wrong(node.place, "the first step must come at once (after: 0)")
    if any(later.after <= sooner.after for sooner, later in pairwise(steps)):
        notebook.wrong(node.place, "the steps must follow each other in time")
    if steps and steps[-1].who != "all":
        notebook.wrong(node.place, "the last step must page all")


def _positive(notebook: Notebook, node: Node | None, name: str) -> timedelta:
    duration = notebook.seconds(node)
    if node is not None and isinstance(node.value, int) and not duration:
        notebook.wrong(node.place, f"{name} must be longer than 0 seconds")
    return duration
