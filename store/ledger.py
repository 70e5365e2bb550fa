"""How is a fact written so that it is never lost, never written twice and never changed?"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import CursorResult, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from escalations.record import Batch, Card, Entry
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
    "retell",
    "verify",
]


REPEATED = "step.repeated"
Told = Callable[[Card, Sequence[Entry]], None]


class LedgerConflict(Exception):
    """A batch contradicts what is written: other content under a written number, a gap, or a card ahead of its entries.

    Writing it again cannot help: somebody must find out which of the two is wrong. `case_id` and `seq` say where,
    `otherwise` that the number is written, with other content.
    """

    def __init__(self, case_id: str, seq: int, found: str, *, otherwise: bool = False) -> None:
        super().__init__(f"{case_id} entry {seq}: {found} Compare the workflow's history with `seawall timeline`.")
        self.case_id = case_id
        self.seq = seq
        self.otherwise = otherwise


class Ledger:
    """The casebook as an activity takes it: append, and which exceptions mean what."""

    conflict: type[Exception] = LedgerConflict
    away: tuple[type[Exception], ...] = (StoreUnavailable, StoreMisconfigured)

    def __init__(self, engine: AsyncEngine, told: Told = lambda card, new: None) -> None:
        """Take an engine; `told` hears the card and the entries of each writing that were not there before."""
        self._engine = engine
        self._told = told

    async def append(self, batch: Batch) -> int:
        """Write a batch, or retell it; return the number of its last entry. See `append` and `retell`."""
        try:
            last = await append(self._engine, batch, self._told)
        except LedgerConflict as conflict:
            if not conflict.otherwise:
                raise
            return await retell(self._engine, batch, self._told)
        return batch.entries[-1].seq if batch.entries else last


async def append(engine: AsyncEngine, batch: Batch, told: Told = lambda card, new: None) -> int:
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
            last = await _write(connection, _chain(batch.case_id, new, last=last, head=head), last)
            if batch.card.seq > last:
                raise LedgerConflict(batch.case_id, batch.card.seq, f"the card is ahead of the last entry, {last}.")
            if last:
                await project(connection, batch.card)
    except IntegrityError as error:
        raise LedgerConflict(batch.case_id, batch.card.seq, "the database refuses it.") from error
    told(batch.card, new)
    return last


async def retell(engine: AsyncEngine, batch: Batch, told: Told = lambda card, new: None) -> int:
    """Write what a step tells that was told before; return the number under which its last entry stands.

    A workflow's step may die after its entries were written and before Temporal knew of it. It is then done again,
    later, and may have more before it. What it tells alike stands as told first, with the first time. Told otherwise,
    it is written anew at the end, behind a `step.repeated` that names the numbers which do not hold. Nothing written is
    changed. Raises LedgerConflict for a gap, StoreUnavailable, StoreMisconfigured.
    """
    _check(batch)
    async with writing(engine) as connection:
        await _alone(connection, batch.case_id)
        last, head = await _head(connection, batch.case_id)
        placed = await _placed(connection, batch, last)
        new = [entry for entry in placed.entries if entry.seq > last]
        last = await _write(connection, _chain(batch.case_id, new, last=last, head=head), last)
        # The card is the newest word even where the interrupted step had written further.
        await project(connection, replace(placed.card, seq=max(placed.card.seq, last)))
    told(batch.card, new)
    return placed.entries[-1].seq


async def _placed(connection: AsyncConnection, batch: Batch, last: int) -> Batch:
    """Give a batch the numbers under which it is told alike already, at its own place or at the end, or new ones."""
    first = batch.entries[0].seq
    for place in (first, last - len(batch.entries) + 1):
        moved = _moved(batch, place)
        if place >= first and await _alike(connection, moved):
            return moved
    repeated = Entry(
        seq=last + 1,
        at=batch.entries[0].at,
        kind=REPEATED,
        actor="seawall",
        text=f"a step was interrupted and done again; entries {first} to {last} do not hold",
        data=(("from", str(first)), ("to", str(last))),
    )
    moved = _moved(batch, last + 2)
    return replace(moved, entries=(repeated, *moved.entries))


def _moved(batch: Batch, first: int) -> Batch:
    by = first - batch.entries[0].seq
    moved = tuple(replace(entry, seq=entry.seq + by) for entry in batch.entries)
    return replace(batch, entries=moved, card=replace(batch.card, seq=batch.card.seq + by))


async def _alike(connection: AsyncConnection, batch: Batch) -> bool:
    """Say whether all that is written under a batch's numbers is what it tells, its time aside."""
    told = {entry.seq: entry for entry in batch.entries}
    for row in await _written(connection, batch):
        again = linked(batch.case_id, replace(told[row.seq], at=row.at), prev_hash=row.prev_hash, salt=row.salt)
        if again.hash != row.hash:
            return False
    return True


async def _write(connection: AsyncConnection, rows: list[Row], last: int) -> int:
    if rows:
        await connection.execute(insert(entries), [asdict(row) for row in rows])
    return rows[-1].seq if rows else last


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
    for row in await _written(connection, batch):
        again = linked(batch.case_id, told[row.seq], prev_hash=row.prev_hash, salt=row.salt)
        if again.hash != row.hash:
            found = f"written as {row.kind}, told now with other content."
            raise LedgerConflict(batch.case_id, row.seq, found, otherwise=True)


async def _written(connection: AsyncConnection, batch: Batch) -> CursorResult[Any]:
    """Read what is written under a batch's numbers."""
    numbers = entries.c.seq.between(batch.entries[0].seq, batch.entries[-1].seq)
    return await connection.execute(select(entries).where(entries.c.case_id == batch.case_id, numbers))


def _chain(case_id: str, new: list[Entry], *, last: int, head: str) -> list[Row]:
    if new and new[0].seq != last + 1:
        raise LedgerConflict(case_id, new[0].seq, f"the last written entry is {last}; those between are missing.")
    rows: list[Row] = []
    for entry in new:
        row = linked(case_id, entry, prev_hash=rows[-1].hash if rows else head, salt=secrets.token_hex(16))
        rows.append(row)
    return rows
