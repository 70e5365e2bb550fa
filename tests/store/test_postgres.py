"""What does a person read when the PostgreSQL server does not play along?"""

import asyncio
import socket
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from store import engine as engines
from store.engine import open_engine, reading, writing
from store.errors import StoreMisconfigured, StoreUnavailable
from store.ledger import append, verify
from tests.store.examples import CASE, batch

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("empty_url", ["postgres"], indirect=True)]


async def refused(url: str) -> tuple[type[Exception], str]:
    engine = open_engine(url)
    with pytest.raises((StoreUnavailable, StoreMisconfigured)) as refusal:
        await append(engine, batch(1, 1))
    await engine.dispose()
    assert "127.0.0.1" not in str(refusal.value)
    return type(refusal.value), refusal.value.code


async def test_a_server_that_is_away(url: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))

        found = await refused(f"postgresql://postgres@127.0.0.1:{held.getsockname()[1]}/casebook")

    assert found == (StoreUnavailable, "away")


async def test_a_database_that_is_not_there(url: str) -> None:
    assert await refused(f"{url}_other") == (StoreMisconfigured, "no_database")


async def test_a_user_that_is_not_known(url: str) -> None:
    assert await refused(url.replace("postgres@", "nobody:secret@")) == (StoreMisconfigured, "no_access")


async def test_a_user_without_rights(url: str) -> None:
    owner = open_engine(url)
    async with writing(owner) as connection:
        await connection.execute(text("DROP ROLE IF EXISTS reader"))
        await connection.execute(text("CREATE ROLE reader LOGIN"))
    await owner.dispose()

    assert await refused(url.replace("postgres@", "reader@")) == (StoreMisconfigured, "no_access")


async def test_a_server_that_takes_no_writes(url: str) -> None:
    owner = open_engine(url)
    async with writing(owner) as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar()
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    await owner.dispose()

    assert await refused(url) == (StoreUnavailable, "read_only")


async def test_connections_that_the_server_dropped_are_made_anew(engine: AsyncEngine, url: str) -> None:
    await append(engine, batch(1, 2))
    other = open_engine(url)
    async with writing(other) as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    assert await append(engine, batch(3, 4)) == 4
    await other.dispose()


async def test_a_connection_dropped_in_the_middle_of_a_transaction_undoes_it(engine: AsyncEngine, url: str) -> None:
    other = open_engine(url)

    async def dropped() -> None:
        async with writing(engine) as connection:
            mine = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar()
            await connection.execute(text("INSERT INTO claims VALUES ('PSAFE', 's', 'ESC-1', now())"))
            async with writing(other) as second:
                await second.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable) as refusal:
        await dropped()

    async with reading(other) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM claims"))).scalar() == 0
    assert refusal.value.code == "away"
    await other.dispose()


async def test_a_writer_waits_for_another_of_the_same_case_and_gives_up_in_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 100)
    engine = open_engine(url)
    await append(engine, batch(1, 2))

    async with writing(engine) as connection:
        await connection.execute(text("UPDATE cases SET owner = 'ana.ic' WHERE case_id = :case"), {"case": CASE})
        with pytest.raises(StoreUnavailable) as refusal:
            await append(engine, batch(3, 4))

    assert refusal.value.code == "locked"
    assert await append(engine, batch(3, 4)) == 4
    await engine.dispose()


async def test_more_callers_than_connections_wait_their_turn(engine: AsyncEngine) -> None:
    answers = await asyncio.gather(*(append(engine, batch(1, 2, f"ESC-{number}")) for number in range(60)))

    assert answers == [2] * 60
    assert (await verify(engine)).cases == 60


def test_the_server_keeps_its_files_out_of_the_project(empty_url: str) -> None:
    assert not list(Path.cwd().glob("seawall-pg-*"))
