"""Which closed histories are kept, and where? One row a run, written once it was read back from the evidence store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import RowMapping, Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from store.chain import storable
from store.engine import insert, reading, writing
from store.tables import archive

GONE = "gone"  # Temporal had deleted it before it could be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One closed run. `sha256` names its history in the evidence store; until it is kept, `problem` says why not."""

    workflow_id: str
    run_id: str
    case_id: str
    closed_at: datetime
    sha256: str = ""
    events: int = 0
    archived_at: datetime | None = None
    problem: str = ""


class Closed(Protocol):
    """A run that has closed, as `activities.archive.ClosedRun`."""

    @property
    def workflow_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def closed_at(self) -> datetime: ...


_OWED = (archive.c.sha256.is_(None), archive.c.problem != GONE)


class Index:
    """The archive's index. Every method raises StoreUnavailable or StoreMisconfigured."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest(self) -> datetime | None:
        """Say when the newest run of the index closed, kept or not; None for an empty index."""
        async with reading(self._engine) as connection:
            newest = select(archive.c.closed_at).order_by(archive.c.closed_at.desc()).limit(1)
            return (await connection.execute(newest)).scalar()

    async def known(self, run_ids: Sequence[str]) -> set[str]:
        """Say which of these runs are in the index, kept or not."""
        query = select(archive.c.run_id).where(archive.c.run_id.in_([storable(each) for each in run_ids]))
        async with reading(self._engine) as connection:
            return {str(each) for each in (await connection.execute(query)).scalars()}

    async def owed(self, limit: int) -> list[Row]:
        """List runs that could not be kept so far and may still be, those that closed first first."""
        query = select(archive).where(*_OWED).order_by(archive.c.closed_at).limit(limit)
        return await self._rows(query)

    async def owed_before(self, closed_before: datetime) -> int:
        """Count runs that closed before a time and are still not kept."""
        query = select(func.count()).where(*_OWED, archive.c.closed_at < closed_before)
        async with reading(self._engine) as connection:
            return int((await connection.execute(query)).scalar_one())

    async def kept(self, run: Closed, sha256: str, events: int, at: datetime) -> None:
        """Write down where a run is kept. What is kept stays as it is: twice is once."""
        await self._write(run, sha256=sha256, events=events, archived_at=at, problem="")

    async def missed(self, run: Closed, problem: str) -> None:
        """Write down that a run is not kept, and why, in a word. One that is kept stays kept."""
        await self._write(run, sha256=None, events=0, archived_at=None, problem=problem)

    async def _write(self, run: Closed, **state: Any) -> None:
        named = {
            "workflow_id": run.workflow_id,
            "run_id": run.run_id,
            "case_id": run.workflow_id.split("/", 1)[0],
            "closed_at": run.closed_at,
        }
        async with writing(self._engine) as connection:
            statement = insert(connection.dialect.name, archive).values(**named, **state)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[archive.c.workflow_id, archive.c.run_id],
                    set_={name: statement.excluded[name] for name in state},
                    where=archive.c.sha256.is_(None),
                )
            )

    async def of_case(self, case_id: str) -> list[Row]:
        """List the kept runs of a case, of its sweeps and its follow-ups, in the order in which they closed."""
        query = select(archive).where(archive.c.case_id == storable(case_id), archive.c.sha256.is_not(None))
        return await self._rows(query.order_by(archive.c.closed_at, archive.c.run_id))

    async def _rows(self, query: Select[Any]) -> list[Row]:
        async with reading(self._engine) as connection:
            return [_row(each) for each in (await connection.execute(query)).mappings()]


def _row(found: RowMapping) -> Row:
    return Row(**{**found, "sha256": found["sha256"] or ""})
