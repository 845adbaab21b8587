"""When it is safe to call, in digits and in a caller's own words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from helpline.domain.schedule import Window, understand_time, window_of

NEW_YORK = ZoneInfo("America/New_York")
MONDAY_TEN = datetime(2026, 11, 23, 10, tzinfo=NEW_YORK)


def when(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("tomorrow 3pm", when(24, 15)), ("tmrw at 9am", when(24, 9)), ("tomorrow", when(24, 9)),
        ("friday morning", when(27, 9)), ("Fri 4:30 pm", when(27, 16, 30)), ("at 3", when(23, 15)),
        ("3pm", when(23, 15)), ("9am", when(24, 9)), ("12am", when(24, 0)), ("noon", when(23, 12)),
        ("tonight", when(23, 18)), ("monday 9am", when(30, 9)), ("monday 11am", when(23, 11)),
        ("wednesday", when(25, 9)), ("mañana a las 3", when(24, 15)), ("mañana", when(24, 9)),
        ("el viernes por la tarde", when(27, 13)), ("pasado mañana", when(25, 9)),
        ("hoy a las 17h", when(23, 17)), ("lunes por la mañana", when(30, 9)),
        ("sunday evening", when(29, 18)),
    ],
)  # fmt: skip
def test_times_in_words(text: str, opens: datetime) -> None:
    window = understand_time(text, MONDAY_TEN)
    assert window == Window(opens, opens + timedelta(hours=2))


@pytest.mark.parametrize("text", ["whenever", "", "1", "call me", "25:99", "call +1 202 555 0143"])
def test_what_is_not_a_time(text: str) -> None:
    assert understand_time(text, MONDAY_TEN) is None


def test_today_without_an_hour_is_now() -> None:
    window = understand_time("today", MONDAY_TEN)
    assert window == Window(MONDAY_TEN, MONDAY_TEN + timedelta(hours=2))


def test_a_window_is_the_next_one_that_is_not_over() -> None:
    assert window_of("1", MONDAY_TEN) is None
    assert window_of("2", MONDAY_TEN) == Window(MONDAY_TEN, when(23, 12))
    assert window_of("3", MONDAY_TEN) == Window(when(23, 12), when(23, 17))
    assert window_of("4", MONDAY_TEN) == Window(when(23, 17), when(23, 21))
    late = when(23, 22)
    assert window_of("2", late) == Window(when(24, 9), when(24, 12))
    assert window_of("9", MONDAY_TEN) is None


@pytest.mark.parametrize("month_day", [(3, 7), (10, 31)], ids=["clocks go forward", "and back"])
def test_a_day_on_which_the_clocks_change(month_day: tuple[int, int]) -> None:
    """Nine in the morning is nine on the wall, also when a night has 23 or 25 hours."""
    month, day = month_day
    saturday = datetime(2026, month, day, 22, tzinfo=NEW_YORK)
    window = understand_time("tomorrow 9am", saturday)
    assert window is not None
    assert (window.opens_at.hour, window.opens_at.date()) == (9, (saturday + timedelta(1)).date())
    assert window.opens_at.utcoffset() != saturday.utcoffset()
    chosen = window_of("2", saturday)
    assert chosen is not None
    assert (chosen.opens_at.hour, chosen.closes_at.hour) == (9, 12)


def test_an_appointment_is_never_in_the_past() -> None:
    for hour in range(24):
        now = when(23, hour)
        for text in ("8am", "monday 8am", "today 8am", "monday", "noon", "tonight"):
            window = understand_time(text, now)
            assert window is not None
            assert window.opens_at >= now, text
            assert window.closes_at > window.opens_at
