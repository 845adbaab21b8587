"""A caller's phone at the engine: says things, lets time pass, and checks every promise on the way.

`phone.texts("hi").expects("W1")` reads like a story. Whatever is said, `promises_kept` holds
each step against the promises that every step must keep, so each story is also a check of all.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from helpline.content import load_protocol
from helpline.domain.countries import pack_for
from helpline.domain.disposition import Disposition
from helpline.domain.effects import (
    BookCallback,
    CancelCallback,
    CloseCase,
    Effect,
    OptOut,
    PageStaff,
    SendText,
)
from helpline.domain.messages import LONGEST, find_message, render
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.risk import NOTHING, Assessment, Level, Lexicon, assess
from helpline.domain.said import Appointment, CarrierWord, Said, Silence, Words
from helpline.domain.triage import Step, advance

CONFIG = Path(__file__).parent.parent / "config"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A_MOMENT = timedelta(seconds=100)
"""Longer than the 90 seconds in which texts are read together."""

FIRST_IN_EMERGENCY = frozenset({"E1", "E2", "EV", "EM", "EH"})
FIRST_IN_CRISIS = frozenset({"K1", "K1N", "K3", "K4"})
VIOLENT = frozenset({"emergency.violence", "emergency.child_in_danger"})
CLOSED_ITSELF = frozenset({"CLOSED", "CLOSED_OPTOUT"})


@lru_cache(maxsize=1)
def protocol() -> Protocol:
    """The protocol that callers meet, loaded once."""
    return load_protocol(CONFIG)


@lru_cache(maxsize=4096)
def heard(text: str, *, hot: bool = False) -> Assessment:
    """What the danger scan says of a text that stands alone."""
    return assess(text, protocol().lexicon, hot=hot)


def messages(effects: tuple[Effect, ...]) -> list[str]:
    """Keys of the texts, in the order in which they leave."""
    return [effect.message for effect in effects if isinstance(effect, SendText)]


def page_of(effects: tuple[Effect, ...]) -> PageStaff | None:
    """The page, if humans are paged."""
    return next((effect for effect in effects if isinstance(effect, PageStaff)), None)


def books_call(effects: tuple[Effect, ...]) -> bool:
    """Is a call owed after this?"""
    return any(isinstance(effect, BookCallback) for effect in effects)


def take(
    before: Progress,
    said: Said,
    assessment: Assessment,
    now: datetime,
    *,
    staffed: bool = True,
    twice: bool = True,
) -> Step:
    """One step (`twice` over: the engine is pure), and every promise is kept."""
    frozen = deepcopy(before) if twice else before
    step = advance(protocol(), before, said, assessment, now, staffed=staffed)
    if twice:
        again = advance(protocol(), before, said, assessment, now, staffed=staffed)
        assert before == frozen, "the engine changed what it was given"
        assert again == step, "the same words in the same place gave another answer"
    assert Progress.from_json(step.progress.to_json()) == step.progress
    promises_kept(before, said, assessment, now, step)
    return step


def promises_kept(
    before: Progress, said: Said, assessment: Assessment, now: datetime, step: Step
) -> None:
    """What must be true of every step, whatever was said."""
    for broken in _broken(before, said, assessment, now, step):
        sent = f"{said!r} at {before.state}/{before.question} {before.floor} -> {step}"
        raise AssertionError(f"{broken}: {sent}")


def _broken(
    before: Progress, said: Said, assessment: Assessment, now: datetime, step: Step
) -> Iterator[str]:
    after, texts, page = step.progress, messages(step.effects), page_of(step.effects)
    yield from _broken_floor(before, step)
    yield from _broken_prompt(before, step)
    if sum(isinstance(effect, PageStaff) for effect in step.effects) > 1:
        yield "two pages for one step"
    if sum(isinstance(effect, BookCallback) for effect in step.effects) > 1:
        yield "two calls booked for one step"
    if step.wake_at is not None and step.wake_at <= now:
        yield "the clock rings in the past"
    if page and page.ring_caller and VIOLENT & set(after.hits) and after.answers.get("EV") != ["1"]:
        yield "a ring beside violence that nobody asked for"
    if isinstance(said, Words):
        yield from _broken_hearing(before, said, assessment, step)
    elif before.opted_out and texts:
        yield "a text, unasked, to somebody who opted out"


def _broken_floor(before: Progress, step: Step) -> Iterator[str]:
    after, floor = step.progress, step.progress.disposition
    started = Disposition.NONE
    if after.case == before.case:
        started = before.disposition
        if floor < started:
            yield "the floor fell"
    elif before.disposition.is_urgent:
        yield "an urgent case was ended by the machine"
    if floor.is_urgent and floor > started and not books_call(step.effects):
        yield "the floor became urgent and no call is owed"
    if floor.is_danger and floor > started and page_of(step.effects) is None:
        yield "the floor became danger and nobody was paged"
    if floor.is_urgent:
        if "D6" in messages(step.effects):
            yield "'No one will call you' at URGENT or above"
        if any(isinstance(effect, CancelCallback | CloseCase) for effect in step.effects):
            yield "an urgent case was closed"


def _broken_prompt(before: Progress, step: Step) -> Iterator[str]:
    """An answer binds to the last prompt that was sent."""
    after = step.progress
    state = protocol().states[after.state] if after.state else None
    if after.question is not None:
        asked = {question.message for question in state.questions} if state else set()
        if after.question not in asked:
            yield "the open question is not of this state"
    questions = [key for key in messages(step.effects) if key in _questions() or key == "N1"]
    if questions and questions[-1] not in {after.question, after.nudge}:
        yield "a question was sent that no answer binds to"
    if after.question != before.question and after.question is not None:
        carrier_sent_it = after.question == "KW_START"
        if after.question not in messages(step.effects) and not carrier_sent_it:
            yield "an answer would bind to a question that was never sent"


@lru_cache(maxsize=1)
def _questions() -> frozenset[str]:
    states = protocol().states.values()
    return frozenset(question.message for state in states for question in state.questions)


def _broken_hearing(
    before: Progress, said: Words, assessment: Assessment, step: Step
) -> Iterator[str]:
    after, texts, page = step.progress, messages(step.effects), page_of(step.effects)
    opts_out = any(isinstance(effect, OptOut) for effect in step.effects)
    silent = after.held or said.answered is not None or opts_out or after.opted_out
    if not texts and not silent:
        yield "no answer"
    if assessment.level < Level.CRISIS:
        return
    if page is None:
        yield "danger and nobody was paged"
    if after.held:
        return
    emergency = assessment.level is Level.EMERGENCY
    first = FIRST_IN_EMERGENCY if emergency else FIRST_IN_CRISIS
    if not emergency and before.disposition is Disposition.EMERGENCY_NOW:
        first = FIRST_IN_EMERGENCY
    if not texts or texts[0] not in first:
        yield "danger was not answered first"
    least = Disposition.EMERGENCY_NOW if emergency else Disposition.CRISIS_LIVE
    if after.disposition < least:
        yield "danger did not raise the floor"
    if violence(assessment) and {"E1", "E2"} & set(texts):
        yield "violence got the overdose text"


def violence(assessment: Assessment) -> bool:
    """Is somebody about to be hurt by somebody?"""
    return any(
        signal.level is Level.EMERGENCY and signal.tags & {"violence", "child_in_danger"}
        for signal in assessment.signals
    )


class Phone:
    """One caller. Every method returns the phone, so that a story can be told in one breath."""

    def __init__(
        self,
        *,
        staffed: bool = True,
        progress: Progress | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.staffed = staffed
        self.lexicon = lexicon or protocol().lexicon
        self.progress = progress or Progress()
        self.now = NOON
        self.effects: tuple[Effect, ...] = ()
        self.wake_at: datetime | None = None

    def texts(
        self,
        *bodies: str,
        after: timedelta = A_MOMENT,
        answered: CarrierWord | None = None,
        whatsapp: bool = False,
    ) -> "Phone":
        for body in bodies:
            self.now += after
            scan = assess(
                body,
                self.lexicon,
                recent=self.progress.recent_parts(self.now),
                hot=self.progress.heard_danger(self.now),
            )
            self._take(Words(body, answered, whatsapp), scan)
        return self

    def silent_for(self, seconds: float) -> "Phone":
        """Time passes; the engine is woken whenever it asked to be. Effects are gathered."""
        until = self.now + timedelta(seconds=seconds)
        gathered: list[Effect] = []
        while self.wake_at is not None and self.wake_at <= until:
            self.now = self.wake_at
            self._take(Silence(), NOTHING)
            gathered += self.effects
        self.now, self.effects = until, tuple(gathered)
        return self

    def appointed(self, state: str) -> "Phone":
        self._take(Appointment(state), NOTHING)
        return self

    def _take(self, said: Said, scan: Assessment) -> None:
        step = take(self.progress, said, scan, self.now, staffed=self.staffed)
        self.progress = Progress.from_json(step.progress.to_json())
        self.effects, self.wake_at = step.effects, step.wake_at

    def expects(self, *wanted: str) -> "Phone":
        """Exactly these texts, by key, or by words that are in them."""
        sent = self.sent
        matched = len(sent) == len(wanted) and all(
            key == want or want in self.words_of(key)
            for key, want in zip(sent, wanted, strict=True)
        )
        assert matched, f"expected {list(wanted)}, got {sent} in {self.progress.state}"
        return self

    def words_of(self, key: str) -> str:
        """What the caller reads."""
        return render(
            protocol(),
            key,
            language=self.progress.language,
            country=pack_for(protocol(), self.progress.country),
            staffed=self.staffed,
            values=LONGEST,
        )

    def promises_a_person(self) -> bool:
        """Does any text that just left say that a person comes?"""
        found = (find_message(protocol(), key, "en") for key in self.sent)
        return self.staffed and any(message and message.promises_person for message in found)

    @property
    def sent(self) -> list[str]:
        return messages(self.effects)

    @property
    def page(self) -> PageStaff | None:
        return page_of(self.effects)

    @property
    def calls(self) -> bool:
        return books_call(self.effects)

    @property
    def place(self) -> tuple[str | None, str | None, str]:
        return self.progress.state, self.progress.question, self.progress.floor
