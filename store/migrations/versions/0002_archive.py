"""Where is it written down which closed histories are kept, and under which digest?"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "archive",
        sa.Column("workflow_id", sa.String(), nullable=False, comment="A case, or a sweep or follow-up of one"),
        sa.Column("run_id", sa.String(), nullable=False, comment="Temporal's id of the run"),
        sa.Column("case_id", sa.String(), nullable=False, comment="The case it belongs to"),
        sa.Column("sha256", sa.String(), nullable=True, comment="Its history in the evidence store; empty = not yet"),
        sa.Column("events", sa.Integer(), nullable=False, comment="How many events it has; 0 = not read yet"),
        sa.Column("closed_at", Instant, nullable=False, comment="When the run closed, as Temporal says"),
        sa.Column("archived_at", Instant, nullable=True, comment="When it was kept and read back; empty = not yet"),
        sa.Column("problem", sa.String(), nullable=False, comment="Why it is not kept, as a word; empty = it is"),
        sa.CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name=op.f("ck_archive_sha256")),
        sa.CheckConstraint(
            "(sha256 IS NULL) = (archived_at IS NULL) AND (sha256 IS NULL) = (problem <> '')",
            name=op.f("ck_archive_kept_or_not"),
        ),
        sa.PrimaryKeyConstraint("workflow_id", "run_id", name=op.f("pk_archive")),
    )
    op.create_index("ix_archive_case_id", "archive", ["case_id"], unique=False)
    op.create_index("ix_archive_closed_at", "archive", ["closed_at"], unique=False)
    op.create_index(
        "ix_archive_owed",
        "archive",
        ["closed_at"],
        unique=False,
        sqlite_where=sa.text("sha256 IS NULL"),
        postgresql_where=sa.text("sha256 IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_archive_owed", table_name="archive")
    op.drop_index("ix_archive_closed_at", table_name="archive")
    op.drop_index("ix_archive_case_id", table_name="archive")
    op.drop_table("archive")
