"""What is measured on? The whole stack in its own processes, so that a worker's CPU and memory can be told apart."""

import asyncio
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from benchmarks.control_worker import TASK_QUEUE as CONTROL_QUEUE
from benchmarks.ordinary import House, Kind, asked, lived, opened, seen
from escalations.consensus import GateKind
from starter import connect, settings
from starter.stack import parts, ports
from starter.stack.bill import actions
from starter.stack.parts import Stack
from starter.stack.supervise import Part, Supervisor
from store import migrations
from store.engine import open_engine
from workflows import options

AT_ONCE = 4
OPENED_AT_ONCE = 16
SETTLED = 4.0  # seconds; the server's counters are about two seconds late
HEARTBEAT = "grpc_RecordActivityTaskHeartbeat"
COUNTED = re.compile(r'^action\{action_type="(\w+)",namespace="default".*\} ([0-9.e+]+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one case used in Temporal. `actions` include everything it had started by the time it closed."""

    events: int
    size: int
    actions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What some cases used: worker CPU in seconds a case, and billed actions a case as the server counts them."""

    cpu: float
    billed: float
    heartbeats: float
    costs: tuple[Cost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """By how many bytes a worker grows: for each case while all are cached, and for each open case in the end.

    A worker caches `Settings.cached_cases`; the others are put aside, and replayed when they are next spoken to.
    """

    cached: float
    opened: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """The running apparatus."""

    stack: Stack
    house: House

    @asynccontextmanager
    async def worker(self, kind: Kind) -> AsyncIterator[psutil.Process]:
        """Run a fresh worker for one kind of workflow."""
        home = self.stack.home / kind.workflow
        home.mkdir(exist_ok=True)
        supervisor = Supervisor(home, _quietly)
        part = parts.worker(self.stack) if kind is SEAWALL else _control(self.stack)
        try:
            await supervisor.start(part)
            yield psutil.Process(supervisor.pid(part.name))
        finally:
            await supervisor.stop()

    async def round(self, kind: Kind, worker: psutil.Process, numbers: range) -> Round:
        """Run cases to their end and say what they used."""
        counted, cpu = await self._counted(), _cpu(worker)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> str:
            async with places:
                return await lived(self.house, kind, number)

        case_ids = await asyncio.gather(*(one(number) for number in numbers))
        await asyncio.sleep(SETTLED)
        used, billed = _cpu(worker) - cpu, await self._counted() - counted
        return Round(
            cpu=used / len(numbers),
            billed=billed.total() / len(numbers),
            heartbeats=billed[HEARTBEAT] / len(numbers),
            costs=tuple([await self._cost(case_id) for case_id in case_ids]),
        )

    async def memory(self, kind: Kind, numbers: range, warm: int) -> Memory:
        """Open cases that wait at their first gate: `warm` to warm up, as many again, then all the others."""
        async with self.worker(kind) as worker:
            grown = []
            for some in (numbers[:warm], numbers[warm : 2 * warm], numbers[2 * warm :]):
                await self.opened(kind, some)
                grown.append(worker.memory_info().rss)
            return Memory(cached=(grown[1] - grown[0]) / warm, opened=(grown[2] - grown[0]) / (len(numbers) - warm))

    async def opened(self, kind: Kind, numbers: range) -> None:
        """Open cases and wait until each stands at its first gate."""
        places = asyncio.Semaphore(OPENED_AT_ONCE)

        async def one(number: int) -> None:
            async with places:
                handle = await opened(self.house, kind, number)
                await seen(self.house, handle.id, lambda card: asked(card, GateKind.LEGAL_REVIEW))

        await asyncio.gather(*(one(number) for number in numbers))
        await asyncio.sleep(SETTLED)

    async def _counted(self) -> Counter[str]:
        url = self.stack.url(self.stack.ports.temporal_metrics) + "/metrics"
        async with httpx2.AsyncClient() as client:
            text = (await client.get(url)).text
        counted: Counter[str] = Counter()
        for name, value in COUNTED.findall(text):
            counted[name] += int(float(value))
        return counted

    async def _cost(self, case_id: str) -> Cost:
        client = self.house.client
        described = await client.get_workflow_handle(case_id).describe()
        info = described.raw_description.workflow_execution_info
        ours = [run async for run in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}"')]
        histories = [await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history() for run in ours]
        total = sum(actions(history.events) for history in histories)
        return Cost(events=info.history_length, size=info.history_size_bytes, actions=total)


SEAWALL = Kind(workflow="Escalation", task_queue=options.TASK_QUEUE)
CONTROL = Kind(workflow="Control", task_queue=CONTROL_QUEUE)


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """Start the server and the stand-ins in a folder of their own; nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="seawall-bench-", ignore_cleanup_errors=True) as folder:
        stack = Stack(home=Path(folder), ports=ports.free())
        os.environ.update(stack.env())
        told = settings.load()
        supervisor = Supervisor(stack.home, _quietly)
        engine = open_engine(told.database_url)
        try:
            await migrations.upgrade(engine)
            await supervisor.start(parts.temporal(stack))
            await supervisor.start(parts.standins(stack))
            client = await connect.connect(told)
            await connect.ensure_search_attributes(client)
            yield Rig(stack=stack, house=House(client=client, engine=engine, home=told.home))
        finally:
            await supervisor.stop()
            await engine.dispose()


def _control(stack: Stack) -> Part:
    ready_file = stack.home / "control.ready"
    ready_file.unlink(missing_ok=True)

    async def ready() -> bool:
        return ready_file.exists()

    argv = (sys.executable, "-m", "benchmarks.control_worker", "--ready-file", str(ready_file))
    return Part(name="control", argv=argv, ready=ready, env=stack.env())


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _quietly(_part: str, _what: str) -> None:
    """Parts of the rig come and go without a word; what goes wrong is raised."""
