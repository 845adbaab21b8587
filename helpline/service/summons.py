"""Who is summoned for a page, by SMS and call, and whose telephone rings next (CONTRACT 3)."""

from collections.abc import Sequence
from datetime import datetime

from helpline.domain.protocol import LadderStep
from helpline.runtime import Runtime
from helpline.service import live, wording
from helpline.service.sending import outgoing
from helpline.store import Transaction, attempts, messages, outbox, pages, people
from helpline.store.attempts import Attempt
from helpline.store.pages import Page
from helpline.store.people import Person

RINGS = 2
"""A telephone rings for so many times `ring` after we asked: the carrier takes time as well."""


def ladder(rt: Runtime, open_page: Page, waits: Attempt | None) -> tuple[LadderStep, ...]:
    """Minutes for who is texted, seconds for who waits on the line."""
    rules = rt.protocol.escalation
    if waits is None:
        return rules.steps
    return rules.live if open_page.kind.is_danger else rules.asked


def list_reachable(tx: Transaction, open_page: Page, who: str) -> list[Person]:
    """Whom a step of the ladder pages, without whoever wrote the words of danger (CONTRACT 2)."""
    author = people.find_author(tx, open_page.case_id)
    if who.startswith("tier"):
        found = people.list_tier(tx, int(who.removeprefix("tier")))
    else:
        found = people.list_supervisors(tx) if who == "supervisor" else people.list_active(tx)
    return [person for person in found if person.id != author]


def list_supervising(tx: Transaction, open_page: Page) -> list[Person]:
    """Whom a page that is no danger is for: the supervisors, or everybody where there is none."""
    return list_reachable(tx, open_page, "supervisor") or list_reachable(tx, open_page, "all")


def list_paged(rt: Runtime, tx: Transaction, open_page: Page) -> list[Person]:
    """Whom the steps that were taken reached, as far as they can still be reached."""
    waits = attempts.find_holding(tx, open_page.case_id)
    if waits is None and not open_page.kind.is_danger:
        return list_supervising(tx, open_page)
    taken = ladder(rt, open_page, waits)[: open_page.step]
    named = [
        person
        for step in taken
        if step.who not in live.STEPS
        for person in list_reachable(tx, open_page, step.who)
    ]
    return list({person.id: person for person in named}.values())


def can_come(tx: Transaction, open_page: Page, who: list[Person], now: datetime) -> bool:
    """Is there somebody among them who can be rung and does not talk to another caller?"""
    rung = {person.id for person in who if not person.set_aside}
    _, talking = attempts.list_engaged(tx, rung, open_page.case_id, now)
    return bool(rung - talking)


def notify(
    rt: Runtime, tx: Transaction, open_page: Page, who: Sequence[Person], now: datetime
) -> list[int]:
    """An SMS and a call to each: the call wakes, the text stays readable.

    Returns the effects, for the bell.
    """
    rung = _ring_free(rt, tx, open_page, who, now)
    texted = [text(rt, tx, open_page, person, now) for person in who]
    return [item for item in (*rung, *texted) if item is not None]


def remind(
    rt: Runtime, tx: Transaction, open_page: Page, who: Sequence[Person], now: datetime
) -> list[int]:
    """Call and text them again; no further text to whom an earlier page has not left yet.

    A carrier that takes nothing for an hour must not deliver an hour of reminders afterwards,
    and many open pages must not drown the first text of a new one. Returns the effects.
    """
    rung = _ring_free(rt, tx, open_page, who, now)
    behind = messages.list_staff_unsent(tx, [person.id for person in who])
    texted = [text(rt, tx, open_page, person, now) for person in who if person.id not in behind]
    return [item for item in (*rung, *texted) if item is not None]


def _ring_free(
    rt: Runtime, tx: Transaction, open_page: Page, who: Sequence[Person], now: datetime
) -> list[int | None]:
    """Ring those whose telephone does not ring for another page, is not talked on nor set aside:
    many callers at once are not a storm on one handset."""
    everybody = [person.id for person in who if not person.set_aside]
    people.lock(tx, everybody)
    still_rings = now - RINGS * rt.protocol.escalation.ring
    ringing, talking = attempts.list_engaged(tx, everybody, open_page.case_id, still_rings)
    return [
        ring(tx, open_page, person, now)
        for person in who
        if not person.set_aside and person.id not in ringing | talking
    ]


def ring(tx: Transaction, open_page: Page, person: Person, now: datetime) -> int | None:
    """Ring this person for the page; the effect, for the bell."""
    return outgoing.ring(
        tx,
        leg="staff",
        case_id=open_page.case_id,
        page_id=open_page.id,
        staff_id=person.id,
        now=now,
        priority=outbox.CRISIS,
    )


def text(
    rt: Runtime, tx: Transaction, open_page: Page, person: Person, now: datetime
) -> int | None:
    """Text this person about the page; None when the carrier takes no texts for them."""
    return outgoing.text_staff(
        rt,
        tx,
        person,
        "PAGE_TEXT",
        now,
        priority=outbox.CRISIS,
        KIND=wording.kind_word(open_page.kind),
        CODE=open_page.code,
    )


def ring_next(rt: Runtime, tx: Transaction, staff_id: int, now: datetime) -> None:
    """A telephone has stopped ringing for one page: the next that could not ring it rings it now.

    Several dangers close together ring one handset one after the other, and none never.
    """
    people.lock(tx, [staff_id])
    person = people.get(tx, staff_id)
    for waiting in pages.list_not_rung(tx, staff_id, now - rt.protocol.escalation.repeat):
        reached = {paged.id for paged in list_paged(rt, tx, waiting)}
        if not person.set_aside and person.id in reached:
            ring(tx, waiting, person, now)
            return


def nobody_reachable(rt: Runtime, tx: Transaction, page_id: int, now: datetime) -> None:
    """Everybody rung is engaged or cannot be rung: the next step is taken at once.

    The repeats after the last step keep their time, or busy phones would be paged in a circle.
    """
    found = pages.find(tx, page_id)
    if found is None:
        return
    steps = ladder(rt, found, attempts.find_holding(tx, found.case_id))
    if found.step < len(steps) and not attempts.list_staff_legs(tx, page_id=page_id):
        pages.hurry(tx, page_id, now)


def tell_caller(
    rt: Runtime, tx: Transaction, open_page: Page, message: str | None, now: datetime
) -> list[int]:
    """The truth at the supervisor's step: our person is delayed, here are the numbers (E4)."""
    if message is None:
        return []
    written = outgoing.text_caller(
        rt, tx, open_page.conversation_id, message, now, priority=outbox.CRISIS
    )
    return [] if written is None else [written]
