"""Does a closed history outlive its deletion from Temporal, once, and is it told when it might not?"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.archive import Archive, ClosedRun, Kept, Portion
from activities.clients.evidence import EvidenceStore, open_evidence
from activities.clients.histories import TemporalHistories
from activities.paging import Page
from replay import histories, lookup
from replay.check import Verdict, check
from starter import keyring, schedules, sealing, settings
from starter.errors import Problem
from starter.settings import Settings
from store import migrations
from store.archive import Index
from store.engine import open_engine
from tests.replay import chained, small
from tests.replay.server import dev_server
from workflows import options
from workflows.archive import Archive as ArchiveWorkflow

CASE = "ESC-0000-0000-0301"
CHAIN = "ESC-0000-0000-0302"
OPEN = "ESC-0000-0000-0303"
WORKFLOWS = (small.Small, small.SmallChild, chained.Chained)
DAY = timedelta(days=1)
paged: list[Page] = []


@activity.defn(name="page")
async def page(page: Page) -> str:
    paged.append(page)
    return "paged"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings.load(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
async def engine(told: Settings) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(told.database_url)
    await migrations.upgrade(opened)
    yield opened
    await opened.dispose()


@pytest.fixture(scope="module")
async def client(told: Settings, engine: AsyncEngine) -> AsyncIterator[Client]:
    """A server with a closed case and its child, a closed chain of three runs, an open case, and a keeper."""
    async with dev_server(keyring.open_ring(told.keyring_file)) as connected:
        keeper = Archive(TemporalHistories(connected), Index(engine), open_evidence(told.evidence_url))
        async with (
            Worker(
                connected,
                task_queue="small",
                workflows=list(WORKFLOWS),
                activities=[small.judge, small.hide, small.tell],
                workflow_runner=UnsandboxedWorkflowRunner(),
            ),
            Worker(
                connected,
                task_queue=options.TASK_QUEUE,
                workflows=[ArchiveWorkflow],
                activities=[keeper.keep_closed, page],
            ),
        ):
            from starter.connect import ensure_search_attributes

            await ensure_search_attributes(connected)
            for case_id in (CASE, OPEN):
                await connected.start_workflow(small.Small.run, small.Order("S1"), id=case_id, task_queue="small")
            handle = connected.get_workflow_handle_for(small.Small.run, CASE)
            await handle.execute_update(small.Small.say, small.Word("yes"))
            await handle.result()
            handed = chained.Handed("on", 2)
            await connected.execute_workflow(chained.Chained.run, handed, id=CHAIN, task_queue="small")
            await _listed(connected, 5)
            yield connected


async def _listed(client: Client, closed: int) -> None:
    for _ in range(200):
        if len([run async for run in client.list_workflows('ExecutionStatus != "Running"')]) >= closed:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the closed runs were never listed")


async def kept(client: Client, number: int) -> Kept:
    return await client.execute_workflow(
        ArchiveWorkflow.run, id=f"archive/test-{number}", task_queue=options.TASK_QUEUE
    )


@pytest.mark.slow
async def test_what_closed_is_kept_once_and_read_back_after_temporal_deleted_it(
    client: Client, told: Settings, engine: AsyncEngine
) -> None:
    before = {
        run.run_id: run for run in [*await histories.family(client, CASE), *await histories.family(client, CHAIN)]
    }

    first, second = await kept(client, 1), await kept(client, 2)

    assert (first.kept, first.failed, second.kept) == (5, 0, 0)
    await _deleted(client, CASE)
    await _deleted(client, CHAIN)
    with pytest.raises(Problem):
        await histories.family(client, CHAIN)
    runs = [*await lookup.of_case(told, client, CASE), *await lookup.of_case(told, client, CHAIN)]
    assert {run.run_id: run.events for run in runs} == {run_id: run.events for run_id, run in before.items()}
    assert [run.previous_run_id for run in runs[-2:]] == [run.run_id for run in runs[-3:-1]]
    converter = sealing.data_converter(told)
    verdicts = [each.verdict async for each in check(runs, workflows=WORKFLOWS, converter=converter)]
    assert verdicts == [Verdict.SAME] * 5
    assert await lookup.of_archive(told, OPEN) == []


async def _deleted(client: Client, case_id: str) -> None:
    for run in await histories.family(client, case_id):
        execution = WorkflowExecution(workflow_id=run.workflow_id, run_id=run.run_id)
        request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        await client.workflow_service.delete_workflow_execution(request)
    for _ in range(1200):
        try:
            await histories.family(client, case_id)
        except Problem:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never deleted")


async def test_an_archived_history_that_was_changed_is_refused(
    client: Client, told: Settings, engine: AsyncEngine
) -> None:
    await kept(client, 3)
    [row, *_] = await Index(engine).of_case(CASE)
    content = told.home / "evidence" / "sha256" / row.sha256[:2] / row.sha256
    whole = await asyncio.to_thread(content.read_bytes)
    await asyncio.to_thread(content.write_bytes, gzip.compress(b"{}"))
    try:
        with pytest.raises(Problem) as refused:
            await lookup.of_archive(told, CASE)
    finally:
        await asyncio.to_thread(content.write_bytes, whole)

    assert (refused.value.code, refused.value.exit_code) == ("archive_damaged", 1)


async def test_an_unknown_case_is_unknown_to_the_archive_too(client: Client, told: Settings) -> None:
    with pytest.raises(Problem) as refused:
        await lookup.of_case(told, client, "ESC-9999-9999-9999")

    assert (refused.value.code, refused.value.exit_code) == ("unknown_case", 4)


async def test_the_schedule_is_made_once_and_starts_the_keeper(client: Client) -> None:
    await schedules.ensure(client)
    await schedules.ensure(client)

    handle = client.get_schedule_handle(schedules.ARCHIVE)
    await handle.trigger()
    for _ in range(200):
        done = (await handle.describe()).info.recent_actions
        if done:
            break
        await asyncio.sleep(0.05)

    started = client.get_workflow_handle_for(ArchiveWorkflow.run, done[0].action.workflow_id)  # type: ignore[union-attr]
    assert started.id.startswith(schedules.ARCHIVE_RUN)
    assert (await started.result()).failed == 0


# how the hand works, without a server


class Closing:
    """Histories that closed, some of which cannot be fetched."""

    def __init__(self, *runs: ClosedRun, gone: tuple[str, ...] = (), retention: timedelta = 30 * DAY) -> None:
        self.runs, self.gone, self.kept_for = runs, gone, retention
        self.asked: list[tuple[datetime, datetime]] = []

    async def retention(self) -> timedelta:
        return self.kept_for

    async def closed(self, since: datetime, until: datetime) -> list[ClosedRun]:
        self.asked.append((since, until))
        return [run for run in self.runs if since <= run.closed_at <= until]

    async def fetch(self, run: ClosedRun) -> tuple[bytes, int] | None:
        return None if run.run_id in self.gone else (run.run_id.encode(), 3)


class Refusing(EvidenceStore):
    """An evidence store that is full."""

    def __init__(self) -> None:
        self.full = True
        self.inner = open_evidence("memory://")

    async def put(self, content: bytes) -> str:
        if self.full:
            raise OSError("no space left")
        return await self.inner.put(content)

    async def get(self, digest: str) -> bytes:
        return await self.inner.get(digest)


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Index]:
    opened = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await migrations.upgrade(opened)
    yield Index(opened)
    await opened.dispose()


def closed(number: int, ago: timedelta) -> ClosedRun:
    return ClosedRun(workflow_id=f"ESC-A/{number}", run_id=f"run-{number}", closed_at=datetime.now(UTC) - ago)


async def keep(keeper: Archive, most: int = 10) -> Kept:
    return await ActivityEnvironment().run(keeper.keep_closed, Portion(most=most))


async def test_a_long_backlog_is_kept_in_small_steps_oldest_first(index: Index) -> None:
    runs = [closed(number, number * DAY) for number in range(1, 26)]
    keeper = Archive(Closing(*runs), index, open_evidence("memory://"))

    steps = [await keep(keeper) for _ in range(3)]

    assert [step.kept for step in steps] == [10, 10, 5]
    assert [step.more for step in steps] == [True, True, False]
    rows = await index.of_case("ESC-A")
    assert [row.run_id for row in rows] == [f"run-{number}" for number in range(25, 0, -1)]
    assert (await keep(keeper)).kept == 0


async def test_a_run_that_cannot_be_kept_holds_up_no_other_and_is_tried_again(index: Index) -> None:
    store = Refusing()
    keeper = Archive(Closing(closed(1, DAY), closed(2, 2 * DAY)), index, store)

    failed = await keep(keeper)
    store.full = False
    repaired = await keep(keeper)

    assert (failed.kept, failed.failed, failed.late) == (0, 2, 0)
    assert (repaired.kept, repaired.failed) == (2, 0)
    assert {row.sha256 != "" for row in await index.of_case("ESC-A")} == {True}


async def test_a_run_near_deletion_that_is_not_kept_is_told_until_it_is(index: Index) -> None:
    store = Refusing()
    keeper = Archive(Closing(closed(1, 25 * DAY), closed(2, DAY)), index, store)

    failed = await keep(keeper)
    store.full = False

    assert (failed.failed, failed.late) == (2, 1)
    assert (await keep(keeper)).late == 0


async def test_a_run_that_was_deleted_before_it_was_kept_is_told_once(index: Index) -> None:
    keeper = Archive(Closing(closed(1, 29 * DAY), gone=("run-1",)), index, open_evidence("memory://"))

    first, second = await keep(keeper), await keep(keeper)

    assert (first.lost, first.late, second.lost, second.late) == (1, 0, 0, 0)
    assert await index.of_case("ESC-A") == []


async def test_nothing_older_than_the_retention_is_asked_for_and_little_is_asked_twice(index: Index) -> None:
    closing = Closing(closed(1, DAY))
    keeper = Archive(closing, index, open_evidence("memory://"))

    await keep(keeper)
    first = len(closing.asked)
    oldest = min(since for since, _ in closing.asked)
    closing.asked.clear()
    await keep(keeper)

    assert datetime.now(UTC) - oldest < 31 * DAY
    assert first < 12
    assert min(since for since, _ in closing.asked) > datetime.now(UTC) - DAY - timedelta(hours=2)


async def test_what_is_kept_stays_as_it_was_first_kept(index: Index) -> None:
    run = closed(1, DAY)
    await index.kept(run, "a" * 64, 5, datetime.now(UTC))
    await index.kept(run, "b" * 64, 6, datetime.now(UTC))
    await index.missed(run, "failed")

    [row] = await index.of_case("ESC-A")
    assert (row.sha256, row.events, row.problem) == ("a" * 64, 5, "")
