"""Who they are, and what was said: callers, conversations, texts, staff."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from helpline.store.columns import Encrypted, Moment
from helpline.store.tables.schema import Id, id_column, metadata, partial_index, to

caller = Table(
    "caller",
    metadata,
    id_column(),
    Column("address", Encrypted, nullable=False),
    Column("address_index", String(64), nullable=False, unique=True),
    Column("texts_refused_at", Moment),
    Column("second_phone", Encrypted),
    Column("second_phone_index", String(64)),
    Column("second_tried_at", Moment),
    Column("second_theirs_at", Moment),
    Column("blocked_at", Moment),
    Column("blocked_why", Encrypted),
    Column("same_as_id", Id),
    Column("changed_hands_at", Moment),
    Column("created_at", Moment, nullable=False),
    partial_index(
        "ix_caller_second_phone_index",
        "second_phone_index",
        where="second_phone_index IS NOT NULL",
    ),
)

conversation = Table(
    "conversation",
    metadata,
    id_column(),
    to("caller"),
    Column("line", String(32), nullable=False),
    Column("whatsapp", Boolean, nullable=False, default=False),
    Column("progress", Encrypted, nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("wake_at", Moment),
    Column("opted_out_at", Moment),
    Column("heard_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("caller_id", "line"),
    partial_index("ix_conversation_wake_at", "wake_at", where="wake_at IS NOT NULL"),
)

message = Table(
    "message",
    metadata,
    id_column(),
    to("conversation", optional=True),
    to("staff", optional=True),
    Column("inbound", Boolean, nullable=False),
    Column("sid", String(64), unique=True),
    Column("token", String(32), unique=True),
    Column("body", Encrypted, nullable=False),
    Column("answer", Encrypted),
    Column("media", SmallInteger, nullable=False, default=0),
    Column("level", SmallInteger, nullable=False, default=0),
    Column("state", String(16)),
    Column("error_code", Integer),
    Column("created_at", Moment, nullable=False),
    Index("ix_message_conversation_id_id", "conversation_id", "id"),
)

staff = Table(
    "staff",
    metadata,
    id_column(),
    Column("name", Encrypted, nullable=False),
    Column("phone", Encrypted, nullable=False),
    Column("phone_index", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("languages", String(64), nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("presence", String(16), nullable=False),
    Column("idle_since", Moment, nullable=False),
    Column("hard_failures", SmallInteger, nullable=False, default=0),
    Column("set_aside_at", Moment),
    Column("texts_refused_at", Moment),
    Column("disabled_at", Moment),
    Column("created_at", Moment, nullable=False),
)
