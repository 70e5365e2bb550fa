"""What does a deploy test stand on? A real server, stand-ins and a casebook, and builds that are copies of our code."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from replay.deploying import deployment
from standins import serve
from starter import connect
from store import migrations
from store.engine import open_engine
from tests.crash import ground as grounds
from tests.crash.ground import Ground, Program
from tests.workflows.world import World

ROOT = Path(__file__).parents[2]
PACKAGES = ("activities", "escalations", "replay", "rulebook", "standins", "starter", "store", "workflows")
Edit = tuple[str, str, str]  # file, the text that stands there exactly once, the text instead


@dataclass(slots=True, kw_only=True)
class Build:
    """One build of Seawall in a folder of its own."""

    name: str
    code: Path
    env: Mapping[str, str]
    client: Client
    worker: Program | None = None

    async def work(self) -> None:
        """Start its worker and wait until Temporal knows the build."""
        argv = (sys.executable, "-m", "worker")
        self.worker = Program(argv, dict(self.env), self.code / "worker.log", cwd=self.code)
        await self.worker.start()
        for _ in range(600):
            self.worker.assert_alive()
            if any(each.build_id == self.name for each in (await deployment.described(self.client)).versions):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the worker of {self.name} never asked for work")

    async def stop(self) -> None:
        """Stop its worker."""
        if self.worker is not None:
            await self.worker.end()
            self.worker = None

    async def says(self, *words: str) -> tuple[int, str]:
        """Run `seawall …` with the code of this build."""
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from starter.cli import main; main()", *words),
            cwd=self.code,
            env={**os.environ, **self.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await program.communicate()
        return program.returncode or 0, output.decode()


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything that stays while builds come and go."""

    ground: Ground
    folder: Path
    builds: list[Build] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return self.ground.client

    @property
    def world(self) -> World:
        """The words of the process tests; tasks keep the patience they have in production."""
        ground = self.ground
        env = WorkflowEnvironment.from_client(ground.client)
        return World(env=env, engine=ground.engine, standins=ground.standins, told=ground.told)

    def build(self, name: str, *edits: Edit) -> Build:
        """Copy the code and change it."""
        code = self.folder / name
        code.mkdir()
        for package in PACKAGES:
            shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "worker.py", code)
        for file, old, new in edits:
            text = (code / file).read_text()
            assert text.count(old) == 1, f"{file} has changed; write this edit anew"
            (code / file).write_text(text.replace(old, new))
        env = self.ground.stack.env() | {"SEAWALL_VERSIONING": "true", "SEAWALL_BUILD_ID": name}
        made = Build(name=name, code=code, env=env, client=self.client)
        self.builds.append(made)
        return made


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """Lay it out in folders and ports of its own, and take it away again."""
    for name in ("home", "standins", "builds"):
        (folder / name).mkdir()
    standins = await serve.start(folder / "standins")
    stack = grounds.laid_out(folder / "home", standins)
    told = grounds.read_settings(stack)
    program = grounds.server(stack)
    engine = open_engine(told.database_url)
    await migrations.upgrade(engine)
    await program.start()
    try:
        await grounds.answering(program, stack)
        client = await grounds.connected(stack, told)
        await connect.ensure_search_attributes(client)
        ground = Ground(
            folder=folder, stack=stack, server=program, client=client, engine=engine, standins=standins, told=told
        )
        here = Site(ground=ground, folder=folder / "builds")
        try:
            yield here
        finally:
            for each in here.builds:
                await each.stop()
    finally:
        await program.end()
        await engine.dispose()
        await standins.stop()
