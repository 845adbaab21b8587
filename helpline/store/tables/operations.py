"""How the line works: effects on their way, its pace, its records, its signs of life."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from helpline.store.columns import Encrypted, Moment
from helpline.store.tables.schema import Id, id_column, metadata, partial_index, to

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("key", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("row_id", Id, nullable=False),
    Column("queue", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("slot_at", Moment),
    Column("rung_at", Moment),
    Column("claimed_until", Moment),
    Column("tries", SmallInteger, nullable=False, default=0),
    Column("error", String(64)),
    Column("created_at", Moment, nullable=False),
    Column("done_at", Moment),
    partial_index("ix_outbox_open", "priority", "id", where="state IN ('new', 'claimed')"),
    partial_index("ix_outbox_failed", "done_at", where="state = 'failed'"),
    Index("ix_outbox_done_at", "done_at"),
)

pace = Table(
    "pace",
    metadata,
    Column("bucket", String(64), primary_key=True),
    Column("free_ms", BigInteger, nullable=False),
    Column("hurried_ms", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    id_column(),
    Column("at", Moment, nullable=False),
    Column("actor", String(32), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_audit_subject_subject_id", "subject", "subject_id"),
    Index("ix_audit_at", "at"),
)

sign_off = Table(
    "sign_off",
    metadata,
    id_column(),
    Column("at", Moment, nullable=False),
    Column("by", Encrypted, nullable=False),
    Column("role", String(64), nullable=False),
    Column("covers", String(80), nullable=False),
)

drill = Table(
    "drill",
    metadata,
    id_column(),
    Column("started_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

drill_notice = Table(
    "drill_notice",
    metadata,
    id_column(),
    to("drill"),
    to("staff"),
    to("message", optional=True),
    Column("token", String(32), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("error", String(64)),
    Column("text_answered_at", Moment),
    Column("call_answered_at", Moment),
    UniqueConstraint("drill_id", "staff_id"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("process", String(32), primary_key=True),
    Column("kind", String(16)),
    Column("at", Moment, nullable=False),
)

alarm = Table(
    "alarm",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("told_at", Moment, nullable=False),
)
