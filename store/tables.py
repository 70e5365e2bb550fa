"""Which tables does the casebook have, and which of its rules does the database itself hold?

`entries` is the record and is never changed: triggers refuse UPDATE and DELETE, and an INSERT that does not continue
its case's chain. `cases` and `gates` are read from it and can be thrown away; `intakes` and `deliveries` are permanent,
because Temporal forgets workflow ids after its retention and would start a closed case again. Text columns have no
length of their own: PostgreSQL would hold it and SQLite would not. Where a length matters, a CHECK holds it in both.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
UNTRIAGED = 5


class Instant(TypeDecorator[datetime]):
    """An aware time, kept in UTC with microseconds; SQLite would drop the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone; give it one (datetime.now(UTC)) before it is stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")

intakes = Table(
    "intakes",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True, comment="Order of arrival"),
    Column("source", String, nullable=False, comment="Who reports: a feed, a webhook source, a door"),
    Column("source_ref", String, nullable=False, comment="The source's own name of the report"),
    Column("body_sha256", String, nullable=False, comment="Tells a repeat from another report under the same name"),
    Column("raw", LargeBinary, nullable=False, comment="The bytes as they came, before any parser"),
    Column("content_type", String, nullable=False, comment="What the sender called the bytes"),
    Column(
        "intake",
        JSON(none_as_null=True),
        nullable=True,
        comment="The report as the door parsed it, to start the case from",
    ),
    Column("case_id", String, nullable=False, comment="The case it opens, or was linked to"),
    Column("received_at", Instant, nullable=False, comment="When it was durable for the first time"),
    Column("started_at", Instant, nullable=True, comment="When its workflow was seen started; empty = still to start"),
    Column("runs", Integer, nullable=False, server_default="0", comment="How many runs of the case there have been"),
    UniqueConstraint("source", "source_ref"),
    CheckConstraint("length(body_sha256) = 64", name="sha256"),
    CheckConstraint("length(source) BETWEEN 1 AND 64 AND length(source_ref) BETWEEN 1 AND 256", name="named"),
    CheckConstraint("runs >= 0", name="runs"),
    Index("ix_intakes_case_id", "case_id"),
    Index(
        "ix_intakes_waiting",
        "id",
        sqlite_where=text("started_at IS NULL"),
        postgresql_where=text("started_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("source", String, primary_key=True, comment="Who delivered"),
    Column("delivery_id", String, primary_key=True, comment="The webhook id; a sender's retry repeats it"),
    Column("intake_id", Number, ForeignKey("intakes.id"), nullable=False, comment="What it delivered"),
    Column("received_at", Instant, nullable=False, comment="When it came for the first time"),
    CheckConstraint("length(source) BETWEEN 1 AND 64 AND length(delivery_id) BETWEEN 1 AND 256", name="named"),
    Index("ix_deliveries_intake_id", "intake_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True, comment="Order of arrival"),
    Column("source", String, nullable=False, comment="Who sent it"),
    Column("code", String, nullable=False, comment="Why it was not taken, as a word of the door"),
    Column("detail", Text, nullable=False, comment="Where in it (a JSON pointer) or what to do; no values of it"),
    Column("raw", LargeBinary, nullable=False, comment="The bytes as they came"),
    Column("raw_sha256", String, nullable=False, comment="One row for a sender that keeps repeating itself"),
    Column("content_type", String, nullable=False, comment="What the sender called the bytes"),
    Column("received_at", Instant, nullable=False, comment="When it came for the first time"),
    Column("last_received_at", Instant, nullable=False, comment="When it came last"),
    Column("times", Integer, nullable=False, server_default="1", comment="How often it came"),
    Column("resolved_at", Instant, nullable=True, comment="When a person dealt with it; empty = still to do"),
    Column("resolution", Text, nullable=False, server_default="", comment="What the person did, and who"),
    UniqueConstraint("source", "code", "raw_sha256"),
    CheckConstraint("length(raw_sha256) = 64", name="sha256"),
    CheckConstraint("times >= 1", name="times"),
)

entries = Table(
    "entries",
    metadata,
    Column("case_id", String, primary_key=True, comment="The case it is about"),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... within the case, no gaps"),
    Column("at", Instant, nullable=False, comment="When it happened, in the workflow's time"),
    Column("kind", String, nullable=False, comment="What happened, noun.past_verb"),
    Column("actor", String, nullable=False, comment="Who did it: a person id or a part of Seawall"),
    Column("text", Text, nullable=False, comment="One line for people"),
    Column("data", JSON, nullable=False, comment="Pairs of words for programs"),
    Column("salt", String, nullable=False, comment="Random, so that the payload cannot be guessed from its hash"),
    Column("payload_hash", String, nullable=False, comment="SHA-256(salt || text and data)"),
    Column("prev_hash", String, nullable=False, comment="hash of the entry before; zeros for the first"),
    Column("hash", String, nullable=False, comment="SHA-256(0x01 || prev_hash || row with payload_hash)"),
    CheckConstraint("seq >= 1", name="seq"),
    CheckConstraint("length(salt) = 32", name="salt"),
    CheckConstraint("length(payload_hash) = 64 AND length(prev_hash) = 64 AND length(hash) = 64", name="hashes"),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", String, primary_key=True, comment="ESC-XXXX-XXXX-XXXX, also the workflow id"),
    Column("seq", Integer, nullable=False, comment="The last entry the card includes; a card only moves forward"),
    Column("title", Text, nullable=False, comment="One line for lists"),
    Column("stage", String, nullable=False, comment="The furthest stage reached"),
    Column("priority", SmallInteger, nullable=False, comment="0 worst .. 4; 5 = not triaged yet"),
    Column("domain", String, nullable=False, comment="Kind of harm; empty = not triaged yet"),
    Column("owner", String, nullable=False, comment="Person or role that leads; empty = nobody"),
    Column("next_due_at", Instant, nullable=False, comment="Nearest due time; year 9999 = none"),
    Column("opened_at", Instant, nullable=False, comment="When the case began"),
    Column("closed_at", Instant, nullable=True, comment="When it was closed; empty = open"),
    Column("updated_at", Instant, nullable=False, comment="Time of the card"),
    Column("card", JSON, nullable=False, comment="escalations.record.Card, for every page"),
    ForeignKeyConstraint(["case_id", "seq"], ["entries.case_id", "entries.seq"]),
    CheckConstraint("priority BETWEEN 0 AND 5", name="priority"),
    Index("ix_cases_urgent", "priority", "next_due_at", "case_id"),
    Index("ix_cases_newest", "opened_at", "case_id"),
    Index("ix_cases_owner", "owner"),
)

gates = Table(
    "gates",
    metadata,
    Column("gate_id", String, primary_key=True, comment="<case>/gate/<n>; open gates only"),
    Column("case_id", String, ForeignKey("cases.case_id", ondelete="CASCADE"), nullable=False, comment="Who asks"),
    Column("kind", String, nullable=False, comment="Which question of the process"),
    Column("question", Text, nullable=False, comment="The question for people"),
    Column("digest", String, nullable=False, comment="Names the evidence and plan an answer is bound to"),
    Column("opened_at", Instant, nullable=False, comment="When it was asked"),
    Column("due_at", Instant, nullable=False, comment="When the default is taken"),
    Column("gate", JSON, nullable=False, comment="escalations.record.GateCard: options, seats, votes so far"),
    Index("ix_gates_due", "due_at", "gate_id"),
    Index("ix_gates_case_id", "case_id"),
)

gate_roles = Table(
    "gate_roles",
    metadata,
    Column("gate_id", String, ForeignKey("gates.gate_id", ondelete="CASCADE"), primary_key=True, comment="The gate"),
    Column("role", String, primary_key=True, comment="A role with a seat at the gate"),
    Index("ix_gate_roles_role", "role"),
)

claims = Table(
    "claims",
    metadata,
    Column("domain", String, primary_key=True, comment="Kind of harm"),
    Column("subject", String, primary_key=True, comment="Digest or id of what the case is about"),
    Column("case_id", String, nullable=False, comment="The one case that has the subject now"),
    Column("claimed_at", Instant, nullable=False, comment="Since when"),
    CheckConstraint("length(subject) BETWEEN 1 AND 256", name="named"),
    Index("ix_claims_case_id", "case_id"),
)

archive = Table(
    "archive",
    metadata,
    Column("workflow_id", String, primary_key=True, comment="A case, or a sweep or follow-up of one"),
    Column("run_id", String, primary_key=True, comment="Temporal's id of the run"),
    Column("case_id", String, nullable=False, comment="The case it belongs to"),
    Column("sha256", String, comment="Its history in the evidence store; empty = not yet"),
    Column("events", Integer, nullable=False, comment="How many events it has; 0 = not read yet"),
    Column("closed_at", Instant, nullable=False, comment="When the run closed, as Temporal says"),
    Column("archived_at", Instant, comment="When it was kept and read back; empty = not yet"),
    Column("problem", String, nullable=False, comment="Why it is not kept, as a word; empty = it is"),
    CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name="sha256"),
    CheckConstraint(
        "(sha256 IS NULL) = (archived_at IS NULL) AND (sha256 IS NULL) = (problem <> '')", name="kept_or_not"
    ),
    Index("ix_archive_case_id", "case_id"),
    Index("ix_archive_closed_at", "closed_at"),
    Index(
        "ix_archive_owed",
        "closed_at",
        sqlite_where=text("sha256 IS NULL"),
        postgresql_where=text("sha256 IS NULL"),
    ),
)

refusals = Table(
    "refusals",
    metadata,
    Column("case_id", String, primary_key=True, comment="The case that refused; it need not exist here"),
    Column("delivery", String, primary_key=True, comment="Digest of the request id: a repeat is the same refusal"),
    Column("at", Instant, nullable=False, comment="When the door was told"),
    Column("message", String, nullable=False, comment="What was said, such as decide; never its content"),
    Column("code", String, nullable=False, comment="The case's word for the reason"),
    Column("door", String, nullable=False, comment="By which door it was said"),
    Index("ix_refusals_at", "case_id", "at"),
)
