"""How is the whole system brought to life in one process? Real server, stand-ins, database and worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker, WorkflowRunner

import worker as composition
from standins import serve
from starter import connect, sealing, settings
from starter.keyring import KeyRing
from starter.settings import Settings
from starter.stack.parts import DYNAMIC, temporal_binary
from store import migrations
from store.engine import open_engine
from tests.workflows.world import World
from workflows import options

ENDS_WITHIN = 20.0  # seconds


@asynccontextmanager
async def living(
    folder: Path,
    *,
    ring: KeyRing | None = None,
    cached: int = 1000,
    limits: tuple[str, ...] = (),
    company: Path | None = None,
    runner: WorkflowRunner | None = None,
) -> AsyncIterator[World]:
    """Bring a world to life in `folder`; its server can skip time, with one clock per workflow.

    `company` is a folder of its own rules, `limits` are more of the server's settings, as `name=value`, `runner` runs
    the workflows instead of the worker's own.
    """
    async with AsyncExitStack() as stack:
        standins = await serve.start(folder / "standins")
        stack.push_async_callback(standins.stop)
        told = pointed_at(standins, folder / "home", rulebook=company or Path())
        engine = open_engine(told.database_url)
        stack.push_async_callback(engine.dispose)
        await migrations.upgrade(engine)
        env = await stack.enter_async_context(await _server(ring or told, limits))
        await connect.ensure_search_attributes(env.client)
        activities = await composition.hands(told, env.client, engine, stack)
        world = World(env=env, engine=engine, standins=standins, told=told)
        # A worker without a cache can get stuck for good (SDK 1.35): the other one then does its work.
        for client in (env.client,) if cached else (env.client, await _another(env.client)):
            worker = Worker(
                client,
                task_queue=options.TASK_QUEUE,
                workflows=list(composition.WORKFLOWS),
                activities=activities,
                workflow_runner=runner or composition.runner(),
                max_cached_workflows=cached,
                on_fatal_error=world.died,
            )
            await stack.enter_async_context(worker if cached else _working(worker))
        yield world


@asynccontextmanager
async def _working(worker: Worker) -> AsyncIterator[None]:
    """Let a worker without a cache work; one that got stuck never ends either, so it is not waited for."""
    working = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        ending = asyncio.create_task(worker.shutdown())
        await asyncio.wait({working, ending}, timeout=ENDS_WITHIN)


async def _another(client: Client) -> Client:
    """Connect once more: two workers of one task queue need a connection each."""
    return await Client.connect(
        client.service_client.config.target_host, namespace=client.namespace, data_converter=client.data_converter
    )


def pointed_at(standins: serve.Running, home: Path, rulebook: Path = Path()) -> Settings:
    """Make settings that point at the stand-ins, and at a company's own rules."""
    host, port = standins.urls["mail"].removeprefix("smtp://").split(":")
    return settings.load(
        home=home,
        rulebook=rulebook,
        marketplace_url=standins.urls["marketplace"],
        marketplace_token=standins.token,
        regulator_url=standins.urls["regulator"],
        regulator_token=standins.token,
        pager_url=standins.urls["pager"],
        pager_routing_key="k" * 32,
        chat_url=standins.urls["chat"],
        chat_token=standins.token,
        smtp_host=host,
        smtp_port=int(port),
        mail_from="trust-safety@bazaara.example",
    )


async def _server(keys: KeyRing | Settings, limits: tuple[str, ...]) -> WorkflowEnvironment:
    extra = [part for value in (*DYNAMIC, *limits) for part in ("--dynamic-config-value", value)]
    extra += ["--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=true"]
    return await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        data_converter=sealing.data_converter(keys),
        dev_server_log_level="error",
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_extra_args=extra,
    )
