"""Staff pages: who signs in, seals over the record, what staff decide about a caller."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns
from helpline.store.tables.schema import Id

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LIVE = sa.text("state IN ('waiting', 'claimed', 'talking')")
_NEW = ("seal", "sign_in_try", "session", "invitation", "recovery_code", "credential")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "credential",
        sa.Column("staff_id", Id, autoincrement=False, nullable=False),
        sa.Column("login", columns.Encrypted(), nullable=False),
        sa.Column("login_index", sa.String(64), nullable=False),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("totp", columns.Encrypted()),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("changed_at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_credential_staff_id_staff"),
        sa.PrimaryKeyConstraint("staff_id", name="pk_credential"),
        sa.UniqueConstraint("login_index", name="uq_credential_login_index"),
    )
    _of_somebody(
        "recovery_code",
        "code_index",
        sa.Column("used_at", columns.Moment(timezone=True)),
    )
    _of_somebody(
        "invitation",
        "token_index",
        sa.Column("totp", columns.Encrypted(), nullable=False),
        sa.Column("expires_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("used_at", columns.Moment(timezone=True)),
    )
    _of_somebody(
        "session",
        "token_index",
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("seen_at", columns.Moment(timezone=True), nullable=False),
    )
    op.create_index("ix_session_created_at", "session", ["created_at"])
    op.create_table(
        "sign_in_try",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("login_index", sa.String(64), nullable=False),
        sa.Column("address_index", sa.String(64), nullable=False),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.Column("worked", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_try"),
    )
    for name in ("login_index", "address_index"):
        op.create_index(f"ix_sign_in_try_{name}_at", "sign_in_try", [name, "at"])
    op.create_table(
        "seal",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("after_id", Id, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seal"),
        sa.UniqueConstraint("after_id", name="uq_seal_after_id"),
    )
    op.add_column("caller", sa.Column("blocked_at", columns.Moment(timezone=True), nullable=True))
    op.add_column("caller", sa.Column("blocked_why", columns.Encrypted(), nullable=True))
    op.add_column("caller", sa.Column("same_as_id", Id, nullable=True))
    op.add_column(
        "caller", sa.Column("changed_hands_at", columns.Moment(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_callback_live",
        "callback",
        [sa.text("rank DESC"), "due_at", "id"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def _of_somebody(table: str, unique: str, *more: sa.Column[object]) -> None:
    """A table of rows that belong to one member of staff and are found by a keyed hash."""
    op.create_table(
        table,
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column(unique, sa.String(64), nullable=False),
        *more,
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=f"fk_{table}_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(unique, name=f"uq_{table}_{unique}"),
    )
    op.create_index(f"ix_{table}_staff_id", table, ["staff_id"])


def downgrade() -> None:
    """Back."""
    # In place: a table that others point to is not made anew on SQLite.
    op.drop_index("ix_callback_live", "callback")
    for column in ("changed_hands_at", "same_as_id", "blocked_why", "blocked_at"):
        op.drop_column("caller", column)
    for table in _NEW:
        op.drop_table(table)
