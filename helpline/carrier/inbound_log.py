"""What came in, as the carrier's own log tells it: for whoever looks for what we never saw.

The log is newest first, so it is read page by page until it is older than wanted; nothing
is cut off however much came in (Twilio, "list all messages", "list all calls").
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException
from twilio.base.page import Page
from twilio.rest import Client

from helpline.carrier.transport import MaybeSent, NotSent
from helpline.domain.delivery import (
    CarrierCall,
    CarrierText,
    LegState,
    leg_state,
    text_state,
)
from helpline.domain.phone import PhoneNumber

PAGE = 100
"""Rows in one exchange: a quiet minute is one page."""

_INBOUND = "inbound"
_Read = TypeVar("_Read")


TRIES = 3
"""Of one page. A log of many pages would never be read to its end from a carrier that fails one
request in five, and this log is the only copy of what a lost webhook carried."""


def read_texts(client: Client, line: PhoneNumber, since: datetime) -> list[CarrierText]:
    """Texts and WhatsApp messages to a number of ours since then, oldest first."""

    def rows(to: str) -> Iterator[Any]:
        after = _filter(since)
        return _rows(lambda: client.messages.page(to=to, date_sent_after=after, page_size=PAGE))

    both = chain(
        _until(rows(line.e164), since, lambda row: row.date_sent),
        _until(rows(f"whatsapp:{line.e164}"), since, lambda row: row.date_sent),
    )
    found = [_text(row) for row in both if str(row.direction) == _INBOUND and row.sid]
    return sorted(found, key=lambda text: (text.sent_at or since, text.sid))


def read_calls(client: Client, line: PhoneNumber, since: datetime) -> list[CarrierCall]:
    """Calls to a number of ours since then, oldest first."""
    after = _filter(since)
    rows = _rows(lambda: client.calls.page(to=line.e164, start_time_after=after, page_size=PAGE))
    found = [
        _call(row)
        for row in _until(rows, since, lambda row: row.start_time)
        if str(row.direction) == _INBOUND and row.sid
    ]
    return sorted(found, key=lambda call: (call.started_at or since, call.sid))


def _rows(first: Callable[[], Page]) -> Iterator[Any]:
    page: Page | None = _again(first)
    while page is not None:
        yield from page
        page = _again(page.next_page)


def _again(read: Callable[[], _Read]) -> _Read:
    """Reading changes nothing at the carrier, so a page that fails is asked for again."""
    for _ in range(TRIES - 1):
        with suppress(NotSent, MaybeSent, TwilioException):
            return read()
    return read()


def _until(
    rows: Iterable[Any], since: datetime, began: Callable[[Any], datetime | None]
) -> Iterator[Any]:
    """The rows of a log that is newest first, up to the first that is too old."""
    for row in rows:
        at = began(row) or row.date_created
        if at is not None and _aware(at) < since.replace(microsecond=0):
            return
        yield row


def _filter(since: datetime) -> datetime:
    """The day before: some of the carrier's filters know days only."""
    return since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(1)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _text(row: Any) -> CarrierText:
    at = row.date_sent or row.date_created
    return CarrierText(
        sid=row.sid,
        to=row.to or "",
        sender=row.from_ or "",
        body=row.body or "",
        inbound=True,
        state=text_state(row.status or ""),
        sent_at=_aware(at) if at else None,
        media=int(row.num_media or 0),
    )


def _call(row: Any) -> CarrierCall:
    at = row.start_time or row.date_created
    return CarrierCall(
        sid=row.sid,
        to=row.to or "",
        sender=row._from or "",
        state=leg_state(row.status or "") or LegState.UNKNOWN,
        started_at=_aware(at) if at else None,
    )
