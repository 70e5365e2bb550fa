"""How is a fact written so that it is never lost, never written twice and never changed?"""

import hashlib
import secrets
from dataclasses import asdict

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from escalations.record import Batch, Entry
from store.anchors import AnchorBroken, Head, anchor, heads
from store.chain import START, Row, linked
from store.engine import writing
from store.errors import StoreMisconfigured, StoreUnavailable
from store.projection import project
from store.tables import entries
from store.verification import Broken, Verdict, verify

__all__ = [
    "AnchorBroken",
    "Broken",
    "Head",
    "Ledger",
    "LedgerConflict",
    "Verdict",
    "anchor",
    "append",
    "heads",
    "verify",
]


class LedgerConflict(Exception):
    """A batch contradicts what is written: other content under a written number, a gap, or a card ahead of its entries.

    Writing it again cannot help: somebody must find out which of the two is wrong. `case_id` and `seq` say where.
    """

    def __init__(self, case_id: str, seq: int, found: str) -> None:
        super().__init__(f"{case_id} entry {seq}: {found} Compare the workflow's history with `seawall timeline`.")
        self.case_id = case_id
        self.seq = seq


class Ledger:
    """The casebook as an activity takes it: append, and which exceptions mean what."""

    conflict: type[Exception] = LedgerConflict
    away: tuple[type[Exception], ...] = (StoreUnavailable, StoreMisconfigured)

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def append(self, batch: Batch) -> int:
        """Write a batch; see `append` of this module."""
        return await append(self._engine, batch)


async def append(engine: AsyncEngine, batch: Batch) -> int:
    """Write entries and show their card in one transaction; return the number of the case's last entry.

    Entries that are written already are compared and left alone, so a batch may come again, or overlap the one
    before. Durable on return. Raises LedgerConflict (nothing written), StoreUnavailable, StoreMisconfigured.
    """
    _check(batch)
    try:
        async with writing(engine) as connection:
            await _alone(connection, batch.case_id)
            last, head = await _head(connection, batch.case_id)
            await _compare(connection, batch, last)
            new = [entry for entry in batch.entries if entry.seq > last]
            rows = _chain(batch.case_id, new, last=last, head=head)
            if rows:
                await connection.execute(insert(entries), [asdict(row) for row in rows])
                last = rows[-1].seq
            if batch.card.seq > last:
                raise LedgerConflict(batch.case_id, batch.card.seq, f"the card is ahead of the last entry, {last}.")
            if last:
                await project(connection, batch.card)
            return last
    except IntegrityError as error:
        raise LedgerConflict(batch.case_id, batch.card.seq, "the database refuses it.") from error


def _check(batch: Batch) -> None:
    if batch.card.case_id != batch.case_id:
        raise LedgerConflict(batch.case_id, batch.card.seq, f"its card is that of {batch.card.case_id}.")
    first = batch.entries[0].seq if batch.entries else 1
    for place, entry in enumerate(batch.entries):
        if entry.seq != first + place or entry.seq < 1:
            raise LedgerConflict(batch.case_id, entry.seq, f"expected number {max(1, first + place)} in the batch.")


async def _alone(connection: AsyncConnection, case_id: str) -> None:
    """Keep other writers of this case out until the end of the transaction; in SQLite BEGIN IMMEDIATE has done it."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8], signed=True)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


async def _head(connection: AsyncConnection, case_id: str) -> tuple[int, str]:
    query = select(entries.c.seq, entries.c.hash).where(entries.c.case_id == case_id)
    row = (await connection.execute(query.order_by(entries.c.seq.desc()).limit(1))).first()
    return (row.seq, row.hash) if row else (0, START)


async def _compare(connection: AsyncConnection, batch: Batch, last: int) -> None:
    """Refuse a batch that tells a written number differently."""
    if not batch.entries or batch.entries[0].seq > last:
        return
    told = {entry.seq: entry for entry in batch.entries}
    written = select(entries).where(
        entries.c.case_id == batch.case_id, entries.c.seq.between(batch.entries[0].seq, batch.entries[-1].seq)
    )
    for row in await connection.execute(written):
        again = linked(batch.case_id, told[row.seq], prev_hash=row.prev_hash, salt=row.salt)
        if again.hash != row.hash:
            raise LedgerConflict(batch.case_id, row.seq, f"written as {row.kind}, told now with other content.")


def _chain(case_id: str, new: list[Entry], *, last: int, head: str) -> list[Row]:
    if new and new[0].seq != last + 1:
        raise LedgerConflict(case_id, new[0].seq, f"the last written entry is {last}; those between are missing.")
    rows: list[Row] = []
    for entry in new:
        row = linked(case_id, entry, prev_hash=rows[-1].hash if rows else head, salt=secrets.token_hex(16))
        rows.append(row)
    return rows
