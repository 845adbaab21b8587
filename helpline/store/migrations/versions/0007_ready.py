"""Promised calls whose time has come are marked, so that the queue can be read in its order."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OFFERED = "state = 'waiting' AND text_only IS FALSE AND disposition < 6"
_READY = sa.text(f"{_OFFERED} AND ready IS TRUE")
_NOT_YET = sa.text(f"{_OFFERED} AND ready IS FALSE")
_URGENT_FIRST = (sa.text("rank DESC"), "due_at", "id")


def upgrade() -> None:
    """Forward: nobody is marked yet; the guard marks them within its next rounds."""
    op.add_column(
        "callback", sa.Column("ready", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(
        "ix_callback_ready",
        "callback",
        ["language", *_URGENT_FIRST, "not_before"],
        sqlite_where=_READY,
        postgresql_where=_READY,
    )
    op.create_index(
        "ix_callback_not_yet",
        "callback",
        ["not_before", *_URGENT_FIRST, "language"],
        sqlite_where=_NOT_YET,
        postgresql_where=_NOT_YET,
    )
    op.drop_index("ix_callback_queue", table_name="callback")
    if op.get_bind().dialect.name == "postgresql":
        # Marks and claims leave dead entries in front of the queue; most of the table is the past,
        # and a share of it would be a long time to wait for the sweep.
        op.execute(
            "ALTER TABLE callback SET "
            "(autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)"
        )


def downgrade() -> None:
    """Back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE callback RESET "
            "(autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"
        )
    offered = sa.text(_OFFERED)
    op.create_index(
        "ix_callback_queue",
        "callback",
        ["language", *_URGENT_FIRST, "not_before"],
        sqlite_where=offered,
        postgresql_where=offered,
    )
    op.drop_index("ix_callback_not_yet", table_name="callback")
    op.drop_index("ix_callback_ready", table_name="callback")
    op.drop_column("callback", "ready")
