"""How does the control run? Like `worker.py` in everything but its workflow."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import worker
from benchmarks.control import Control
from starter import connect, sandbox
from starter.settings import Settings
from starter.stack import process
from store import migrations
from store.engine import open_engine
from workflows.prevention import Prevention
from workflows.resweep import Resweep
from workflows.sweep import Sweep

TASK_QUEUE = "control"
RESTRICTIONS = SandboxRestrictions.default.with_passthrough_modules(*sandbox.SHARED, "benchmarks")


async def run(told: Settings, stop: asyncio.Event, ready_file: Path) -> None:
    """Work until told to stop."""
    engine = open_engine(told.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await migrations.upgrade(engine)
        client = await connect.connect(told)
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[Control, Sweep, Resweep, Prevention],
            activities=await worker.hands(told, client, engine, stack),
            workflow_runner=SandboxedWorkflowRunner(restrictions=RESTRICTIONS),
            max_cached_workflows=told.cached_cases,
            deployment_config=connect.deployment(told),
        ):
            await asyncio.to_thread(ready_file.write_text, "ready")
            await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the control of benchmarks/lifecycle.py.")
    parser.add_argument("--ready-file", type=Path, required=True)
    process.live(partial(run, ready_file=parser.parse_args().ready_file))
