"""Callers whose telephone takes no texts."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column(
        "caller", sa.Column("texts_refused_at", columns.Moment(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """Back."""
    # In place: a table that others point to is not made anew on SQLite.
    op.drop_column("caller", "texts_refused_at")
