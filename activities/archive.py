"""How does a closed history outlive Temporal's retention? Sealed as it is, under its digest, in the evidence store.

A history is kept outside its case: the last events of a run are there only after it closed, and an open case has no
action to spare for it. Every run is kept on its own, sweeps and follow-ups too; `replay` puts the chain together again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from temporalio import activity

from activities.evidence import Store

OVERLAP: Final = timedelta(hours=1)  # Temporal's listing may lag behind a closing
FIRST_SPAN: Final = timedelta(hours=6)
NEAR: Final = 0.75  # of the retention: from here on a run that is not kept is told to people
GONE: Final = "gone"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRun:
    """A run that Temporal says has closed."""

    workflow_id: str
    run_id: str
    closed_at: datetime


class Row(Protocol):
    """A line of the index; see `store.archive.Row`."""

    @property
    def workflow_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def closed_at(self) -> datetime: ...


class Histories(Protocol):
    """What this hand needs of Temporal."""

    async def retention(self) -> timedelta:
        """Say how long a closed run is kept."""

    async def closed(self, since: datetime, until: datetime) -> Sequence[ClosedRun]:
        """List the runs of cases, sweeps and follow-ups that closed in a span, both ends included."""

    async def fetch(self, run: ClosedRun) -> tuple[bytes, int] | None:
        """Fetch a history as it is stored, and its number of events; None when it is gone."""


class Index(Protocol):
    """What this hand needs of the casebook's index of the archive."""

    async def newest(self) -> datetime | None: ...
    async def known(self, run_ids: Sequence[str]) -> set[str]: ...
    async def owed(self, limit: int) -> Sequence[Row]: ...
    async def owed_before(self, closed_before: datetime) -> int: ...
    async def kept(self, run: ClosedRun, sha256: str, events: int, at: datetime) -> None: ...
    async def missed(self, run: ClosedRun, problem: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Keep at most so many histories."""

    most: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one call did. `more` asks for another call; `late` runs are not kept and near deletion, `lost` are gone."""

    kept: int
    failed: int = 0
    more: bool = False
    late: int = 0
    lost: int = 0


class Archive:
    """The hand that keeps closed histories."""

    def __init__(self, histories: Histories, index: Index, store: Store) -> None:
        self._histories = histories
        self._index = index
        self._store = store

    @activity.defn
    async def keep_closed(self, portion: Portion) -> Kept:
        """Keep the histories of runs that closed since the last call, oldest first, and those owed from before.

        Idempotent: content lies under its digest and a run is in the index once, so a repeat fetches only what is
        missing. A run that cannot be kept is noted with a word and tried again at the next call; it never holds up
        the others. Heartbeats at every run. Retried as a whole when Temporal or the casebook is away.
        """
        now = datetime.now(UTC)
        retention = await self._histories.retention()
        owed = [_run(row) for row in await self._index.owed(portion.most // 2)]
        fresh, more = await self._fresh(now, retention, portion.most - len(owed))
        ended = [await self._keep(run) for run in _heard([*owed, *fresh])]
        late = await self._index.owed_before(now - retention * NEAR)
        return Kept(kept=ended.count(""), failed=ended.count(FAILED), more=more, late=late, lost=ended.count(GONE))

    async def _fresh(self, now: datetime, retention: timedelta, most: int) -> tuple[list[ClosedRun], bool]:
        """Find runs that the index does not know, oldest first, and whether there are more.

        The listing cannot be sorted, so it is asked for in spans, each longer than the one before while little is in.
        """
        newest = await self._index.newest()
        since = max(newest - OVERLAP, now - retention) if newest else now - retention
        span, found = FIRST_SPAN, list[ClosedRun]()
        while since < now and len(found) < most:
            activity.heartbeat(len(found))
            listed = await self._histories.closed(since, min(since + span, now))
            known = await self._index.known([run.run_id for run in listed]) if listed else set()
            fresh = {run for run in listed if run.run_id not in known} - set(found)
            found += sorted(fresh, key=lambda run: (run.closed_at, run.run_id))
            since, span = since + span, span * 2 if len(listed) < most else span
        return found[:most], len(found) > most or since < now

    async def _keep(self, run: ClosedRun) -> str:
        """Keep one run; return why it could not be, or \"\"."""
        try:
            fetched = await self._histories.fetch(run)
            if fetched is None:
                await self._index.missed(run, GONE)
                return GONE
            content, events = fetched
            digest = await self._store.put(content)
            if await self._store.get(digest) != content:
                raise OSError("the evidence store gives back something else")
        except Exception as problem:
            activity.logger.warning("history.not_kept", extra={"problem": type(problem).__name__})
            await self._index.missed(run, FAILED)
            return FAILED
        await self._index.kept(run, digest, events, datetime.now(UTC))
        return ""


def _heard(runs: Sequence[ClosedRun]) -> Iterator[ClosedRun]:
    for done, run in enumerate(runs):
        activity.heartbeat(done)
        yield run


def _run(row: Row) -> ClosedRun:
    return ClosedRun(workflow_id=row.workflow_id, run_id=row.run_id, closed_at=row.closed_at)
