"""The tables. What is said or dialled is sealed; what is counted or ordered is not.

States are text, moved only by compare-and-set. Partial unique indexes hold the
promises that must never depend on code: one live callback and one open case per
caller, one open page per case.
"""

from helpline.store.tables.console import (
    credential,
    invitation,
    recovery_code,
    seal,
    session,
    sign_in_try,
)
from helpline.store.tables.operations import (
    alarm,
    audit,
    drill,
    drill_notice,
    heartbeat,
    outbox,
    pace,
    sign_off,
)
from helpline.store.tables.people import caller, conversation, message, staff
from helpline.store.tables.schema import metadata
from helpline.store.tables.telephone import call, recording
from helpline.store.tables.work import (
    NOT_YET,
    OFFERED,
    READY,
    attempt,
    callback,
    case,
    follow_up,
    note,
    page,
)

__all__ = [
    "NOT_YET",
    "OFFERED",
    "READY",
    "alarm",
    "attempt",
    "audit",
    "call",
    "callback",
    "caller",
    "case",
    "conversation",
    "credential",
    "drill",
    "drill_notice",
    "follow_up",
    "heartbeat",
    "invitation",
    "message",
    "metadata",
    "note",
    "outbox",
    "pace",
    "page",
    "recording",
    "recovery_code",
    "seal",
    "session",
    "sign_in_try",
    "sign_off",
    "staff",
]
