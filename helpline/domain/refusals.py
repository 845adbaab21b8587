"""What the carrier's error codes say of a person's number: one table for answers and receipts.

Sources: Twilio's error dictionary (twilio.com/docs/api/errors/<code>), RELIABILITY part C
("Delivery errors", "REST idempotency"), FACTS ("Twilio"). A code that is not here is OTHER:
the text did not arrive and nobody knows why, so what is open goes on by voice.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why a text or call will never arrive like this."""

    OPTED_OUT = "opted out"
    NO_TEXTS = "no texts"
    INVALID = "invalid number"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"
    NOT_PERMITTED = "not permitted"
    MALFORMED = "malformed"
    OTHER = "other"


FORBIDDEN = 1
"""The code of a request that our own rules stopped before it left."""

_REASONS: dict[int, tuple[Refusal, str]] = {
    FORBIDDEN: (Refusal.NOT_PERMITTED, "our own rules forbid this number"),
    # Asking the carrier for a text.
    21211: (Refusal.INVALID, "not a valid number"),
    21214: (Refusal.INVALID, "the number cannot be reached"),
    21217: (Refusal.INVALID, "not a valid number"),
    21265: (Refusal.NO_TEXTS, "short codes cannot be texted"),
    21408: (Refusal.NOT_PERMITTED, "texts to that country are switched off in the account"),
    21602: (Refusal.MALFORMED, "the text is empty"),
    21604: (Refusal.INVALID, "no number was given"),
    21610: (Refusal.OPTED_OUT, "the person told the carrier to stop: only a call reaches them"),
    21612: (Refusal.NO_TEXTS, "no route from our number to that number"),
    21614: (Refusal.NO_TEXTS, "not a mobile number: call instead"),
    21617: (Refusal.MALFORMED, "the text is longer than 1,600 characters"),
    21635: (Refusal.NO_TEXTS, "the number cannot receive texts: call instead"),
    63016: (Refusal.NO_TEXTS, "WhatsApp takes only template texts after 24 hours of silence"),
    # Receipts of texts that were accepted.
    30003: (Refusal.UNREACHABLE, "the handset is off or unreachable"),
    30004: (Refusal.FILTERED, "the person or their network blocks the text"),
    30005: (Refusal.INVALID, "the number does not exist"),
    30006: (Refusal.NO_TEXTS, "a landline or an unreachable network: call instead"),
    30007: (Refusal.FILTERED, "filtered by the carrier"),
    30008: (Refusal.OTHER, "the network gives no reason"),
    30009: (Refusal.OTHER, "a part of the text was lost"),
    30010: (Refusal.NOT_PERMITTED, "dearer than the account allows"),
    30036: (Refusal.UNREACHABLE, "not delivered within its time"),
    # Calls.
    13223: (Refusal.INVALID, "not a valid number"),
    13224: (Refusal.INVALID, "not a valid number"),
    13225: (Refusal.NOT_PERMITTED, "the carrier never rings that number"),
    13226: (Refusal.INVALID, "not a country's code"),
    13227: (Refusal.NOT_PERMITTED, "calls to that number are not permitted"),
    21215: (Refusal.NOT_PERMITTED, "calls to that country are switched off in the account"),
    21216: (Refusal.NOT_PERMITTED, "the carrier never rings that number"),
}


LANDLINE = 30006
LANDLINES = frozenset({21614, 21635, LANDLINE})
"""Codes that speak of the telephone, not of this one text: the next would be refused as well."""


def refusal_of(code: int) -> Refusal:
    """What a code means for the person; OTHER for one we do not know."""
    known = _REASONS.get(code)
    return known[0] if known else Refusal.OTHER


def reason_of(code: int) -> str | None:
    """The code in words; None when it does not speak of the person's number."""
    known = _REASONS.get(code)
    return known[1] if known else None
