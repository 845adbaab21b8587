"""A text came in: stored, understood and answered in one transaction (DESIGN 5)."""

from dataclasses import dataclass, replace
from datetime import datetime

from helpline.domain.commands import is_exact, parse_command
from helpline.domain.outage import DirectPage
from helpline.domain.phone import find_phone
from helpline.domain.progress import Progress
from helpline.domain.risk import Assessment, Level, assess
from helpline.domain.said import CarrierWord, Words
from helpline.runtime import Runtime
from helpline.service import commands, correspondence, steps
from helpline.service.outage import handover
from helpline.service.sending import outgoing
from helpline.service.steps import Decision
from helpline.store import Road, Transaction, arrivals, conversations, messages, outbox, retried
from helpline.store.arrivals import Arrival
from helpline.store.callbacks import EndedMeanwhile
from helpline.store.conversations import Place

_MOST_TRIES = 50
_NO_TEXT = {True: "[picture]", False: ""}


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A text as the carrier handed it over. `sender` and `recipient` may be anything.

    `said` is None while the carrier waits for our answer. For a text that came late, from
    the spool or the carrier's log, it is what was answered when it came: whatever else there
    is to say is sent. `paged` is the direct page that was sent about it meanwhile.
    `came_at` is when it had come: what it asks for is owed from then on.
    """

    sid: str
    sender: str
    recipient: str
    body: str
    media: int = 0
    answered: CarrierWord | None = None
    whatsapp: bool = False
    said: tuple[str, ...] | None = None
    paged: DirectPage | None = None
    came_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said in the same response. `repeated` when this carrier id was here before."""

    texts: tuple[str, ...]
    repeated: bool
    level: str


def receive(rt: Runtime, text: IncomingText) -> Answer:
    """Store the text, assess it, take a step, and say what to answer.

    A repeat of the same carrier id gets the stored answer and changes nothing. Deciding
    holds no lock: if another text of the same caller was quicker, the step is taken again
    on what that one left. Danger rings the crisis bell right after the commit; a dead bell
    is the guard's business.
    """
    for _ in range(_MOST_TRIES):
        try:
            return _receive(rt, text)
        except (_Overtaken, EndedMeanwhile):
            continue
    raise RuntimeError("this caller's texts overtake each other without end")


class _Overtaken(Exception):
    """Somebody moved the conversation while we decided; nothing was written."""


class _Repeated(Exception):
    """This carrier id is here already; nothing was written."""


@retried
def _receive(rt: Runtime, text: IncomingText) -> Answer:
    now = rt.clock.now()
    with rt.store.glance() as tx:
        place = conversations.find(tx, *who(text))
    progress = steps.read_progress(rt, place)
    heard = assess(
        text.body,
        rt.protocol.lexicon,
        recent=progress.recent_parts(now),
        hot=progress.heard_danger(now),
    )
    try:
        if place.is_staff and _is_for_us(place, text, heard):
            texts, urgent = _from_staff(rt, place, text, now)
        else:
            texts, urgent = _from_caller(rt, place, text, progress, heard, now)
    except _Repeated:
        with rt.store.glance() as tx:
            answer = messages.find_answer(tx, text.sid) or ()
        return Answer(answer, repeated=True, level=heard.level.name)
    for outbox_id in urgent:
        if not rt.bell.hint("crisis", outbox_id):
            break
    return Answer(texts, repeated=False, level=heard.level.name)


def say_what_is_owed(rt: Runtime, text: IncomingText) -> None:
    """A late text that was here already: send of its answer what nobody ever said.

    Its first commit may have worked while its response was lost. May run again.
    """
    with rt.store.begin() as tx:
        place = conversations.lock(tx, *who(text))
        answer = messages.find_answer(tx, text.sid)
        if place is None or not answer or text.said is None:
            return
        said = messages.list_said_since(tx, place.conversation_id, text.sid)
        late = replace(text, said=(*text.said, *said))
        now = rt.clock.now()
        _answer_late(tx, place.conversation_id, late, answer, now, priority=outbox.URGENT)


def who(text: IncomingText) -> tuple[str, str]:
    """The sender's address and the line that was texted, whatever they are called."""
    phone = find_phone(text.sender)
    # Without its plus nobody takes what cannot be a number for one.
    address = phone.e164 if phone else text.sender.strip().lstrip("+")[:200] or "unknown"
    return address, text.recipient.removeprefix("whatsapp:").strip()[:32] or "unknown"


def _from_caller(
    rt: Runtime,
    place: Place,
    text: IncomingText,
    progress: Progress,
    heard: Assessment,
    now: datetime,
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Decide, then write everything in one transaction: texts and crisis effects to ring for."""
    said = Words(text.body, text.answered, text.whatsapp, text.media, late=text.said is not None)
    decision = steps.decide(rt, place, progress, said, heard, now)
    if place.blocked and place.case_id is None and heard.level < Level.ASK:
        decision = steps.without_answer(decision)
    in_time = text.said is None
    plain = place.holder_id is None and not place.textless
    if place.conversation_id and plain and not decision.owes and in_time:
        with rt.store.swift() as road:
            _record(road, place, text, decision, heard, now)
        return decision.texts, ()
    with rt.store.begin() as tx:
        if not place.conversation_id:
            place = _introduced(tx, place, text, now)
        _record(tx, place, text, decision, heard, now)
        if place.textless:
            conversations.accept_texts(tx, place.caller_id)
        if text.paged is not None:
            handover.open_in_database(rt, tx, place, decision, text.paged, now)
        asked_at = min(text.came_at or now, now)
        urgent = steps.carry_out(rt, tx, place, decision, now, asked_at=asked_at)
        priority = outbox.CRISIS if heard.level >= Level.CRISIS else outbox.URGENT
        _answer_late(tx, place.conversation_id, text, decision.texts, now, priority=priority)
        if place.holder_id is not None and place.case_id is not None:
            words = text.body or _NO_TEXT[text.media > 0]
            correspondence.forward(tx, place.case_id, place.holder_id, words, now)
    return decision.texts, urgent


def _introduced(tx: Transaction, place: Place, text: IncomingText, now: datetime) -> Place:
    ids = conversations.introduce(tx, place.address, place.line, whatsapp=text.whatsapp, now=now)
    if ids is None:
        raise _Overtaken
    return replace(place, conversation_id=ids[0], caller_id=ids[1])


def _record(
    tx: Transaction | Road,
    place: Place,
    text: IncomingText,
    decision: Decision,
    heard: Assessment,
    now: datetime,
) -> None:
    """The text and the caller's new place, or neither."""
    arrival = arrivals.record(
        tx,
        place,
        sid=text.sid,
        body=text.body or _NO_TEXT[text.media > 0],
        answer=decision.texts,
        media=text.media,
        level=int(heard.level),
        progress=decision.step.progress.to_json(),
        wake_at=decision.step.wake_at,
        whatsapp=text.whatsapp,
        now=now,
    )
    if arrival is Arrival.REPEATED:
        raise _Repeated
    if arrival is Arrival.OVERTAKEN:
        raise _Overtaken


def _from_staff(
    rt: Runtime, place: Place, text: IncomingText, now: datetime
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """A command, obeyed once. Words of danger from staff are a caller's (CONTRACT 2)."""
    command = parse_command(text.body)
    with rt.store.begin() as tx:
        if messages.find_answer(tx, text.sid) is not None:
            raise _Repeated
        here = conversations.lock(tx, place.address, place.line) or conversations.create(
            tx, place.address, place.line, whatsapp=text.whatsapp, now=now
        )
        texts, urgent = commands.obey(rt, tx, here.phone, command, now, answered=text.answered)
        kept = messages.keep_inbound(
            tx,
            conversation_id=here.conversation_id,
            sid=text.sid,
            body=text.body or _NO_TEXT[text.media > 0],
            answer=texts,
            media=text.media,
            level=int(Level.NONE),
            now=now,
        )
        if kept is None:
            raise _Repeated
        _answer_late(tx, here.conversation_id, text, texts, now, priority=outbox.URGENT)
    return texts, urgent


def _is_for_us(place: Place, text: IncomingText, heard: Assessment) -> bool:
    """Staff who are in danger themselves, or have a case of their own, are callers in it.

    An exact command wins over every word in it (CONTRACT 2).
    """
    if is_exact(parse_command(text.body)):
        return True
    return heard.level < Level.CRISIS and place.case_id is None


def _answer_late(
    tx: Transaction,
    conversation_id: int,
    text: IncomingText,
    answer: tuple[str, ...],
    now: datetime,
    *,
    priority: int,
) -> None:
    """The carrier waits no longer: what was not said when the text came is sent."""
    if text.said is None:
        return
    for words in answer:
        if words not in text.said:
            outgoing.text_words(tx, conversation_id, words, now, priority=priority)
