"""Our one pass over the form signs exactly what twilio-python's RequestValidator signs."""

import random

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from tests.carrier.signing import BASE, TOKEN, check

_NAMES = ("Body", "body", "BodyA", "From", "To", "ToZip", "é", "", " ", "A&B")
_VALUES = ("", "1", "10", " 1", "hi é \n", "🐴", "a+b%20", "+12025550123", "=")


def test_the_same_as_the_carrier_s_own_library() -> None:
    chance, validator = random.Random(5), RequestValidator(TOKEN)
    for _ in range(500):
        pairs = [
            (chance.choice(_NAMES), chance.choice(_VALUES)) for _ in range(chance.randrange(9))
        ]
        form: MultiDict[str, str] = MultiDict(pairs)
        target = chance.choice(("/twilio/sms", "/x?a=%27", "/twilio/voice?attempt=b&a="))
        signature = validator.compute_signature(BASE + target, form)
        assert check().accepts(target, form, signature), pairs
        form.add("Body", "more")
        if "more" not in dict(pairs):
            assert not check().accepts(target, form, signature), pairs


def test_what_cannot_be_encoded_is_not_genuine() -> None:
    assert not check().accepts("/x", MultiDict([("Body", "\ud800")]), "A" * 28)
