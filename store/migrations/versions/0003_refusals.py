"""Where is kept what cases refused? Temporal's history has no trace of it.

A migration is never edited once released: it stands on its own and takes nothing from `store.tables`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("case_id", sa.String(), nullable=False, comment="The case that refused; it need not exist here"),
        sa.Column(
            "delivery", sa.String(), nullable=False, comment="Digest of the request id: a repeat is the same refusal"
        ),
        sa.Column("at", Instant, nullable=False, comment="When the door was told"),
        sa.Column("message", sa.String(), nullable=False, comment="What was said, such as decide; never its content"),
        sa.Column("code", sa.String(), nullable=False, comment="The case's word for the reason"),
        sa.Column("door", sa.String(), nullable=False, comment="By which door it was said"),
        sa.PrimaryKeyConstraint("case_id", "delivery", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_at", "refusals", ["case_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_refusals_at", table_name="refusals")
    op.drop_table("refusals")
