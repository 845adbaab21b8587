"""The Dial verb: into a conference, or to telephones until one answers.

Rules: https://www.twilio.com/docs/voice/twiml/dial and /number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from helpline.simulator.call import CallLeg
from helpline.simulator.conference import UNNAMED, Conference, Terms
from helpline.simulator.detection import Detection, detect
from helpline.simulator.numbers import is_emergency, is_possible, is_premium
from helpline.simulator.turns import Fetch, HungUp, Redirected
from helpline.simulator.twiml import TwimlError, Verb

if TYPE_CHECKING:
    from helpline.simulator.recordings import Recording
    from helpline.simulator.verbs import Performer

DEFAULT_TIMEOUT = 30
DEFAULT_LIMIT = 14_400
WAIT_ROUND = 1.0
"""Seconds that a wait document lasts at least before it is asked for again."""


def dial(performer: Performer, verb: Verb) -> dict[str, str]:
    """Do what the verb says and return what its action is told.

    When the leg is hung up meanwhile the action is told too, its answer is ignored, and
    HungUp goes on.
    """
    dialling = _Dialling(performer, verb)
    nouns = [child for child in verb.children if child.name in ("Conference", "Number")]
    try:
        if any(child.name == "Queue" for child in verb.children):
            performer.carrier.ledger.violation("voice", 0, "<Queue> is not performed here")
        elif nouns and nouns[0].name == "Conference":
            dialling.conference(nouns[0])
        else:
            numbers = nouns or [Verb("Number", text=verb.text)]
            dialling.numbers(numbers)
    except HungUp:
        dialling.clean_up("participant_hung_up")
        if "action" in verb.attributes:
            performer.tell(verb, dialling.result())
        raise
    except Redirected:
        dialling.clean_up("participant_updated")
        raise
    return dialling.result()


@dataclass
class _Dialling:
    """One Dial in progress."""

    performer: Performer
    verb: Verb
    children: list[CallLeg] = field(default_factory=list)
    status: str = "failed"
    winner: CallLeg | None = None
    room: Conference | None = None
    joined_at: float = 0.0
    recording: Recording | None = None

    def conference(self, noun: Verb) -> None:
        """Stay in the named conference until it ends, the time is up or `*` is pressed."""
        leg, carrier = self.performer.leg, self.performer.carrier
        with carrier.ledger.changed:
            room = carrier.conference(noun, self.performer.base_url)
            if len(room.legs) >= room.capacity:
                carrier.ledger.error(13223, f"conference {room.name} is full", call=leg.call.sid)
                return
            self.room, self.status = room, carrier.settings.conference_dial_status
            self.joined_at = carrier.clock.monotonic()
            leg.answered()
            room.join(leg, Terms.of(noun))
        self._entertain(noun, room)
        self._stay(room)

    def numbers(self, nouns: list[Verb]) -> None:
        """Ring all numbers at once; the first that answers talks with the caller."""
        leg, carrier = self.performer.leg, self.performer.carrier
        timeout = self.verb.number("timeout", DEFAULT_TIMEOUT)
        caller_id = self._caller_id()
        targets = [noun for noun in nouns if caller_id and self._may_dial(noun.text)]
        if not targets:
            return
        self.room = Conference(carrier, UNNAMED, self.performer.base_url)
        for batch in self._batches(targets):
            started = [self._start(noun, caller_id, timeout) for noun in batch]
            leg.note("state", f"ringing {', '.join(noun.text for noun in batch)}")
            leg.wait(None, lambda: self.winner or _are_over(started))  # noqa: B023 - used at once
            if self.winner:
                break
        self._cancel_losers()
        if self.winner is None:
            self.status = self.children[0].call.status
            return
        self._talk(self.room, self.winner)

    def _batches(self, targets: list[Verb]) -> list[list[Verb]]:
        """Who is rung together: all at once, or one after the other."""
        one_by_one = self.verb.flag("sequential", False)
        return [[noun] for noun in targets] if one_by_one else [targets]

    def _start(self, noun: Verb, caller_id: str, timeout: float) -> CallLeg:
        performer = self.performer
        child = performer.carrier.child_leg(performer.leg, noun, caller_id, performer.base_url)
        self.children.append(child)
        child.start(partial(self._ring, noun=noun, timeout=timeout))
        return child

    def _talk(self, room: Conference, winner: CallLeg) -> None:
        leg, carrier = self.performer.leg, self.performer.carrier
        self.status = "completed"
        self.joined_at = carrier.clock.monotonic()
        leg.answered()
        with carrier.ledger.changed:
            if winner.call.is_over:
                return
            if self.verb.get("record", "do-not-record") not in ("do-not-record", "false"):
                book = carrier.recordings
                self.recording = book.begin(
                    leg.call, "DialVerb", self.verb, self.performer.base_url
                )
            room.join(leg, Terms(ends=True))
            room.join(winner, Terms(ends=True))
        self._stay(room)

    def result(self) -> dict[str, str]:
        fields = {"DialCallStatus": self.status}
        if self.children:
            talked = self.winner or self.children[0]
            fields |= {
                "DialCallSid": talked.call.sid,
                "DialBridged": str(bool(self.winner)).lower(),
            }
        if self.joined_at:
            carrier = self.performer.carrier
            elapsed = carrier.clock.simulated(carrier.clock.monotonic() - self.joined_at)
            fields["DialCallDuration"] = str(round(elapsed))
            if self.recording and self.room:
                words = " ".join(self.room.said) or "(silence)"
                carrier.recordings.finish(
                    self.recording, words, elapsed, self.verb, self.performer.base_url
                )
                fields |= self.recording.as_action()
        return fields

    def clean_up(self, reason: str) -> None:
        leg = self.performer.leg
        with leg.carrier.ledger.changed:
            if leg.room:
                leg.room.leave(leg, reason)
            for child in self.children:
                child.end("canceled")
            if self.children and not self.winner:
                self.status = "canceled"

    def _stay(self, room: Conference) -> None:
        leg = self.performer.leg
        stars = leg.stars
        may_star = self.verb.flag("hangupOnStar", False)

        def is_done() -> bool:
            return leg.room is not room or (may_star and leg.stars > stars)

        leg.wait(self.verb.number("timeLimit", DEFAULT_LIMIT), is_done)
        with leg.carrier.ledger.changed:
            room.leave(leg, "time_limit_or_star")

    def _entertain(self, noun: Verb, room: Conference) -> None:
        """Perform the wait document again and again until the conference starts.

        The documentation does not promise the repetition: a careful document redirects to itself.
        """
        leg, carrier = self.performer.leg, self.performer.carrier

        def begun() -> bool:
            return room.started or leg.room is not room

        if begun():
            return
        if "waitUrl" not in noun.attributes:
            leg.hear("sound", "hold music")
        url = carrier.absolute(self.performer.base_url, noun.get("waitUrl"))
        while url and not begun():
            request = Fetch(url, noun.get("waitMethod", "POST"), kind="wait")
            try:
                document = leg.fetch_once(request)
            except TwimlError as error:
                carrier.ledger.error(error.code, str(error), url=url, call=leg.call.sid)
                return
            url = self._perform_wait(url, document.verbs, begun)

    def _perform_wait(self, url: str, verbs: tuple[Verb, ...], begun: Callable[[], bool]) -> str:
        """Say and play one round; returns the address of the next one."""
        leg, carrier = self.performer.leg, self.performer.carrier
        began = carrier.clock.monotonic()
        self.performer.at(url).prompts(verbs, begun)
        lasted = carrier.clock.simulated(carrier.clock.monotonic() - began)
        leg.wait(max(0.0, WAIT_ROUND - lasted), begun)
        onward = next((verb.text for verb in verbs if verb.name == "Redirect"), "")
        return carrier.absolute(url, onward) or url

    def _caller_id(self) -> str:
        """The number the dialled party sees; a foreign one ends the Dial (13214)."""
        leg, carrier = self.performer.leg, self.performer.carrier
        shown = self.verb.get("callerId") or (
            leg.call.from_ if leg.call.direction == "inbound" else leg.call.to
        )
        if self.verb.get("callerId") and shown not in (
            *carrier.settings.numbers,
            leg.call.from_,
            leg.call.to,
        ):
            carrier.ledger.violation(
                "voice", 13214, f"callerId {shown} is not a number of this account"
            )
            return ""
        return shown

    def _may_dial(self, number: str) -> bool:
        problem = ""
        if is_emergency(number):
            problem = "an emergency number is never dialled by a machine"
        elif not is_possible(number) or is_premium(number):
            problem = "no telephone that may be dialled has this number"
        if problem:
            self.performer.carrier.ledger.violation("voice", 13224, f"<Dial> {number}: {problem}")
        return not problem

    def _ring(self, child: CallLeg, noun: Verb, timeout: float) -> None:
        """A dialled leg's life: ring, whisper, then wait in the room for its end."""
        carrier = child.carrier
        carrier.ring(child, timeout)
        base = self.performer.base_url
        if noun.get("sendDigits"):
            child.hear("sound", f"tones {noun.get('sendDigits')}")
        if noun.get("machineDetection"):
            detect(
                carrier,
                child,
                _detection_of(noun, carrier.absolute(base, noun.get("amdStatusCallback"))),
            )
        if noun.get("url"):
            whisper = carrier.absolute(base, noun.get("url"))
            child.run(Fetch(whisper, noun.get("method", "POST"), kind="whisper"))
        with carrier.ledger.changed:
            if self.winner:
                raise HungUp("completed")
            self.winner = child
            carrier.ledger.changed.notify_all()
        child.wait(None, lambda: child.room is not None)
        child.wait(None, lambda: child.room is None)

    def _cancel_losers(self) -> None:
        for child in self.children:
            if child is not self.winner:
                child.end("canceled")


def _are_over(legs: Sequence[CallLeg]) -> bool:
    return all(leg.call.is_over for leg in legs)


def _detection_of(noun: Verb, callback: str) -> Detection:
    """A dialled number's detection runs in the background; only its callback is told."""
    return Detection(
        noun.get("machineDetection"),
        noun.number("machineDetectionTimeout", 30),
        noun.number("machineDetectionSilenceTimeout", 5000) / 1000,
        in_background=True,
        callback=callback,
        method=noun.get("amdStatusCallbackMethod", "POST"),
    )
