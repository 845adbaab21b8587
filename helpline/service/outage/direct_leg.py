"""The telephone of somebody who was paged without the database (CONTRACT 6)."""

from helpline.domain.outage import DirectPage
from helpline.domain.speech import CallStep, HangUp, Join
from helpline.runtime import Runtime
from helpline.service import wording
from helpline.service.calls.prompts import NOTHING, ask_staff, say
from helpline.service.outage import direct, handover
from helpline.store import conversations, pages


def answered(rt: Runtime, token: str) -> tuple[CallStep, ...]:
    """They picked up: what it is about, and "press 1"."""
    key, _ = direct.split_token(token)
    page = direct.find(rt, key) if key else None
    if page is None:
        return NOTHING
    if page.over or page.acknowledged_by is not None:
        return (say(rt, "PAGE_TAKEN"), HangUp())
    choice = f"{direct.ENTRANCE}/choice"
    if page.conference:
        return ask_staff(rt, token, "STAFF_WAITING", choice)
    return ask_staff(rt, token, "PAGE_DIRECT", choice, KIND=wording.kind_word(page.kind))


def chosen(rt: Runtime, token: str, digits: str | None) -> tuple[CallStep, ...]:
    """1 acknowledges: joined to a caller who waits, else told what happens next.

    A caller who texted is not rung from here: whether a ring is safe for them stands in the
    database (CONTRACT 3, SAFE_CONTACT). As soon as it is back this person is rung, then the
    caller.

    Raises:
        SpoolBroken: it could not be written down, so the ladder climbs on.
    """
    key, staff_id = direct.split_token(token)
    page = direct.find(rt, key) if key else None
    if page is None:
        return NOTHING
    if digits != "1":
        return (say(rt, "STAFF_PASS"), HangUp())
    if page.page_id is not None:
        return _take_in_database(rt, page.page_id, staff_id)
    taken = None if page.over else direct.acknowledge(rt, key, staff_id)
    if taken is None:
        return (say(rt, "PAGE_TAKEN"), HangUp())
    return _taken(rt, taken)


def _taken(rt: Runtime, page: DirectPage) -> tuple[CallStep, ...]:
    if page.conference is None:
        return (say(rt, "PAGE_HELD_AWAY"), HangUp())
    after = f"{direct.ENTRANCE}/left?attempt={page.key}"
    return (say(rt, "STAFF_JOINS"), Join(page.conference, after, end_on_exit=True), HangUp())


def _take_in_database(rt: Runtime, page_id: int, staff_id: int) -> tuple[CallStep, ...]:
    """The database is back meanwhile, and the page is an ordinary one."""
    now = rt.clock.now()
    with rt.store.begin() as tx:
        found = pages.find(tx, page_id)
        if found is None:
            return (say(rt, "PAGE_TAKEN"), HangUp())
        conversations.lock_by_id(tx, found.conversation_id)
        given, hint = handover.give(rt, tx, page_id, staff_id, now)
    if hint is not None:
        rt.bell.hint("crisis", hint)
    if not given and found.acknowledged_by != staff_id:
        return (say(rt, "PAGE_TAKEN"), HangUp())
    return (say(rt, "PAGE_HELD_AWAY"), HangUp())


def left(rt: Runtime, key: str) -> tuple[CallStep, ...]:
    """Somebody left the conference of a live caller: it is over for both.

    Raises:
        SpoolBroken: it could not be written down.
    """
    if key.isalnum():
        direct.finish(rt, key)
    return NOTHING
