"""Where are the figures of a process read? `/metrics`: ours and those of Temporal's SDK, in one answer.

The SDK serves its own figures on a port of its own; that one is on loopback, nobody needs to know it, and what it says
is passed on. One runtime a process, made before anything connects.
"""

import socket
from collections.abc import Awaitable, Callable

import httpx2
import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from activities import watching
from starter.seeing import counters
from starter.seeing.counters import REGISTRY
from starter.settings import Settings

TRIES = 5
PATIENCE = 3.0  # seconds
Look = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)
_sdk: list[str] = []


def begin(told: Settings) -> None:
    """Start counting in this process, if it is told where to serve what it counts."""
    if not told.metrics_address or _sdk:
        return
    counters.begin()
    watching.watch(counters.request)
    for attempt in range(TRIES):
        address = f"127.0.0.1:{_free_port()}"
        try:
            Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=config(address))))
        except (RuntimeError, ValueError):
            if attempt == TRIES - 1:
                raise
            continue
        _sdk.append(address)
        return


def route(look: Look | None = None) -> Route:
    """Make `GET /metrics`; `look` brings gauges up to date first."""

    async def metrics(request: Request) -> Response:
        if look is not None:
            await look()
        return Response(generate_latest(REGISTRY) + await _of_sdk(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Route("/metrics", metrics)


async def _of_sdk() -> bytes:
    if not _sdk:
        return b""
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            return (await client.get(f"http://{_sdk[0]}/metrics")).content
    except httpx2.HTTPError as error:
        log.warning("metrics.not_read", error=type(error).__name__)
        return b""


def config(address: str) -> PrometheusConfig:
    """Say how the SDK names its figures; alerts and dashboards rely on these names."""
    return PrometheusConfig(
        bind_address=address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
