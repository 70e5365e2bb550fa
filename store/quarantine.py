"""What arrived that could not become a case, why, and who has dealt with it?

Nothing that a known sender brings is thrown away: what a door cannot read is kept here with the reason, people see it,
and it can be taken in again once the cause is mended.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import insert, reading, writing
from store.tables import quarantine


class UnknownRecord(Exception):
    """No such record is in quarantine, or somebody dealt with it already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A record that was not taken, as it came. `times` counts how often the sender brought it."""

    id: int
    source: str
    code: str
    detail: str
    raw: bytes
    content_type: str
    received_at: datetime
    last_received_at: datetime
    times: int
    resolved_at: datetime | None
    resolution: str


async def keep(
    engine: AsyncEngine,
    *,
    source: str,
    code: str,
    raw: bytes,
    received_at: datetime,
    detail: str = "",
    content_type: str = "",
) -> int:
    """Keep what was not taken; return its number, the same one for a repeat. Raises StoreUnavailable (answer 503).

    `code` is the door's word for the reason; `detail` must not contain values of the record. A repeat of a record
    that was dealt with shows up again as undone.
    """
    async with writing(engine) as connection:
        statement = insert(connection.dialect.name, quarantine).values(
            source=source,
            code=code,
            detail=detail,
            raw=raw,
            raw_sha256=hashlib.sha256(raw).hexdigest(),
            content_type=content_type,
            received_at=received_at,
            last_received_at=received_at,
        )
        counted = statement.on_conflict_do_update(
            index_elements=[quarantine.c.source, quarantine.c.code, quarantine.c.raw_sha256],
            set_={
                "times": quarantine.c.times + 1,
                "last_received_at": statement.excluded.last_received_at,
                "resolved_at": None,
                "resolution": "",
            },
        )
        number = (await connection.execute(counted.returning(quarantine.c.id))).scalar_one()
        return int(number)


async def list(  # the name of the question; nothing in this module needs the built-in
    engine: AsyncEngine, *, source: str = "", resolved: bool = False, after: int = 0, limit: int = 50
) -> tuple[Quarantined, ...]:
    """List what still waits (or, with `resolved`, what was dealt with), oldest first, after number `after`."""
    query = select(quarantine).where(quarantine.c.id > after)
    query = query.where(quarantine.c.resolved_at.is_not(None) if resolved else quarantine.c.resolved_at.is_(None))
    if source:
        query = query.where(quarantine.c.source == source)
    async with reading(engine) as connection:
        rows = (await connection.execute(query.order_by(quarantine.c.id).limit(limit))).mappings()
        return tuple(_record(dict(row)) for row in rows)


async def record(engine: AsyncEngine, number: int) -> Quarantined | None:
    """Read one record, dealt with or not; None if there is none of that number."""
    async with reading(engine) as connection:
        row = (await connection.execute(select(quarantine).where(quarantine.c.id == number))).mappings().first()
    return None if row is None else _record(dict(row))


async def resolve(engine: AsyncEngine, number: int, *, at: datetime, resolution: str) -> None:
    """Say that a person dealt with a record, and how. Raises UnknownRecord."""
    change = (
        update(quarantine)
        .where(quarantine.c.id == number, quarantine.c.resolved_at.is_(None))
        .values(resolved_at=at, resolution=resolution)
        .returning(quarantine.c.id)
    )
    async with writing(engine) as connection:
        if (await connection.execute(change)).first() is None:
            raise UnknownRecord(f"No undone record {number} is in quarantine; list them to see the numbers.")


def _record(row: dict[str, Any]) -> Quarantined:
    return Quarantined(**{name: value for name, value in row.items() if name != "raw_sha256"})
