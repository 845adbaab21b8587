"""A second number of a caller: dialled once until it answered as theirs."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIMES = ("second_tried_at", "second_theirs_at")
_INDEX = "ix_caller_second_phone_index"
_GIVEN = sa.text("second_phone_index IS NOT NULL")


def upgrade() -> None:
    """Forward."""
    op.add_column("caller", sa.Column("second_phone", columns.Encrypted(), nullable=True))
    op.add_column("caller", sa.Column("second_phone_index", sa.String(64), nullable=True))
    for name in _TIMES:
        op.add_column("caller", sa.Column(name, columns.Moment(timezone=True), nullable=True))
    op.create_index(
        _INDEX,
        "caller",
        ["second_phone_index"],
        sqlite_where=_GIVEN,
        postgresql_where=_GIVEN,
    )


def downgrade() -> None:
    """Back."""
    op.drop_index(_INDEX, "caller")
    # In place: a table that others point to is not made anew on SQLite.
    for name in (*_TIMES, "second_phone_index", "second_phone"):
        op.drop_column("caller", name)
