"""Until a human answers: pages, the ladder, acknowledgement (CONTRACT 3).

Everything is a row: which step is next and when. A restart in mid-climb goes on.
"""

from collections.abc import Sequence
from datetime import datetime

from helpline.domain.disposition import Disposition
from helpline.domain.protocol import LadderStep
from helpline.runtime import Runtime
from helpline.service import live, summons
from helpline.service.rounds import take_each
from helpline.service.sending import outgoing
from helpline.store import (
    Contended,
    Transaction,
    attempts,
    conversations,
    journal,
    pages,
    people,
)
from helpline.store.attempts import Attempt
from helpline.store.cases import Case
from helpline.store.pages import Page
from helpline.store.people import Person


def page(
    rt: Runtime,
    tx: Transaction,
    case: Case,
    kind: Disposition,
    reason: str,
    ring_caller: bool,
    now: datetime,
    *,
    since: datetime | None = None,
) -> list[int]:
    """Page humans about a case; several dangers from one caller are one page.

    The ladder counts from the danger: `since`, when its words came late. Returns the crisis
    effects written, for the bell.
    """
    since = since or now
    page_id = pages.open_page(
        tx,
        case_id=case.id,
        kind=kind,
        reason=reason,
        ring_caller=ring_caller,
        next_at=now,
        now=since,
    )
    if page_id is None:
        return _worsen(rt, tx, case, kind, ring_caller, now, since)
    journal.note(tx, "paged", "page", page_id, now=now, kind=int(kind))
    return _begin(rt, tx, case, page_id, now)


def _worsen(
    rt: Runtime, tx: Transaction, case: Case, kind: Disposition, ring_caller: bool, now: datetime,
    since: datetime,
) -> list[int]:  # fmt: skip
    """The page that is open takes this in; one that waited, or was no danger yet, begins now."""
    known = pages.find_open(tx, case.id)
    if known is None:
        raise Contended("the page was acknowledged between two statements")
    pages.worsen(tx, known.id, kind, ring_caller=ring_caller)
    journal.note(tx, "worsened", "page", known.id, now=now, kind=int(kind))
    begins = known.step == 0 or (kind.is_danger and not known.kind.is_danger)
    if begins and pages.start_over(tx, known.id, since):
        return _begin(rt, tx, case, known.id, now)
    return []


def _begin(rt: Runtime, tx: Transaction, case: Case, page_id: int, now: datetime) -> list[int]:
    opened = pages.find(tx, page_id)
    assert opened is not None  # noqa: S101 - written in this transaction
    holder = None if case.holder_id is None else people.get(tx, case.holder_id)
    if holder is None or holder.disabled or holder.set_aside:
        return climb(rt, tx, opened, now)
    return _ring_holder(rt, tx, opened, holder, now)


def page_supervisor(
    rt: Runtime, tx: Transaction, case: Case, kind: Disposition, reason: str, now: datetime,
    *, ring_caller: bool,
) -> list[int]:  # fmt: skip
    """A promise was broken, or a case lost its clock: the supervisors decide, until one does.

    Nothing below danger climbs the ladder. A page that is open already is enough.
    """
    page_id = pages.open_page(
        tx,
        case_id=case.id,
        kind=kind,
        reason=reason,
        ring_caller=ring_caller,
        next_at=now,
        now=now,
    )
    if page_id is None:
        return []
    journal.note(tx, "paged", "page", page_id, now=now, kind=int(kind))
    opened = pages.find(tx, page_id)
    assert opened is not None  # noqa: S101 - written in this transaction
    return climb(rt, tx, opened, now)


def page_later(
    rt: Runtime,
    tx: Transaction,
    case: Case,
    kind: Disposition,
    reason: str,
    at: datetime,
    *,
    ring_caller: bool,
) -> None:
    """Open a page whose ladder begins then; the guard climbs it."""
    page_id = pages.open_page(
        tx, case_id=case.id, kind=kind, reason=reason, ring_caller=ring_caller, next_at=at, now=at
    )
    if page_id is not None:
        journal.note(tx, "paged", "page", page_id, now=rt.clock.now(), kind=int(kind))


def _ring_holder(
    rt: Runtime, tx: Transaction, opened: Page, holder: Person, now: datetime
) -> list[int]:
    """New danger while held rings the holder; the ladder starts at its second step.

    Also one who is on the telephone: their own caller is in danger.
    """
    steps = rt.protocol.escalation.steps
    pages.climb(tx, opened.id, 0, 1, now + steps[1].after)
    written = (
        summons.ring(tx, opened, holder, now),
        summons.text(rt, tx, opened, holder, now),
    )
    return [item for item in written if item is not None]


def climb(
    rt: Runtime, tx: Transaction, open_page: Page, now: datetime, *, again: Sequence[Person] = ()
) -> list[int]:
    """Take every step that is due; steps with nobody reachable are skipped at once.

    After the last step everybody is paged again every `repeat`, without end. A page that is
    no danger has one step, the supervisors. `again` are told beside whom the step names.
    """
    waits = attempts.find_holding(tx, open_page.case_id)
    if waits is None and not open_page.kind.is_danger:
        return _remind(rt, tx, open_page, now)
    steps = summons.ladder(rt, open_page, waits)
    step, told, reached = open_page.step, {person.id for person in again}, False
    written = summons.notify(rt, tx, open_page, again, now)
    while step < len(steps) and (not reached or _is_overdue(open_page, steps[step], waits, now)):
        if waits is not None and steps[step].who in live.STEPS:
            paged, reached = live.take(rt, tx, open_page, steps[step].who, waits, now)
        else:
            here = summons.list_reachable(tx, open_page, steps[step].who)
            reached = summons.can_come(tx, open_page, here, now) or reached
            new = [person for person in here if person.id not in told]
            paged = summons.notify(rt, tx, open_page, new, now)
            told.update(person.id for person in here)
        written += paged + summons.tell_caller(rt, tx, open_page, steps[step].tell_caller, now)
        step += 1
    if open_page.step >= len(steps):
        everybody = summons.list_reachable(tx, open_page, "all")
        new = [person for person in everybody if person.id not in told]
        written += summons.remind(rt, tx, open_page, new, now)
        step = open_page.step + 1
    if step < len(steps):
        next_at = max(open_page.opened_at + steps[step].after, now)
    else:
        next_at = now + rt.protocol.escalation.repeat
    if not pages.climb(tx, open_page.id, open_page.step, step, next_at):
        return []
    journal.note(tx, "climbed", "page", open_page.id, now=now, step=step)
    return written


def _is_overdue(open_page: Page, step: LadderStep, waits: Attempt | None, now: datetime) -> bool:
    """Has its time come as well, since the danger? Whoever waits on the line hears one by one."""
    return waits is None and open_page.opened_at + step.after <= now


def begin_live(rt: Runtime, tx: Transaction, case: Case, now: datetime) -> list[int]:
    """They wait on the line from now on: a page that climbs already climbs in seconds."""
    known = pages.find_open(tx, case.id)
    if known is None or not pages.start_over(tx, known.id, now):
        return []
    return _begin(rt, tx, case, known.id, now)


def withdraw(tx: Transaction, open_page: Page, now: datetime) -> None:
    """Nobody needs to come any more: who waited on the line without danger is called back."""
    if not pages.withdraw(tx, open_page.id):
        return
    journal.note(tx, "withdrawn", "page", open_page.id, now=now)
    for leg in attempts.list_staff_legs(tx, page_id=open_page.id):
        outgoing.hang_up(tx, leg, now)


def _remind(rt: Runtime, tx: Transaction, open_page: Page, now: datetime) -> list[int]:
    """The supervisors, or everybody where there is none, now and every `repeat`."""
    ladder = rt.protocol.escalation
    who = summons.list_supervising(tx, open_page)
    summon = summons.notify if open_page.step == 0 else summons.remind
    written = summon(rt, tx, open_page, who, now)
    step = max(len(ladder.steps), open_page.step + 1)
    if not pages.climb(tx, open_page.id, open_page.step, step, now + ladder.repeat):
        return []
    journal.note(tx, "climbed", "page", open_page.id, now=now, step=step)
    return written


def climb_due(rt: Runtime) -> int:
    """Take the next step of every page that is due; how many. Run by the guard.

    A page that fails is due again in the next round and keeps no other from climbing.
    """
    now = rt.clock.now()
    with rt.store.read() as tx:
        due = pages.list_due(tx, now)
    return take_each(due, lambda item: _climb_one(rt, item, now), event="climb.failed", name=_named)


def _named(item: Page) -> dict[str, int]:
    return {"page_id": item.id}


def _climb_one(rt: Runtime, item: Page, now: datetime) -> None:
    with rt.store.begin() as tx:
        # Under the lock it is seen whether another guard took this step meanwhile.
        conversations.lock_by_id(tx, item.conversation_id)
        found = pages.find(tx, item.id)
        still = found and found.state == "open" and found.next_at and found.next_at <= now
        written = climb(rt, tx, found, now) if found and still else []
    for outbox_id in written:
        if not rt.bell.hint("crisis", outbox_id):
            break


def acknowledge(tx: Transaction, page_id: int, person: Person, now: datetime) -> bool:
    """This person has it; False when somebody else was first. Other phones stop ringing."""
    if not pages.acknowledge(tx, page_id, person.id, now):
        return False
    journal.note(tx, "acknowledged", "page", page_id, now=now, actor=f"staff:{person.id}")
    for leg in attempts.list_staff_legs(tx, page_id=page_id):
        if leg.staff_id != person.id:
            outgoing.hang_up(tx, leg, now)
    return True
