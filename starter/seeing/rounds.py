"""What is too dear to look at for every scrape? Temporal's own lists once a minute, the whole chain once an hour.

Listing and describing are no billed actions. What cannot be asked leaves its gauge as it was; `escalation_temporal_up`
says since when that may be so.
"""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from starter.doctor import server
from starter.errors import Problem
from starter.seeing import health
from starter.seeing.counters import REGISTRY
from starter.watchdog.troubles import FAILING
from store import figures, verification
from store.errors import StoreMisconfigured, StoreUnavailable

EVERY = 60.0  # seconds
CHAIN_EVERY = 3600.0
# Where Temporal ends a run by force (dynamic configuration of the server, checked 2026-11-22).
MOST_EVENTS, MOST_BYTES, MOST_UPDATES = 51_200, 50 * 1024 * 1024, 2_000
RUNNING = 'ExecutionStatus = "Running" AND WorkflowType IN ("Escalation", "Prevention")'

UNARCHIVED = Gauge("escalation_closed_unarchived", "Closed cases whose history was not archived.", registry=REGISTRY)
UNARCHIVED_SINCE = Gauge(
    "escalation_closed_unarchived_oldest_seconds", "How long the oldest of them is closed.", registry=REGISTRY
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
    verified_at = float("-inf")
    while not stop.is_set():
        await _round("temporal", of_temporal(connect))
        await _round("casebook", of_casebook(engine))
        if clock() - verified_at >= CHAIN_EVERY:
            verified_at = clock()
            await _round("chain", of_chain(engine))
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
    """Ask Temporal who works, what is stuck, and how far the longest run is from its limits."""
    UP.set(0)
    client = await connect()
    polled_at = await health.last_polled(client)
    UP.set(1)
    WORKING.set(polled_at is not None and datetime.now(UTC) - polled_at < health.POLLED_WITHIN)
    RETENTION.set((await server.kept(client)).total_seconds())
    STUCK.set((await client.count_workflows(FAILING)).count)
    await _budgets(client)


async def of_casebook(engine: AsyncEngine) -> None:
    """Count closed cases that only Temporal keeps, clocks missed within a day, and messages of the busiest run."""
    count, oldest = await figures.unarchived(engine)
    UNARCHIVED.set(count)
    UNARCHIVED_SINCE.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
    MISSED.set(await figures.missed(engine, since=datetime.now(UTC) - timedelta(days=1)))
    BUDGET.labels("updates").set(await figures.most_messages(engine) / MOST_UPDATES)


async def of_chain(engine: AsyncEngine) -> None:
    """Verify the whole chain of hashes."""
    verdict = await verification.verify(engine)
    WHOLE.set(verdict.whole)
    VERIFIED.set(datetime.now(UTC).timestamp())
    if verdict.broken:
        log.error("chain.broken", case_id=verdict.broken.case_id, seq=verdict.broken.seq)


async def _budgets(client: Client) -> None:
    events = size = 0
    async for run in client.list_workflows(RUNNING, page_size=1000):
        info = run.raw_info
        events, size = max(events, info.history_length), max(size, info.history_size_bytes)
    BUDGET.labels("events").set(events / MOST_EVENTS)
    BUDGET.labels("bytes").set(size / MOST_BYTES)
