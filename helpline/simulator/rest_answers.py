"""How the REST API answers: JSON, errors, pages, filters by day and by value.

Rules: https://www.twilio.com/docs/usage/twilios-response.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request

from helpline.simulator.rest_checks import Refused

MAX_PAGE = 1000
_Record = TypeVar("_Record")


def answer(content: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(content)
    response.status_code = status
    return response


def refusal(code: int, message: str, status: int) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer({"code": code, "message": message, "more_info": more, "status": status}, status)


def not_found() -> Refused:
    """What to raise for a sid that nobody has."""
    message = f"The requested resource {request.path} was not found"
    return Refused(20404, message, 404, violation=False)


def page(
    key: str, path: str, records: Sequence[_Record], shown_as: Callable[[_Record], dict[str, Any]]
) -> Response:
    """One page of a list; `path` is the list's own address. Only what is on it is written out."""
    size = min(MAX_PAGE, max(1, request.args.get("PageSize", 50, int)))
    number = max(0, request.args.get("Page", 0, int))
    shown = [shown_as(record) for record in records[number * size : (number + 1) * size]]
    filters = {
        name: value for name, value in request.args.items() if name not in ("Page", "PageSize")
    }

    def address(wanted: int) -> str:
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': wanted})}"

    more = (number + 1) * size < len(records)
    return answer(
        {
            key: shown,
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(0, len(shown) - 1),
            "uri": address(number),
            "first_page_uri": address(0),
            "next_page_uri": address(number + 1) if more else None,
            "previous_page_uri": address(number - 1) if number else None,
        }
    )


def same(name: str) -> Callable[[str], bool]:
    """The filter of this name: which values does it let pass?"""
    wanted = request.args.get(name)
    return lambda value: wanted is None or value == wanted


def within(name: str) -> Callable[[datetime | None], bool]:
    """The filters `Name`, `Name<`, `Name>` (a day or an instant): which instants pass them all?

    Raises:
        Refused: one names neither a day nor an instant.
    """
    spans = {
        suffix: _span(wanted)
        for suffix in ("", "<", ">")
        if (wanted := request.args.get(name + suffix)) is not None
    }

    def passes(at: datetime | None) -> bool:
        if at is None:
            return not spans
        return all(_PASSES[suffix](at, *span) for suffix, span in spans.items())

    return passes


_PASSES: dict[str, Callable[[datetime, datetime, datetime], bool]] = {
    "": lambda at, first, last: first <= at < last,
    "<": lambda at, _, last: at < last,
    ">": lambda at, first, _: at >= first,
}


def _span(wanted: str) -> tuple[datetime, datetime]:
    """The UTC day or the second that a filter names. Raises Refused when it names neither."""
    try:
        first = datetime.fromisoformat(wanted)
    except ValueError as error:
        raise Refused(20001, f"Invalid date: {wanted!r}.") from error
    first = first.replace(tzinfo=UTC) if first.tzinfo is None else first
    return first, first + (
        timedelta(days=1) if len(wanted) == len("2026-01-31") else timedelta(seconds=1)
    )
