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


async def as_administrator(server: str, statement: str) -> None:
    admin = create_async_engine(server.replace("postgresql:", "postgresql+asyncpg:") + "/postgres")
    async with admin.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(statement))
    await admin.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/casebook.db"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"casebook_{next(NUMBERS)}"
    await as_administrator(server, f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    await as_administrator(server, f"DROP DATABASE {name} WITH (FORCE)")


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
