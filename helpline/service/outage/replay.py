"""What the spool kept goes into the database, oldest first, through the same intake, once."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from helpline.domain.outage import DirectPage, Kind, Spooled
from helpline.domain.phone import find_phone
from helpline.domain.risk import Level
from helpline.domain.said import CarrierWord
from helpline.runtime import Runtime, UnreadableRecord
from helpline.service import intake
from helpline.service.calls import doorstep
from helpline.service.intake import IncomingText
from helpline.service.outage import direct, handover
from helpline.store import DATABASE_ERRORS, conversations, journal, messages

MOST_TRIES = 3
"""A record that fails so often while the database answers is set aside for a human."""

LONGEST_HOLD = timedelta(minutes=10)
"""A caller of whom nobody said that they hung up is thought to wait for somebody so long."""

_ALONE = "replay"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many records were taken in, and how many had to be set aside."""

    taken: int
    set_aside: int


class _CallerWaits(Exception):
    """Somebody is on the line and everybody is rung for them: that call is not over yet."""


def spool_length(rt: Runtime) -> int:
    """Records that wait for the database."""
    return rt.spool.length()


def set_aside_length(rt: Runtime) -> int:
    """Records that could not be taken in; each needs a human."""
    return rt.spool.count_aside()


def replay(rt: Runtime) -> Replayed:
    """Take in what waits, if the database answers. Run by the guard of this machine.

    Removed only after the commit: a guard killed in between takes it in again, which the
    carrier's id makes harmless.
    """
    done = Replayed(0, 0)
    if not rt.spool.length() or not _database_answers(rt):
        return done
    with rt.spool.alone(_ALONE):
        for name in rt.spool.list_waiting():
            try:
                taken_in = _taken_in(rt, name)
            except _CallerWaits:
                continue
            if taken_in:
                done = replace(done, taken=done.taken + 1)
            elif _database_answers(rt):
                rt.spool.set_aside(name)
                _log.error("spool.set_aside", count=rt.spool.count_aside())
                done = replace(done, set_aside=done.set_aside + 1)
            else:
                return done
            rt.spool.remove(name)
    if done.taken:
        _log.warning("spool.replayed", count=done.taken)
    return done


def _taken_in(rt: Runtime, name: str) -> bool:
    """Is the record in the database now? False when it failed again and again."""
    for _ in range(MOST_TRIES):
        try:
            _take_in(rt, Spooled.from_json(rt.spool.read(name)))
        except LookupError:
            return True
        except _CallerWaits:
            raise
        except (UnreadableRecord, ValueError, TypeError):
            return False
        except Exception as error:  # noqa: BLE001 - one bad record must not keep the others out
            _log.warning("spool.record_failed", error=type(error).__name__, exc_info=True)
            if not _database_answers(rt):
                return False
        else:
            return True
    return False


def _database_answers(rt: Runtime) -> bool:
    try:
        with rt.store.begin() as tx:
            journal.beat(tx, "replay", rt.clock.now())
    except DATABASE_ERRORS:
        return False
    return True


def _take_in(rt: Runtime, record: Spooled) -> None:
    match record.kind:
        case Kind.TEXT:
            _take_in_text(rt, record)
        case Kind.OBEYED:
            _store_obeyed(rt, record)
        case Kind.CALL:
            _take_in_call(rt, record)


def _text(record: Spooled, paged: DirectPage | None) -> IncomingText:
    return IncomingText(
        sid=record.sid,
        sender=record.sender,
        recipient=record.recipient,
        body=record.body,
        media=record.media,
        answered=CarrierWord(record.answered) if record.answered else None,
        whatsapp=record.whatsapp,
        said=record.said,
        paged=paged,
        came_at=record.came_at,
    )


def _take_in_text(rt: Runtime, record: Spooled) -> None:
    if record.page is None:
        text = _text(record, None)
        if intake.receive(rt, text).repeated:
            intake.say_what_is_owed(rt, text)
        return
    # Alone with the page, so that no process climbs it while it changes hands.
    with rt.spool.alone(record.page):
        paged = direct.find(rt, record.page)
        known = paged is None or paged.page_id is not None or paged.over
        intake.receive(rt, _text(record, None if known else paged))
        if paged is not None and not known:
            direct.handed_over(rt, paged, handover.settle(rt, paged))


def _store_obeyed(rt: Runtime, record: Spooled) -> None:
    """The command was carried out when it came; its page was given by `handover.settle`."""
    now = rt.clock.now()
    address, line = intake.who(_text(record, None))
    with rt.store.begin() as tx:
        place = conversations.lock(tx, address, line) or conversations.create(
            tx, address, line, whatsapp=record.whatsapp, now=now
        )
        messages.keep_inbound(
            tx,
            conversation_id=place.conversation_id,
            sid=record.sid,
            body=record.body,
            answer=record.said,
            media=record.media,
            level=int(Level.NONE),
            now=now,
        )


def _take_in_call(rt: Runtime, record: Spooled) -> None:
    """They rang and heard the numbers; who did not reach anybody is owed a call (PROTOCOL 3.8).

    Raises:
        _CallerWaits: they still may reach somebody.
    """
    page = direct.find(rt, record.page) if record.page else None
    if page is not None and page.climbs and rt.clock.now() < page.opened_at + LONGEST_HOLD:
        raise _CallerWaits
    if page is not None:
        direct.finish(rt, page.key)
    connected = page is not None and page.acknowledged_by is not None
    if find_phone(record.sender) is not None and not connected:
        doorstep.rings(rt, record.sid, record.sender, record.recipient, came_at=record.came_at)
