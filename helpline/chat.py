"""Talk to the protocol in the terminal: no database, no carrier, the same engine and words."""

import sys
from datetime import UTC, datetime

from rich.console import Console

from helpline.domain import messages
from helpline.domain.effects import BookCallback, PageStaff, SendText
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.risk import NOTHING, assess
from helpline.domain.said import Silence, Words
from helpline.domain.triage import Step, advance

_HELP = "Type what a caller would text. An empty line lets the next silence pass. Ctrl-D ends."


def talk(protocol: Protocol, country: str) -> int:
    """Read lines until the end of input; 0."""
    console = Console(highlight=False)
    console.print(_HELP, style="dim")
    progress = Progress(country=country)
    now = datetime.now(UTC)
    wake_at: datetime | None = None
    for line in sys.stdin:
        now = max(now, datetime.now(UTC))
        body = line.strip()
        if body:
            heard = assess(
                body,
                protocol.lexicon,
                recent=progress.recent_parts(now),
                hot=progress.heard_danger(now),
            )
            step = advance(protocol, progress, Words(body), heard, now, staffed=True)
            if heard.level:
                console.print(f"  danger scan: {heard.level.name}", style="yellow")
        elif wake_at is not None:
            console.print(f"  … {int((wake_at - now).total_seconds())} s of silence", style="dim")
            now = wake_at
            step = advance(protocol, progress, Silence(), NOTHING, now, staffed=True)
        else:
            console.print("  no clock is running", style="dim")
            continue
        progress, wake_at = step.progress, step.wake_at
        _show(console, protocol, step)
    return 0


def _show(console: Console, protocol: Protocol, step: Step) -> None:
    progress = step.progress
    packs = protocol.countries
    country = packs.get(progress.country) or packs[protocol.fallback_country]
    for effect in step.effects:
        match effect:
            case SendText(key):
                words = messages.render(
                    protocol,
                    key,
                    language=progress.language,
                    country=country,
                    staffed=True,
                    values=_EXAMPLE | _EXAMPLE_IN.get(progress.language, {}),
                )
                console.print(f"← {words}", style="bold")
            case PageStaff(kind, reason):
                console.print(f"  staff are paged: {kind.name} ({reason})", style="red")
            case BookCallback():
                console.print("  a call is promised", style="green")
            case _:
                console.print(f"  {type(effect).__name__}", style="dim")
    console.print(f"  {progress.state} · floor {progress.floor}", style="dim")


_EXAMPLE = {
    "ORG": "Helpline",
    "URL": "line.example",
    "NUM": "+15005550006",
    "CALLER": "+15005550006",
    "ROLE": "specialist",
    "NAME": "",
    "WHEN": "once one is free",
    "MIN": "60 min",
}
_EXAMPLE_IN = {"es": {"ROLE": "especialista", "WHEN": "lo antes posible"}}
