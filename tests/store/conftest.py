"""Which databases is the casebook tried on? Each test gets a new one, on SQLite and on a real PostgreSQL."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from store.engine import open_engine
from store.migrations import upgrade
from tests.postgres_server import postgres_server

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/casebook.db"
    server: str = request.getfixturevalue("postgres")
    name = f"casebook_{next(NUMBERS)}"
    admin = create_async_engine(server.replace("postgresql:", "postgresql+asyncpg:") + "/postgres")
    async with admin.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await admin.dispose()
    return f"{server}/{name}"


@pytest.fixture
async def url(empty_url: str) -> str:
    """The URL of a casebook."""
    engine = open_engine(empty_url)
    await upgrade(engine)
    await engine.dispose()
    return empty_url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(url)
    yield opened
    await opened.dispose()
