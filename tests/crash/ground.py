"""What does a crash test run on? A real server in its own process, stand-ins, a casebook, workers that are killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from standins import serve
from starter import sealing, settings
from starter.settings import Settings
from starter.stack import parts, ports
from starter.stack.parts import Stack
from starter.stack.supervise import _die_with_parent as die_with_parent
from tests.crash.crashing_worker import READY
from tests.workflows.world import World

ROOT = Path(__file__).parents[2]
TASK_TIMEOUT = timedelta(seconds=2)  # then a task that died with its worker is given out again
DEFAULT_TASK_TIMEOUT = 'history.defaultWorkflowTaskTimeout="2s"'
FRESH_ATTRIBUTES = "system.forceSearchAttributesCacheRefreshOnRead=true"


class Program:
    """One process of ours, known by its pid; it dies with the test."""

    def __init__(self, argv: Sequence[str], env: dict[str, str], log: Path, *, cwd: Path = ROOT) -> None:
        self._argv, self._env, self._log, self._cwd = tuple(argv), env, log, cwd
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, or start it again with the same words."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                cwd=self._cwd,
                env={**os.environ, **self._env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it and wait until it is gone."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(by)
        return await self._process.wait()

    def assert_alive(self) -> None:
        """Fail with the end of its log when it is gone."""
        gone = self._process is None or self._process.returncode is not None
        assert not gone, self._log.read_text(errors="replace")[-2000:]


@dataclass(slots=True, kw_only=True)
class Lives:
    """The worker of one test: how often it was born, and where it died."""

    folder: Path
    program: Program

    def pids(self) -> list[int]:
        """Name every life so far; the last may still be lived."""
        noted = self.folder / "lives"
        return [int(line) for line in noted.read_text().split()] if noted.exists() else []

    @property
    def kills(self) -> int:
        """How many lives ended by SIGKILL."""
        return len(self.pids()) - 1

    def hit(self) -> set[str]:
        """Name the points at which it died."""
        return {path.name for path in self.folder.iterdir() if ":" in path.name}

    def kill(self) -> None:
        """Kill the worker that lives now."""
        self.program.assert_alive()
        os.kill(self.pids()[-1], signal.SIGKILL)


@dataclass(slots=True, kw_only=True)
class Ground:
    """Everything but the worker, which each test brings."""

    folder: Path
    stack: Stack
    server: Program
    client: Client
    engine: AsyncEngine
    standins: serve.Running
    told: Settings
    running: list[Program] = field(default_factory=list)

    @property
    def world(self) -> World:
        """The words of the process tests, over this site."""
        env = WorkflowEnvironment.from_client(self.client)
        return World(env=env, engine=self.engine, standins=self.standins, told=self.told, task_timeout=TASK_TIMEOUT)

    @asynccontextmanager
    async def worker(self, name: str, points: Sequence[str] = ()) -> AsyncIterator[Lives]:
        """Keep a worker alive that dies once at each of `points`."""
        folder = self.folder / name
        folder.mkdir()
        argv = [sys.executable, "-m", "tests.crash.crashing_worker", "--folder", str(folder)]
        program = Program([*argv, "--points", ",".join(points)], self.stack.env(), folder / "worker.log")
        await program.start()
        self.running.append(program)
        try:
            while not (folder / READY).exists():
                self.assert_alive()
                await asyncio.sleep(0.05)
            yield Lives(folder=folder, program=program)
            self.assert_alive()
        finally:
            self.running.remove(program)
            await program.end()

    def assert_alive(self) -> None:
        """Fail when something ended that nobody killed."""
        for program in self.running:
            program.assert_alive()

    async def killed_server(self) -> None:
        """Kill the server where it stands."""
        self.running.remove(self.server)
        assert await self.server.end(signal.SIGKILL) == -signal.SIGKILL

    async def serving(self) -> None:
        """Start the server on its file and port, and wait until it answers."""
        await self.server.start()
        self.running.append(self.server)
        await answering(self.server, self.stack)


def laid_out(home: Path, standins: serve.Running) -> Stack:
    """Give a stack ports of its own, and the ports of stand-ins that run already."""
    urls = {name: urlsplit(url).port for name, url in standins.urls.items()}
    free = ports.free()
    taken = {"smtp": urls["mail"]} | {name: urls[name] for name in serve.HTTP_SYSTEMS}
    named = {name: getattr(free, name) for name in free.__dataclass_fields__} | taken
    return Stack(home=home, ports=ports.Ports(**{name: int(port or 0) for name, port in named.items()}))


def read_settings(stack: Stack) -> Settings:
    """Tell this process what the worker is told."""
    mine = {name.removeprefix("SEAWALL_").lower(): value for name, value in stack.env().items() if "SEAWALL_" in name}
    return settings.load(**mine)


def server(stack: Stack) -> Program:
    """The server of `seawall up`, with a shorter patience for tasks whose worker died."""
    argv = [*parts.temporal(stack).argv]
    for value in (DEFAULT_TASK_TIMEOUT, FRESH_ATTRIBUTES):
        argv += ["--dynamic-config-value", value]
    return Program(argv, {}, stack.home / "server.log")


async def answering(program: Program, stack: Stack) -> None:
    """Wait until the server serves its namespace."""
    ready = parts.temporal(stack).ready
    for _ in range(1200):
        program.assert_alive()
        if await ready():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not answer within two minutes")


async def connected(stack: Stack, told: Settings) -> Client:
    """Speak to the server of a stack, sealed."""
    address = stack.env()["TEMPORAL_ADDRESS"]
    return await Client.connect(address, data_converter=sealing.data_converter(told, parts.NAMESPACE))
