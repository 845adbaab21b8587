"""The carrier's codes in our words."""

import pytest

from helpline.domain.refusals import Refusal, reason_of, refusal_of


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (21610, Refusal.OPTED_OUT),
        (21614, Refusal.NO_TEXTS),
        (21635, Refusal.NO_TEXTS),
        (30006, Refusal.NO_TEXTS),
        (21211, Refusal.INVALID),
        (30005, Refusal.INVALID),
        (13223, Refusal.INVALID),
        (13224, Refusal.INVALID),
        (30004, Refusal.FILTERED),
        (30007, Refusal.FILTERED),
        (30003, Refusal.UNREACHABLE),
        (30008, Refusal.OTHER),
        (21408, Refusal.NOT_PERMITTED),
        (21215, Refusal.NOT_PERMITTED),
        (13225, Refusal.NOT_PERMITTED),
        (13227, Refusal.NOT_PERMITTED),
        (0, Refusal.OTHER),
        (99999, Refusal.OTHER),
    ],
)
def test_codes(code: int, refusal: Refusal) -> None:
    assert refusal_of(code) is refusal
    assert bool(reason_of(code)) == (code not in {0, 99999})
