"""Drills, and the indexes that the last hour's figures and the audit's listing read by."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (
    ("ix_audit_at", "audit", "at"),
    ("ix_outbox_done_at", "outbox", "done_at"),
    ("ix_page_opened_at", "page", "opened_at"),
    ("ix_attempt_answered_at", "attempt", "answered_at"),
)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "drill",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("started_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("ends_at", columns.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", columns.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill")),
    )
    op.create_table(
        "drill_notice",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("drill_id", _ID, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=True),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=True),
        sa.Column("text_answered_at", columns.Moment(timezone=True), nullable=True),
        sa.Column("call_answered_at", columns.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["drill_id"], ["drill.id"], name=op.f("fk_drill_notice_drill_id_drill")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_drill_notice_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_drill_notice_message_id_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_notice")),
        sa.UniqueConstraint("drill_id", "staff_id", name=op.f("uq_drill_notice_drill_id_staff_id")),
        sa.UniqueConstraint("token", name=op.f("uq_drill_notice_token")),
    )
    for name, table, column in _INDEXES:
        op.create_index(name, table, [column], unique=False)


def downgrade() -> None:
    """Back."""
    for name, table, _column in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_table("drill_notice")
    op.drop_table("drill")
