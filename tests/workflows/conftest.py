"""One real Temporal server, real stand-ins, a real database and the real worker, for all tests of the process."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import worker as composition
from standins import serve
from starter import connect, sealing, settings
from starter.settings import Settings
from starter.stack.parts import DYNAMIC, temporal_binary
from store import migrations
from store.engine import open_engine
from tests.workflows.world import World
from workflows import options

CACHED = int(os.environ.get("SEAWALL_TEST_CACHED", "1000"))


@pytest_asyncio.fixture(scope="session")
async def standins(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[serve.Running]:
    """The outside systems, with the project's own catalogue."""
    running = await serve.start(tmp_path_factory.mktemp("standins"))
    yield running
    await running.stop()


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, standins: serve.Running) -> Settings:
    """Settings that point at the stand-ins."""
    host, port = standins.urls["mail"].removeprefix("smtp://").split(":")
    return settings.load(
        home=tmp_path_factory.mktemp("home"),
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


@pytest_asyncio.fixture(scope="session")
async def engine(told: Settings) -> AsyncIterator[AsyncEngine]:
    """The casebook, on SQLite."""
    engine = open_engine(told.database_url)
    await migrations.upgrade(engine)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture(scope="session")
async def env(told: Settings) -> AsyncIterator[WorkflowEnvironment]:
    """The real server, able to skip time, one clock per workflow."""
    extra = [part for value in DYNAMIC for part in ("--dynamic-config-value", value)]
    extra += ["--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=true"]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        data_converter=sealing.data_converter(told),
        dev_server_log_level="error",
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_extra_args=extra,
    ) as env:
        await connect.ensure_search_attributes(env.client)
        yield env


@pytest_asyncio.fixture(scope="session")
async def world(
    env: WorkflowEnvironment, told: Settings, engine: AsyncEngine, standins: serve.Running
) -> AsyncIterator[World]:
    """The running system, and the words to use it in a test."""
    async with AsyncExitStack() as stack:
        activities = await composition.hands(told, env.client, engine, stack)
        async with Worker(
            env.client,
            task_queue=options.TASK_QUEUE,
            workflows=list(composition.WORKFLOWS),
            activities=activities,
            workflow_runner=composition.runner(),
            max_cached_workflows=CACHED,
        ):
            yield World(env=env, engine=engine, standins=standins, told=told)


@pytest_asyncio.fixture(autouse=True)
async def clean_marketplace(world: World) -> AsyncIterator[None]:
    """Lift what a test left restricted, so that every test finds the same listings."""
    yield
    await world.lift_all()
