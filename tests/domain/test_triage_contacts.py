"""Whoever comes a third time within a day is put before a human (PROTOCOL rule V-09)."""

from datetime import UTC, datetime, timedelta

from helpline.domain.disposition import Disposition
from helpline.domain.progress import Progress
from helpline.domain.risk import NOTHING
from helpline.domain.said import Words
from helpline.domain.triage import advance
from tests.phone import protocol

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def contact(progress: Progress, at: datetime) -> Progress:
    """Where they stand after a text."""
    return advance(
        protocol(), progress, Words("hi, i need help with ket"), NOTHING, at, staffed=True
    ).progress


def closed(progress: Progress) -> Progress:
    progress.state, progress.question = "CLOSED", None
    return progress


def test_the_third_contact_in_a_day_is_urgent() -> None:
    first = contact(Progress(), NOON)
    second = contact(closed(first), NOON + timedelta(hours=2))
    assert second.disposition < Disposition.URGENT_60
    third = contact(closed(second), NOON + timedelta(hours=23))
    assert "THIRD_CONTACT" in third.flags
    assert third.disposition is Disposition.URGENT_60


def test_contacts_of_yesterday_do_not_count() -> None:
    first = contact(Progress(), NOON)
    second = contact(closed(first), NOON + timedelta(hours=2))
    third = contact(closed(second), NOON + timedelta(hours=25))
    assert "THIRD_CONTACT" not in third.flags


def test_many_texts_are_one_contact() -> None:
    progress = Progress()
    for minute in range(5):
        progress = contact(progress, NOON + timedelta(minutes=minute))
    assert "THIRD_CONTACT" not in progress.flags


def test_contacts_survive_a_case_that_a_human_ended() -> None:
    first = contact(Progress(), NOON)
    assert first.next_case().contacts == first.contacts
    assert Progress.from_json(first.to_json()).contacts == first.contacts
