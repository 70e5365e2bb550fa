"""What does a person read when the database cannot be used, and is anything lost?"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import engine as engines
from store import quarantine, queries
from store.engine import open_engine, reading, writing
from store.errors import StoreMisconfigured, StoreUnavailable
from store.intakes import Accepted, New, accept, waiting
from store.ledger import append, verify
from store.migrations import upgrade
from tests.store.examples import CASE, NOON, batch

REPORT = Accepted(
    source="cpsc", source_ref="26-101", raw=b"{}" * 30_000, content_type="application/json", received_at=NOON
)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "casebook.db"
    engine = open_engine(f"sqlite:///{path}")
    await upgrade(engine)
    await append(engine, batch(1, 2))
    await engine.dispose()
    return path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "casebook.db",
        "mysql://u@h/x",
        "sqlite+pysqlite:///x.db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://host",
        "postgresql://h:notaport/x",
        "oracle://secret-user:secret-word@h/x",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreMisconfigured) as refusal:
        open_engine(url)

    assert refusal.value.code == "bad_url"
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreMisconfigured) as refusal:
        open_engine(f"sqlite:///{tmp_path}/file/casebook.db")

    assert refusal.value.code == "no_folder"
    assert str(tmp_path / "file") in str(refusal.value)


async def test_a_missing_folder_is_made_for_this_user_only(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/new/casebook.db")

    await upgrade(engine)

    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    await engine.dispose()


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear sir or madam, " * 100)
    before = path.read_bytes()
    engine = open_engine(f"sqlite:///{path}")

    with pytest.raises(StoreMisconfigured) as refusal:
        await upgrade(engine)

    assert refusal.value.code == "not_a_database"
    assert path.read_bytes() == before
    await engine.dispose()


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}")

    with pytest.raises(StoreMisconfigured) as refusal:
        await upgrade(engine)

    assert refusal.value.code == "no_folder"
    await engine.dispose()


async def test_every_connection_is_durable_and_holds_foreign_keys(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")

    async with reading(engine) as connection:
        found = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    await engine.dispose()


async def test_a_writing_transaction_takes_the_lock_before_it_reads(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")

    with closing(sqlite3.connect(file, timeout=0)) as other:
        async with writing(engine) as connection:
            await connection.execute(text("SELECT count(*) FROM entries"))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")

    await engine.dispose()


async def test_a_locked_file_is_unavailable_and_taken_again_later(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 50)
    engine = open_engine(f"sqlite:///{file}")

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable) as refusal:
            await append(engine, batch(3, 4))
        with pytest.raises(StoreUnavailable):
            await accept(engine, REPORT)
        other.execute("ROLLBACK")

    assert refusal.value.code == "locked"
    assert await append(engine, batch(3, 4)) == 4
    assert isinstance(await accept(engine, REPORT), New)
    await engine.dispose()


async def test_a_read_only_casebook_can_be_read_and_says_why_it_is_not_written(file: Path) -> None:
    engine = open_engine(f"sqlite:///file:{file}?mode=ro&uri=true")

    refusals = []
    for attempt in (
        append(engine, batch(3, 4)),
        accept(engine, REPORT),
        quarantine.keep(engine, source="s", code="c", raw=b"", received_at=NOON),
    ):
        with pytest.raises(StoreUnavailable) as refusal:
            await attempt
        refusals.append(refusal.value.code)

    assert refusals == ["read_only"] * 3
    assert len(await queries.entries(engine, CASE)) == 2
    await engine.dispose()


async def fill(engine: AsyncEngine, last: int) -> tuple[int, StoreUnavailable]:
    """Append until the database refuses; return the last acknowledged number and the refusal."""
    while True:
        try:
            last = await append(engine, batch(last + 1, last + 5))
        except StoreUnavailable as refusal:
            return last, refusal


async def test_a_full_casebook_loses_nothing_and_goes_on_when_there_is_room(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")
    async with reading(engine) as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
    await engine.dispose()
    limit = [int(pages or 0) + 2]

    def full(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}").close()  # type: ignore[attr-defined]  # driver's own

    event.listen(engine.sync_engine, "connect", full)
    acknowledged, refusal = await fill(engine, 2)
    with pytest.raises(StoreUnavailable):
        await accept(engine, REPORT)
    read_while_full = await verify(engine)
    await engine.dispose()
    limit[0] = 1_000_000

    assert refusal.code == "full"
    assert (read_while_full.whole, read_while_full.entries) == (True, acknowledged)
    assert await waiting(engine) == ()
    assert await append(engine, batch(acknowledged + 1, acknowledged + 5)) == acknowledged + 5
    assert isinstance(await accept(engine, REPORT), New)
    assert (await verify(engine)).whole
    await engine.dispose()


async def test_a_failure_inside_a_transaction_undoes_all_of_it(engine: AsyncEngine) -> None:
    async def claim_twice() -> None:
        async with writing(engine) as connection:
            await connection.execute(text("INSERT INTO claims VALUES ('PSAFE', 's', 'ESC-1', '2026-11-22 12:00:00')"))
            await connection.execute(text("INSERT INTO claims VALUES ('PSAFE', 's', 'ESC-2', '2026-11-22 12:00:00')"))

    with pytest.raises(IntegrityError):
        await claim_twice()

    async with reading(engine) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM claims"))).scalar() == 0
