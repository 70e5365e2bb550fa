"""How many, how old, how late? Figures over the whole casebook, for gauges and for the doctor.

Every figure is one aggregate, so a look costs the database little however long the lists grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Exists, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.clocks import Clock, ClockStatus, wanted_at
from escalations.record import Card
from store import tables
from store.engine import reading
from store.projection import CARD
from store.tables import NEVER

MISSED = "clock.missed"
SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The state of the casebook at one instant. Times are None where there is nothing to count.

    `open` counts by (severity, stage), None standing for "not triaged yet"; `overdue` and `due_soon` count running
    clocks past their due time, and within their margin or a day of it, whichever is shorter.
    """

    open: Mapping[tuple[int | None, str], int] = field(default_factory=dict)
    approvals: Mapping[str, int] = field(default_factory=dict)
    approvals_near_due: int = 0
    next_gate_due_at: datetime | None = None
    overdue: int = 0
    due_soon: int = 0
    quarantined: int = 0
    waiting_intakes: int = 0
    oldest_waiting_at: datetime | None = None
    newest_entry_at: datetime | None = None
    entries: int = 0


async def figures(engine: AsyncEngine, *, now: datetime, near: datetime) -> Figures:
    """Count everything; a gate due before `near` is near its due time. Raises StoreUnavailable, StoreMisconfigured."""
    cases, gates, intakes = tables.cases.c, tables.gates.c, tables.intakes.c
    is_open = cases.closed_at.is_(None)
    severity = cases.card["severity"].as_integer()
    by_stage = select(severity, cases.stage, func.count()).where(is_open).group_by(severity, cases.stage)
    roles = select(tables.gate_roles.c.role, func.count()).group_by(tables.gate_roles.c.role)
    untaken = tables.quarantine.c.resolved_at.is_(None)
    async with reading(engine) as connection:

        async def one(query: Select[*tuple[Any, ...]]) -> Any:
            return (await connection.execute(query)).one()

        open_ = {(row[0], row[1]): row[2] for row in await connection.execute(by_stage)}
        approvals = {row[0]: row[1] for row in await connection.execute(roles)}
        gate = await one(select(func.min(gates.due_at)))
        near_due = await one(select(func.count()).select_from(tables.gates).where(gates.due_at < near))
        quarantined = await one(select(func.count()).select_from(tables.quarantine).where(untaken))
        waiting = await one(select(func.count(), func.min(intakes.received_at)).where(intakes.started_at.is_(None)))
        newest = await one(select(func.max(cases.updated_at), func.coalesce(func.sum(cases.seq), 0)))
        cards = await connection.execute(select(cases.card).where(is_open, cases.next_due_at < now + SOON))
        clocks = [clock for values in cards.scalars() for clock in CARD.validate_python(values).clocks]
    overdue, soon = _late(clocks, now)
    return Figures(
        open=open_,
        approvals=approvals,
        approvals_near_due=near_due[0],
        next_gate_due_at=gate[0],
        overdue=overdue,
        due_soon=soon,
        quarantined=quarantined[0],
        waiting_intakes=waiting[0],
        oldest_waiting_at=waiting[1],
        newest_entry_at=newest[0],
        entries=newest[1],
    )


async def idle_cases(engine: AsyncEngine, *, since: datetime) -> list[str]:
    """List open cases that wait for nobody, have nothing due, and have told nothing since a time."""
    columns = tables.cases.c
    query = select(columns.card).where(
        columns.closed_at.is_(None), columns.next_due_at >= NEVER, columns.updated_at < since
    )
    async with reading(engine) as connection:
        found = (await connection.execute(query.order_by(columns.case_id))).scalars().all()
    return [card.case_id for card in map(_card, found) if not card.waiting]


async def closed_unarchived(engine: AsyncEngine, *, closed_before: datetime) -> list[str]:
    """List the cases that were closed before a time and whose history was not archived, oldest first."""
    query = select(tables.cases.c.case_id).where(tables.cases.c.closed_at < closed_before, ~_archived())
    async with reading(engine) as connection:
        return list((await connection.execute(query.order_by(tables.cases.c.closed_at))).scalars())


async def reports(engine: AsyncEngine) -> int:
    """Count the reports that were ever kept, by any door; what came twice is one."""
    async with reading(engine) as connection:
        return int((await connection.execute(select(func.count()).select_from(tables.intakes))).scalar_one())


async def unarchived(engine: AsyncEngine) -> tuple[int, datetime | None]:
    """Count the closed cases whose history was not archived, and say when the oldest of them was closed."""
    closed_at = tables.cases.c.closed_at
    query = select(func.count(), func.min(closed_at)).where(closed_at.is_not(None), ~_archived())
    async with reading(engine) as connection:
        row = (await connection.execute(query)).one()
        return row[0], row[1]


async def missed(engine: AsyncEngine, *, since: datetime) -> int:
    """Count the clocks that were missed since a time, by the entries of the cases that have told anything since."""
    cases, entries = tables.cases.c, tables.entries.c
    lately = select(cases.case_id).where(cases.updated_at > since)
    query = select(func.count()).select_from(tables.entries)
    async with reading(engine) as connection:
        found = query.where(entries.kind == MISSED, entries.at > since, entries.case_id.in_(lately))
        return int((await connection.execute(found)).scalar_one())


async def most_messages(engine: AsyncEngine) -> int:
    """Say how many messages the present run of an open case has taken at most."""
    query = select(func.max(tables.cases.c.card["taken"].as_integer())).where(tables.cases.c.closed_at.is_(None))
    async with reading(engine) as connection:
        return int((await connection.execute(query)).scalar() or 0)


def _archived() -> Exists:
    """Ask whether the run that closed the case last is kept; an earlier one may be, of a case that was reopened."""
    kept, cases = tables.archive.c, tables.cases.c
    return exists().where(
        kept.workflow_id == cases.case_id, kept.closed_at >= cases.closed_at, kept.sha256.is_not(None)
    )


def _late(clocks: list[Clock], now: datetime) -> tuple[int, int]:
    """Count running clocks that are past their due time, and those within their margin of it."""
    overdue = soon = 0
    for clock in clocks:
        due = wanted_at(clock)
        if clock.status is not ClockStatus.RUNNING or due is None:
            continue
        overdue += due <= now
        soon += due - min(clock.margin, SOON) <= now < due
    return overdue, soon


def _card(values: Any) -> Card:
    return CARD.validate_python(values)
