"""Is the casebook fit to be written: its shape, its journal, its library, who else holds it?"""

import asyncio
import fcntl
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from starter.doctor.findings import Finding, skipped, warning, well, wrong
from starter.seeing import health
from store import figures, migrations
from store.engine import one_writer_only, reading

OURS = ("worker", "starter.stack.web", "seawall", "standins")  # words of their command lines


async def shape(engine: AsyncEngine) -> Finding:
    """Look whether the database has the newest shape, and takes a write."""
    revision = await migrations.revision(engine)
    if revision != migrations.HEAD:
        return wrong(
            "database",
            f"The casebook has revision {revision or 'none'}, this code needs {migrations.HEAD}.",
            "Start the worker or the console: they bring it up to date; a newer one needs newer code.",
        )
    found = await health.casebook(engine).ask()
    if not found.ok:
        return wrong("database", found.reason, "Nothing is taken in until that is over.")
    return well("database", f"revision {revision}, takes writes")


async def journal(engine: AsyncEngine) -> Finding:
    """Look whether an SQLite casebook keeps a write-ahead log; each connection of ours switches to it."""
    if engine.dialect.name != "sqlite":
        return skipped("journal", "PostgreSQL keeps its own")
    async with reading(engine) as connection:
        mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar()
    if mode != "wal":
        return wrong(
            "journal",
            f"The casebook's journal mode is {mode}, not WAL: readers would stop writers.",
            "Put it on a local disk, and close the program that switched it.",
        )
    return well("journal", "write-ahead log")


async def library(engine: AsyncEngine, *, hazard: bool | None = None) -> Finding:
    """Look whether this SQLite can damage a log that several processes write, and whether they take turns."""
    if engine.dialect.name != "sqlite":
        return skipped("sqlite", "the casebook is in PostgreSQL")
    if not (one_writer_only() if hazard is None else hazard):
        return well("sqlite", f"SQLite {sqlite3.sqlite_version}")
    file = Path(str(engine.url.database))
    strangers = await asyncio.to_thread(_strangers, file)
    if strangers:
        return wrong(
            "sqlite",
            f"Another program (process {strangers[0]}) holds the casebook, and SQLite {sqlite3.sqlite_version} can "
            "damage it when two write at once.",
            "Stop that program, then run: seawall casebook verify",
        )
    if not await asyncio.to_thread(_takes_turns, file):
        return wrong(
            "sqlite",
            f"SQLite {sqlite3.sqlite_version} can damage the casebook, and writers cannot take turns on this disk.",
            "Put the casebook on a local disk, use PostgreSQL, or a Python with SQLite 3.51.3 or newer.",
        )
    return well("sqlite", f"SQLite {sqlite3.sqlite_version}: its writers take turns, as they must before 3.51.3")


async def archived(engine: AsyncEngine, *, kept: timedelta, now: datetime) -> Finding:
    """Look for closed cases whose history Temporal deletes within a quarter of its retention, and nobody archived."""
    late = await figures.closed_unarchived(engine, closed_before=now - kept * 3 / 4)
    if late:
        return wrong(
            "archive",
            f"{len(late)} closed cases are not archived, and Temporal will forget them soon, {late[0]} first.",
            "Run: seawall replay export CASE -o FOLDER, and keep the folder.",
        )
    waiting = await figures.closed_unarchived(engine, closed_before=now)
    if waiting and kept < timedelta(days=2):
        return warning("archive", f"{len(waiting)} closed cases are not archived.", "Raise the retention first.")
    return well("archive", f"no history is lost soon ({len(waiting)} closed cases are in Temporal only)")


def _takes_turns(file: Path) -> bool:
    try:
        turn = os.open(f"{file}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        fcntl.flock(turn, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True  # somebody has the turn, so there are turns
    except OSError:
        return False
    finally:
        os.close(turn)
    return True


def _strangers(file: Path) -> list[int]:
    """Find processes that hold the file open and are none of ours, as far as this user may see."""
    found = []
    wanted = str(file.resolve())
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or not any(one.path == wanted for one in process.open_files()):
                continue
            if not any(Path(word).name in OURS for word in process.cmdline()):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
