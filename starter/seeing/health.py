"""Is this process alive, and can it take work? What orchestrators, `seawall up` and people ask over HTTP.

`/healthz` answers as long as the process does: whoever restarts on it must not restart a door because its database is
away. `/readyz` asks what the process works with. A probe that is not `needed` only degrades it: the intake keeps
reports while Temporal is away, so a load balancer must not take it out then. Reasons name no address and no secret.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from starter.errors import Problem
from store.engine import writing
from store.errors import StoreMisconfigured, StoreUnavailable
from workflows import options

PATIENCE = 3.0  # seconds that a probe may take
POLLED_WITHIN = timedelta(minutes=2)  # a worker asks for work about once a minute
Connect = Callable[[], Awaitable[Client]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one probe found; `code` is a stable word, `ok` when all is well."""

    ok: bool
    code: str = "ok"
    reason: str = ""


WELL = Found(ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question about what a process works with."""

    name: str
    ask: Callable[[], Awaitable[Found]]
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answers of all probes: `ok`, `degraded` (works, but not wholly) or `away` (cannot take work)."""

    status: Literal["ok", "degraded", "away"]
    checks: dict[str, Found]


async def asked(probes: Sequence[Probe]) -> Health:
    """Ask every probe at once; one that takes longer than three seconds has failed."""
    found = await asyncio.gather(*(_asked(probe) for probe in probes))
    failed = [probe for probe, answer in zip(probes, found, strict=True) if not answer.ok]
    status: Literal["ok", "degraded", "away"] = "ok"
    if failed:
        status = "away" if any(probe.needed for probe in failed) else "degraded"
    return Health(status=status, checks={probe.name: answer for probe, answer in zip(probes, found, strict=True)})


async def _asked(probe: Probe) -> Found:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe.ask()
    except TimeoutError:
        return Found(ok=False, code="slow", reason=f"No answer within {PATIENCE:g} s.")


def routes(probes: Sequence[Probe]) -> list[Route]:
    """Make `GET /healthz` and `GET /readyz` for an application."""

    async def alive(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> JSONResponse:
        health = await asked(probes)
        return JSONResponse(asdict(health), 503 if health.status == "away" else 200)

    return [Route("/healthz", alive), Route("/readyz", ready)]


def casebook(engine: AsyncEngine) -> Probe:
    """Ask whether the casebook takes a write; nothing is changed."""

    async def ask() -> Found:
        try:
            async with writing(engine) as connection:
                await connection.execute(text("UPDATE quarantine SET times = times WHERE id < 0"))
        except (StoreUnavailable, StoreMisconfigured) as away:
            return Found(ok=False, code=away.code, reason=away.text)
        return WELL

    return Probe(name="casebook", ask=ask)


def temporal(connect: Connect, *, needed: bool = True) -> Probe:
    """Ask whether Temporal answers."""

    async def ask() -> Found:
        try:
            client = await connect()
            await client.service_client.check_health(timeout=timedelta(seconds=PATIENCE))
        except Problem as away:
            return _away(away.code)
        except (RPCError, RuntimeError):
            return _away("server_away")
        return WELL

    return Probe(name="temporal", ask=ask, needed=needed)


def somebody_works(connect: Connect, *, needed: bool = False) -> Probe:
    """Ask whether any worker has asked Temporal for work lately."""

    async def ask() -> Found:
        try:
            polled_at = await last_polled(await connect())
        except (Problem, RPCError, RuntimeError):
            return _away("not_known")
        if polled_at is None or datetime.now(UTC) - polled_at > POLLED_WITHIN:
            return Found(ok=False, code="nobody_works", reason="No worker asks Temporal for work.")
        return WELL

    return Probe(name="worker", ask=ask, needed=needed)


def of_door(engine: AsyncEngine, connect: Connect) -> tuple[Probe, ...]:
    """What a door works with. Without Temporal or a worker it still takes reports, and their cases start later."""
    return casebook(engine), temporal(connect, needed=False), somebody_works(connect)


def of_worker(engine: AsyncEngine, connect: Connect, worker: Worker) -> tuple[Probe, ...]:
    """What a worker works with, and whether it works."""
    return casebook(engine), temporal(connect), polling(worker)


def polling(worker: Worker) -> Probe:
    """Ask whether the worker of this process polls."""

    async def ask() -> Found:
        if not worker.is_running or worker.is_shutdown:
            return Found(ok=False, code="not_polling", reason="This worker does not ask for work yet, or not any more.")
        return WELL

    return Probe(name="worker", ask=ask)


async def last_polled(client: Client, queue: str = options.TASK_QUEUE) -> datetime | None:
    """Say when a worker last asked for workflow tasks of a queue; None if none did lately. Raises RPCError."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    answer = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=PATIENCE))
    return max((poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers), default=None)


def _away(code: str) -> Found:
    return Found(ok=False, code=code, reason="Temporal does not answer.")
