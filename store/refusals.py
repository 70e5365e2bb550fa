"""What did a case refuse? Kept by the door that was told so, because history keeps no trace of it.

No person, no value and no text of a message: which message, why not, when, by which door.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from store.chain import storable
from store.engine import insert, reading, writing
from store.tables import refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One message that a case did not take. `code` is the refusal's word, such as `stale_digest`."""

    at: datetime
    message: str
    code: str
    door: str


async def note(engine: AsyncEngine, case_id: str, request_id: str, refused: Refused) -> None:
    """Keep a refusal; the first one of a delivery holds. Raises StoreUnavailable, StoreMisconfigured."""
    async with writing(engine) as connection:
        statement = insert(connection.dialect.name, refusals).values(
            case_id=case_id,
            delivery=hashlib.sha256(request_id.encode()).hexdigest()[:32],
            at=refused.at,
            message=refused.message,
            code=refused.code,
            door=refused.door,
        )
        await connection.execute(statement.on_conflict_do_nothing())


async def of_case(engine: AsyncEngine, case_id: str, *, limit: int = 1000) -> tuple[Refused, ...]:
    """List what a case refused, oldest first, the newest `limit` of it."""
    columns = refusals.c
    query = (
        select(columns.at, columns.message, columns.code, columns.door)
        .where(columns.case_id == storable(case_id))
        .order_by(columns.at.desc(), columns.delivery)
        .limit(limit)
    )
    async with reading(engine) as connection:
        found = (await connection.execute(query)).mappings().all()
    return tuple(Refused(**row) for row in reversed(found))
