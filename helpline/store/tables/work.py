"""What is owed to callers: cases, promised calls, pages, and the tries of both."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from helpline.store.columns import Encrypted, Moment
from helpline.store.tables.schema import Id, id_column, metadata, partial_index, to

case = Table(
    "case",
    metadata,
    id_column(),
    to("conversation"),
    to("caller"),
    Column("code", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("disposition", SmallInteger, nullable=False),
    Column("protocol_hash", String(64), nullable=False),
    Column("holder_id", Id, ForeignKey("staff.id")),
    Column("held_at", Moment),
    Column("caller_waits_since", Moment),
    Column("outcome", String(24)),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    partial_index("uq_case_open", "caller_id", unique=True, where="state = 'open'"),
    partial_index("uq_case_code", "code", unique=True, where="state = 'open'"),
    partial_index(
        "ix_case_caller_waits_since", "caller_waits_since", where="caller_waits_since IS NOT NULL"
    ),
)

note = Table(
    "note",
    metadata,
    id_column(),
    to("case"),
    to("staff"),
    Column("outcome", SmallInteger, nullable=False),
    Column("body", Encrypted, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_note_case_id", "case_id"),
)

OFFERED = "state = 'waiting' AND text_only IS FALSE AND disposition < 6"
"""Rings may be offered: not to those who want texts, and danger is the page's (6: CRISIS_LIVE)."""
READY = f"{OFFERED} AND ready IS TRUE"
NOT_YET = f"{OFFERED} AND ready IS FALSE"
"""Ready: the guard has seen that its `not_before` has come. Not yet: it has not (ADR 0015)."""
_LIVE = "state IN ('waiting', 'claimed', 'talking')"
_URGENT_FIRST = (text("rank DESC"), "due_at", "id")
callback = Table(
    "callback",
    metadata,
    id_column(),
    to("case"),
    to("caller"),
    to("conversation"),
    Column("token", String(32), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("disposition", SmallInteger, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("language", String(8), nullable=False),
    Column("phone", Encrypted),
    Column("voicemail", Boolean, nullable=False, default=False),
    Column("text_only", Boolean, nullable=False, default=False),
    Column("asked_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("ready", Boolean, nullable=False, default=False, server_default=false()),
    Column("warn_at", Moment),
    Column("late_at", Moment),
    Column("lease_until", Moment),
    Column("specialist_id", Id, ForeignKey("staff.id")),
    Column("tries", SmallInteger, nullable=False, default=0),
    Column("result", String(24)),
    Column("finished_at", Moment),
    partial_index("uq_callback_live", "caller_id", unique=True, where=_LIVE),
    partial_index("ix_callback_live", *_URGENT_FIRST, where=_LIVE),
    partial_index("ix_callback_ready", "language", *_URGENT_FIRST, "not_before", where=READY),
    partial_index("ix_callback_not_yet", "not_before", *_URGENT_FIRST, "language", where=NOT_YET),
    partial_index("ix_callback_warn_at", "warn_at", where="warn_at IS NOT NULL"),
    partial_index("ix_callback_lease", "lease_until", where="state IN ('claimed', 'talking')"),
)

page = Table(
    "page",
    metadata,
    id_column(),
    to("case"),
    Column("kind", SmallInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("ring_caller", Boolean, nullable=False),
    Column("step", SmallInteger, nullable=False, default=0),
    Column("next_at", Moment),
    Column("opened_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Id, ForeignKey("staff.id")),
    partial_index("uq_page_open", "case_id", unique=True, where="state = 'open'"),
    Index("ix_page_opened_at", "opened_at"),
    partial_index("ix_page_next_at", "next_at", where="state = 'open'"),
)

attempt = Table(
    "attempt",
    metadata,
    id_column(),
    Column("token", String(32), nullable=False, unique=True),
    Column("leg", String(8), nullable=False),
    to("case"),
    to("callback", optional=True),
    to("page", optional=True),
    to("staff", optional=True),
    Column("state", String(16), nullable=False),
    Column("sid", String(64), unique=True),
    Column("result", String(24)),
    Column("host_id", Id),
    Column("phone", Encrypted),
    Column("returned_at", Moment),
    Column("error_code", Integer),
    Column("deadline_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("ended_at", Moment),
    Index("ix_attempt_callback_id", "callback_id"),
    Index("ix_attempt_page_id", "page_id"),
    Index("ix_attempt_staff_id", "staff_id"),
    Index("ix_attempt_answered_at", "answered_at"),
)

follow_up = Table(
    "follow_up",
    metadata,
    id_column(),
    to("case"),
    to("conversation"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("asked_at", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("case_id", "kind", "due_at"),
    partial_index("ix_follow_up_due_at", "due_at", where="state = 'planned'"),
)
