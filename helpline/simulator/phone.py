"""A telephone somebody holds: what it got, what it hears, and what its owner does.

Timeouts of the `wait…` methods and of `wait=` arguments are real seconds, because they belong to
the test or person that waits. Durations of behaviours are simulated seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from helpline.simulator.behaviour import ANSWERING, Behaviour, Reaction, Text
from helpline.simulator.call import CallLeg
from helpline.simulator.listening import Listening
from helpline.simulator.turns import HungUp

if TYPE_CHECKING:
    from helpline.simulator.carrier import Carrier
    from helpline.simulator.messaging import TextOutcome

T = TypeVar("T")


@dataclass
class Phone:
    """Thread-safe; made by `Carrier.phone`."""

    carrier: Carrier = field(repr=False)
    number: str
    label: str = ""
    behaviour: Behaviour = field(default_factory=Behaviour)
    thread: list[Text] = field(default_factory=list, repr=False)
    transcript: list[dict[str, Any]] = field(default_factory=list, repr=False)
    ringing: CallLeg | None = field(default=None, repr=False)
    leg: CallLeg | None = field(default=None, repr=False)
    _decision: str = field(default="", repr=False)

    # What its owner does

    def texts(
        self,
        body: str,
        to: str | None = None,
        media: int = 0,
        whatsapp: bool = False,
        sid: str | None = None,
        extra: dict[str, str] | None = None,
    ) -> TextOutcome:
        """Send a text and wait for the webhook's answer.

        `media` attaches so many pictures; `sid` repeats an earlier delivery; `extra` adds or
        overrides webhook fields.
        """
        from helpline.simulator.messaging import receive

        return receive(self.carrier, self, body, to, media, whatsapp, sid, extra or {})

    def call(
        self, to: str | None = None, keys: Iterable[Any] = (), caller_id: str | None = None
    ) -> str:
        """Ring the helpline; returns the call's sid at once.

        `keys` are reactions. `caller_id` is what the line sees instead of the number
        (`"anonymous"` when withheld). Raises RuntimeError when the phone is in use.
        """
        with self.carrier.ledger.changed:
            if self.leg or self.ringing:
                raise RuntimeError(f"{self.number} is in use")
            self.leg = self.carrier.inbound_leg(
                self, to, caller_id, tuple(Reaction.of(key) for key in keys)
            )
            self.write("state", f"calling {self.leg.call.to}", call=self.leg.call.sid)
            sid = self.leg.call.sid
            self.leg.start(self.carrier.live_inbound)
        return sid

    def on_ring(self, mode: str = "answer", keys: Iterable[Any] = (), **behaviour: Any) -> None:
        """Decide what happens when the phone rings next; `keys` are reactions used in each call."""
        reactions = tuple(Reaction.of(key) for key in keys)
        with self.carrier.ledger.changed:
            self.behaviour = replace(self.behaviour, mode=mode, reactions=reactions, **behaviour)
            self.carrier.ledger.record("phone.behaviour", phone=self.number, mode=mode)

    def refuses_texts(self, error: int = 30003, status: str = "undelivered") -> None:
        """Texts to this phone are not delivered (30003 switched off, 30006 landline)."""
        with self.carrier.ledger.changed:
            self.behaviour = replace(self.behaviour, text_status=status, text_error=error)

    def answer(self, wait: float = 5.0) -> bool:
        """Pick up; waits up to so many real seconds for it to ring. False when it did not."""
        with self.carrier.ledger.changed:
            if not self.carrier.ledger.wait_for(lambda: self.ringing, wait):
                return False
            leg, self._decision = self.ringing, "answer"
            self.carrier.ledger.changed.notify_all()
            return bool(
                self.carrier.ledger.wait_for(lambda: self.leg is leg or self.ringing is not leg, 5)
            )

    def press(self, keys: str, wait: float = 5.0) -> bool:
        """Press keys once something listens for them; False when nothing did in time."""
        with self.carrier.ledger.changed:
            self.carrier.ledger.wait_for(lambda: self.is_heard("digits"), wait)
            return bool(self.leg and self.leg.press(keys))

    def say(self, words: str, confidence: float = 0.9, wait: float = 5.0) -> bool:
        """Speak once something or somebody listens; False when nobody did in time."""
        with self.carrier.ledger.changed:
            self.carrier.ledger.wait_for(lambda: self.is_heard("speech"), wait)
            return bool(self.leg and self.leg.say(words, confidence))

    def makes_sound(self, what: str = "crying", wait: float = 5.0) -> bool:
        """Be heard without a word in it, once something listens; False when nothing did."""
        with self.carrier.ledger.changed:
            self.carrier.ledger.wait_for(lambda: self.is_heard("speech"), wait)
            return bool(self.leg and self.leg.sound(what))

    def hang_up(self) -> bool:
        """Put the phone down, or decline when it rings. False when there was no call."""
        with self.carrier.ledger.changed:
            if self.leg:
                self.leg.hang_up()
            elif self.ringing:
                self._decision = "decline"
                self.carrier.ledger.changed.notify_all()
            else:
                return False
            return True

    # What others see

    def received(self) -> list[Text]:
        with self.carrier.ledger.changed:
            return [text for text in self.thread if text.direction == "in"]

    def heard(self, kind: str = "say") -> list[str]:
        """What this phone was told; `kind` may also be `speech`, `with`, `state`, `beep`."""
        with self.carrier.ledger.changed:
            return [line["words"] for line in self.transcript if line["kind"] == kind]

    def is_heard(self, how: str) -> bool:
        """Whether `digits` or `speech` would reach anything now."""
        if self.leg is None:
            return False
        if self.leg.listening:
            return bool(getattr(self.leg.listening, how))
        return self.leg.room is not None and self.leg.room.started

    @property
    def state(self) -> str:
        """idle, ringing, dialing or in-call."""
        if self.ringing:
            return "ringing"
        if self.leg is None:
            return "idle"
        return "in-call" if self.leg.call.answered_at else "dialing"

    def wait_for(self, predicate: Callable[[Phone], T], timeout: float = 5.0) -> T:
        """The predicate's first true value. Raises TimeoutError with what was seen instead."""
        found = self.carrier.ledger.watch(lambda: predicate(self), timeout)
        if not found:
            texts = [text.body for text in self.received()][-3:]
            lines = [f"{line['kind']}: {line['words']}" for line in self.transcript[-5:]]
            who = f"{self.label} {self.number} ({self.state})"
            raise TimeoutError(f"{who} waited {timeout} s in vain; texts {texts}; heard {lines}")
        answer: T = found
        return answer

    def wait_for_text(self, containing: str = "", timeout: float = 5.0, after: int = 0) -> Text:
        """The first received text, not counting the first `after`, that contains these words."""

        def found(phone: Phone) -> list[Text]:
            return [t for t in phone.received()[after:] if containing.lower() in t.body.lower()]

        return self.wait_for(found, timeout)[0]

    def wait_to_hear(self, containing: str, timeout: float = 5.0) -> str:
        """The first sentence, spoken by a voice or a person, that contains these words."""

        def found(phone: Phone) -> str:
            said = (line["words"] for line in phone.transcript if line["kind"] in ("say", "speech"))
            return next((words for words in said if containing.lower() in words.lower()), "")

        return self.wait_for(found, timeout)

    def wait_for_ring(self, timeout: float = 5.0) -> str:
        """The number that rings this phone."""
        return self.wait_for(
            lambda phone: phone.ringing.call.from_ if phone.ringing else "", timeout
        )

    def wait_for_state(self, state: str, timeout: float = 5.0) -> None:
        self.wait_for(lambda phone: phone.state == state, timeout)

    def as_json(self) -> dict[str, Any]:
        with self.carrier.ledger.changed:
            leg = self.ringing or self.leg
            other = (
                ""
                if leg is None
                else (leg.call.to if leg.call.direction == "inbound" else leg.call.from_)
            )
            room = self.leg.room if self.leg else None
            return {
                "number": self.number,
                "label": self.label,
                "mode": self.behaviour.mode,
                "text_status": self.behaviour.text_status,
                "answer_after": self.behaviour.answer_after,
                "greeting": self.behaviour.greeting,
                "detected": self.behaviour.detected,
                "state": self.state,
                "other": other,
                "call": leg.call.sid if leg else None,
                "conference": room.name if room else None,
                "hears_keys": self.is_heard("digits"),
                "hears_speech": self.is_heard("speech"),
                "recorded": self.leg is not None and type(self.leg.listening) is Listening,
                "texts": [text.as_json() for text in self.thread[-200:]],
                "transcript": self.transcript[-200:],
            }

    # What the network does to it

    def write(self, kind: str, words: str, **more: Any) -> None:
        """Add a line to the transcript."""
        with self.carrier.ledger.changed:
            line = {
                "at": self.carrier.clock.now().isoformat(),
                "kind": kind,
                "words": words,
                **more,
            }
            self.transcript.append(line)
            self.carrier.ledger.record("phone", phone=self.number, what=kind, words=words, **more)

    def store(self, text: Text) -> None:
        with self.carrier.ledger.changed:
            self.thread.append(text)
            kind = "text.delivered" if text.direction == "in" else "text.sent"
            self.carrier.ledger.record(kind, phone=self.number, **text.as_json())

    def ring(self, leg: CallLeg, timeout: float) -> None:
        """Ring for up to `timeout` seconds until answered. Raises HungUp with the status."""
        with self.carrier.ledger.changed:
            behaviour = self.behaviour
            if self.leg or self.ringing or behaviour.mode == "busy":
                raise HungUp("busy")
            if behaviour.mode == "failed":
                raise HungUp("failed")
            self.ringing, self._decision = leg, ""
            leg.reactions = list(behaviour.reactions)
            self.write("state", f"ringing: {leg.call.from_}", call=leg.call.sid)
            try:
                self._await_decision(leg, behaviour, timeout)
                self.leg = leg
            finally:
                self.ringing = None
        self._play_part(leg, behaviour)

    def release(self, leg: CallLeg) -> None:
        """The network tells that this leg is over."""
        if self.leg is leg:
            self.leg = None
        if self.ringing is leg:
            self.ringing = None

    def reset(self) -> None:
        with self.carrier.ledger.changed:
            self.thread.clear()
            self.transcript.clear()
            self.behaviour = Behaviour(self.carrier.settings.default_mode)

    def _await_decision(self, leg: CallLeg, behaviour: Behaviour, timeout: float) -> None:
        decided = lambda: self._decision  # noqa: E731
        acts = behaviour.mode in (*ANSWERING, "reject") and behaviour.answer_after <= timeout
        leg.wait(behaviour.answer_after if acts else timeout, decided)
        if self._decision == "decline" or (behaviour.mode == "reject" and not self._decision):
            raise HungUp("busy")
        if not acts and self._decision != "answer":
            raise HungUp("no-answer")

    def _play_part(self, leg: CallLeg, behaviour: Behaviour) -> None:
        """What whoever answered does without being asked."""
        later, real = self.carrier.schedule.later, self.carrier.clock.real
        if behaviour.mode == "talks":
            later(real(1), lambda: self._talk(leg, behaviour))
        elif behaviour.mode in ("voicemail", "fax"):
            says = leg.say if behaviour.mode == "voicemail" else lambda *_: leg.sound("fax tone")
            later(real(1), lambda: says(behaviour.speaks, 0.9))
            later(real(behaviour.talk_for), leg.hang_up)

    def _talk(self, leg: CallLeg, behaviour: Behaviour) -> None:
        """Say the greeting again and again, as long as the call lasts."""
        if leg.alive:
            leg.say(behaviour.speaks, 0.9)
            real = self.carrier.clock.real(behaviour.talks_every)
            self.carrier.schedule.later(real, lambda: self._talk(leg, behaviour))
