"""A shift by telephone: numbers set aside, callers who wait for their holder, sealed notes."""

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = columns.Moment(timezone=True)
_WAITS = sa.text("caller_waits_since IS NOT NULL")


def upgrade() -> None:
    """Forward."""
    op.add_column(
        "staff",
        sa.Column("hard_failures", sa.SmallInteger(), nullable=False, server_default="0"),
    )
    op.add_column("staff", sa.Column("set_aside_at", _MOMENT, nullable=True))
    op.add_column("staff", sa.Column("texts_refused_at", _MOMENT, nullable=True))
    op.add_column("case", sa.Column("caller_waits_since", _MOMENT, nullable=True))
    op.create_index("ix_case_caller_waits_since", "case", ["caller_waits_since"],
                    sqlite_where=_WAITS, postgresql_where=_WAITS)  # fmt: skip
    op.create_table(
        "note",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("body", columns.Encrypted(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_note_case_id_case")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_note_staff_id_staff")),
    )
    op.create_index("ix_note_case_id", "note", ["case_id"])


def downgrade() -> None:
    """Back."""
    op.drop_table("note")
    op.drop_index("ix_case_caller_waits_since", table_name="case")
    op.drop_column("case", "caller_waits_since")
    for name in ("texts_refused_at", "set_aside_at", "hard_failures"):
        op.drop_column("staff", name)
