"""Taking a step in a conversation: the engine's effects become rows, all in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.effects import (
    BookCallback,
    CancelCallback,
    CloseCase,
    Effect,
    OpenCase,
    OptIn,
    OptOut,
    PageStaff,
    SendText,
)
from helpline.domain.progress import Progress
from helpline.domain.risk import Assessment
from helpline.domain.said import Said
from helpline.domain.triage import Step, advance
from helpline.runtime import Runtime
from helpline.service import callbacks, escalation, followups, ring_safety, wording
from helpline.store import Transaction, cases, conversations, journal
from helpline.store import callbacks as promises
from helpline.store.cases import Case
from helpline.store.conversations import Place

Put = Callable[..., str]
"""`wording.to_caller` or `wording.aloud`."""

_WAITS_FOR_A_CALL = frozenset({"QUEUED", "HUMAN", "HUMAN_VOICE"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What the engine decided, with the words it wants said to the caller."""

    before: Progress
    step: Step
    texts: tuple[str, ...]
    promise_ended: bool = False
    """They were told that a person comes, and the promise has ended: it is made again."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the engine asks for, and the promise that has to be made again."""
        again = (BookCallback(at_once=True),) if self.promise_ended else ()
        return (*self.step.effects, *again)

    @property
    def owes(self) -> bool:
        """Is there more to do than to answer?"""
        return self.step.owes or self.promise_ended


def read_progress(rt: Runtime, place: Place) -> Progress:
    """Where the caller stands; a new caller stands at the beginning."""
    if place.progress:
        progress = Progress.from_json(place.progress)
    else:
        progress = Progress(country=wording.country_code(rt, place.phone))
    _keep_to_known_places(rt, progress)
    progress.held = place.holder_id is not None
    progress.opted_out = place.opted_out
    return progress


def _keep_to_known_places(rt: Runtime, progress: Progress) -> None:
    """A protocol may lose a state while somebody stands there: a human, or the beginning."""
    states = rt.protocol.states
    if progress.state is not None and progress.state not in states:
        progress.state = "HUMAN" if progress.disposition.is_urgent else None
        progress.question = progress.nudge = None
    if progress.returns_to is not None and progress.returns_to not in states:
        progress.returns_to = None
    if progress.silence is not None and progress.silence not in rt.protocol.silence:
        progress.silence = None


def decide(
    rt: Runtime,
    place: Place,
    progress: Progress,
    said: Said,
    assessment: Assessment,
    now: datetime,
    put: Put = wording.to_caller,
) -> Decision:
    """Ask the engine, and `put` its messages into words, written or spoken. Touches nothing."""
    step = advance(rt.protocol, progress, said, assessment, now, staffed=place.staffed)
    texts = tuple(
        put(rt, effect.message, step.progress, staffed=place.staffed, line=place.line)
        for effect in step.effects
        if isinstance(effect, SendText)
    )
    waits = step.progress.state in _WAITS_FOR_A_CALL and not step.progress.held
    ended = waits and bool(place.conversation_id) and not place.promised and not step.owes
    return Decision(progress, step, texts, promise_ended=ended)


def without_answer(decision: Decision) -> Decision:
    """Nothing is said and nothing moves for a caller who is blocked.

    Except where a human is needed after all, and for STOP and START, which are theirs to say.
    """
    needed = PageStaff | OptOut | OptIn
    if any(isinstance(effect, needed) for effect in decision.effects):
        return decision
    return Decision(decision.before, Step(decision.before, (), None), ())


def save(tx: Transaction, place: Place, decision: Decision, now: datetime) -> None:
    """Keep where the caller stands after a step that no text caused."""
    progress = decision.step.progress
    conversations.save(
        tx,
        place,
        progress.to_json(),
        wake_at=decision.step.wake_at,
        heard_at=datetime.fromtimestamp(progress.heard_at or now.timestamp(), now.tzinfo),
        whatsapp=place.whatsapp,
    )


def carry_out(
    rt: Runtime,
    tx: Transaction,
    place: Place,
    decision: Decision,
    now: datetime,
    *,
    asked_at: datetime | None = None,
) -> tuple[int, ...]:
    """Write down what the step owes; ids of crisis effects to hint at.

    `asked_at` is when what came late had arrived: promises and pages count from there.
    """
    asked_at = asked_at or now
    progress = decision.step.progress
    urgent: list[int] = []
    for effect in decision.effects:
        match effect:
            case PageStaff(kind, reason, ring_caller):
                work = _case(
                    rt, tx, place, max(progress.disposition, Disposition.URGENT_60), asked_at
                )
                safe = ring_caller and not ring_safety.hidden_elsewhere(tx, place, progress)
                urgent += escalation.page(rt, tx, work, kind, reason, safe, now, since=asked_at)
            case BookCallback(at_once):
                work = _case(rt, tx, place, progress.disposition, asked_at)
                callbacks.book(
                    rt, tx, place, work, progress, now, at_once=at_once, asked_at=asked_at
                )
                followups.plan(rt, tx, place, work, progress, now)
            case OpenCase():
                _case(rt, tx, place, max(progress.disposition, Disposition.INFO), asked_at)
            case CancelCallback():
                _cancel(tx, place, now)
            case CloseCase():
                _close(tx, place, now)
            case OptOut():
                conversations.opt(tx, place.conversation_id, now)
                journal.note(tx, "opted out", "conversation", place.conversation_id, now=now)
            case OptIn():
                conversations.opt(tx, place.conversation_id, None)
                journal.note(tx, "opted in", "conversation", place.conversation_id, now=now)
            case SendText():
                pass
    return tuple(urgent)


def _case(
    rt: Runtime, tx: Transaction, place: Place, disposition: Disposition, now: datetime
) -> Case:
    return cases.open_or_raise(
        tx,
        conversation_id=place.conversation_id,
        caller_id=place.caller_id,
        disposition=disposition,
        protocol_hash=rt.protocol.hash,
        now=now,
    )


def _cancel(tx: Transaction, place: Place, now: datetime) -> None:
    live = promises.find_live(tx, place.caller_id)
    if live is None or live.state != "waiting" or live.disposition.is_urgent:
        return
    if live.conversation_id != place.conversation_id:
        # Silence on one of our lines ends no promise that was made on another.
        return
    if promises.finish(tx, live.id, "canceled", "dropped", now):
        journal.note(tx, "canceled", "callback", live.id, now=now, actor="caller")


def _close(tx: Transaction, place: Place, now: datetime) -> None:
    if place.case_id is not None:
        work = cases.get(tx, place.case_id)
        promised = promises.find_live(tx, place.caller_id) is not None
        if not work.disposition.is_urgent and not promised:
            cases.close(tx, place.case_id, "closed by caller", now)
            journal.note(tx, "closed", "case", place.case_id, now=now, actor="caller")
