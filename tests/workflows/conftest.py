"""One living system for all tests of the process; all run once more with nothing kept in the worker's cache."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.workflows.living import living
from tests.workflows.world import COMPANY, World


@pytest_asyncio.fixture(scope="session", params=[1000, 0], ids=["cached", "replayed"])
async def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The running system. `replayed` runs every workflow task from the start of its history."""
    async with living(tmp_path_factory.mktemp("world"), cached=request.param, company=COMPANY) as world:
        if not request.param:
            # Without a cache the SDK now and then loses a task, which is given out again after this time.
            world.task_timeout = timedelta(seconds=4)
        yield world


@pytest_asyncio.fixture(autouse=True)
async def clean_marketplace(world: World) -> AsyncIterator[None]:
    """Lift what a test left restricted, so that every test finds the same listings."""
    yield
    await world.lift_all()
