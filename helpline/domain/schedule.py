"""When it is safe to call: windows, and a day and time in a caller's own words."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from helpline.domain.answers import plain

_CLOCK = re.compile(r"\b(?:at |a las? )?(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|h)?\b")
_DAYS = {
    "monday": 0, "mon": 0, "lunes": 0,
    "tuesday": 1, "tue": 1, "tues": 1, "martes": 1,
    "wednesday": 2, "wed": 2, "miercoles": 2,
    "thursday": 3, "thu": 3, "thurs": 3, "jueves": 3,
    "friday": 4, "fri": 4, "viernes": 4,
    "saturday": 5, "sat": 5, "sabado": 5,
    "sunday": 6, "sun": 6, "domingo": 6,
}  # fmt: skip
_PARTS = {
    "noon": time(12), "mediodia": time(12), "morning": time(9), "manana": time(9),
    "afternoon": time(13), "tarde": time(13), "evening": time(18), "tonight": time(18),
    "night": time(18), "noche": time(18),
}  # fmt: skip
_NEXT_DAY = frozenset({"tomorrow", "tmrw", "tmr", "tomoro"})
_WINDOWS = {"2": (time(9), time(12)), "3": (time(12), time(17)), "4": (time(17), time(21))}


@dataclass(frozen=True, slots=True)
class Window:
    """From when, and until when, a call is welcome. Aware, in the caller's time zone."""

    opens_at: datetime
    closes_at: datetime


def window_of(choice: str, local_now: datetime) -> Window | None:
    """Morning, afternoon or evening (C2: 2, 3, 4), the next one that is not over.

    None for "as soon as possible".
    """
    if choice not in _WINDOWS:
        return None
    opens, closes = _WINDOWS[choice]
    day = local_now if local_now.time() < closes else local_now + timedelta(days=1)
    opens_at = datetime.combine(day.date(), opens, local_now.tzinfo)
    return Window(max(opens_at, local_now), datetime.combine(day.date(), closes, local_now.tzinfo))


def understand_time(text: str, local_now: datetime) -> Window | None:
    """A day and time such as "tomorrow 3pm" or "friday morning"; None when it is not one."""
    words = plain(text)
    day = _day(words, local_now)
    at = _time(words)
    if day is None and at is None:
        return None
    opens_at = datetime.combine((day or local_now).date(), at or time(9), local_now.tzinfo)
    if opens_at <= local_now:
        if day is not None and at is None:
            return Window(local_now, local_now + timedelta(hours=2))
        opens_at += timedelta(days=7 if _weekday(words) is not None else 1)
    return Window(opens_at, opens_at + timedelta(hours=2))


def after_staffed_time(
    local_start: datetime, length: timedelta, opens: time, closes: time
) -> datetime:
    """When `length` of staffed hours has passed; hours outside do not count.

    Opening and closing times that are equal mean day and night.
    """
    moment, left = local_start, length
    while opens < closes and left > timedelta(0):
        day_opens = datetime.combine(moment.date(), opens, moment.tzinfo)
        day_closes = datetime.combine(moment.date(), closes, moment.tzinfo)
        moment = max(moment, day_opens)
        if moment < day_closes:
            if moment + left <= day_closes:
                return moment + left
            left -= day_closes - moment
        moment = datetime.combine(moment.date() + timedelta(days=1), opens, moment.tzinfo)
    return moment + left


def civil_hour(local_now: datetime, opens: time, closes: time) -> datetime:
    """Now if it is between the two, else when that begins next (PROTOCOL 3.6.7)."""
    if opens <= local_now.time() < closes:
        return local_now
    day = local_now if local_now.time() < opens else local_now + timedelta(days=1)
    return datetime.combine(day.date(), opens, local_now.tzinfo)


def _day(words: str, local_now: datetime) -> datetime | None:
    tokens = set(re.findall(r"[a-z]+", words))
    if tokens & _NEXT_DAY or "pasado manana" in words or re.fullmatch(r"manana( a .*)?", words):
        return local_now + timedelta(days=2 if "pasado manana" in words else 1)
    if tokens & {"today", "tonight", "hoy"}:
        return local_now
    weekday = _weekday(words)
    if weekday is None:
        return None
    return local_now + timedelta(days=(weekday - local_now.weekday()) % 7)


def _weekday(words: str) -> int | None:
    return next((_DAYS[word] for word in re.findall(r"[a-z]+", words) if word in _DAYS), None)


def _time(words: str) -> time | None:
    match = _CLOCK.search(words)
    if match and (match[2] or match[3] or re.search(r"\b(at|a las?) \d", words)):
        hour, minute = int(match[1]), int(match[2] or 0)
        half = (match[3] or "").replace(".", "")
        if half == "pm" and hour < 12:
            hour += 12
        elif half == "am" and hour == 12:
            hour = 0
        elif not half and 1 <= hour <= 7:
            hour += 12
        return time(hour, minute) if hour < 24 and minute < 60 else None
    return next((_PARTS[word] for word in re.findall(r"[a-z]+", words) if word in _PARTS), None)
