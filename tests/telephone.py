"""A caller on the telephone, as the use cases see one: rings, hears, presses, speaks, hangs up."""

import itertools

from helpline.domain.speech import Ask, CallStep, HangUp, Join, Say
from helpline.service.calls import triage_leg, waiting_room
from tests.builders import LINE_NUMBER, Scene
from tests.twiml import performed

_SIDS = itertools.count(1)


class VoiceCaller:
    """One call of one telephone; what it is told stays in `told`."""

    def __init__(self, scene: Scene, number: str | None = None) -> None:
        self.scene = scene
        self.number = scene.number() if number is None else number
        self.sid = ""
        self.told: tuple[CallStep, ...] = ()

    def rings(self) -> "VoiceCaller":
        self.sid = f"CAee{next(_SIDS):030x}"
        self.told = triage_leg.rings(self.scene.rt, self.sid, self.number, LINE_NUMBER)
        performed(self.told)
        return self

    def presses(self, digits: str, *, after: float = 3) -> "VoiceCaller":
        return self._hear(digits=digits, after=after)

    def says(self, words: str, confidence: float | None = 0.95) -> "VoiceCaller":
        return self._hear(speech=words, confidence=confidence)

    def stays_silent(self) -> "VoiceCaller":
        return self._hear()

    def _hear(
        self,
        digits: str | None = None,
        speech: str | None = None,
        confidence: float | None = None,
        after: float = 3,
    ) -> "VoiceCaller":
        self.scene.clock.advance(after)
        self.told = triage_leg.heard(
            self.scene.rt, self.sid, self.token,
            digits=digits, speech=speech, confidence=confidence,
        )  # fmt: skip
        performed(self.told)
        return self

    def hangs_up(self) -> "VoiceCaller":
        self.scene.clock.advance(1)
        triage_leg.left(self.scene.rt, self.sid)
        return self

    def hears(self, *parts: str) -> "VoiceCaller":
        for part in parts:
            assert part in self.words, f"expected {part!r} in {self.words!r}"
        return self

    @property
    def words(self) -> str:
        """Everything that is spoken now."""
        spoken: list[str] = []
        told = self.told
        if self.waits is not None and self.waits.wait is not None:
            token = self.waits.wait.partition("attempt=")[2]
            first = waiting_room.hold_first(self.scene.rt, token)
            performed(first, "wait")
            told = (*told, *first)
        for step in told:
            prompts = step.prompts if isinstance(step, Ask) else (step,)
            spoken += [item.text for item in prompts if isinstance(item, Say)]
        return " ".join(spoken)

    @property
    def asked(self) -> Ask:
        return next(step for step in self.told if isinstance(step, Ask))

    @property
    def token(self) -> str:
        return self.asked.action.partition("attempt=")[2]

    @property
    def waits(self) -> Join | None:
        """The conference they wait in, if they do."""
        return next((step for step in self.told if isinstance(step, Join)), None)

    @property
    def is_over(self) -> bool:
        return isinstance(self.told[-1], HangUp)
