"""Calls that come in: where the caller is on the telephone; messages that callers leave."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEPT = sa.text("deleted_at IS NULL")
_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "call",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("case_id", _ID, nullable=True),
        sa.Column("attempt_id", _ID, nullable=True),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("turn", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("heard_token", sa.String(length=32), nullable=True),
        sa.Column("answer", columns.Encrypted(), nullable=False),
        sa.Column("started_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_call_conversation_id_conversation"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_call_case_id_case")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_call_attempt_id_attempt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("sid", name=op.f("uq_call_sid")),
    )
    op.create_table(
        "recording",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("words", columns.Encrypted(), nullable=False),
        sa.Column("created_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("heard_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("deleted_at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_recording_case_id_case")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_recording_conversation_id_conversation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("sid", name=op.f("uq_recording_sid")),
    )
    op.create_index(
        "ix_recording_kept", "recording", ["created_at"], sqlite_where=_KEPT, postgresql_where=_KEPT
    )
    op.create_index("ix_call_started_at", "call", ["started_at"])
    op.create_index(
        "ix_call_open", "call", ["started_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_recording_kept", table_name="recording")
    op.drop_table("recording")
    op.drop_index("ix_call_open", table_name="call")
    op.drop_index("ix_call_started_at", table_name="call")
    op.drop_table("call")
