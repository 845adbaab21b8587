"""Who may sign in to the staff pages, and what seals the record of what they did."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
)

from helpline.store.columns import Encrypted, Moment
from helpline.store.tables.schema import Id, id_column, metadata, to

credential = Table(
    "credential",
    metadata,
    Column("staff_id", Id, ForeignKey("staff.id"), primary_key=True, autoincrement=False),
    Column("login", Encrypted, nullable=False),
    Column("login_index", String(64), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
    Column("totp", Encrypted),
    Column("totp_step", BigInteger, nullable=False, default=0),
    Column("changed_at", Moment, nullable=False),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    id_column(),
    to("staff"),
    Column("code_index", String(64), nullable=False, unique=True),
    Column("used_at", Moment),
    Index("ix_recovery_code_staff_id", "staff_id"),
)

invitation = Table(
    "invitation",
    metadata,
    id_column(),
    to("staff"),
    Column("token_index", String(64), nullable=False, unique=True),
    Column("totp", Encrypted, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index("ix_invitation_staff_id", "staff_id"),
)

session = Table(
    "session",
    metadata,
    id_column(),
    to("staff"),
    Column("token_index", String(64), nullable=False, unique=True),
    Column("stage", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Index("ix_session_staff_id", "staff_id"),
    Index("ix_session_created_at", "created_at"),
)

sign_in_try = Table(
    "sign_in_try",
    metadata,
    id_column(),
    Column("login_index", String(64), nullable=False),
    Column("address_index", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("worked", Boolean, nullable=False),
    Index("ix_sign_in_try_login_index_at", "login_index", "at"),
    Index("ix_sign_in_try_address_index_at", "address_index", "at"),
)

seal = Table(
    "seal",
    metadata,
    id_column(),
    Column("after_id", Id, nullable=False, unique=True),
    Column("last_id", Id, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", Moment, nullable=False),
)
