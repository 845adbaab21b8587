"""Whoever a specialist brings into a call: asked in by which leg, at which number."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns
from helpline.store.tables.schema import Id

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("attempt", sa.Column("host_id", Id, nullable=True))
    op.add_column("attempt", sa.Column("phone", columns.Encrypted(), nullable=True))
    op.add_column("attempt", sa.Column("returned_at", columns.Moment(timezone=True), nullable=True))


def downgrade() -> None:
    """Back."""
    # In place: a table that others point to is not made anew on SQLite.
    for column in ("returned_at", "phone", "host_id"):
        op.drop_column("attempt", column)
