"""Clocks and cases: a caller has one open case, promises are warned of, follow-ups have a time."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from helpline.store import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = columns.Moment(timezone=True)
_OPEN = sa.text("state = 'open'")
_PLANNED = sa.text("state = 'planned'")
_FAILED = sa.text("state = 'failed'")
_WARNED = sa.text("warn_at IS NOT NULL")

_case = sa.table(
    "case",
    sa.column("id", _ID),
    sa.column("caller_id", _ID),
    sa.column("state", sa.String()),
    sa.column("disposition", sa.SmallInteger()),
    sa.column("holder_id", _ID),
    sa.column("held_at", _MOMENT),
    sa.column("outcome", sa.String()),
    sa.column("closed_at", _MOMENT),
)
_page = sa.table(
    "page",
    sa.column("id", _ID),
    sa.column("case_id", _ID),
    sa.column("state", sa.String()),
    sa.column("kind", sa.SmallInteger()),
    sa.column("next_at", _MOMENT),
)
_callback = sa.table("callback", sa.column("case_id", _ID))
_attempt = sa.table("attempt", sa.column("case_id", _ID))


def upgrade() -> None:
    """Forward."""
    _merge_open_cases()
    op.drop_index("uq_case_open", table_name="case")
    op.create_index("uq_case_open", "case", ["caller_id"], unique=True,
                    sqlite_where=_OPEN, postgresql_where=_OPEN)  # fmt: skip
    op.add_column("callback", sa.Column("warn_at", _MOMENT, nullable=True))
    op.create_index("ix_callback_warn_at", "callback", ["warn_at"],
                    sqlite_where=_WARNED, postgresql_where=_WARNED)  # fmt: skip
    op.create_index("ix_outbox_failed", "outbox", ["done_at"],
                    sqlite_where=_FAILED, postgresql_where=_FAILED)  # fmt: skip
    op.add_column("heartbeat", sa.Column("kind", sa.String(length=16), nullable=True))
    _create_tables()


def _create_tables() -> None:
    op.create_table(
        "alarm",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("told_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarm")),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_follow_up_case_id_case")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_follow_up_conversation_id_conversation"),
        ),
        sa.UniqueConstraint(
            "case_id", "kind", "due_at", name=op.f("uq_follow_up_case_id_kind_due_at")
        ),
    )
    op.create_index("ix_follow_up_due_at", "follow_up", ["due_at"],
                    sqlite_where=_PLANNED, postgresql_where=_PLANNED)  # fmt: skip


def downgrade() -> None:
    """Back. Cases that were merged stay merged."""
    op.drop_table("follow_up")
    op.drop_table("alarm")
    op.drop_column("heartbeat", "kind")
    op.drop_index("ix_outbox_failed", table_name="outbox")
    op.drop_index("ix_callback_warn_at", table_name="callback")
    op.drop_column("callback", "warn_at")
    op.drop_index("uq_case_open", table_name="case")
    op.create_index("uq_case_open", "case", ["conversation_id"], unique=True,
                    sqlite_where=_OPEN, postgresql_where=_OPEN)  # fmt: skip


def _merge_open_cases() -> None:
    """A caller with several open cases keeps the most urgent, the older of equals."""
    bind = op.get_bind()
    several = (
        sa.select(_case.c.caller_id)
        .where(_case.c.state == "open")
        .group_by(_case.c.caller_id)
        .having(sa.func.count() > 1)
    )
    rows = bind.execute(
        sa.select(_case)
        .where(_case.c.state == "open", _case.c.caller_id.in_(several))
        .order_by(_case.c.caller_id, _case.c.disposition.desc(), _case.c.id)
    ).all()
    kept: Any = None
    for row in rows:
        if kept is None or row.caller_id != kept.caller_id:
            kept = row
        else:
            _merge(bind, row, kept)


def _merge(bind: sa.Connection, row: Any, kept: Any) -> None:
    """Its page, its promised call and its legs become those of the case that stays."""
    _move_page(bind, row.id, kept.id)
    for table in (_callback, _attempt):
        bind.execute(sa.update(table).where(table.c.case_id == row.id).values(case_id=kept.id))
    bind.execute(
        sa.update(_case)
        .where(_case.c.id == row.id)
        .values(state="closed", outcome="merged", holder_id=None, closed_at=sa.func.now())
    )
    if row.holder_id is not None:
        bind.execute(
            sa.update(_case)
            .where(_case.c.id == kept.id, _case.c.holder_id.is_(None))
            .values(holder_id=row.holder_id, held_at=row.held_at)
        )


def _move_page(bind: sa.Connection, from_case: int, to_case: int) -> None:
    """One page stays open: the one of the case that stays, at the higher kind."""
    page_of = sa.select(_page.c.id, _page.c.kind).where(_page.c.state == "open")
    moving = bind.execute(page_of.where(_page.c.case_id == from_case)).first()
    there = bind.execute(page_of.where(_page.c.case_id == to_case)).first()
    if moving is not None and there is not None:
        bind.execute(
            sa.update(_page).where(_page.c.id == moving.id).values(state="closed", next_at=None)
        )
        bind.execute(
            sa.update(_page).where(_page.c.id == there.id).values(kind=max(moving.kind, there.kind))
        )
    bind.execute(sa.update(_page).where(_page.c.case_id == from_case).values(case_id=to_case))
