"""Was this report here before, and has its case been started?

A report is known for ever by `(source, source_ref)`. Taking it in is one INSERT that the unique key judges; nothing is
read first, so any number of doors may bring the same report at the same instant and exactly one of them is told New.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from escalations import ids
from escalations.model import Intake
from store.chain import storable
from store.engine import insert, reading, writing
from store.tables import deliveries, intakes

INTAKE: TypeAdapter[Intake] = TypeAdapter(Intake)


class UnknownIntake(Exception):
    """No such report was ever taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A report that a door found in order and wants to keep.

    `raw` are the bytes as they came. Repeats are recognised by `sha256`, 64 hex digits, made of `raw` when empty; a
    source whose doors wrap one report differently passes the digest of its canonical content. `delivery_id` is the
    webhook id, empty elsewhere. `intake` is the parsed report, to start the case from. `case_id` is made of source and
    reference when empty.
    """

    source: str
    source_ref: str
    raw: bytes
    content_type: str
    received_at: datetime
    sha256: str = ""
    delivery_id: str = ""
    case_id: str = ""
    intake: Intake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """It is kept, and its case must be started."""

    intake_id: int
    case_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """It was here before, with the same content. `started` tells whether its case was seen started."""

    intake_id: int
    case_id: str
    received_at: datetime
    started: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Something else was here before under the same name; nothing was kept.

    `field` is `source_ref` or `delivery_id`: which of the two names is taken; `case_id` is the case that has it.
    """

    field: str
    case_id: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A report as it was taken in."""

    intake_id: int
    source: str
    source_ref: str
    raw: bytes
    content_type: str
    sha256: str
    case_id: str
    received_at: datetime
    started_at: datetime | None
    runs: int
    intake: Intake | None


async def accept(engine: AsyncEngine, report: Accepted) -> New | Duplicate | Conflict:
    """Keep a report exactly once; durable on return. Raises StoreUnavailable, StoreMisconfigured (answer 503)."""
    async with writing(engine) as connection:
        answer = await _keep(connection, report)
        if report.delivery_id and not isinstance(answer, Conflict):
            taken = await _deliver(connection, report, answer.intake_id)
            answer = taken or answer
        if isinstance(answer, Conflict):
            await connection.rollback()
        return answer


async def started(engine: AsyncEngine, case_id: str, *, at: datetime, run: int = 1) -> None:
    """Note that the case runs (its `run`-th run, 1 the first); saying it twice changes nothing.

    Raises UnknownIntake if no report belongs to the case.
    """
    change = (
        update(intakes)
        .where(intakes.c.case_id == case_id)
        .values(
            started_at=func.coalesce(intakes.c.started_at, at),
            runs=case((intakes.c.runs < run, run), else_=intakes.c.runs),
        )
        .returning(intakes.c.id)
    )
    async with writing(engine) as connection:
        if (await connection.execute(change)).first() is None:
            raise UnknownIntake(f"No report was taken in for {case_id}; take it in before its case is started.")


async def waiting(engine: AsyncEngine, limit: int = 100) -> tuple[Kept, ...]:
    """List reports whose case is not started yet, oldest first."""
    query = select(intakes).where(intakes.c.started_at.is_(None)).order_by(intakes.c.id).limit(limit)
    async with reading(engine) as connection:
        return tuple(_kept(dict(row)) for row in (await connection.execute(query)).mappings())


async def of_case(engine: AsyncEngine, case_id: str) -> tuple[Kept, ...]:
    """List the reports of a case with their raw bytes, oldest first."""
    query = select(intakes).where(intakes.c.case_id == storable(case_id)).order_by(intakes.c.id)
    async with reading(engine) as connection:
        return tuple(_kept(dict(row)) for row in (await connection.execute(query)).mappings())


async def link(engine: AsyncEngine, *, source: str, source_ref: str, case_id: str) -> None:
    """Give a report to another case (a near duplicate joined to it, or a merge undone). Raises UnknownIntake."""
    change = (
        update(intakes)
        .where(intakes.c.source == source, intakes.c.source_ref == source_ref)
        .values(case_id=case_id)
        .returning(intakes.c.id)
    )
    async with writing(engine) as connection:
        if (await connection.execute(change)).first() is None:
            raise UnknownIntake("No report of that source and reference was taken in; nothing was linked.")


async def _keep(connection: AsyncConnection, report: Accepted) -> New | Duplicate | Conflict:
    values = _columns(report)
    statement = insert(connection.dialect.name, intakes).values(values)
    once = statement.on_conflict_do_nothing(index_elements=[intakes.c.source, intakes.c.source_ref])
    made = (await connection.execute(once.returning(intakes.c.id))).scalar()
    if made is not None:
        return New(intake_id=made, case_id=values["case_id"])
    same_name = (intakes.c.source == report.source) & (intakes.c.source_ref == report.source_ref)
    first = (await connection.execute(select(intakes).where(same_name))).one()
    if first.body_sha256 != values["body_sha256"]:
        return Conflict(field="source_ref", case_id=first.case_id, received_at=first.received_at)
    return Duplicate(
        intake_id=first.id,
        case_id=first.case_id,
        received_at=first.received_at,
        started=first.started_at is not None,
    )


async def _deliver(connection: AsyncConnection, report: Accepted, intake_id: int) -> Conflict | None:
    """Note the delivery; a Conflict if the same delivery id brought another report before."""
    statement = insert(connection.dialect.name, deliveries).values(
        source=report.source, delivery_id=report.delivery_id, intake_id=intake_id, received_at=report.received_at
    )
    once = statement.on_conflict_do_nothing(index_elements=[deliveries.c.source, deliveries.c.delivery_id])
    if (await connection.execute(once.returning(deliveries.c.intake_id))).first() is not None:
        return None
    query = select(deliveries.c.intake_id, deliveries.c.received_at, intakes.c.case_id).join(intakes)
    same_id = (deliveries.c.source == report.source) & (deliveries.c.delivery_id == report.delivery_id)
    first = (await connection.execute(query.where(same_id))).one()
    if first.intake_id == intake_id:
        return None
    return Conflict(field="delivery_id", case_id=first.case_id, received_at=first.received_at)


def _columns(report: Accepted) -> dict[str, Any]:
    return {
        "source": report.source,
        "source_ref": report.source_ref,
        "body_sha256": report.sha256 or hashlib.sha256(report.raw).hexdigest(),
        "raw": report.raw,
        "content_type": report.content_type,
        "intake": None if report.intake is None else INTAKE.dump_python(report.intake, mode="json"),
        "case_id": report.case_id or ids.case_id(report.source, report.source_ref),
        "received_at": report.received_at,
    }


def _kept(row: dict[str, Any]) -> Kept:
    return Kept(
        intake_id=row["id"],
        source=row["source"],
        source_ref=row["source_ref"],
        raw=row["raw"],
        content_type=row["content_type"],
        sha256=row["body_sha256"],
        case_id=row["case_id"],
        received_at=row["received_at"],
        started_at=row["started_at"],
        runs=row["runs"],
        intake=None if row["intake"] is None else INTAKE.validate_python(row["intake"]),
    )
