"""One server, one marketplace, one casebook for all crash tests; each test brings the worker that dies."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from standins import serve
from starter import connect
from store import migrations
from store.engine import open_engine
from tests.crash import ground as grounds
from tests.crash.ground import Ground


@pytest_asyncio.fixture(scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """Lay everything out in folders and ports of its own; stop it, killed or not, at the end."""
    home = tmp_path_factory.mktemp("crash")
    standins = await serve.start(tmp_path_factory.mktemp("crash-standins"))
    stack = grounds.laid_out(home, standins)
    told = grounds.read_settings(stack)
    program = grounds.server(stack)
    engine = open_engine(told.database_url)
    await migrations.upgrade(engine)
    await program.start()
    try:
        await grounds.answering(program, stack)
        client = await grounds.connected(stack, told)
        await connect.ensure_search_attributes(client)
        made = Ground(
            folder=home, stack=stack, server=program, client=client, engine=engine, standins=standins, told=told
        )
        made.running.append(program)
        yield made
    finally:
        await program.end()
        await engine.dispose()
        await standins.stop()
