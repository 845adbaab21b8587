"""A case as its page shows it: who, what was said, what was done, why it is urgent.

Reading is noted: who looked at which case, and when (DESIGN 10).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.domain.protocol import Protocol
from helpline.domain.rights import NotAllowed, Right, may, need
from helpline.domain.risk import Level, assess
from helpline.runtime import Runtime
from helpline.service import hours, wording
from helpline.store import (
    Transaction,
    audit,
    cases,
    conversations,
    holding,
    journal,
    pages,
    people,
    timeline,
)
from helpline.store import callbacks as promises
from helpline.store.callbacks import Callback
from helpline.store.cases import Case
from helpline.store.conversations import Place
from helpline.store.pages import Page
from helpline.store.people import Person
from helpline.store.timeline import Agreed, Episode, Who

LONGEST_TALE = 300
"""Messages on one page; older ones are counted, not shown."""
REPLIES = ("REPLY_HERE", "REPLY_SAFE", "REPLY_CALL", "REPLY_TIME", "REPLY_NUMBERS")
"""Messages of the protocol that a specialist may pick; they can be changed before they are sent."""
SEEN_AGAIN = timedelta(minutes=5)
"""A page that stays open is one view for so long."""
ACTS = frozenset(
    {"opened", "raised", "lowered", "held", "outcome", "closed", "moved call", "reassigned",
     "blocked", "unblocked", "merged", "parted", "changed hands", "danger confirmed",
     "danger dismissed", "paged", "acknowledged", "promised", "exhausted", "not reached"}
)  # fmt: skip
"""What the audit knows that belongs into a caller's tale."""


@dataclass(frozen=True, slots=True)
class Why:
    """A sign of danger in the words: what, how much, about whom, when."""

    category: str
    level: Level
    who: str
    when: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Words as they were written; `why` when they are a sign of danger."""

    words: str
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `kind`: in, out, spoken, leg, page, note, left, act."""

    at: datetime
    kind: str
    pieces: tuple[Piece, ...] = ()
    who: str = ""
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """An answer of triage: the question's message key and the choices or words."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything the page of a case shows."""

    work: Case
    holder: str | None
    is_theirs: bool
    who: Who
    first_name: str
    language: str
    masked: tuple[str, ...]
    local_time: datetime
    opted_out: bool
    textless: bool
    on_the_line: bool
    state: str | None
    promise: Callback | None
    page: Page | None
    facts: tuple[Fact, ...]
    flags: tuple[str, ...]
    tale: tuple[Entry, ...]
    episodes: tuple[Episode, ...]
    agreed: tuple[Agreed, ...]
    same: tuple[int, ...]
    """Other callers who are the same person."""
    replies: tuple[str, ...]
    """Approved texts to pick from, in the caller's language."""
    colleagues: tuple[Person, ...]
    """To whom a supervisor may hand it."""


def open_case(rt: Runtime, reader: Person, case_id: int) -> CasePage:
    """The case with this id for this reader, noted.

    Raises:
        LookupError: there is none.
        NotAllowed: it is a colleague's, or about the reader.
    """
    need(reader.role, Right.WORK)
    now = rt.clock.now()
    with rt.store.read() as tx:
        work = cases.get(tx, case_id)
        check_may_read(tx, reader, work)
        seen = _was_seen(tx, reader, work, now)
        shown = _page(rt, tx, reader, work, now)
    if not seen:
        with rt.store.begin() as tx:
            journal.note(tx, "case viewed", "case", work.id, now=now, actor=f"staff:{reader.id}")
    return shown


def check_may_read(tx: Transaction, reader: Person, work: Case) -> None:
    """A specialist reads what is theirs and what waits for anybody; nobody reads about themselves.

    Raises:
        NotAllowed: it is neither.
    """
    if people.find_author(tx, work.id) == reader.id:
        raise NotAllowed("own case")
    if may(reader.role, Right.SUPERVISE) or holding.is_theirs(tx, work.id, reader.id):
        return
    waits = work.is_open and work.holder_id is None and not holding.is_talked_to(tx, work.id)
    if not waits and pages.find_open(tx, work.id) is None:
        raise NotAllowed("a colleague's case")


def _was_seen(tx: Transaction, reader: Person, work: Case, now: datetime) -> bool:
    recent = audit.list_entries(tx, case_id=work.id, since=now - SEEN_AGAIN)
    who = f"staff:{reader.id}"
    return any(entry.action == "case viewed" and entry.actor == who for entry in recent)


def _page(rt: Runtime, tx: Transaction, reader: Person, work: Case, now: datetime) -> CasePage:
    place = conversations.get(tx, work.conversation_id)
    progress = Progress.from_json(place.progress) if place.progress else Progress()
    who = timeline.get_who(tx, work.caller_id)
    same = timeline.list_same(tx, who)
    episodes = timeline.list_episodes(tx, same, who.changed_hands_at)
    numbers = [place.phone, PhoneNumber(who.second_phone) if who.second_phone else None]
    return CasePage(
        work=work,
        holder=None if work.holder_id is None else people.get(tx, work.holder_id).name,
        is_theirs=holding.is_theirs(tx, work.id, reader.id),
        who=who,
        first_name=first_name(progress),
        language=progress.language,
        masked=tuple(str(number) for number in numbers if number),
        local_time=hours.local_time(rt, place.phone, now),
        opted_out=place.opted_out,
        textless=place.textless,
        on_the_line=timeline.is_on_the_line(tx, same),
        state=progress.state,
        promise=promises.find_live(tx, work.caller_id),
        page=pages.find_open(tx, work.id),
        facts=facts_of(rt.protocol, progress),
        flags=tuple(progress.flags),
        tale=_tale(rt, tx, same, episodes, who.changed_hands_at),
        episodes=tuple(episodes),
        agreed=tuple(timeline.list_agreed(tx, work.id)),
        same=tuple(other for other in same if other != work.caller_id),
        replies=_replies(rt, place, progress),
        colleagues=tuple(people.list_active(tx)) if may(reader.role, Right.SUPERVISE) else (),
    )


def _replies(rt: Runtime, place: Place, progress: Progress) -> tuple[str, ...]:
    return tuple(
        wording.to_caller(rt, key, progress, staffed=True, line=place.line) for key in REPLIES
    )


def first_name(progress: Progress) -> str:
    """The first word of the name they gave, or nothing."""
    given = progress.words.get("name", "").split()
    return given[0][:20] if given else ""


def facts_of(protocol: Protocol, progress: Progress) -> tuple[Fact, ...]:
    """What triage learned, in the order of the protocol; answers in the protocol's own words."""
    found: dict[str, Fact] = {}
    for state in protocol.states.values():
        for question in state.questions:
            key = question.message
            if question.saves and question.saves in progress.words:
                found.setdefault(key, Fact(key, (progress.words[question.saves],)))
            elif key in progress.answers and question.answers:
                found.setdefault(key, Fact(key, tuple(progress.answers[key])))
    return tuple(found.values())


def _tale(
    rt: Runtime,
    tx: Transaction,
    callers: list[int],
    episodes: list[Episode],
    since: datetime | None,
) -> tuple[Entry, ...]:
    ids = [episode.case_id for episode in episodes]
    names = {person.id: person.name for person in people.list_all(tx)}
    entries: list[Entry] = [
        *_said(rt, timeline.list_said(tx, callers, since, most=LONGEST_TALE)),
        *_legs(timeline.list_legs(tx, ids), names),
        *_written(timeline.list_written(tx, ids), names),
        *_left(rt, timeline.list_left(tx, ids)),
        *_acts(tx, ids, names),
    ]
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _said(rt: Runtime, said: Iterable[timeline.Said]) -> Iterable[Entry]:
    for item in said:
        if not item.inbound:
            yield Entry(item.at, "out", (Piece(item.body),), detail={"state": item.state})
            continue
        kind = "spoken" if item.spoken else "in"
        yield Entry(
            item.at,
            kind,
            marked(rt, item.body),
            detail={"id": item.id, "level": Level(item.level).name, "media": item.media},
        )
        for words in json.loads(item.answer or "[]"):
            yield Entry(item.at, "out", (Piece(words),), detail={"spoken": item.spoken})


def marked(rt: Runtime, words: str) -> tuple[Piece, ...]:
    """The words with every sign of danger marked; of signs that overlap the worst is told."""
    signals = [s for s in assess(words, rt.protocol.lexicon).signals if s.level > Level.NONE]
    pieces: list[Piece] = []
    place = 0
    for signal in sorted(signals, key=lambda s: (s.start, -s.level)):
        if signal.start < place or signal.end <= signal.start:
            continue
        if signal.start > place:
            pieces.append(Piece(words[place : signal.start]))
        why = max(
            (s for s in signals if s.start < signal.end and s.end > signal.start),
            key=lambda s: s.level,
        )
        pieces.append(
            Piece(
                words[signal.start : signal.end],
                Why(why.category, why.level, why.who, why.when),
            )
        )
        place = signal.end
    if place < len(words) or not pieces:
        pieces.append(Piece(words[place:]))
    return tuple(pieces)


def _legs(legs: Iterable[timeline.Leg], names: dict[int, str]) -> Iterable[Entry]:
    for leg in legs:
        talked = None
        if leg.answered_at and leg.ended_at:
            talked = round((leg.ended_at - leg.answered_at).total_seconds())
        yield Entry(
            leg.at,
            "leg",
            who=names.get(leg.staff_id or 0, ""),
            detail={
                "leg": leg.leg,
                "state": leg.state,
                "result": leg.result,
                "seconds": talked,
                "paged": leg.page_id is not None,
            },
        )


def _written(notes: Iterable[timeline.Written], names: dict[int, str]) -> Iterable[Entry]:
    for item in notes:
        yield Entry(
            item.at,
            "note",
            (Piece(item.body),),
            who=names.get(item.staff_id, ""),
            detail={"outcome": item.outcome},
        )


def _left(rt: Runtime, messages: Iterable[timeline.Left]) -> Iterable[Entry]:
    for item in messages:
        detail: dict[str, object] = {"id": item.id, "seconds": item.seconds, "gone": item.gone}
        yield Entry(item.at, "left", marked(rt, item.words), detail=detail)


def _acts(tx: Transaction, ids: list[int], names: dict[int, str]) -> Iterable[Entry]:
    for case_id in ids:
        for entry in audit.list_entries(tx, case_id=case_id, most=400):
            if entry.action not in ACTS:
                continue
            _, _, staff_id = entry.actor.partition("staff:")
            who = names.get(int(staff_id), "") if staff_id.isdigit() else ""
            detail = dict(entry.detail)
            if isinstance(number := detail.get("disposition", detail.get("kind")), int):
                detail["disposition"] = Disposition(number).name
            yield Entry(
                entry.at, "act", who=who,
                detail={"action": entry.action, "subject": entry.subject, **detail},
            )  # fmt: skip
