"""Do two cases about the same thing find each other, even when they open at the same instant?"""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.model import Domain
from escalations.record import Batch
from store.claims import claim
from store.engine import open_engine
from store.ledger import append
from tests.store.examples import NOON, batch, card, case, entry


async def ask(engine: AsyncEngine, number: int, at: datetime = NOON, domain: Domain = Domain.PSAFE) -> str:
    return await claim(engine, domain=domain, subject="gtin:04006381333931", case_id=case(number), at=at)


async def close(engine: AsyncEngine, number: int, closed_at: datetime | None, *, seq: int = 1) -> None:
    shown = card(seq, case(number), closed_at=closed_at)
    await append(engine, Batch(case_id=case(number), entries=(entry(seq),), card=shown))


async def test_the_first_claim_has_the_subject_and_later_ones_learn_whose_it_is(engine: AsyncEngine) -> None:
    answers = [await ask(engine, 1), await ask(engine, 2), await ask(engine, 1)]

    assert answers == [case(1)] * 3


async def test_the_same_subject_under_another_kind_of_harm_is_another_matter(engine: AsyncEngine) -> None:
    answers = [await ask(engine, 1), await ask(engine, 2, domain=Domain.IPR)]

    assert answers == [case(1), case(2)]


async def test_claims_at_the_same_instant_have_one_winner(url: str) -> None:
    engines = [open_engine(url) for _ in range(2)]

    answers = await asyncio.gather(*(ask(engines[number % 2], number) for number in range(20)))

    assert len(set(answers)) == 1
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize(
    ("closed_for", "holder"),
    [(None, 1), (timedelta(days=29), 1), (timedelta(days=30), 1), (timedelta(days=30, microseconds=1), 2)],
    ids=["open", "closed 29 days", "closed 30 days", "closed longer"],
)
async def test_a_claim_lapses_thirty_days_after_its_case_closed(
    engine: AsyncEngine, closed_for: timedelta | None, holder: int
) -> None:
    await ask(engine, 1)
    await close(engine, 1, None if closed_for is None else NOON)

    answer = await ask(engine, 2, at=NOON + (closed_for or timedelta(days=400)))

    assert answer == case(holder)


async def test_a_case_that_was_reopened_keeps_its_claim(engine: AsyncEngine) -> None:
    await ask(engine, 1)
    await close(engine, 1, NOON)
    await close(engine, 1, None, seq=2)

    assert await ask(engine, 2, at=NOON + timedelta(days=60)) == case(1)


async def test_a_case_without_a_card_yet_keeps_its_claim(engine: AsyncEngine) -> None:
    await ask(engine, 1)
    await append(engine, batch(1, 1, case(2)))

    assert await ask(engine, 2, at=NOON + timedelta(days=60)) == case(1)
