"""A drill pages everybody on duty and shows who answered, after how long, by which channel.

It never touches a caller and never holds up a real page: its texts and rings are ordinary
work of the line, sorted after every crisis effect, and nobody on a call is rung. Everything
is a row, so whoever starts a drill may go away and come back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from helpline.domain.delivery import Accepted, CallOrder, Outcome, Refused, TryLater, Unknown
from helpline.domain.pace import Lane
from helpline.domain.speech import Ask, CallStep, HangUp, Say
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.sending import outgoing, senders, tries
from helpline.store import Transaction, drills, journal, messages, outbox, people
from helpline.store.drills import Notice
from helpline.store.outbox import Effect
from helpline.store.people import Person

ENTRANCE = "/twilio/voice/drill"
_CHOICE = "/twilio/voice/drill/choice"
_CHOICE_WITHIN = timedelta(seconds=10)
_PAUSE = timedelta(seconds=5)
_SAFE = (HangUp(),)


@dataclass(frozen=True, slots=True)
class Answered:
    """How one person did. `text` and `call` are the seconds until they answered there.

    `text_state` and `ring_state` say how far the notice came, for those who did not.
    """

    staff_id: int
    text: float | None
    call: float | None
    text_state: str
    ring_state: str

    @property
    def answered(self) -> bool:
        """By either channel."""
        return self.text is not None or self.call is not None


@dataclass(frozen=True, slots=True)
class Report:
    """A drill so far: over when nobody is left or its time has passed."""

    drill_id: int
    ends_at: datetime
    over: bool
    people: tuple[Answered, ...]

    @property
    def count(self) -> int:
        """How many answered."""
        return sum(person.answered for person in self.people)


def start(rt: Runtime, wait: timedelta | None = None) -> int:
    """Page everybody on duty, or go on with the drill that is under way; its id.

    Args:
        wait: how long answers count; `escalation.yaml` says it by default.

    On duty are those who are available, and supervisors always, as the ladder sees it.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        known = drills.find_open(tx, now)
        if known is not None:
            return known.id
        ends_at = now + (wait or rt.protocol.escalation.drill_wait)
        drill_id = drills.start(tx, now, ends_at)
        everybody = _on_duty(tx)
        for person in everybody:
            _notify(rt, tx, drill_id, person, now)
        journal.note(tx, "drill started", "drill", drill_id, now=now, actor="command line",
                     people=len(everybody))  # fmt: skip
    return drill_id


def _on_duty(tx: Transaction) -> list[Person]:
    return [
        person
        for person in people.list_active(tx)
        if person.available or person.role in {"supervisor", "admin"}
    ]


def _notify(rt: Runtime, tx: Transaction, drill_id: int, person: Person, now: datetime) -> None:
    words = wording.to_staff(rt, "DRILL_TEXT")
    message_id = messages.plan(
        tx, token=outgoing.new_token(), body=words, now=now, staff_id=person.id
    )
    notice_id = drills.notify(tx, drill_id, person.id, outgoing.new_token(), message_id)
    outbox.put(
        tx, key=f"text-{message_id}", kind="text", row_id=message_id, queue="default",
        priority=outbox.URGENT, due_at=now, now=now,
    )  # fmt: skip
    outbox.put(
        tx, key=f"drill-{notice_id}", kind="drill", row_id=notice_id, queue="callbacks",
        priority=outbox.URGENT, due_at=now, now=now,
    )  # fmt: skip


def ring(rt: Runtime, effect: Effect) -> None:
    """Ring one person for a drill. Called by dispatch with a claimed effect.

    Never rung twice: a ring whose outcome is unknown stays unknown, this is an exercise.
    """
    now = rt.clock.now()
    with rt.store.begin() as tx:
        notice = drills.get_notice(tx, effect.row_id)
        reason = _not_now(tx, notice, now)
        if reason is not None:
            drills.move_ring(tx, notice.id, "waiting", reason)
            outbox.drop(tx, effect.id, now, reason)
            return
        sender = senders.for_staff_call(rt, crisis=False, turn=notice.id)
        if not tries.may_leave(rt, tx, effect, senders.draws_of_call(rt, sender), Lane.ORDINARY):
            return
        if not drills.move_ring(tx, notice.id, "waiting", "asked"):
            drills.move_ring(tx, notice.id, "asked", "unknown")
            outbox.drop(tx, effect.id, now, "asked before")
            return
        to = people.get(tx, notice.staff_id).phone
    outcome = rt.carrier.place_call(
        CallOrder(
            to=to,
            sender=sender,
            entrance=ENTRANCE,
            token=notice.token,
            ring=rt.protocol.escalation.ring,
        )
    )
    with rt.store.begin() as tx:
        _record(tx, effect, notice, outcome, rt.clock.now())


def _not_now(tx: Transaction, notice: Notice, now: datetime) -> str | None:
    """Why this person is not rung for the drill."""
    drill = drills.get(tx, notice.drill_id)
    if drill.ended_at is not None or drill.ends_at <= now:
        return "too late"
    if notice.answered_at is not None:
        return "not needed"
    return "on a call" if drills.is_on_a_call(tx, notice.staff_id) else None


def _record(
    tx: Transaction, effect: Effect, notice: Notice, outcome: Outcome, now: datetime
) -> None:
    match outcome:
        case Accepted():
            drills.move_ring(tx, notice.id, "asked", "accepted")
            outbox.done(tx, effect.id, now)
        case Refused(code, reason):
            drills.move_ring(tx, notice.id, "asked", "refused", f"{code} {reason}")
            outbox.done(tx, effect.id, now, error=f"{code} {reason}")
        case TryLater(after, code, reason):
            drills.move_ring(tx, notice.id, "asked", "waiting")
            outbox.later(tx, effect, now + max(after, _PAUSE), f"{code} {reason}")
        case Unknown(reason):
            drills.move_ring(tx, notice.id, "asked", "unknown", reason)
            outbox.drop(tx, effect.id, now, reason)


# --- answers ----------------------------------------------------------------------


def call_answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """Somebody picked up a drill's call: it says so, and asks for a key."""
    with rt.store.read() as tx:
        notice = drills.find_by_token(tx, token)
    if notice is None:
        return _SAFE
    question = (Say(wording.aloud_to_staff(rt, "DRILL_CALL")),)
    ask = Ask(question, f"{_CHOICE}?attempt={token}", timeout=_CHOICE_WITHIN)
    return (ask, ask, Say(wording.aloud_to_staff(rt, "DRILL_OVER")), HangUp())


def call_chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 is an answer; any other key is none, and a drill that is over counts no more."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        notice = drills.find_by_token(tx, token)
        if notice is None:
            return _SAFE
        counted = digits == "1" and _going_on(tx, notice, now)
        if counted and drills.answer_call(tx, notice.id, now):
            _note_answer(tx, notice, "call", now)
    key = "DRILL_ANSWERED" if counted else "DRILL_OVER"
    return (Say(wording.aloud_to_staff(rt, key)), HangUp())


def answer_by_text(rt: Runtime, tx: Transaction, person: Person, now: datetime) -> str | None:
    """A bare OK while no page is open answers the drill: what to text back, None without one."""
    drill = drills.find_open(tx, now)
    notice = drills.find_of_person(tx, drill.id, person.id) if drill is not None else None
    if notice is None:
        return None
    if drills.answer_text(tx, notice.id, now):
        _note_answer(tx, notice, "text", now)
    return wording.to_staff(rt, "DRILL_ANSWERED")


def _going_on(tx: Transaction, notice: Notice, now: datetime) -> bool:
    drill = drills.get(tx, notice.drill_id)
    return drill.ended_at is None and now < drill.ends_at


def _note_answer(tx: Transaction, notice: Notice, channel: str, now: datetime) -> None:
    journal.note(
        tx, "drill answered", "drill", notice.drill_id, now=now,
        actor=f"staff:{notice.staff_id}", channel=channel,
    )  # fmt: skip


# --- the report -------------------------------------------------------------------


def find_latest(rt: Runtime) -> int | None:
    """The drill that was started last."""
    with rt.store.read() as tx:
        found = drills.find_latest(tx)
    return None if found is None else found.id


def look(rt: Runtime, drill_id: int) -> Report:
    """How the drill stands.

    Raises:
        LookupError: there is no such drill.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        drill = drills.get(tx, drill_id)
        notices = drills.list_notices(tx, drill_id)
    everybody = tuple(_answered(notice, drill.started_at) for notice in notices)
    ended = drill.ended_at is not None or drill.ends_at <= now
    return Report(
        drill_id, drill.ends_at, ended or all(item.answered for item in everybody), everybody
    )


def end(rt: Runtime, drill_id: int) -> None:
    """The drill counts no more answers; written down once."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        if drills.end(tx, drill_id, now):
            journal.note(tx, "drill ended", "drill", drill_id, now=now, actor="command line")


def _answered(notice: Notice, started_at: datetime) -> Answered:
    def after(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - started_at).total_seconds()

    return Answered(
        staff_id=notice.staff_id,
        text=after(notice.text_answered_at),
        call=after(notice.call_answered_at),
        text_state=str(notice.text or "none"),
        ring_state=" ".join(filter(None, (notice.ring, notice.error))),
    )
