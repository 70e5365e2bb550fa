"""Which builds does Temporal know, which one gets the cases, and how is that changed?

Worker Deployment Versioning: a worker that was started with `SEAWALL_VERSIONING=on` gets nothing until its build is
made current. Cases then move to it with their next task; a sweep ends on the build it began with.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.deployment.v1 import RoutingConfig, WorkerDeploymentInfo
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus as Status
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from starter.connect import DEPLOYMENT
from starter.errors import REFUSED, UNAVAILABLE, Problem

TRIES, BETWEEN = 20, 0.5  # seconds
_STATUS = {
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT: "current",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING: "ramping",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING: "draining",
    Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED: "drained",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One build that Temporal knows. `status`: current, ramping (to `ramp` percent), draining, drained or inactive.

    A draining build still has sweeps that began on it: its worker must stay until it is drained.
    """

    build_id: str
    status: str
    since: datetime | None
    ramp: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """All builds of Seawall, newest first. `current` is "" while workers without versioning get the cases."""

    current: str
    versions: tuple[Version, ...]


async def described(client: Client) -> Deployment:
    """Ask Temporal. No build is known before a worker with versioning has polled once."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
    try:
        answer = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Deployment(current="", versions=())
    info = answer.worker_deployment_info
    routing = info.routing_config
    return Deployment(
        current=routing.current_deployment_version.build_id,
        versions=tuple(_version(each, routing) for each in reversed(info.version_summaries)),
    )


async def set_current(client: Client, build_id: str) -> str:
    """Let a build take all cases; return the one that had them before, "" for workers without versioning.

    Raises Problem `unknown_build` when no worker of that build has polled, `build_misses_queue` when it does not serve
    every task queue that the present one does.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build_id, identity=client.identity
    )
    before = (await _known(client, build_id)).current
    try:
        await client.workflow_service.set_worker_deployment_current_version(request)
    except RPCError as error:
        raise _not_set(error, build_id) from None
    return before


async def set_ramping(client: Client, build_id: str, percent: float) -> None:
    """Let a build take so many percent of new cases and next tasks; 0 takes it out again. Raises as `set_current`."""
    request = SetWorkerDeploymentRampingVersionRequest(
        namespace=client.namespace,
        deployment_name=DEPLOYMENT,
        build_id=build_id if percent else "",
        percentage=percent,
        identity=client.identity,
    )
    await _known(client, build_id)
    try:
        await client.workflow_service.set_worker_deployment_ramping_version(request)
    except RPCError as error:
        raise _not_set(error, build_id) from None


async def _known(client: Client, build_id: str) -> Deployment:
    """Wait until Temporal knows a build, some seconds at most: its workers may just have started."""
    for _ in range(TRIES):
        seen = await described(client)
        if any(each.build_id == build_id for each in seen.versions):
            return seen
        await asyncio.sleep(BETWEEN)
    raise _unknown(build_id)


def _version(summary: WorkerDeploymentInfo.WorkerDeploymentVersionSummary, routing: RoutingConfig) -> Version:
    build = summary.deployment_version.build_id
    ramping = routing.ramping_deployment_version.build_id == build
    since = summary.current_since_time if summary.HasField("current_since_time") else summary.create_time
    return Version(
        build_id=build,
        status=_STATUS.get(summary.status, "inactive"),
        since=since.ToDatetime(UTC) if since.seconds else None,
        ramp=routing.ramping_version_percentage if ramping else 0.0,
    )


def _not_set(error: RPCError, build_id: str) -> Problem:
    if error.status is RPCStatusCode.NOT_FOUND:
        return _unknown(build_id)
    return Problem(
        "build_refused",
        f"Temporal does not let build {build_id} take the cases ({error.status.name.lower()}).",
        next_step="See `seawall deploy status`; every task queue of the present build needs a worker of this one.",
        exit_code=REFUSED,
    )


def _unknown(build_id: str) -> Problem:
    return Problem(
        "unknown_build",
        f"No worker of build {build_id} has asked Temporal for work yet.",
        next_step="Start one with SEAWALL_VERSIONING=on, then see `seawall deploy status`.",
        exit_code=UNAVAILABLE,
    )
