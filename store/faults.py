"""What does a driver's error mean to the person who must act on it?

Drivers are told apart by SQLite's result codes and PostgreSQL's SQLSTATE, not by their wording.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.errors import StoreMisconfigured, StoreUnavailable

Fault = StoreUnavailable | StoreMisconfigured
Meaning = tuple[type[StoreUnavailable] | type[StoreMisconfigured], str, str, str]

AGAIN = "Try again; nothing was lost."

# https://www.sqlite.org/rescode.html, checked 2026-11-22. The low byte of an extended code is the primary code.
SQLITE: dict[int, Meaning] = {
    sqlite3.SQLITE_BUSY: (
        StoreUnavailable,
        "locked",
        "The casebook file stayed locked for 5 seconds by another program.",
        "Stop what holds it (a copy, a database browser). " + AGAIN,
    ),
    sqlite3.SQLITE_LOCKED: (
        StoreUnavailable,
        "locked",
        "A table of the casebook is locked.",
        AGAIN,
    ),
    sqlite3.SQLITE_FULL: (
        StoreUnavailable,
        "full",
        "The disk of the casebook is full, or its page limit is reached.",
        "Free space there. " + AGAIN,
    ),
    sqlite3.SQLITE_READONLY: (
        StoreUnavailable,
        "read_only",
        "The casebook may be read but not written.",
        "Make the file and its folder writable for this user.",
    ),
    sqlite3.SQLITE_IOERR: (
        StoreUnavailable,
        "away",
        "The disk of the casebook reports an error.",
        "Check the disk before anything else is written to it.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        StoreUnavailable,
        "damaged",
        "The casebook file is damaged.",
        "Stop the worker, keep the file as it is, and restore the last backup beside it.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreMisconfigured,
        "no_folder",
        "The casebook file cannot be opened or made.",
        "Set SEAWALL_HOME or SEAWALL_DATABASE_URL to a folder that this user may write.",
    ),
    sqlite3.SQLITE_PERM: (
        StoreMisconfigured,
        "no_access",
        "This user may not open the casebook file.",
        "Set SEAWALL_HOME or SEAWALL_DATABASE_URL to a folder that this user may write.",
    ),
    sqlite3.SQLITE_NOTADB: (
        StoreMisconfigured,
        "not_a_database",
        "The file named as casebook is not an SQLite database.",
        "Point SEAWALL_DATABASE_URL at another file.",
    ),
}

NO_TABLES: Meaning = (
    StoreMisconfigured,
    "no_tables",
    "The database has no casebook tables, or older ones.",
    "Run `seawall up` once, or store.migrations.upgrade, against it.",
)
NO_ACCESS: Meaning = (
    StoreMisconfigured,
    "no_access",
    "The database refuses this user.",
    "Check user, password and grants in SEAWALL_DATABASE_URL.",
)
AWAY: Meaning = (
    StoreUnavailable,
    "away",
    "The database server does not answer.",
    "Check that it runs and is reached at SEAWALL_DATABASE_URL. " + AGAIN,
)

# PostgreSQL manual, appendix A, checked 2026-11-22: five characters, the first two are the class.
POSTGRES: dict[str, Meaning] = {
    "08": AWAY,
    "57": AWAY,
    "28": NO_ACCESS,
    "42501": NO_ACCESS,
    "42P01": NO_TABLES,
    "42703": NO_TABLES,
    "3D000": (
        StoreMisconfigured,
        "no_database",
        "The server has no database of that name.",
        "Create it, or correct SEAWALL_DATABASE_URL.",
    ),
    "53300": (
        StoreUnavailable,
        "busy",
        "The database server has no free connection.",
        "Raise max_connections or stop other clients. " + AGAIN,
    ),
    "53": (StoreUnavailable, "full", "The database server is out of disk or memory.", "Free space there. " + AGAIN),
    "25006": (
        StoreUnavailable,
        "read_only",
        "The database takes no writes now.",
        "Connect to the primary server, or end its read-only mode.",
    ),
    "55P03": (StoreUnavailable, "locked", "A row of the casebook stayed locked for 5 seconds.", AGAIN),
    "40": (StoreUnavailable, "locked", "Two writers met in the database and one gave way.", AGAIN),
    "XX": (
        StoreUnavailable,
        "damaged",
        "The database server reports damaged data.",
        "Stop the worker and look at the server's log.",
    ),
}


def fault(error: BaseException) -> Fault | None:
    """Say what a driver's error means; None if it is not about the database's state (then it is our bug)."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("busy", "All connections to the casebook are in use.", next_step=AGAIN)
    origin: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(origin, "sqlstate", None)
    if isinstance(origin, sqlite3.Error):
        row = _sqlite(origin)
    elif isinstance(state, str):
        row = POSTGRES.get(state) or POSTGRES.get(state[:2])
    else:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        row = AWAY if lost or isinstance(origin, OSError) else None
    if row is None:
        return None
    kind, code, text, next_step = row
    return kind(code, text, next_step=next_step)


def _sqlite(error: sqlite3.Error) -> Meaning | None:
    number = getattr(error, "sqlite_errorcode", None)
    if number is None:
        return None
    if number == sqlite3.SQLITE_ERROR and "no such" in str(error):
        return NO_TABLES
    return SQLITE.get(number & 0xFF)


@contextmanager
def explained() -> Iterator[None]:
    """Turn drivers' errors about the state of the database into ours; let all others pass as they are."""
    try:
        yield
    except Exception as error:
        known = fault(error)
        if known is None:
            raise
        raise known from error
