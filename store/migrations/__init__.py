"""Which shape does this database have, and how does it get to the one this program needs?

`HEAD` names the newest revision, so that a door can see without loading alembic (it takes two seconds) that there is
nothing to do. All steps of one call are one transaction, in both dialects: a crash leaves the shape it found.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import reading, writing
from store.errors import StoreMisconfigured

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
FOLDER = Path(__file__).parent
LOCK = 0x5EA_3A11


async def upgrade(engine: AsyncEngine) -> str:
    """Bring the database to the newest shape; return the revision it had before, empty for a new database.

    Any number of processes may call it at once: one works, the others wait and find it done. Raises
    StoreMisconfigured (`too_new`) when a newer program has changed the database, StoreUnavailable.
    """
    before = await revision(engine)
    if before != HEAD:
        await _move(engine, HEAD, up=True)
    return before


async def downgrade(engine: AsyncEngine, to: str = "base") -> None:
    """Go back to an older shape, `base` being empty. What the older shape has no place for is lost: back up first."""
    await _move(engine, to, up=False)


async def revision(engine: AsyncEngine) -> str:
    """Name the shape the database has; empty if it has none of our tables."""
    async with reading(engine) as connection:
        return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


async def _move(engine: AsyncEngine, to: str, *, up: bool) -> None:
    from alembic.util import CommandError  # slow to import: only when there is something to do

    config = _config()
    async with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        try:
            await connection.run_sync(_run, config, to, up)
        except CommandError as error:
            raise StoreMisconfigured(
                "too_new",
                "The casebook was changed by a newer version of Seawall.",
                next_step="Install that version, or restore the backup made before it ran.",
            ) from error


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _run(connection: Connection, config: "Config", to: str, up: bool) -> None:
    from alembic import command

    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, to)
