"""Which case has this subject, when two reports are about the same thing?

Two cases that open at the same instant both claim; the primary key gives the subject to one of them and tells the
other who it was. Searching for a similar case first would miss the one that is just being made.
"""

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.model import Domain
from store.engine import insert, writing
from store.tables import cases, claims

REMEMBERED = timedelta(days=30)


async def claim(engine: AsyncEngine, *, domain: Domain, subject: str, case_id: str, at: datetime) -> str:
    """Claim a subject for a case; return the case that has it, which is `case_id` if the claim was free or its own.

    A claim lapses 30 days after its case closed. `subject` is a digest or an id, never personal data. Raises
    StoreUnavailable, StoreMisconfigured.
    """
    async with writing(engine) as connection:
        statement = insert(connection.dialect.name, claims).values(
            domain=domain.value, subject=subject, case_id=case_id, claimed_at=at
        )
        lapsed = exists().where(and_(cases.c.case_id == claims.c.case_id, cases.c.closed_at < at - REMEMBERED))
        taken = statement.on_conflict_do_update(
            index_elements=[claims.c.domain, claims.c.subject],
            set_={"case_id": statement.excluded.case_id, "claimed_at": statement.excluded.claimed_at},
            where=lapsed,
        )
        await connection.execute(taken)
        holder = select(claims.c.case_id).where(claims.c.domain == domain.value, claims.c.subject == subject)
        return str((await connection.execute(holder)).scalar_one())
