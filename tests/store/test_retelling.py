"""What becomes of a step that died after it had told the casebook, and is done again?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.model import Stage
from escalations.record import Batch
from store import queries
from store.ledger import REPEATED, Ledger, LedgerConflict, append, retell, verify
from tests.store.examples import CASE, batch, card, entry

LATER = timedelta(seconds=11)


def again(told: Batch, text: str = "", stage: Stage = Stage.TRIAGE) -> Batch:
    """The same step, done later: every time is another, and the words may be."""
    entries = tuple(replace(one, at=one.at + LATER, text=text or one.text) for one in told.entries)
    return replace(told, entries=entries, card=replace(told.card, updated_at=told.card.updated_at + LATER, stage=stage))


async def test_what_is_told_alike_at_another_time_stands_as_it_was_told_first(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    await ledger.append(batch(1, 3))

    answers = [await ledger.append(again(batch(2, 3))), await ledger.append(batch(4, 4))]

    assert answers == [3, 4]
    assert await queries.entries(engine, CASE) == [entry(seq) for seq in range(1, 5)]


async def test_a_step_that_sees_more_the_second_time_adds_it(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)
    await ledger.append(batch(1, 2))

    assert await ledger.append(again(batch(1, 3))) == 3
    assert [one.seq for one in await queries.entries(engine, CASE)] == [1, 2, 3]


async def test_a_step_that_tells_it_otherwise_is_written_behind_a_mark_and_nothing_written_changes(
    engine: AsyncEngine,
) -> None:
    ledger = Ledger(engine)
    await ledger.append(batch(1, 4))

    last = await ledger.append(again(batch(3, 4), "Nothing was hidden.", Stage.CONTAINMENT))

    found = await queries.entries(engine, CASE)
    shown = await queries.card(engine, CASE)
    assert last == 7
    assert found[:4] == [entry(seq) for seq in range(1, 5)]
    assert (found[4].kind, dict(found[4].data)) == (REPEATED, {"from": "3", "to": "4"})
    assert [one.text for one in found[5:]] == ["Nothing was hidden."] * 2
    assert shown is not None
    assert (shown.seq, shown.stage) == (7, Stage.CONTAINMENT)
    assert (await verify(engine)).whole


@pytest.mark.parametrize("times", [2, 3])
async def test_telling_it_otherwise_again_writes_it_once(engine: AsyncEngine, times: int) -> None:
    ledger = Ledger(engine)
    await ledger.append(batch(1, 2))
    otherwise = again(batch(1, 2), "Nothing was hidden.")

    answers = [await ledger.append(otherwise if one % 2 else again(otherwise)) for one in range(times)]

    assert answers == [5] * times
    assert len(await queries.entries(engine, CASE)) == 5


async def test_the_card_of_the_step_done_again_is_shown_even_where_the_first_had_written_further(
    engine: AsyncEngine,
) -> None:
    await append(engine, replace(batch(1, 3), card=card(3, stage=Stage.CLOSED)))

    last = await Ledger(engine).append(again(batch(1, 2), stage=Stage.CONTAINMENT))

    shown = await queries.card(engine, CASE)
    assert last == 2
    assert shown is not None
    assert shown.stage is Stage.CONTAINMENT


async def test_missing_entries_are_a_conflict_however_they_are_told(engine: AsyncEngine) -> None:
    await append(engine, batch(1, 2))

    for tell in (append, retell):
        with pytest.raises(LedgerConflict):
            await tell(engine, batch(5, 6))

    assert len(await queries.entries(engine, CASE)) == 2
