"""Is the record whole, and if not, which is the first entry that is not?"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from store.anchors import anchored
from store.chain import START, Row, flaw
from store.engine import reading
from store.tables import cases, entries

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first place where the record is not what it was."""

    case_id: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification looked at and the first thing that is wrong; `broken` is None when all is whole."""

    cases: int
    entries: int
    broken: Broken | None = None

    @property
    def whole(self) -> bool:
        """Whether everything looked at is as it was written."""
        return self.broken is None


async def verify(engine: AsyncEngine, case_id: str | None = None, *, anchor: Path | None = None) -> Verdict:
    """Recompute every hash of one case or of all, in pages; name the first row that is broken.

    Without `anchor` a cut-off end is only found while the case's card still tells of it, and a chain rewritten as a
    whole is not found; with the anchor file both are. Raises StoreUnavailable, StoreMisconfigured, AnchorBroken.
    """
    expected = await asyncio.to_thread(_by_case, anchor) if anchor else {}
    cards = await _cards(engine, case_id)
    seen: dict[str, int] = {}
    seq, head, count = 0, START, 0
    async for row in _rows(engine, case_id):
        if row.case_id not in seen:
            seq, head = 0, START
        broken = _flaw(row, seq + 1, head, expected)
        if broken or isinstance(row, Broken):
            return Verdict(cases=len(seen), entries=count, broken=broken)
        seq, head, count = row.seq, row.hash, count + 1
        seen[row.case_id] = seq
    return Verdict(cases=len(seen), entries=count, broken=_cut_off(seen, cards, expected, case_id))


def _flaw(row: Row | Broken, seq: int, prev_hash: str, expected: dict[str, dict[int, str]]) -> Broken | None:
    if isinstance(row, Broken):
        return row
    reason = flaw(row, seq=seq, prev_hash=prev_hash)
    if not reason and expected.get(row.case_id, {}).get(row.seq, row.hash) != row.hash:
        reason = "the chain was rewritten: its hash is not the anchored one"
    return Broken(case_id=row.case_id, seq=seq, reason=reason) if reason else None


def _cut_off(
    seen: dict[str, int], cards: dict[str, int], expected: dict[str, dict[int, str]], only: str | None
) -> Broken | None:
    """Find the first case that is shorter than its card or its anchor says."""
    for case_id in sorted({*cards, *expected}):
        if only not in (None, case_id):
            continue
        length = seen.get(case_id, 0)
        for known, by in ((max(expected.get(case_id, {0: ""})), "anchor"), (cards.get(case_id, 0), "card")):
            if length < known:
                return Broken(case_id=case_id, seq=length + 1, reason=f"it is missing; the {by} knows {known} entries")
    return None


def _by_case(path: Path) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for line in anchored(path):
        found.setdefault(line.case_id, {})[line.seq] = line.hash
    return found


async def _cards(engine: AsyncEngine, case_id: str | None) -> dict[str, int]:
    query = select(cases.c.case_id, cases.c.seq)
    if case_id is not None:
        query = query.where(cases.c.case_id == case_id)
    async with reading(engine) as connection:
        return {row.case_id: row.seq for row in await connection.execute(query)}


async def _rows(engine: AsyncEngine, case_id: str | None) -> AsyncIterator[Row | Broken]:
    """Read entries in order, a page per transaction, so that writers never wait long.

    A page with a value that the driver cannot read (no time, no JSON) is read again row by row, to name the row.
    """
    after, size = ("", 0), PAGE
    while True:
        try:
            rows = [Row(**values) for values in await _page(engine, list(entries.c), case_id, after, size)]
        except ValueError:
            if size == 1:
                (key,) = await _page(engine, [entries.c.case_id, entries.c.seq], case_id, after, 1)
                yield Broken(**key, reason="its time or data cannot be read")
                return
            size = 1
            continue
        for row in rows:
            yield row
        if len(rows) < size:
            return
        after = (rows[-1].case_id, rows[-1].seq)


async def _page(
    engine: AsyncEngine, columns: list[Column[Any]], case_id: str | None, after: tuple[str, int], size: int
) -> list[dict[str, Any]]:
    query = select(*columns).where(tuple_(entries.c.case_id, entries.c.seq) > after)
    if case_id is not None:
        query = query.where(entries.c.case_id == case_id)
    query = query.order_by(entries.c.case_id, entries.c.seq).limit(size)
    async with reading(engine) as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]
