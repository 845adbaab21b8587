"""Rates and pauses."""

from datetime import timedelta

from helpline.domain.pace import Rate, RetryRules
from tests.phone import protocol

SECONDS = [timedelta(seconds=seconds) for seconds in (1, 2, 4)]


def test_a_rate_costs_time_and_saves_some() -> None:
    rate = Rate(per_second=3, burst=4)
    assert rate.cost(1) == timedelta(milliseconds=334), "never faster than the rate"
    assert rate.cost(3) == timedelta(seconds=1)
    assert rate.saved == timedelta(seconds=1)
    assert Rate(per_second=1, burst=1).saved == timedelta(0)


def test_pauses_grow_and_part_what_failed_together() -> None:
    rules = RetryRules(tuple(SECONDS), 12, timedelta(seconds=60))
    for tries, rule in enumerate([*SECONDS, SECONDS[-1], SECONDS[-1]], start=1):
        pauses = [rules.pause(tries, seed) for seed in range(1, 101)]
        assert all(rule <= pause <= rule * 1.25 for pause in pauses)
        assert len(set(pauses)) > 60
        assert max(pauses) - min(pauses) > rule / 5
        assert pauses[6] == rules.pause(tries, 7)


def test_the_real_rates_are_the_carriers_defaults() -> None:
    """Twilio: one new call in a second for an account, one part of a text for a long code."""
    rules = protocol().outbound
    assert rules.calls == Rate(1, 1)
    assert rules.texts_of_number.per_second == 1
