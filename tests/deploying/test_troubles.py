"""What does the watchdog see of a real server? Cases that run nowhere, nobody who works; and when it tells."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from escalations.consensus import GateKind
from starter import budgets
from starter.watchdog import troubles
from starter.watchdog.rounds import ripe
from starter.watchdog.troubles import AWAY, Trouble
from tests.workflows.living import living
from tests.workflows.world import World, recall

LATER = timedelta(minutes=5)


@pytest_asyncio.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with living(tmp_path_factory.mktemp("troubled")) as world:
        with world.env.with_time_skipping_disabled():
            yield world


async def test_a_case_that_was_terminated_is_open_in_the_casebook_and_runs_nowhere(world: World) -> None:
    lost, kept = await world.opened(recall()), await world.opened(recall())
    for case in (lost, kept):
        await world.gate(case, GateKind.LEGAL_REVIEW)
    await lost.terminate("by hand")

    async def gone() -> list[Trouble]:
        return await troubles.gone(world.env.client, world.engine, datetime.now(UTC) + LATER)

    seen = await gone()
    for _ in range(50):  # the list of what runs lags a little
        if any(trouble.workflow_id == lost.id for trouble in seen):
            break
        await asyncio.sleep(0.1)
        seen = await gone()

    assert [(trouble.key, trouble.workflow_id) for trouble in seen] == [(f"gone:{lost.id}", lost.id)]


async def test_a_case_that_was_opened_a_moment_ago_is_given_time_to_be_listed(world: World) -> None:
    case = await world.opened(recall())
    await world.gate(case, GateKind.LEGAL_REVIEW)
    await case.terminate("by hand")

    seen = await troubles.gone(world.env.client, world.engine, datetime.now(UTC))

    assert case.id not in {trouble.workflow_id for trouble in seen}


async def test_a_worker_that_polls_is_seen_and_one_that_stopped_long_ago_is_missed(world: World) -> None:
    now = datetime.now(UTC)
    for _ in range(100):  # the first poll may still be on its way
        at_work = await troubles.nobody_works(world.env.client, now)
        if not at_work:
            break
        await asyncio.sleep(0.1)
    stopped = await troubles.nobody_works(world.env.client, now + LATER)

    assert at_work == []
    assert [trouble.key for trouble in stopped] == ["nobody-works"]


async def test_the_budget_of_an_open_case_counts_events_bytes_and_the_messages_it_took(world: World) -> None:
    case = await world.opened(recall())
    gate = await world.gate(case, GateKind.LEGAL_REVIEW)
    await world.vote(case, gate, "LEG", "hide")
    await world.until(case, lambda card: card.taken == 1)

    budget = await budgets.of_case(world.env.client, world.engine, case.id)
    listed = {one.workflow_id async for one in budgets.of_open(world.env.client, world.engine)}

    assert budget is not None
    described = await case.describe()
    assert (budget.events, budget.updates) == (described.history_length, 1)
    assert budget.bytes > 1000
    assert budget.used == max(budget.events / 51_200, 1 / 2_000)
    assert case.id in listed
    assert await budgets.of_case(world.env.client, world.engine, "ESC-0000-0000-0000") is None


def test_nobody_is_told_of_a_short_outage() -> None:
    since: dict[str, datetime] = {}
    began = datetime(2026, 12, 24, 23, 0, tzinfo=UTC)

    at_once = ripe([AWAY], since, began)
    still = ripe([AWAY], since, began + timedelta(minutes=1))
    back = ripe([], since, began + timedelta(minutes=1, seconds=30))
    again = ripe([AWAY], since, began + timedelta(minutes=3))
    long = ripe([AWAY], since, began + timedelta(minutes=5))

    assert (at_once, still, back, again) == ([], [], [], [])
    assert long == [AWAY]
