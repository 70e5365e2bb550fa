"""Does the doctor find what is wrong at Temporal? Each check is made to fail for real, and to pass again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from starter import connect
from starter.doctor import server
from starter.keyring import fresh
from tests.doors.findings import CASE, NOW, card, is_wrong, written
from tests.replay.server import dev_server
from workflows import options


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    """A server as it comes, before anybody has set it up for Seawall."""
    async with dev_server(fresh()) as client:
        yield client


async def test_a_server_that_is_too_old_is_wrong(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = await server.version(client)
    monkeypatch.setattr(server, "OLDEST", (99, 0))

    assert not is_wrong(fine)
    assert is_wrong(await server.version(client))


async def test_the_retention_of_a_new_namespace_is_wrong_until_it_is_raised(client: Client) -> None:
    before = await server.retention(client)
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(timedelta(days=365))
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config))
    for _ in range(100):
        after = await server.retention(client)
        if after.state == "well":
            break
        await asyncio.sleep(0.1)

    assert is_wrong(before)
    assert "24 hours" in before.text
    assert not is_wrong(after)


async def test_search_attributes_are_missed_until_they_are_registered(client: Client) -> None:
    before = await server.attributes(client)
    await connect.ensure_search_attributes(client)

    assert is_wrong(before)
    assert not is_wrong(await server.attributes(client))


async def test_a_clock_that_is_a_minute_off_is_wrong(client: Client) -> None:
    fine = await server.clock(client)
    fast = await server.clock(client, lambda: datetime.now(UTC) + timedelta(minutes=1))
    slow = await server.clock(client, lambda: datetime.now(UTC) - timedelta(minutes=1))

    assert not is_wrong(fine)
    assert is_wrong(fast)
    assert is_wrong(slow)


@workflow.defn(name="Broken")
class Broken:
    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("a bug")


async def test_nobody_working_and_tasks_that_fail_are_wrong(client: Client) -> None:
    idle = await server.worker(client)
    fine = await server.stuck(client)
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes={"DoctorKeyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
    )
    await client.operator_service.add_search_attributes(request)
    async with Worker(
        client, task_queue=options.TASK_QUEUE, workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await client.start_workflow("Broken", id="ESC-BROKEN", task_queue=options.TASK_QUEUE)
        for _ in range(600):
            stuck = await server.stuck(client)
            if stuck.state == "wrong":
                break
            await asyncio.sleep(0.2)
        working = await server.worker(client)

    assert is_wrong(idle)
    assert not is_wrong(fine)
    assert not is_wrong(working)
    assert is_wrong(stuck)
    assert "ESC-BROKEN" in stuck.text


async def test_an_open_case_that_runs_nowhere_or_waits_for_nothing_is_told(client: Client, engine: AsyncEngine) -> None:
    later = NOW + timedelta(hours=2)
    none = await server.events(client, engine, later)
    await written(engine, card())
    nowhere = await server.events(client, engine, later)
    await client.start_workflow("Escalation", id=CASE, task_queue="nobody")
    idle = await server.events(client, engine, later)
    await written(engine, card(seq=2, next_due_at=later))
    due = await server.events(client, engine, later)
    await client.get_workflow_handle(CASE).terminate()

    assert not is_wrong(none)
    assert is_wrong(nowhere)
    assert CASE in nowhere.text
    assert idle.state == "warning"
    assert not is_wrong(due)
