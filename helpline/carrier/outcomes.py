"""What an answer of the carrier means for the one who asked: one table, read aloud.

Sources: Twilio's error dictionary (twilio.com/docs/api/errors), RELIABILITY part C
("REST idempotency", "Delivery errors") and FACTS. Codes about the person's number are
in `helpline.domain.refusals`. The carrier's own message is never kept: it repeats the
number.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from helpline.domain.delivery import Accepted, Outcome, Refused, TryLater, Unknown
from helpline.domain.refusals import reason_of

NO_CODE = 0
"""`TryLater.code` or `Refused.code` when the carrier named none."""

NOT_IN_PROGRESS = 21220
"""The carrier's code for a change to a call that is over or not answered yet."""

BUSY_PAUSE = timedelta(seconds=1)
"""After 429 without Retry-After: an account starts one call a second."""

UNREACHED_PAUSE = timedelta(seconds=2)
"""After a failed connection or name look-up."""

OPERATOR_PAUSE = timedelta(seconds=60)
"""After a refusal that only the operator can mend: the work must not be lost meanwhile."""

LONGEST_PAUSE = timedelta(minutes=15)
"""No Retry-After is believed beyond this."""

_BUSY = {
    20429: "too many requests at once",
    21611: "the sending number has too many texts waiting",
    30001: "the sending number has too many texts waiting",
    30022: "the daily limit of the sending number is reached",
    14107: "the sending limit is reached",
}

_OPERATOR = {
    20003: "the account's id or token is wrong",
    20005: "the account is not active",
    20404: "the account or address does not exist",
    20008: "test credentials cannot do this",
    21205: "our webhook address is not a valid URL",
    21210: "the sending number is not verified for calls",
    21212: "the sending number is not valid",
    21213: "no sending number was given",
    21219: "a trial account may only ring verified numbers",
    21601: "the sending number cannot send texts",
    21603: "no sending number was given",
    21606: "the sending number does not belong to the account or cannot send texts",
    21608: "a trial account may only text verified numbers",
    21609: "our status callback address is not a valid URL",
    21659: "the sending number does not belong to the carrier",
    21660: "the sending number belongs to another account",
    21703: "the messaging service has no number",
    21705: "the messaging service does not exist",
    30002: "the account is suspended",
    30023: "the daily limit of the account's texts is reached",
    30034: "the sending number is not registered for texts",
    63007: "the WhatsApp sender does not exist",
}

_OPERATOR_STATUSES = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 407, 410, 415})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: the status, what its JSON names, and its Retry-After."""

    status: int
    sid: str | None
    code: int
    retry_after: timedelta | None


def read_answer(
    status: int, text: str, headers: Mapping[str, str] | None, now: datetime | None = None
) -> Answer:
    """Read an answer; anything that is not Twilio's JSON counts as saying nothing."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    fields = said if isinstance(said, dict) else {}
    sid, code = fields.get("sid"), fields.get("code")
    header = next((v for k, v in (headers or {}).items() if k.lower() == "retry-after"), None)
    return Answer(
        status=status,
        sid=sid if isinstance(sid, str) and 0 < len(sid) <= 64 else None,
        code=code if type(code) is int and 0 < code < 10**6 else NO_CODE,
        retry_after=_pause(header, now or datetime.now(UTC)),
    )


def outcome_of_creation(answer: Answer) -> Outcome:
    """What became of a text or call that we asked for.

    ===================  ======================================================
    answer               meaning
    ===================  ======================================================
    2xx with a sid       Accepted: the carrier took it.
    2xx without a sid    Unknown: it took something, we cannot name it.
    429, busy codes      TryLater: never processed (Twilio), after Retry-After or 1 s.
    5xx                  Unknown: it may have happened (error 20500).
    408                  Unknown: the carrier gave up while it worked on it.
    operator's codes,    TryLater after 60 s: nothing is wrong with the person's
    401, 403, 404, 3xx   number, a human must mend the account, the work waits.
    other 4xx            Refused: it will never work like this.
    ===================  ======================================================
    """
    status, code = answer.status, answer.code
    if 200 <= status < 300:
        return Accepted(answer.sid) if answer.sid else Unknown(f"HTTP {status} without a sid")
    if status == 429 or code in _BUSY:
        reason = _BUSY.get(code, "too many requests at once")
        return TryLater(answer.retry_after or BUSY_PAUSE, code, reason)
    if status >= 500 or status == 408 or status < 200:
        return Unknown(f"HTTP {status}, carrier code {code}")
    return _refusal(answer)


def outcome_of_change(answer: Answer, sid: str) -> Outcome:
    """What became of a hang-up or redirection of a leg.

    Asking twice does no harm, so nothing is Unknown: what may have happened is TryLater.
    Refused: the carrier knows no such call, or it is not in progress (`NOT_IN_PROGRESS`).
    """
    status = answer.status
    if 200 <= status < 300:
        return Accepted(sid)
    if answer.code == NOT_IN_PROGRESS:
        return Refused(NOT_IN_PROGRESS, "the call is not in progress")
    if status == 404:
        return Refused(answer.code, "the carrier knows no such call")
    if status >= 500 or status == 408 or status < 200:
        return TryLater(answer.retry_after or UNREACHED_PAUSE, answer.code, f"HTTP {status}")
    if status == 429 or answer.code in _BUSY:
        return TryLater(answer.retry_after or BUSY_PAUSE, answer.code, "too many requests at once")
    return _refusal(answer)


def _refusal(answer: Answer) -> Outcome:
    status, code = answer.status, answer.code
    if reason := reason_of(code):
        return Refused(code, reason)
    if code in _OPERATOR or status in _OPERATOR_STATUSES:
        why = _OPERATOR.get(code, f"the carrier refuses our account or address: HTTP {status}")
        return TryLater(max(answer.retry_after or OPERATOR_PAUSE, OPERATOR_PAUSE), code, why)
    return Refused(code, f"carrier code {code}, HTTP {status}")


def _pause(header: str | None, now: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date (RFC 9110), between 0 and `LONGEST_PAUSE`."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))
