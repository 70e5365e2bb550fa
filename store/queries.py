"""What do people and pages want to know? Reads only, in pages that stay fast however long the lists grow.

A page is asked for by the place of the last line of the one before (keyset), never by a number to skip.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.model import Domain, Stage
from escalations.record import Card, Entry, GateCard
from store import tables
from store.chain import storable
from store.engine import reading
from store.intakes import Kept, of_case
from store.projection import CARD, GATE
from store.tables import NEVER, UNTRIAGED


class BadCursor(Exception):
    """The place to go on from is not one that a page gave out, or belongs to another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An open gate in somebody's inbox, with enough of its case to choose by. `priority` is None before triage."""

    case_id: str
    title: str
    stage: Stage
    priority: int | None
    gate: GateCard


async def card(engine: AsyncEngine, case_id: str) -> Card | None:
    """Read the present state of a case; None if there is no such case."""
    query = select(tables.cases.c.card).where(tables.cases.c.case_id == storable(case_id))
    async with reading(engine) as connection:
        found = (await connection.execute(query)).scalar()
    return None if found is None else CARD.validate_python(found)


async def cards(
    engine: AsyncEngine,
    *,
    stage: Stage | None = None,
    priority: int | None = None,
    domain: Domain | None = None,
    owner: str | None = None,
    open: bool | None = None,
    words: str = "",
    newest: bool = False,
    after: str = "",
    limit: int = 50,
) -> list[Card]:
    """List cases, most urgent first (priority, then nearest due time), or newest first.

    `open` keeps open (True) or closed (False) cases; `words` keeps those that have each of them somewhere in title,
    case id or the source's id of their report, in whatever letters (reads every case that is left); `after` is
    `cursor` of the last card of the page before, asked in the same order. Raises BadCursor.
    """
    columns = tables.cases.c
    key = tuple_(columns.opened_at, columns.case_id) if newest else _urgency()
    query = select(columns.card)
    for column, wanted in ((columns.stage, stage), (columns.priority, priority), (columns.domain, domain)):
        if wanted is not None:
            query = query.where(column == wanted)
    if owner is not None:
        query = query.where(columns.owner == owner)
    if open is not None:
        query = query.where(columns.closed_at.is_(None) if open else columns.closed_at.is_not(None))
    for word in storable(words).split():
        query = query.where(_with(word))
    if after:
        place = _place(after, 2 if newest else 3)
        query = query.where(key < place if newest else key > place)
    order = (columns.opened_at.desc(), columns.case_id.desc()) if newest else tuple(_urgency_columns())
    async with reading(engine) as connection:
        found = (await connection.execute(query.order_by(*order).limit(limit))).scalars().all()
    return [CARD.validate_python(values) for values in found]


async def open_case_ids(engine: AsyncEngine, *, opened_before: datetime) -> list[str]:
    """List the ids of all open cases and follow-ups that were opened before a time, in no order."""
    columns = tables.cases.c
    query = select(columns.case_id).where(columns.closed_at.is_(None), columns.opened_at < opened_before)
    async with reading(engine) as connection:
        return list((await connection.execute(query)).scalars())


def cursor(last: Card | Question, *, newest: bool = False) -> str:
    """Name the place after a line, for the next page; safe in a URL."""
    place: list[str | int]
    if isinstance(last, Question):
        place = [last.gate.gate.due_at.isoformat(), last.gate.gate.id]
    elif newest:
        place = [last.opened_at.isoformat(), last.case_id]
    else:
        priority = UNTRIAGED if last.priority is None else last.priority
        place = [priority, (last.next_due_at or NEVER).isoformat(), last.case_id]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


async def inbox(
    engine: AsyncEngine, roles: Iterable[str] | None = None, *, after: str = "", limit: int = 50
) -> list[Question]:
    """List open gates at which any of these roles has a seat (None: all gates), nearest due time first.

    Votes said so far are in each gate: a page that serves one person hides what that person has answered. Raises
    BadCursor.
    """
    gates, cases, seats = tables.gates.c, tables.cases.c, tables.gate_roles.c
    query = select(gates.case_id, cases.title, cases.stage, cases.priority, gates.gate).join(
        tables.cases, gates.case_id == cases.case_id
    )
    if roles is not None:
        query = query.where(gates.gate_id.in_(select(seats.gate_id).where(seats.role.in_(sorted(set(roles))))))
    if after:
        query = query.where(tuple_(gates.due_at, gates.gate_id) > _place(after, 2))
    async with reading(engine) as connection:
        found = (await connection.execute(query.order_by(gates.due_at, gates.gate_id).limit(limit))).mappings().all()
    return [_question(row) for row in found]


async def entries(engine: AsyncEngine, case_id: str, after: int = 0, limit: int = 200) -> list[Entry]:
    """List what happened in a case after entry number `after`, in order."""
    columns = tables.entries.c
    query = (
        select(columns.seq, columns.at, columns.kind, columns.actor, columns.text, columns.data)
        .where(columns.case_id == storable(case_id), columns.seq > after)
        .order_by(columns.seq)
        .limit(limit)
    )
    async with reading(engine) as connection:
        found = (await connection.execute(query)).mappings().all()
    return [Entry(**{**row, "data": tuple((name, value) for name, value in row["data"])}) for row in found]


async def reports(engine: AsyncEngine, case_id: str) -> list[Kept]:
    """List the reports that belong to a case with their raw bytes, oldest first."""
    return list(await of_case(engine, case_id))


def _with(word: str) -> ColumnElement[bool]:
    columns, came = tables.cases.c, tables.intakes.c
    told = select(came.case_id).where(came.source_ref.icontains(word, autoescape=True))
    named = [column.icontains(word, autoescape=True) for column in (columns.title, columns.case_id)]
    return or_(*named, columns.case_id.in_(told))


def _urgency() -> ColumnElement[Any]:
    return tuple_(*_urgency_columns())


def _urgency_columns() -> list[ColumnElement[Any]]:
    return [tables.cases.c.priority, tables.cases.c.next_due_at, tables.cases.c.case_id]


def _place(after: str, parts: int) -> tuple[Any, ...]:
    try:
        place = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if not isinstance(place, list) or len(place) != parts:
            raise ValueError("another order")
        number = [int(place[0])] if parts == 3 else []
        at = datetime.fromisoformat(place[-2])
        if at.tzinfo is None:
            raise ValueError("no zone")
        return (*number, at, str(place[-1]))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor("That page does not exist in this order; start from the first page.") from error


def _question(row: RowMapping) -> Question:
    return Question(
        case_id=row["case_id"],
        title=row["title"],
        stage=Stage(row["stage"]),
        priority=None if row["priority"] == UNTRIAGED else row["priority"],
        gate=GATE.validate_python(row["gate"]),
    )
