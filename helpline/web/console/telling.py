"""What came of an act, as a line on the next page; words that templates share."""

import re
from datetime import UTC, datetime, timedelta

from flask import flash, session
from markupsafe import Markup, escape

from helpline.domain.disposition import Disposition
from helpline.service.console.acts import Done, Refused, Result, Told
from helpline.web.console.guards import runtime
from helpline.web.console.words import tell, tell_or

_FAMILY = re.compile(r"(lex\.[A-Z]\d|score\.\w+)")
_COLOURS = {
    Disposition.EMERGENCY_NOW: "danger",
    Disposition.CRISIS_LIVE: "danger",
    Disposition.URGENT_15: "warning",
    Disposition.URGENT_60: "warning",
    Disposition.SOON: "info",
}


def show(result: Result) -> None:
    """Tell the reader on the page that comes next."""
    match result:
        case Done():
            flash(str(tell(result)), "success")
        case Refused():
            flash(str(tell(result)), "warning")
        case Told(words):
            flash(words, "info")


def disposition_name(disposition: Disposition | str) -> str:
    """What staff read for a disposition."""
    name = disposition if isinstance(disposition, str) else disposition.name
    return str(tell(f"disposition_{name}"))


def disposition_colour(disposition: Disposition) -> str:
    """Bootstrap's name of a colour; never the only sign."""
    return _COLOURS.get(disposition, "secondary")


def span(seconds: float) -> str:
    """A length of time as people say it: 40 s, 12 min, 3 h 05, 2 d."""
    whole = int(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02}"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clock(due_at: datetime, now: datetime) -> Markup:
    """Time left of a promise, or how late it is; the page's script goes on counting."""
    left = (due_at - now).total_seconds()
    key, tone = ("clock_late", "late") if left < 0 else ("clock_left", "left")
    if 0 <= left < 300:
        tone = "soon"
    words = tell(key, span=span(left))
    return Markup('<time class="clock clock-{}" datetime="{}" data-clock>{}</time>').format(
        tone, due_at.astimezone(UTC).isoformat(timespec="seconds"), words
    )


def ago(at: datetime, now: datetime) -> Markup:
    """How long ago something was."""
    words = tell("ago", span=span((now - at).total_seconds()))
    return Markup('<time datetime="{}" data-since>{}</time>').format(
        at.astimezone(UTC).isoformat(timespec="seconds"), words
    )


def moment(at: datetime, local: datetime | None = None) -> Markup:
    """A date and time in the zone of `local`, to be read by people and machines."""
    shown = at.astimezone(local.tzinfo) if local and local.tzinfo else at
    return Markup('<time datetime="{}">{}</time>').format(
        at.astimezone(UTC).isoformat(timespec="seconds"), f"{shown:%d %b %H:%M}"
    )


def danger_name(category: str) -> str:
    """What a sign of danger is called; rows of one family have one name."""
    found = _FAMILY.match(category)
    family = found[1] if found else "combination"
    return tell_or(f"danger_{family}", category)


def flag_name(flag: str) -> str:
    """What a flag is called; the protocol's own note for one that no catalogue names."""
    return tell_or(f"flag_{flag}", flag.replace("_", " ").lower())


def question_name(key: str) -> str:
    """What a question of triage is about."""
    return tell_or(f"question_{key}", key)


def answer_name(question: str, choice: str) -> str:
    """A choice in the words of the protocol."""
    for state in runtime().protocol.states.values():
        for asked in state.questions:
            if asked.message == question and (known := asked.answers.get(choice[:1])):
                own = tell_or(f"answer_{question}_{choice[:1]}", "")
                if own:
                    return own
                words = known.words.get(_language()) or known.words.get("en") or ()
                return words[0] if words else tell_or(f"means_{known.means}", choice)
    return choice


def _language() -> str:
    return str(session.get("language", "en"))


def nl2br(text: str) -> Markup:
    """Line breaks of a text stay where they were."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def local_input(at: datetime, local: datetime) -> str:
    """The value of a date and time field, to the next whole minute."""
    shown = at.astimezone(local.tzinfo) + timedelta(minutes=1)
    return f"{shown:%Y-%m-%dT%H:%M}"
