"""When it is a civil hour where the caller is (PROTOCOL 3.6.7)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from helpline.domain.phone import PhoneNumber, time_zone
from helpline.domain.schedule import civil_hour
from helpline.runtime import Runtime


def local_time(rt: Runtime, phone: PhoneNumber | None, now: datetime) -> datetime:
    """The time where this number is; where our own is, if that cannot be told."""
    zone = time_zone(phone) if phone else None
    if zone is None and rt.line.voice_numbers:
        zone = time_zone(rt.line.voice_numbers[0])
    return now.astimezone(ZoneInfo(zone)) if zone else now


def civil_at(rt: Runtime, phone: PhoneNumber | None, now: datetime) -> datetime:
    """`now` if that is within the calling hours, else when they begin next."""
    rules = rt.protocol.callbacks
    return civil_hour(local_time(rt, phone, now), rules.opens, rules.closes).astimezone(UTC)
