"""What is too dear to look at for every scrape? Temporal's own lists once a minute, every open run
each ten minutes, the whole chain once an hour.

Listing and describing are no billed actions. What cannot be asked leaves its gauge as it was; `escalation_temporal_up`
says since when that may be so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError

from starter import budgets
from starter.budgets import BYTES_MAX, EVENTS_MAX, UPDATES_MAX
from starter.doctor import server
from starter.errors import Problem
from starter.seeing import health
from starter.seeing.counters import REGISTRY
from starter.watchdog.troubles import FAILING
from store import figures, verification
from store.errors import StoreMisconfigured, StoreUnavailable

EVERY = 60.0  # seconds
CHAIN_EVERY = 3600.0
BUDGETS_EVERY = 600.0  # every open run is described, because lists say nothing of a run's length while it is open

UNARCHIVED = Gauge("escalation_closed_unarchived", "Closed cases whose history was not archived.", registry=REGISTRY)
UNARCHIVED_SINCE = Gauge(
    "escalation_closed_unarchived_oldest_seconds", "How long the oldest of them is closed.", registry=REGISTRY
)
KEPT = Gauge(
    "escalation_reports_kept", "Reports in the casebook, whichever door took them: commands too.", registry=REGISTRY
)
MISSED = Gauge("escalation_clocks_missed_lately", "Clocks that were missed within a day.", registry=REGISTRY)
UP = Gauge("escalation_temporal_up", "Whether Temporal answered at the last round.", registry=REGISTRY)
WORKING = Gauge("escalation_workers_polling", "Whether any worker asked Temporal for work lately.", registry=REGISTRY)
STUCK = Gauge("escalation_stuck_runs", "Runs whose workflow tasks fail again and again.", registry=REGISTRY)
RETENTION = Gauge("escalation_retention_seconds", "How long Temporal keeps closed histories.", registry=REGISTRY)
BUDGET = Gauge(
    "escalation_run_budget_used_ratio",
    "The largest open run, as a part of Temporal's limit.",
    ("limit",),
    registry=REGISTRY,
)
WHOLE = Gauge(
    "escalation_chain_whole", "Whether the casebook's chain of hashes was whole when last verified.", registry=REGISTRY
)
VERIFIED = Gauge("escalation_chain_verified_timestamp_seconds", "When it was last verified.", registry=REGISTRY)

log = structlog.get_logger(__name__)


async def run(connect: health.Connect, engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Go the rounds until told to stop."""
    clock = asyncio.get_running_loop().time
    looks: tuple[tuple[str, float, Callable[[], Awaitable[None]]], ...] = (
        ("temporal", EVERY, lambda: of_temporal(connect)),
        ("casebook", EVERY, lambda: of_casebook(engine)),
        ("budgets", BUDGETS_EVERY, lambda: of_budgets(connect, engine)),
        ("chain", CHAIN_EVERY, lambda: of_chain(engine)),
    )
    due = dict.fromkeys((what for what, _, _ in looks), clock())
    while not stop.is_set():
        for what, every, look in looks:
            if clock() >= due[what]:
                due[what] = clock() + every - EVERY / 2  # a round that is a little early is not put off by a whole one
                await _round(what, look())
        try:
            async with asyncio.timeout(EVERY):
                await stop.wait()
        except TimeoutError:
            continue


async def _round(what: str, look: Awaitable[None]) -> None:
    try:
        await look
    except (StoreUnavailable, StoreMisconfigured, Problem, RPCError, TimeoutError) as away:
        log.warning("round.failed", what=what, error=type(away).__name__)


async def of_temporal(connect: health.Connect) -> None:
    """Ask Temporal who works, what is stuck, and how long closed histories are kept."""
    UP.set(0)
    client = await connect()
    polled_at = await health.last_polled(client)
    UP.set(1)
    WORKING.set(polled_at is not None and datetime.now(UTC) - polled_at < health.POLLED_WITHIN)
    RETENTION.set((await server.kept(client)).total_seconds())
    STUCK.set((await client.count_workflows(FAILING)).count)


async def of_casebook(engine: AsyncEngine) -> None:
    """Count reports, closed cases that only Temporal keeps, clocks missed lately, and messages of the busiest run."""
    KEPT.set(await figures.reports(engine))
    count, oldest = await figures.unarchived(engine)
    UNARCHIVED.set(count)
    UNARCHIVED_SINCE.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
    MISSED.set(await figures.missed(engine, since=datetime.now(UTC) - timedelta(days=1)))
    BUDGET.labels("updates").set(await figures.most_messages(engine) / UPDATES_MAX)


async def of_chain(engine: AsyncEngine) -> None:
    """Verify the whole chain of hashes."""
    verdict = await verification.verify(engine)
    WHOLE.set(verdict.whole)
    VERIFIED.set(datetime.now(UTC).timestamp())
    if verdict.broken:
        log.error("chain.broken", case_id=verdict.broken.case_id, seq=verdict.broken.seq)


async def of_budgets(connect: health.Connect, engine: AsyncEngine) -> None:
    """Measure how far the longest and the largest open run are from what a run may hold."""
    events = size = 0
    async for budget in budgets.of_open(await connect(), engine):
        events, size = max(events, budget.events), max(size, budget.bytes)
    BUDGET.labels("events").set(events / EVENTS_MAX)
    BUDGET.labels("bytes").set(size / BYTES_MAX)
