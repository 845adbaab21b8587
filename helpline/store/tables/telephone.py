"""Calls that come in, and what callers leave."""

from sqlalchemy import Column, Index, Integer, SmallInteger, String, Table

from helpline.store.columns import Encrypted, Moment
from helpline.store.tables.schema import id_column, metadata, partial_index, to

call = Table(
    "call",
    metadata,
    id_column(),
    to("conversation"),
    to("case", optional=True),
    to("attempt", optional=True),
    Column("sid", String(64), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("turn", SmallInteger, nullable=False, default=0),
    Column("token", String(32), nullable=False),
    Column("heard_token", String(32)),
    Column("answer", Encrypted, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("ix_call_started_at", "started_at"),
    partial_index("ix_call_open", "started_at", where="ended_at IS NULL"),
)

recording = Table(
    "recording",
    metadata,
    id_column(),
    to("case"),
    to("conversation"),
    Column("sid", String(64), nullable=False, unique=True),
    Column("seconds", Integer, nullable=False),
    Column("words", Encrypted, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("heard_at", Moment),
    Column("deleted_at", Moment),
    partial_index("ix_recording_kept", "created_at", where="deleted_at IS NULL"),
)
