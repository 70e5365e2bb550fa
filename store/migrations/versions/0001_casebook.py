"""What did the first casebook look like?

A migration is never edited once released: it stands on its own and takes nothing from `store.tables`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Instant = sa.DateTime(timezone=True)
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FOLLOWS = """
    NEW.seq <> 1 + coalesce((SELECT max(seq) FROM entries WHERE case_id = NEW.case_id), 0)
    OR NEW.prev_hash <> coalesce(
        (SELECT hash FROM entries WHERE case_id = NEW.case_id ORDER BY seq DESC LIMIT 1), '{zeros}')
""".format(zeros="0" * 64)

# REPLACE INTO deletes a row without firing its DELETE trigger, so the INSERT trigger must refuse it.
SQLITE = (
    f"""CREATE TRIGGER entries_follow BEFORE INSERT ON entries WHEN {FOLLOWS}
        BEGIN SELECT RAISE(ABORT, 'entries: a row must continue its case'); END""",
    """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries: written once, never changed'); END""",
    """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries: written once, never deleted'); END""",
)

POSTGRES = (
    f"""CREATE FUNCTION entries_follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {FOLLOWS} THEN
                RAISE EXCEPTION 'entries: a row must continue its case'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$""",
    """CREATE FUNCTION entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'entries: written once, never changed' USING ERRCODE = 'integrity_constraint_violation';
        END $$""",
    "CREATE TRIGGER entries_follow BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_follow()",
    """CREATE TRIGGER entries_no_change BEFORE UPDATE OR DELETE ON entries
        FOR EACH ROW EXECUTE FUNCTION entries_refuse()""",
    """CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries
        FOR EACH STATEMENT EXECUTE FUNCTION entries_refuse()""",
)


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("domain", sa.String(), nullable=False, comment="Kind of harm"),
        sa.Column("subject", sa.String(), nullable=False, comment="Digest or id of what the case is about"),
        sa.Column("case_id", sa.String(), nullable=False, comment="The one case that has the subject now"),
        sa.Column("claimed_at", Instant, nullable=False, comment="Since when"),
        sa.CheckConstraint("length(subject) BETWEEN 1 AND 256", name=op.f("ck_claims_named")),
        sa.PrimaryKeyConstraint("domain", "subject", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_case_id", "claims", ["case_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("case_id", sa.String(), nullable=False, comment="The case it is about"),
        sa.Column(
            "seq", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3 ... within the case, no gaps"
        ),
        sa.Column("at", Instant, nullable=False, comment="When it happened, in the workflow's time"),
        sa.Column("kind", sa.String(), nullable=False, comment="What happened, noun.past_verb"),
        sa.Column("actor", sa.String(), nullable=False, comment="Who did it: a person id or a part of Seawall"),
        sa.Column("text", sa.Text(), nullable=False, comment="One line for people"),
        sa.Column("data", sa.JSON(), nullable=False, comment="Pairs of words for programs"),
        sa.Column(
            "salt", sa.String(), nullable=False, comment="Random, so that the payload cannot be guessed from its hash"
        ),
        sa.Column("payload_hash", sa.String(), nullable=False, comment="SHA-256(salt || text and data)"),
        sa.Column("prev_hash", sa.String(), nullable=False, comment="hash of the entry before; zeros for the first"),
        sa.Column("hash", sa.String(), nullable=False, comment="SHA-256(0x01 || prev_hash || row with payload_hash)"),
        sa.CheckConstraint(
            "length(payload_hash) = 64 AND length(prev_hash) = 64 AND length(hash) = 64", name=op.f("ck_entries_hashes")
        ),
        sa.CheckConstraint("length(salt) = 32", name=op.f("ck_entries_salt")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_entries_seq")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_entries")),
    )
    op.create_table(
        "intakes",
        sa.Column("id", Number, autoincrement=True, nullable=False, comment="Order of arrival"),
        sa.Column("source", sa.String(), nullable=False, comment="Who reports: a feed, a webhook source, a door"),
        sa.Column("source_ref", sa.String(), nullable=False, comment="The source's own name of the report"),
        sa.Column(
            "body_sha256", sa.String(), nullable=False, comment="Tells a repeat from another report under the same name"
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="The bytes as they came, before any parser"),
        sa.Column("content_type", sa.String(), nullable=False, comment="What the sender called the bytes"),
        sa.Column(
            "intake", sa.JSON(), nullable=True, comment="The report as the door parsed it, to start the case from"
        ),
        sa.Column("case_id", sa.String(), nullable=False, comment="The case it opens, or was linked to"),
        sa.Column("received_at", Instant, nullable=False, comment="When it was durable for the first time"),
        sa.Column(
            "started_at", Instant, nullable=True, comment="When its workflow was seen started; empty = still to start"
        ),
        sa.Column(
            "runs",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How many runs of the case there have been",
        ),
        sa.CheckConstraint("length(body_sha256) = 64", name=op.f("ck_intakes_sha256")),
        sa.CheckConstraint(
            "length(source) BETWEEN 1 AND 64 AND length(source_ref) BETWEEN 1 AND 256", name=op.f("ck_intakes_named")
        ),
        sa.CheckConstraint("runs >= 0", name=op.f("ck_intakes_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intakes")),
        sa.UniqueConstraint("source", "source_ref", name=op.f("uq_intakes_source_source_ref")),
    )
    op.create_index("ix_intakes_case_id", "intakes", ["case_id"], unique=False)
    op.create_index(
        "ix_intakes_waiting",
        "intakes",
        ["id"],
        unique=False,
        sqlite_where=sa.text("started_at IS NULL"),
        postgresql_where=sa.text("started_at IS NULL"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", Number, autoincrement=True, nullable=False, comment="Order of arrival"),
        sa.Column("source", sa.String(), nullable=False, comment="Who sent it"),
        sa.Column("code", sa.String(), nullable=False, comment="Why it was not taken, as a word of the door"),
        sa.Column(
            "detail", sa.Text(), nullable=False, comment="Where in it (a JSON pointer) or what to do; no values of it"
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="The bytes as they came"),
        sa.Column(
            "raw_sha256", sa.String(), nullable=False, comment="One row for a sender that keeps repeating itself"
        ),
        sa.Column("content_type", sa.String(), nullable=False, comment="What the sender called the bytes"),
        sa.Column("received_at", Instant, nullable=False, comment="When it came for the first time"),
        sa.Column("last_received_at", Instant, nullable=False, comment="When it came last"),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False, comment="How often it came"),
        sa.Column("resolved_at", Instant, nullable=True, comment="When a person dealt with it; empty = still to do"),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False, comment="What the person did, and who"),
        sa.CheckConstraint("length(raw_sha256) = 64", name=op.f("ck_quarantine_sha256")),
        sa.CheckConstraint("times >= 1", name=op.f("ck_quarantine_times")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("source", "code", "raw_sha256", name=op.f("uq_quarantine_source_code_raw_sha256")),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(), nullable=False, comment="ESC-XXXX-XXXX-XXXX, also the workflow id"),
        sa.Column(
            "seq", sa.Integer(), nullable=False, comment="The last entry the card includes; a card only moves forward"
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="One line for lists"),
        sa.Column("stage", sa.String(), nullable=False, comment="The furthest stage reached"),
        sa.Column("priority", sa.SmallInteger(), nullable=False, comment="0 worst .. 4; 5 = not triaged yet"),
        sa.Column("domain", sa.String(), nullable=False, comment="Kind of harm; empty = not triaged yet"),
        sa.Column("owner", sa.String(), nullable=False, comment="Person or role that leads; empty = nobody"),
        sa.Column("next_due_at", Instant, nullable=False, comment="Nearest due time; year 9999 = none"),
        sa.Column("opened_at", Instant, nullable=False, comment="When the case began"),
        sa.Column("closed_at", Instant, nullable=True, comment="When it was closed; empty = open"),
        sa.Column("updated_at", Instant, nullable=False, comment="Time of the card"),
        sa.Column("card", sa.JSON(), nullable=False, comment="escalations.record.Card, for every page"),
        sa.CheckConstraint("priority BETWEEN 0 AND 5", name=op.f("ck_cases_priority")),
        sa.ForeignKeyConstraint(
            ["case_id", "seq"], ["entries.case_id", "entries.seq"], name=op.f("fk_cases_case_id_seq")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
    )
    op.create_index("ix_cases_newest", "cases", ["opened_at", "case_id"], unique=False)
    op.create_index("ix_cases_owner", "cases", ["owner"], unique=False)
    op.create_index("ix_cases_urgent", "cases", ["priority", "next_due_at", "case_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("source", sa.String(), nullable=False, comment="Who delivered"),
        sa.Column("delivery_id", sa.String(), nullable=False, comment="The webhook id; a sender's retry repeats it"),
        sa.Column("intake_id", Number, nullable=False, comment="What it delivered"),
        sa.Column("received_at", Instant, nullable=False, comment="When it came for the first time"),
        sa.CheckConstraint(
            "length(source) BETWEEN 1 AND 64 AND length(delivery_id) BETWEEN 1 AND 256",
            name=op.f("ck_deliveries_named"),
        ),
        sa.ForeignKeyConstraint(["intake_id"], ["intakes.id"], name=op.f("fk_deliveries_intake_id")),
        sa.PrimaryKeyConstraint("source", "delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_intake_id", "deliveries", ["intake_id"], unique=False)
    op.create_table(
        "gates",
        sa.Column("gate_id", sa.String(), nullable=False, comment="<case>/gate/<n>; open gates only"),
        sa.Column("case_id", sa.String(), nullable=False, comment="Who asks"),
        sa.Column("kind", sa.String(), nullable=False, comment="Which question of the process"),
        sa.Column("question", sa.Text(), nullable=False, comment="The question for people"),
        sa.Column("digest", sa.String(), nullable=False, comment="Names the evidence and plan an answer is bound to"),
        sa.Column("opened_at", Instant, nullable=False, comment="When it was asked"),
        sa.Column("due_at", Instant, nullable=False, comment="When the default is taken"),
        sa.Column(
            "gate", sa.JSON(), nullable=False, comment="escalations.record.GateCard: options, seats, votes so far"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_gates_case_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gate_id", name=op.f("pk_gates")),
    )
    op.create_index("ix_gates_case_id", "gates", ["case_id"], unique=False)
    op.create_index("ix_gates_due", "gates", ["due_at", "gate_id"], unique=False)
    op.create_table(
        "gate_roles",
        sa.Column("gate_id", sa.String(), nullable=False, comment="The gate"),
        sa.Column("role", sa.String(), nullable=False, comment="A role with a seat at the gate"),
        sa.ForeignKeyConstraint(["gate_id"], ["gates.gate_id"], name=op.f("fk_gate_roles_gate_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gate_id", "role", name=op.f("pk_gate_roles")),
    )
    op.create_index("ix_gate_roles_role", "gate_roles", ["role"], unique=False)
    for statement in POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(sa.text(statement))


def downgrade() -> None:
    op.drop_index("ix_gate_roles_role", table_name="gate_roles")
    op.drop_table("gate_roles")
    op.drop_index("ix_gates_due", table_name="gates")
    op.drop_index("ix_gates_case_id", table_name="gates")
    op.drop_table("gates")
    op.drop_index("ix_deliveries_intake_id", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("ix_cases_urgent", table_name="cases")
    op.drop_index("ix_cases_owner", table_name="cases")
    op.drop_index("ix_cases_newest", table_name="cases")
    op.drop_table("cases")
    op.drop_table("quarantine")
    op.drop_index("ix_intakes_waiting", table_name="intakes")
    op.drop_index("ix_intakes_case_id", table_name="intakes")
    op.drop_table("intakes")
    op.drop_table("entries")
    op.drop_index("ix_claims_case_id", table_name="claims")
    op.drop_table("claims")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION entries_follow")
        op.execute("DROP FUNCTION entries_refuse")
