"""What each voice verb does to a leg. Rules: https://www.twilio.com/docs/voice/twiml."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from helpline.simulator.dial import dial
from helpline.simulator.gather import gather
from helpline.simulator.turns import Fetch, HungUp, Redirected
from helpline.simulator.twiml import Verb
from helpline.simulator.voicemail import record

if TYPE_CHECKING:
    from helpline.simulator.call import CallLeg

Until = Callable[[], Any]


def _never() -> bool:
    return False


class Performer:
    """Obeys one document on one leg. `base_url` is where the document came from."""

    def __init__(self, leg: CallLeg, base_url: str) -> None:
        self.leg = leg
        self.carrier = leg.carrier
        self.base_url = base_url

    def at(self, url: str) -> Performer:
        """The same leg, obeying a document that came from another address."""
        return Performer(self.leg, url)

    def perform(self, verbs: Iterable[Verb]) -> None:
        """Run the verbs in turn. Raises Redirected or HungUp when one of them says so."""
        for verb in verbs:
            quiet = verb.name in ("Reject",) or (
                verb.name == "Dial" and verb.flag("answerOnBridge", False)
            )
            if not quiet:
                self.leg.answered()
            getattr(self, f"_{verb.name.lower()}")(verb)

    def prompts(self, verbs: Iterable[Verb], until: Until = _never) -> None:
        """Say, Play and Pause only, cut short as soon as `until` is true."""
        for verb in verbs:
            if verb.name in ("Say", "Play", "Pause") and not until():
                getattr(self, f"_{verb.name.lower()}")(verb, until)

    def fetch_for(self, verb: Verb, url: str, fields: dict[str, str] | None = None) -> Fetch:
        """Where an `action` or a Redirect leads; an empty address means this document's own."""
        target = self.carrier.absolute(self.base_url, url) or self.base_url
        return Fetch(target, verb.get("method", "POST"), tuple((fields or {}).items()))

    def tell(self, verb: Verb, fields: dict[str, str]) -> None:
        """Tell an `action` how a verb ended for a caller who hung up; the answer is ignored."""
        request = self.fetch_for(verb, verb.get("action"), fields)
        usual = self.leg.call.as_form() | {"CallStatus": "completed"}
        form = [*usual.items(), *request.fields]
        self.carrier.webhooks.send("voice", request.url, form, request.method)

    def _say(self, verb: Verb, until: Until = _never) -> None:
        rate = self.carrier.settings.speech_rate
        for _ in range(max(1, int(verb.number("loop", 1)))):
            self.leg.hear("say", verb.text, language=verb.get("language", "en-US"))
            if self.leg.wait(len(verb.text) / rate if rate else 0, until):
                return

    def _play(self, verb: Verb, until: Until = _never) -> None:
        self.leg.hear("sound", verb.text or verb.get("digits"))
        self.leg.wait(1, until)

    def _pause(self, verb: Verb, until: Until = _never) -> None:
        self.leg.wait(verb.number("length", 1), until)

    def _redirect(self, verb: Verb) -> None:
        raise Redirected(self.fetch_for(verb, verb.text))

    def _hangup(self, verb: Verb) -> None:
        raise HungUp("completed")

    def _leave(self, verb: Verb) -> None:
        """Leaves a queue; outside of one there is nothing to leave."""

    def _reject(self, verb: Verb) -> None:
        busy = verb.get("reason", "rejected") == "busy"
        self.leg.hear("sound", "busy tone" if busy else "not in service")
        raise HungUp("busy" if busy else "no-answer")

    def _dial(self, verb: Verb) -> None:
        fields = dial(self, verb)
        if "action" in verb.attributes:
            raise Redirected(self.fetch_for(verb, verb.get("action"), fields))

    def _gather(self, verb: Verb) -> None:
        gather(self, verb)

    def _record(self, verb: Verb) -> None:
        record(self, verb)

    def _enqueue(self, verb: Verb) -> None:
        """Valid, but no part of this line's practice: say so instead of waiting for ever."""
        self.carrier.ledger.violation("voice", 0, "<Enqueue> is not performed by this simulator")
