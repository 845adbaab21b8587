"""Outbound pace."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "pace",
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("free_ms", sa.BigInteger(), nullable=False),
        sa.Column("hurried_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_pace")),
    )
    op.add_column("outbox", sa.Column("slot_at", columns.Moment(timezone=True), nullable=True))


def downgrade() -> None:
    """Back."""
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("slot_at")
    op.drop_table("pace")
