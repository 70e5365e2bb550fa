"""Does every database reach the same shape, once, and can it go back?"""

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from store.engine import open_engine, reading, writing
from store.errors import StoreMisconfigured
from store.ledger import append
from store.migrations import FOLDER, HEAD, downgrade, revision, upgrade
from store.tables import metadata
from tests.store.examples import batch

UPGRADE = """
import asyncio, sys
from store.engine import open_engine
from store.migrations import upgrade
async def main():
    engine = open_engine(sys.argv[1])
    sys.stdin.readline()
    await upgrade(engine)
    await engine.dispose()
asyncio.run(main())
"""


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_newest_revision_is_the_one_the_program_asks_for() -> None:
    assert ScriptDirectory(str(FOLDER)).get_heads() == [HEAD]


async def test_a_new_database_gets_the_tables_that_the_program_knows(empty_url: str) -> None:
    engine = open_engine(empty_url)

    before = await upgrade(engine)

    async with reading(engine) as connection:
        assert await connection.run_sync(differences) == []
    assert (before, await revision(engine)) == ("", HEAD)
    await engine.dispose()


async def test_an_upgrade_of_a_new_enough_database_changes_nothing(url: str) -> None:
    engine = open_engine(url)
    await append(engine, batch(1, 3))

    before = await upgrade(engine)

    assert before == HEAD
    assert await append(engine, batch(1, 3)) == 3
    await engine.dispose()


async def test_down_and_up_again_leaves_the_same_shape(url: str) -> None:
    engine = open_engine(url)
    await append(engine, batch(1, 3))

    await downgrade(engine)
    async with reading(engine) as connection:
        left = await connection.run_sync(names)
    await upgrade(engine)

    async with reading(engine) as connection:
        assert await connection.run_sync(differences) == []
    assert left == set()
    assert await append(engine, batch(1, 2)) == 2
    await engine.dispose()


async def test_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, empty_url, stdin=pipe, stderr=pipe)
        for _ in range(3)
    ]

    said = await asyncio.gather(*(process.communicate(b"\n") for process in started))

    assert [(process.returncode, error) for process, (_, error) in zip(started, said, strict=True)] == [(0, b"")] * 3
    engine = open_engine(empty_url)
    assert await append(engine, batch(1, 1)) == 1
    await engine.dispose()


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(url: str) -> None:
    engine = open_engine(url)
    async with writing(engine) as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreMisconfigured) as refusal:
        await upgrade(engine)

    assert refusal.value.code == "too_new"
    assert await revision(engine) == "9999"
    await engine.dispose()


async def test_a_database_without_tables_says_so(empty_url: str) -> None:
    engine = open_engine(empty_url)

    with pytest.raises(StoreMisconfigured) as refusal:
        await append(engine, batch(1, 1))

    assert refusal.value.code == "no_tables"
    await engine.dispose()
