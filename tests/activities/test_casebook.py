"""Does what a case says reach its readers once, and does a case wait while the database is away?"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.casebook import AWAY, CONFLICT, Casebook
from escalations.model import Stage
from escalations.record import Batch, Card, Entry
from store import queries
from store.engine import open_engine
from store.ledger import Ledger
from store.migrations import upgrade

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CASE = "ESC-0000-0000-0001"


def told(*seqs: int, text: str = "The listing was hidden.") -> Batch:
    entries = tuple(Entry(seq=seq, at=NOON, kind="listing.hidden", actor="ana.ic", text=text) for seq in seqs)
    shown = Card(case_id=CASE, seq=seqs[-1], title="Heater", stage=Stage.TRIAGE, opened_at=NOON, updated_at=NOON)
    return Batch(case_id=CASE, entries=entries, card=shown)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await upgrade(opened)
    yield opened
    await opened.dispose()


@pytest.fixture
def casebook(engine: AsyncEngine) -> Casebook:
    return Casebook(Ledger(engine))


async def test_a_batch_recorded_again_by_a_retry_is_recorded_once(casebook: Casebook, engine: AsyncEngine) -> None:
    answers = [await ActivityEnvironment().run(casebook.record, told(1, 2)) for _ in range(3)]

    assert [answer.seq for answer in answers] == [2, 2, 2]
    assert [entry.seq for entry in await queries.entries(engine, CASE)] == [1, 2]


async def test_a_gap_is_not_retried_and_names_the_case(casebook: Casebook) -> None:
    await casebook.record(told(1, 2))

    with pytest.raises(ApplicationError) as failure:
        await ActivityEnvironment().run(casebook.record, told(5))

    assert (failure.value.type, failure.value.non_retryable) == (CONFLICT, True)
    assert CASE in failure.value.message


async def test_a_casebook_that_is_away_is_tried_again_and_nothing_of_the_entry_leaks(
    casebook: Casebook, engine: AsyncEngine, tmp_path: Path
) -> None:
    await casebook.record(told(1))
    away = open_engine(f"sqlite:///file:{tmp_path}/casebook.db?mode=ro&uri=true")

    with pytest.raises(ApplicationError) as failure:
        await ActivityEnvironment().run(Casebook(Ledger(away)).record, told(2, text="CANARY of a person"))

    assert (failure.value.type, failure.value.non_retryable) == (AWAY, False)
    assert failure.value.__cause__ is None
    assert "CANARY" not in str(failure.value)
    assert (await casebook.record(told(2, text="CANARY of a person"))).seq == 2
    await away.dispose()


async def test_a_casebook_without_tables_is_tried_again_once_they_are_made(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/other.db")
    casebook = Casebook(Ledger(engine))

    with pytest.raises(ApplicationError) as failure:
        await casebook.record(told(1))
    await upgrade(engine)

    assert (failure.value.type, failure.value.non_retryable) == (AWAY, False)
    assert (await casebook.record(told(1))).seq == 1
    await engine.dispose()


async def test_a_step_that_died_and_tells_it_otherwise_goes_on_behind_what_was_written(casebook: Casebook) -> None:
    await casebook.record(told(1, 2))

    answers = [await ActivityEnvironment().run(casebook.record, told(1, 2, text="Other words.")) for _ in range(2)]

    assert [answer.seq for answer in answers] == [5, 5]
    assert (await casebook.record(told(6))).seq == 6


async def test_a_late_retry_does_not_put_an_old_card_back(casebook: Casebook, engine: AsyncEngine) -> None:
    newer = told(2)
    await casebook.record(told(1))
    await casebook.record(replace(newer, card=replace(newer.card, stage=Stage.CONTAINMENT)))

    await casebook.record(told(1))

    shown = await queries.card(engine, CASE)
    assert shown is not None
    assert shown.stage is Stage.CONTAINMENT
