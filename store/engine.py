"""How is the casebook reached, and when is something in it durable?

SQLite is opened in WAL mode with `synchronous=FULL`: a door answers 2xx and a workflow goes on only after the commit,
so an acknowledged row must survive a power cut (with NORMAL the last commits may roll back, sqlite.org/pragma.html,
checked 2026-11-22). Every writing transaction is `BEGIN IMMEDIATE`: with a plain BEGIN, read-then-write fails with
"database is locked" at once, whatever the busy timeout. A process has one SQLite connection, since libraries before
3.51.3 can corrupt a WAL file when two connections write and checkpoint at the same instant (sqlite.org/wal.html); for
the same reason the writing processes of one file take turns.
"""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.errors import StoreMisconfigured
from store.faults import explained

BUSY_MILLISECONDS = 5000
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
EXAMPLES = "Write it as sqlite:////folder/casebook.db or postgresql://user@host/name."


def open_engine(url: str) -> AsyncEngine:
    """Make the engine for a database URL; nothing is connected yet, the folder of an SQLite file is made.

    Raises StoreMisconfigured for a URL that cannot be used. Call `await engine.dispose()` when done.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return create_async_engine(
        parsed,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=STATEMENT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": {
                "application_name": "seawall",
                "lock_timeout": f"{BUSY_MILLISECONDS}",
                "synchronous_commit": "on",
            },
        },
    )


def one_writer_only() -> bool:
    """Tell whether this SQLite library lets only one process write at a time (WAL-reset bug, fixed in 3.51.3)."""
    return sqlite3.sqlite_version_info < (3, 51, 3)


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Run one writing transaction: committed at the end, rolled back by any exception, durable on return.

    The connection comes first and the turn second: whoever has the turn then only writes. (The other way round it was
    held while waiting for the process's one connection, behind all who read, and every other process stood still.)
    Raises StoreUnavailable or StoreMisconfigured, with nothing written.
    """
    with explained():
        async with engine.connect() as connection, _turn(engine):
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncIterator[None]:
    """Let the writing processes of one SQLite file take turns, commit and checkpoint included.

    The worker and the doors both write; with an SQLite library that has the WAL-reset bug no two of them may write
    and checkpoint at the same instant. A newer library, and PostgreSQL, need no turns.
    """
    database = engine.url.database or ""
    if engine.dialect.name != "sqlite" or database.startswith("file:") or not one_writer_only():
        yield
        return
    try:
        turn = os.open(f"{database}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield  # where no file can be made, the casebook cannot be written either and says so itself
        return
    try:
        await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
        yield
    finally:
        os.close(turn)


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Run one reading transaction. Raises StoreUnavailable or StoreMisconfigured."""
    with explained():
        async with engine.connect() as connection, connection.begin():
            yield connection


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Start an INSERT that knows ON CONFLICT; the same words in both dialects."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = DRIVERS.get(parsed.drivername)
    except (ArgumentError, ValueError):
        driver = None
    if driver is None:
        raise StoreMisconfigured("bad_url", "SEAWALL_DATABASE_URL is not a database URL we know.", next_step=EXAMPLES)
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise StoreMisconfigured("bad_url", "An SQLite casebook in memory would forget every case.", next_step=EXAMPLES)
    if driver.startswith("postgresql") and not parsed.database:
        raise StoreMisconfigured("bad_url", "SEAWALL_DATABASE_URL names no database.", next_step=EXAMPLES)
    return parsed.set(drivername=driver)


def _sqlite(url: URL) -> AsyncEngine:
    if not str(url.database).startswith("file:"):
        _make_folder(Path(str(url.database)).parent)
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        pool_timeout=STATEMENT_SECONDS,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000},
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreMisconfigured(
            "no_folder",
            f"The folder {folder} for the casebook cannot be made ({error.strerror}).",
            next_step="Set SEAWALL_HOME or SEAWALL_DATABASE_URL to a folder that this user may write.",
        ) from error


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own is deferred and comes too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone()[0] != "wal":
        _to_wal(cursor)
    cursor.close()


def _to_wal(cursor: Any) -> None:
    """Switch a new file to WAL; the switch ignores the busy timeout, so two first openers must take turns."""
    for attempt in range(50):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.fetchone()
            return
        except sqlite3.OperationalError as error:
            if attempt == 49 or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.02)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
