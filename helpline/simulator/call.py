"""One telephone leg: a thread that rings, fetches TwiML, obeys it and reports what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from helpline.simulator.listening import Listening
from helpline.simulator.records import Call
from helpline.simulator.turns import Fetch, HungUp, Redirected
from helpline.simulator.twiml import Document, TwimlError, parse

if TYPE_CHECKING:
    from helpline.simulator.behaviour import Reaction
    from helpline.simulator.carrier import Carrier
    from helpline.simulator.conference import Conference
    from helpline.simulator.phone import Phone

MAX_DOCUMENTS = 1000
EVENT_STATUS = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}


class CallLeg:
    """The simulated network's end of one call.

    Its own thread is the only one that changes the call's status, except `end` and `redirect`,
    which leave a note that the thread finds the next time it waits.
    """

    def __init__(
        self, carrier: Carrier, call: Call, phone: Phone, reactions: Sequence[Reaction] = ()
    ) -> None:
        self.carrier = carrier
        self.call = call
        self.phone = phone
        self.reactions = list(reactions)
        self.listening: Listening | None = None
        self.room: Conference | None = None
        self.stars = 0
        self.heard: list[str] = []
        self.alive = False
        """Whether the leg's thread runs."""
        self._over: HungUp | None = None
        self._redirect: Fetch | None = None

    @property
    def party(self) -> str:
        return f"{self.phone.label} {self.phone.number}".strip()

    def start(self, life: Callable[[CallLeg], None]) -> None:
        self.alive = True
        threading.Thread(
            target=self._live, args=(life,), name=f"leg-{self.call.sid[:10]}", daemon=True
        ).start()

    # What others do to this leg

    def hang_up(self) -> None:
        """The person puts the phone down."""
        self._stop(HungUp("canceled"))

    def end(self, status: str = "canceled") -> None:
        """The account ends the call; `status` counts only if nobody answered yet."""
        self._stop(HungUp(status))

    def redirect(self, request: Fetch) -> None:
        """The account sends the live call to another document."""
        with self.carrier.ledger.changed:
            self._redirect = request
            self.carrier.ledger.changed.notify_all()

    def press(self, keys: str) -> bool:
        """Keys reach whatever listens; False when nothing does (the network keeps none)."""
        with self.carrier.ledger.changed:
            self.note("keys", keys)
            heard = bool(self.listening and self.listening.take_keys(keys))
            if self.room and not self.listening:
                self.stars += keys.count("*")
                heard = True
            self.carrier.ledger.record("call.keys", call=self.call.sid, keys=keys, heard=heard)
            return heard

    def say(self, words: str, confidence: float) -> bool:
        """Speech reaches a Gather, a recording or the other people in the room."""
        with self.carrier.ledger.changed:
            self.note("said", words)
            heard = bool(self.listening and self.listening.take_words(words, confidence))
            if self.room and not self.listening:
                heard = self.room.relay(self, words)
            detail = {"words": words, "confidence": confidence, "heard": heard}
            self.carrier.ledger.record("call.speech", call=self.call.sid, **detail)
            return heard

    def sound(self, what: str) -> bool:
        """Crying, a gasp, a television: it is heard, but no recogniser finds a word in it."""
        with self.carrier.ledger.changed:
            self.note("sound-made", what)
            heard = bool(self.listening and self.listening.take_sound(what))
            if self.room and not self.listening:
                heard = self.room.relay(self, f"({what})")
            self.carrier.ledger.record("call.sound", call=self.call.sid, what=what, heard=heard)
            return heard

    # What the leg's own thread does

    def hear(self, kind: str, words: str, **more: Any) -> None:
        """Something sounds in the handset."""
        with self.carrier.ledger.changed:
            self.heard.append(words)
            self.note(kind, words, **more)
            self._react()

    def note(self, kind: str, words: str, **more: Any) -> None:
        """Write a line into the handset's transcript."""
        self.phone.write(kind, words, call=self.call.sid, **more)

    def listen(self, listening: Listening | None) -> None:
        with self.carrier.ledger.changed:
            self.listening = listening
            self.carrier.ledger.changed.notify_all()
            self._react()

    def wait(self, seconds: float | None, until: Callable[[], Any] = lambda: False) -> bool:
        """Let simulated seconds pass, or fewer when `until` comes true.

        Raises HungUp or Redirected when that is asked of the leg in the meantime.
        """
        real = None if seconds is None else self.carrier.clock.real(seconds)
        with self.carrier.ledger.changed:
            self.carrier.ledger.wait_for(lambda: self._over or self._redirect or until(), real)
            self._obey()
            return bool(until())

    def run(self, request: Fetch) -> None:
        """Fetch and perform documents until one ends. Raises HungUp."""
        from helpline.simulator.verbs import Performer

        for _ in range(MAX_DOCUMENTS):
            try:
                base, document = self.fetch(request)
                Performer(self, base).perform(document.verbs)
                return
            except Redirected as turn:
                request = turn.request
        self.carrier.ledger.violation(
            "voice", 12400, f"more than {MAX_DOCUMENTS} documents in one call"
        )

    def fetch(self, request: Fetch) -> tuple[str, Document]:
        """What a request, or else the fallback address, answers. Raises HungUp if both fail."""
        if request.document:
            return request.url, request.document
        try:
            return request.url, self.fetch_once(request)
        except TwimlError as error:
            self.carrier.ledger.error(error.code, str(error), url=request.url, call=self.call.sid)
            fallback = self.call.fallback_url
            if fallback and fallback != request.url:
                fields = (("ErrorCode", str(error.code)), ("ErrorUrl", request.url))
                try:
                    return fallback, self.fetch_once(Fetch(fallback, "POST", fields))
                except TwimlError as second:
                    detail = {"url": fallback, "call": self.call.sid}
                    self.carrier.ledger.error(second.code, str(second), **detail)
        self.hear("say", "We are sorry, an application error has occurred. Goodbye.")
        raise HungUp("failed")

    def fetch_once(self, request: Fetch) -> Document:
        """What one request answers. Raises TwimlError when it cannot be used."""
        fields = [*self.call.as_form().items(), *request.fields]
        reply = self.carrier.webhooks.send("voice", request.url, fields, request.method)
        if not reply.ok:
            raise TwimlError(reply.error_code, reply.error)
        try:
            document = parse(reply.body, reply.content_type, request.kind)
        except TwimlError as error:
            self.carrier.ledger.violation("voice", error.code, f"{request.url}: {error}")
            raise
        for problem in document.problems:
            self.carrier.ledger.violation("voice", 12200, f"{request.url}: {problem}")
        self.carrier.ledger.record(
            "twiml",
            call=self.call.sid,
            url=request.url,
            twiml=reply.body.decode("utf-8", "replace"),
        )
        return document

    def answered(self) -> None:
        """The call is through."""
        with self.carrier.ledger.changed:
            if self.call.answered_at or self.call.is_over:
                return
            self.call.answered_at = self.carrier.clock.now()
            self._answered_mono = self.carrier.clock.monotonic()
            self.call.status = "in-progress"
            self.note("state", "connected")
            self.progress("answered")

    def progress(self, event: str) -> None:
        """Tell the log, and whoever subscribed, how far the call is."""
        call = self.call
        status = EVENT_STATUS.get(event, call.status)
        detail = {"status": status, "to": call.to, "direction": call.direction}
        self.carrier.ledger.record("call.status", call=call.sid, **detail)
        if not call.status_callback or event not in call.status_callback_events:
            return
        fields = call.progress_form(event, status, self.carrier.clock.now())
        call.sequence += 1
        pairs = list(fields.items())
        url, method = call.status_callback, call.status_callback_method
        self.carrier.call_back("voice_status", call.sid, url, pairs, method)

    def _live(self, life: Callable[[CallLeg], None]) -> None:
        status = "completed"
        try:
            life(self)
        except HungUp as over:
            status = over.status
        except Exception as error:  # noqa: BLE001 - a mistake of the simulator ends the call, visibly
            self.carrier.ledger.error(0, f"simulator failed: {error!r}", call=self.call.sid)
            status = "failed"
        self._finish(status)

    def _finish(self, status: str) -> None:
        with self.carrier.ledger.changed:
            if self.room:
                self.room.leave(self, "participant_hung_up")
            self.listening = None
            self._over = self._over or HungUp(status)
            self.call.ended_at = self.carrier.clock.now()
            self.call.duration = 0
            if self.call.answered_at:
                status = "completed"
                elapsed = self.carrier.clock.monotonic() - self._answered_mono
                self.call.duration = round(self.carrier.clock.simulated(elapsed))
            self.call.status = status
            self.phone.release(self)
            self.note("state", f"call ended ({status})")
            self.alive = False
            self.progress("completed")

    def _stop(self, over: HungUp) -> None:
        with self.carrier.ledger.changed:
            self._over = self._over or over
            self.carrier.ledger.changed.notify_all()

    def _obey(self) -> None:
        if self._over:
            raise self._over
        if self._redirect:
            request, self._redirect = self._redirect, None
            raise Redirected(request)

    def _react(self) -> None:
        """Let the phone's script answer what was just heard, once for each prompt."""
        listening = self.listening
        if listening and listening.reacted:
            return
        heard = " ".join(self.heard).lower()
        for reaction in self.reactions:
            if reaction.applies(listening, heard):
                if listening:
                    listening.reacted = True
                if not reaction.repeat:
                    self.reactions.remove(reaction)
                reaction.perform(self)
                return
