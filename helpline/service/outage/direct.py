"""Pages without the database: sent to the cached on-call list, climbing until a human acknowledges.

They live in the spool as notes, so that every web process, a restarted one and the guard
go on with them. Once the database is back each becomes an ordinary page at the step it had
reached: nobody is paged a first time twice (CONTRACT 6).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from helpline.domain.delivery import Accepted, CallOrder, Outcome, TextOrder
from helpline.domain.outage import (
    Climb,
    DirectPage,
    OnCall,
    Unreadable,
    climb,
    hurried,
    roster_from_json,
    roster_to_json,
)
from helpline.domain.phone import PhoneNumber
from helpline.domain.progress import Progress
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.sending import senders
from helpline.store import people, within

ENTRANCE = "/twilio/voice/direct"
TRY_AGAIN = timedelta(seconds=2)
"""When the carrier took none of a step's notices."""

FORGET_AFTER = timedelta(hours=1)
"""A page that is over is known for so long: its calls may still be answered."""

AT_ONCE = 16
_PAGE, _ROSTER = "page-", "roster"

_log = structlog.get_logger(__name__)


def remember_on_call(rt: Runtime) -> None:
    """Cache who can be paged, for when the database is away. Run by the guard."""
    with rt.store.read() as tx:
        everybody = people.list_active(tx)
    listed = (
        OnCall(person.id, person.phone, person.role, person.tier, person.available)
        for person in everybody
    )
    rt.spool.keep(_ROSTER, roster_to_json(listed))


def list_on_call(rt: Runtime) -> tuple[OnCall, ...]:
    """Who could be paged when the database was last well; empty when that is not known.

    A list that cannot be read is as good as none and an alarm (`count_unreadable`): whoever
    texts or rings is answered all the same. The guard writes it anew each minute.
    """
    known = rt.spool.find(_ROSTER)
    try:
        return () if known is None else roster_from_json(known)
    except Unreadable:
        _log.error("roster.unreadable", exc_info=True)
        return ()


def count_unreadable(rt: Runtime) -> int:
    """Notes of this machine, the list of who is on call or a page, that nobody can read."""
    notes = (_ROSTER, *rt.spool.list_notes(_PAGE))
    return sum(not _is_readable(rt, name) for name in notes if rt.spool.list_notes(name))


def _is_readable(rt: Runtime, name: str) -> bool:
    text = rt.spool.find(name)
    try:
        read = roster_from_json if name == _ROSTER else DirectPage.from_json
        return text is not None and read(text) is not None
    except Unreadable:
        return False


def find_staff(rt: Runtime, phone: PhoneNumber | None) -> OnCall | None:
    """Whoever of the cached list has this telephone."""
    return next((person for person in list_on_call(rt) if person.phone == phone), None)


def key_of(rt: Runtime, caller: str, line: str) -> str:
    """The name of a caller's direct page: several dangers are one page."""
    return rt.store.keys.index(f"direct page {caller} {line}")[:24]


def find(rt: Runtime, key: str) -> DirectPage | None:
    """The direct page of this name; None when there is none or nobody can read it."""
    text = rt.spool.find(_PAGE + key) if key.isalnum() else None
    try:
        return None if text is None else DirectPage.from_json(text)
    except Unreadable:
        _log.error("direct_page.unreadable", exc_info=True)
        return None


def open_page(rt: Runtime, wanted: DirectPage) -> DirectPage:
    """Keep a page to be sent at once, or make the one that climbs already more urgent.

    One that somebody has begins anew: whoever has it cannot speak with the caller before the
    database is back, and new danger is never silent (CONTRACT 2).

    Raises:
        SpoolBroken: it could not be kept.
    """
    with rt.spool.alone(wanted.key):
        known = find(rt, wanted.key)
        if known is not None and known.climbs:
            wanted = replace(
                known,
                kind=max(known.kind, wanted.kind),
                ring_caller=wanted.ring_caller,
                # A ladder that climbs keeps its time; doubt that has become danger begins now.
                opened_at=known.opened_at if known.step else wanted.opened_at,
                next_at=known.next_at if known.step else min(known.next_at, wanted.next_at),
            )
        _keep(rt, wanted)
    return wanted


def climb_due(rt: Runtime) -> int:
    """Send every direct page whose step is due; how many. Run by web processes and the guard."""
    keys = [name.removeprefix(_PAGE) for name in rt.spool.list_notes(_PAGE)]
    if not keys:
        return 0
    # Side by side: a carrier that hangs for one page holds up no other.
    with ThreadPoolExecutor(min(len(keys), AT_ONCE), thread_name_prefix="direct") as pool:
        return sum(pool.map(lambda key: climb_one(rt, key), keys))


def climb_one(rt: Runtime, key: str) -> bool:
    """Send this page if its step is due; was it? Never waits for the database."""
    with within(0):
        now = rt.clock.now()
    page = find(rt, key)
    if page is None or not (_is_due(page, now) or _is_old(page, now)):
        return False
    with rt.spool.alone(key):
        page = find(rt, key)
        if page is not None and _is_old(page, now):
            rt.spool.forget(_PAGE + key)
        if page is None or not _is_due(page, now):
            return False
        on_call = list_on_call(rt)
        taken = climb(page, rt.protocol.escalation, on_call, now)
        _keep(rt, taken.page)
    if not taken.people:
        _log.error("direct_page.nobody", step=taken.page.step)
    told = _worded(rt, taken, on_call)
    if not _notify(rt, taken.page, taken.people, told) and taken.people:
        _hurry(rt, taken.page, now)
    return True


def _is_due(page: DirectPage, now: datetime) -> bool:
    return page.climbs and page.next_at <= now


def _is_old(page: DirectPage, now: datetime) -> bool:
    return not page.climbs and now - page.next_at > FORGET_AFTER


def _hurry(rt: Runtime, sent: DirectPage, now: datetime) -> None:
    with rt.spool.alone(sent.key):
        page = find(rt, sent.key)
        if page is not None and page.climbs and page.step == sent.step:
            _keep(rt, hurried(page, now, TRY_AGAIN))


def page_unkept(rt: Runtime, page: DirectPage) -> None:
    """The spool is broken too: page once what nobody could write down."""
    _notify(
        rt, page, climb(page, rt.protocol.escalation, list_on_call(rt), page.next_at).people, ()
    )


def _worded(rt: Runtime, taken: Climb, on_call: tuple[OnCall, ...]) -> tuple[str, ...]:
    """What the caller is told at this step (E4): no word of a person where nobody is."""
    page = taken.page
    progress = Progress(country=page.country, language=page.language)
    staffed = any(person.available for person in on_call)
    return tuple(
        wording.to_caller(rt, message, progress, staffed=staffed, line=page.line)
        for message in taken.tell_caller
    )


def _notify(rt: Runtime, page: DirectPage, who: tuple[OnCall, ...], told: tuple[str, ...]) -> bool:
    """An SMS and a call to each, and the caller's, side by side; did the carrier take a page?"""
    key = "PAGE_CALLER_WAITS" if page.conference else "PAGE_DIRECT"
    words = wording.to_staff(rt, key, KIND=wording.kind_word(page.kind))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="direct-page") as pool:
        asked = [pool.submit(_call, rt, page, person) for person in who]
        asked += [pool.submit(_text, rt, page, person, words) for person in who]
        for body in told:
            pool.submit(_tell_caller, rt, page, body)
        return any(isinstance(future.result(), Accepted) for future in asked)


def _token(page: DirectPage, staff_id: int, what: str) -> str:
    """Names page, step and person, so that the leg is known when it answers.

    And the moment, for a page may begin anew less than a second after it was handed over.
    """
    moment = int(page.next_at.timestamp() * 1000) % 100_000_000
    return f"{page.key}-{page.step}-{staff_id}-{what}{moment}"


def _call(rt: Runtime, page: DirectPage, person: OnCall) -> Outcome:
    return rt.carrier.place_call(
        CallOrder(
            to=person.phone,
            sender=senders.for_staff_call(rt, crisis=True, turn=page.step),
            entrance=ENTRANCE,
            token=_token(page, person.staff_id, "c"),
            ring=rt.protocol.escalation.ring,
        )
    )


def _text(rt: Runtime, page: DirectPage, person: OnCall, words: str) -> Outcome:
    return rt.carrier.send_text(
        TextOrder(
            to=person.phone,
            sender=senders.for_staff_text(rt, crisis=True, turn=page.step),
            body=words,
            token=_token(page, person.staff_id, "t"),
        )
    )


def _tell_caller(rt: Runtime, page: DirectPage, body: str) -> None:
    if not page.caller.startswith("+") or page.conference:
        return
    rt.carrier.send_text(
        TextOrder(
            to=PhoneNumber(page.caller),
            sender=senders.for_caller_text(rt, page.line),
            body=body,
            token=_token(page, 0, "k"),
            whatsapp=page.whatsapp,
        )
    )


def acknowledge(rt: Runtime, key: str, staff_id: int) -> DirectPage | None:
    """This person has it, and it climbs no further; None when somebody else was first.

    Raises:
        SpoolBroken: it could not be written down.
    """
    with rt.spool.alone(key):
        page = find(rt, key)
        if page is None or page.acknowledged_by not in {None, staff_id}:
            return None
        taken = replace(page, acknowledged_by=staff_id)
        _keep(rt, taken)
        return taken


def take_most_urgent(rt: Runtime, staff_id: int) -> DirectPage | None:
    """OK without the database: the most urgent direct page is theirs; None when there is none.

    A caller who waits on the line is not taken by text: only a call that is answered joins them.
    """
    pages = [find(rt, name.removeprefix(_PAGE)) for name in rt.spool.list_notes(_PAGE)]
    begun = [page for page in pages if page is not None and page.climbs and page.step]
    texted = [page for page in begun if page.conference is None]
    for page in sorted(texted, key=lambda page: (-page.kind, page.opened_at)):
        taken = acknowledge(rt, page.key, staff_id)
        if taken is not None:
            return taken
    return None


def finish(rt: Runtime, key: str) -> None:
    """Nobody needs to be paged about this any more: the live caller hung up or is connected."""
    with rt.spool.alone(key):
        page = find(rt, key)
        if page is not None:
            _keep(rt, replace(page, over=True))


def handed_over(rt: Runtime, page: DirectPage, page_id: int) -> None:
    """The database has it now, as this page; 0 when it needs none. Its lock is held."""
    _keep(rt, replace(page, page_id=page_id))


def _keep(rt: Runtime, page: DirectPage) -> None:
    rt.spool.keep(_PAGE + page.key, page.to_json())


def split_token(token: str) -> tuple[str, int]:
    """The page and the person of a leg: ("", 0) for anything else."""
    key, _, rest = token.partition("-")
    parts = rest.split("-")
    good = key.isalnum() and len(parts) == 3 and parts[1].isdecimal()
    return (key, int(parts[1])) if good else ("", 0)
