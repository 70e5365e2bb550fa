"""Is Temporal fit for cases that live for weeks: its version, its memory, its clock, who works, what is stuck?"""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from starter.doctor.findings import Finding, skipped, warning, well, wrong
from starter.seeing import health
from starter.watchdog.troubles import FAILING
from store import figures, queries
from workflows.attributes import KEYS

OLDEST = (1, 28)  # Worker Deployment Versioning; stuck tasks are marked from 1.30 on
# A closed case is reopened from its history, and swept again for 30 days.
LEAST_KEPT = timedelta(days=30)
MOST_SKEW = timedelta(seconds=5)
SHORT = timedelta(seconds=5)
QUEUE = "seawall-doctor"
SETTLED = timedelta(minutes=1)  # a case younger than that may not run yet
NAMED = 3


async def version(client: Client) -> Finding:
    """Look at the version of the server."""
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=SHORT)
    found = re.match(r"(\d+)\.(\d+)", info.server_version)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        return wrong("temporal", f"Temporal is {info.server_version}.", "Upgrade it to 1.28 or newer.")
    return well("temporal", f"answers, version {info.server_version or 'not told'}")


async def retention(client: Client) -> Finding:
    """Look how long closed histories are kept."""
    span = await kept(client)
    if span < LEAST_KEPT:
        return wrong(
            "retention",
            f"Temporal forgets closed cases after {_span(span)}; they could not be reopened or looked into.",
            f"Run: temporal operator namespace update -n {client.namespace} --retention 8760h",
        )
    return well("retention", f"closed histories are kept for {_span(span)}")


async def kept(client: Client) -> timedelta:
    """Say how long the namespace keeps closed histories. Raises RPCError."""
    request = DescribeNamespaceRequest(namespace=client.namespace)
    described = await client.workflow_service.describe_namespace(request, timeout=SHORT)
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def attributes(client: Client) -> Finding:
    """Look for the search attributes that cases write."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    held = (await client.operator_service.list_search_attributes(request, timeout=SHORT)).custom_attributes
    missing = [key.name for key in KEYS if held.get(key.name, 0) != int(key.indexed_value_type)]
    if missing:
        return wrong(
            "attributes",
            f"Temporal does not know {', '.join(missing)}, or knows them as another type.",
            "Start a worker: it registers them; remove one of another type first.",
        )
    return well("attributes", f"{len(KEYS)} search attributes")


async def clock(client: Client, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Finding:
    """Compare this clock with Temporal's, which notes when somebody asked it for work. Nothing is kept of it."""
    before, name = now(), f"doctor-{secrets.token_hex(4)}"
    asking = asyncio.create_task(_ask_for_nothing(client, name))
    try:
        noted = await _noted(client, name)
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    after = now()
    if noted is None:
        return skipped("clock", "Temporal did not tell its time")
    off = max(before - noted, noted - after, timedelta())
    if off > MOST_SKEW:
        return wrong(
            "clock",
            f"This clock and Temporal's differ by {off.total_seconds():.0f} s; deadlines would be kept by two clocks.",
            "Synchronise both machines (NTP).",
        )
    return well("clock", "agrees with Temporal's")


async def worker(client: Client) -> Finding:
    """Look whether anybody works."""
    polled_at = await health.last_polled(client)
    if polled_at is None or datetime.now(UTC) - polled_at > health.POLLED_WITHIN:
        what = "No worker asks Temporal for work: no case goes on."
        return wrong("worker", what, "Start one: python -m worker, or seawall up.")
    return well("worker", "somebody works")


async def stuck(client: Client) -> Finding:
    """Look for runs whose tasks fail again and again: code that does not fit, or raises."""
    try:
        found = [run.id async for run in client.list_workflows(FAILING, limit=100)]
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return skipped("stuck", "this Temporal does not mark runs whose tasks fail (1.30 or newer does)")
    if found:
        return wrong(
            "stuck",
            f"{len(found)} runs cannot go on, their tasks fail: {_some(found)}.",
            "Run: seawall replay check --server --open, and repair or roll back the code.",
        )
    return well("stuck", "no task fails again and again")


async def events(client: Client, engine: AsyncEngine, now: datetime) -> Finding:
    """Look for open cases that have nothing to wake them: no run, or no wait and nothing due."""
    lost = []
    for case_id in sorted(await queries.open_case_ids(engine, opened_before=now - SETTLED)):
        if not await _runs(client, case_id):
            lost.append(case_id)
    if lost:
        return wrong(
            "events",
            f"{len(lost)} open cases run nowhere, so nothing happens in them: {_some(lost)}.",
            "They were terminated, or Temporal lost them: see docs/runbook.md, Open case without a run.",
        )
    idle = await figures.idle_cases(engine, since=now - timedelta(hours=1))
    if idle:
        return warning(
            "events",
            f"{len(idle)} open cases wait for nobody and have nothing due: {_some(idle)}.",
            "Look at them: seawall show CASE.",
        )
    return well("events", "every open case has a next event")


async def _runs(client: Client, case_id: str) -> bool:
    try:
        described = await client.get_workflow_handle(case_id).describe(rpc_timeout=SHORT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.status is WorkflowExecutionStatus.RUNNING


async def _ask_for_nothing(client: Client, name: str) -> None:
    """Ask for work on a queue that has none, so that the server notes the time of it."""
    request = PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=QUEUE), identity=name)
    with contextlib.suppress(RPCError):
        await client.workflow_service.poll_workflow_task_queue(request, timeout=SHORT)


async def _noted(client: Client, name: str) -> datetime | None:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    for _ in range(30):
        answer = await client.workflow_service.describe_task_queue(request, timeout=SHORT)
        for poller in answer.pollers:
            if poller.identity == name:
                return poller.last_access_time.ToDatetime(UTC)
        await asyncio.sleep(0.1)
    return None


def _span(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else f"{span.total_seconds() / 3600:.0f} hours"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
