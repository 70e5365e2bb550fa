"""Is a fact written once, in order, for ever, and shown forward only?"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.model import Stage
from escalations.record import Batch
from store import queries
from store.engine import open_engine
from store.ledger import Ledger, LedgerConflict, append, heads, verify
from tests.store.examples import CASE, card, case, entry, gate


def told(first: int, last: int, case_id: str = CASE) -> Batch:
    return Batch(case_id=case_id, entries=tuple(entry(seq) for seq in range(first, last + 1)), card=card(last, case_id))


async def test_entries_come_back_as_they_were_told(engine: AsyncEngine) -> None:
    last = await append(engine, told(1, 3))

    assert last == 3
    assert await queries.entries(engine, CASE) == [entry(1), entry(2), entry(3)]
    assert await queries.entries(engine, CASE, after=1, limit=1) == [entry(2)]


async def test_a_batch_told_twice_is_written_once(engine: AsyncEngine) -> None:
    await append(engine, told(1, 3))
    before = await heads(engine)

    again = await append(engine, told(1, 3))

    assert again == 3
    assert await heads(engine) == before


async def test_a_batch_that_overlaps_the_one_before_adds_only_what_is_new(engine: AsyncEngine) -> None:
    await append(engine, told(1, 3))

    last = await append(engine, told(2, 5))

    assert last == 5
    assert [each.seq for each in await queries.entries(engine, CASE)] == [1, 2, 3, 4, 5]
    assert (await verify(engine)).whole


async def test_a_late_repeat_of_an_old_batch_answers_the_last_number_and_keeps_the_newer_card(
    engine: AsyncEngine,
) -> None:
    await append(engine, told(1, 2))
    newer = replace(told(3, 4), card=card(4, stage=Stage.CONTAINMENT))
    await append(engine, newer)

    last = await append(engine, told(1, 2))

    assert last == 4
    assert await queries.card(engine, CASE) == newer.card


@pytest.mark.parametrize(
    "changed",
    [
        entry(2, "Nothing was hidden."),
        entry(2, kind="listing.shown"),
        replace(entry(2), actor="somebody.else"),
        replace(entry(2), at=entry(2).at + timedelta(microseconds=1)),
        replace(entry(2), data=()),
    ],
    ids=["text", "kind", "actor", "time", "data"],
)
async def test_other_content_under_a_written_number_is_a_conflict_and_nothing_of_it_is_written(
    engine: AsyncEngine, changed: object
) -> None:
    await append(engine, told(1, 2))
    contradiction = replace(told(1, 3), entries=(entry(1), changed, entry(3)))

    with pytest.raises(LedgerConflict) as conflict:
        await append(engine, contradiction)

    assert (conflict.value.case_id, conflict.value.seq) == (CASE, 2)
    assert await queries.entries(engine, CASE) == [entry(1), entry(2)]


@pytest.mark.parametrize(
    "refused",
    [
        told(4, 5),
        replace(told(3, 5), entries=(entry(3), entry(5))),
        replace(told(3, 4), entries=(entry(4), entry(3))),
        replace(told(3, 3), card=card(4)),
        replace(told(3, 3), card=card(3, case(2))),
        replace(told(1, 1), entries=(entry(0), entry(1))),
    ],
    ids=["gap before", "gap within", "order", "card ahead", "card of another case", "number zero"],
)
async def test_a_batch_that_does_not_fit_is_refused_whole(engine: AsyncEngine, refused: Batch) -> None:
    await append(engine, told(1, 2))

    with pytest.raises(LedgerConflict):
        await append(engine, refused)

    assert len(await queries.entries(engine, CASE)) == 2
    assert (await verify(engine)).whole


async def test_a_card_alone_is_shown_when_its_entry_is_written_already(engine: AsyncEngine) -> None:
    await append(engine, told(1, 2))
    moved = replace(card(2), next_due_at=card(2).opened_at + timedelta(hours=3), updated_at=card(3).updated_at)

    last = await append(engine, Batch(case_id=CASE, entries=(), card=moved))

    assert last == 2
    assert await queries.card(engine, CASE) == moved


async def test_an_older_card_of_the_same_entry_does_not_come_back(engine: AsyncEngine) -> None:
    await append(engine, replace(told(1, 2), card=replace(card(2), owner="ana.ic", updated_at=card(9).updated_at)))

    await append(engine, told(1, 2))

    shown = await queries.card(engine, CASE)
    assert shown is not None
    assert shown.owner == "ana.ic"


async def test_a_decided_gate_leaves_the_inbox_and_an_old_card_does_not_bring_it_back(engine: AsyncEngine) -> None:
    asked = replace(told(1, 1), card=card(1, gates=(gate(1, "LEG"),)))
    decided = replace(told(2, 2), card=card(2, gates=(gate(1, "LEG", outcome="hide"), gate(2, "IC"))))

    await append(engine, asked)
    await append(engine, decided)
    await append(engine, asked)

    assert [asked.gate.gate.id for asked in await queries.inbox(engine)] == [f"{CASE}/gate/2"]


async def test_characters_that_a_database_cannot_keep_do_not_halt_a_case(engine: AsyncEngine) -> None:
    odd = replace(entry(1, "before\x00after \ud800 end"), data=(("word\x00", "v\x00"),))
    shown = replace(card(1), title="a\x00b")

    first = await append(engine, Batch(case_id=CASE, entries=(odd,), card=shown))
    again = await append(engine, Batch(case_id=CASE, entries=(odd,), card=shown))

    assert (first, again) == (1, 1)
    assert [each.text for each in await queries.entries(engine, CASE)] == ["before\ufffdafter \ufffd end"]
    assert (await verify(engine)).whole


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=8), st.integers(1, 10**9))
async def test_whatever_the_order_of_batches_the_record_is_one_unbroken_row_of_numbers(
    engine: AsyncEngine, spans: list[tuple[int, int]], number: int
) -> None:
    case_id = f"ESC-{number}"
    written = len(await queries.entries(engine, case_id))

    for first, length in spans:
        span = told(first, first + length - 1, case_id)
        if first <= written + 1:
            written = max(written, first + length - 1)
            assert await append(engine, span) == written
        else:
            with pytest.raises(LedgerConflict):
                await append(engine, span)

    assert [each.seq for each in await queries.entries(engine, case_id)] == list(range(1, written + 1))
    assert (await verify(engine, case_id)).whole


async def test_many_writers_of_many_cases_lose_nothing(url: str) -> None:
    engines = [open_engine(url) for _ in range(3)]

    async def one_case(number: int) -> None:
        for seq in range(1, 11):
            await append(engines[(number + seq) % 3], told(seq, seq, case(number)))

    await asyncio.gather(*(one_case(number) for number in range(12)))

    verdict = await verify(engines[0])
    assert (verdict.whole, verdict.cases, verdict.entries) == (True, 12, 120)
    for engine in engines:
        await engine.dispose()


async def test_many_writers_of_one_batch_write_it_once(url: str) -> None:
    engines = [open_engine(url) for _ in range(3)]

    answers = await asyncio.gather(*(append(engines[number % 3], told(1, 4)) for number in range(30)))

    verdict = await verify(engines[0])
    assert answers == [4] * 30
    assert (verdict.whole, verdict.entries) == (True, 4)
    for engine in engines:
        await engine.dispose()


async def test_two_histories_of_one_case_cannot_both_be_written(url: str) -> None:
    engines = [open_engine(url) for _ in range(2)]

    async def write(number: int) -> int:
        mine = tuple(entry(seq, f"as {number} tells it") for seq in range(1, 4))
        return await append(engines[number % 2], Batch(case_id=CASE, entries=mine, card=card(3)))

    answers = await asyncio.gather(*(write(number) for number in range(8)), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["LedgerConflict"] * 7 + ["int"]
    assert (await verify(engines[0])).entries == 3
    for engine in engines:
        await engine.dispose()


async def test_the_ledger_object_appends_as_the_function_does(engine: AsyncEngine) -> None:
    ledger = Ledger(engine)

    assert await ledger.append(told(1, 2)) == 2
    with pytest.raises(ledger.conflict):
        await ledger.append(told(5, 6))
