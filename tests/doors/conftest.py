"""Which doors are opened anew for each test? A casebook in a folder of its own, and a console in front of one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import open_engine
from store.migrations import upgrade
from tests.doors.consoles import Console, Heard, client_of


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await upgrade(made)
    yield made
    await made.dispose()


@pytest.fixture
async def console(engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[Console]:
    heard = Heard()
    async with client_of(engine, tmp_path, heard) as http:
        yield Console(home=tmp_path, engine=engine, heard=heard, http=http)
