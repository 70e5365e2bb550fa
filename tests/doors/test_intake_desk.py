"""Does a kept report start its case exactly once on a real Temporal server, through outages, repeats and closing?"""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from escalations.casefile import Opening
from escalations.messages import Receipt, Report
from starter.errors import REFUSED, UNAVAILABLE, Problem
from starter.intake import dispatch
from starter.intake.desk import TASK_QUEUE, Desk, receive
from starter.intake.refusals import BadInput
from starter.intake.report import Parsed, parse_report
from store import intakes, migrations
from store.engine import open_engine
from workflows.attributes import KEYS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@workflow.defn(name="Escalation")
class StandIn:
    """Stands in for a case: it counts the reports it is told and closes on demand."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self.closing = False

    @workflow.run
    async def run(self, opening: Opening) -> str:
        await workflow.wait_condition(lambda: self.closing)
        return opening.intake.title

    @workflow.update
    async def report(self, message: Report) -> Receipt:
        self.told.setdefault(message.said.request_id, message.intake.received_at.isoformat())
        return Receipt(request_id=message.said.request_id, code="taken", text="taken", at=workflow.now())

    @workflow.signal
    def close(self) -> None:
        self.closing = True

    @workflow.query
    def reports(self) -> dict[str, str]:
        return self.told


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[Client]:
    binary = shutil.which("temporal") or str(Path(sys.executable).parent / "temporal")
    async with (
        await WorkflowEnvironment.start_local(
            dev_server_existing_path=binary, data_converter=pydantic_data_converter, search_attributes=list(KEYS)
        ) as env,
        Worker(env.client, task_queue=TASK_QUEUE, workflows=[StandIn], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        yield env.client


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'casebook.db'}")
    await migrations.upgrade(made)
    yield made
    await made.dispose()


class Line:
    """The line to Temporal, which a test can cut."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cut = False

    async def connect(self) -> Client:
        if self.cut:
            with socket.socket() as free:  # nobody listens here
                free.bind(("127.0.0.1", 0))
                return await Client.connect(f"127.0.0.1:{free.getsockname()[1]}")
        return self.client

    async def say(self, case_id: str, message: Report) -> Receipt:
        if self.cut:
            raise Problem("server_away", "Temporal does not answer.", exit_code=UNAVAILABLE)
        handle = self.client.get_workflow_handle(case_id)
        receipt: Receipt = await handle.execute_update(
            "report", message, id=message.said.request_id, result_type=Receipt
        )
        return receipt


@pytest.fixture
def line(temporal: Client) -> Line:
    return Line(temporal)


@pytest.fixture
def desk(engine: AsyncEngine, line: Line) -> Desk:
    return Desk(engine=engine, connect=line.connect, say=line.say)


def parsed(reference: str, *, source: str, about: str = "", title: str = "A burned hand") -> Parsed:
    document = {"schema_version": 1, "source_ref": reference, "kind": "incident_report", "title": title}
    if about:
        document["about"] = about
    return parse_report(document, title.encode(), source=source, now=NOW)


async def described(client: Client, case_id: str) -> WorkflowExecutionDescription:
    return await client.get_workflow_handle(case_id).describe()


async def reports(client: Client, case_id: str) -> dict[str, str]:
    told: dict[str, str] = await client.get_workflow_handle(case_id).query("reports", result_type=dict[str, str])
    return told


async def closed(client: Client, case_id: str) -> None:
    handle = client.get_workflow_handle(case_id)
    await handle.signal("close")
    await handle.result()


async def test_two_hundred_doors_with_one_report_start_one_case(desk: Desk, temporal: Client) -> None:
    outcomes = await asyncio.gather(*(receive(desk, parsed("REF-1", source="many")) for _ in range(200)))

    case_id = ids.case_id("many", "REF-1")
    assert [outcome.status for outcome in outcomes].count("new") == 1
    assert {outcome.case_id for outcome in outcomes} == {case_id}
    runs = [run async for run in temporal.list_workflows(f"WorkflowId = '{case_id}'")]
    assert len(runs) <= 1
    found = await described(temporal, case_id)
    assert found.status is WorkflowExecutionStatus.RUNNING
    assert found.workflow_type == "Escalation"
    assert found.task_queue == "seawall"
    assert await intakes.waiting(desk.engine) == ()


async def test_what_operators_see_of_a_case_names_its_kind_and_source_only(desk: Desk, temporal: Client) -> None:
    await receive(desk, parsed("REF-2", source="seen", title="Ana Example was burned"))

    found = await described(temporal, ids.case_id("seen", "REF-2"))

    assert await found.static_summary() == "incident_report from seen"
    shown = {pair.key.name: pair.value for pair in found.typed_search_attributes if pair.key.name != "BuildIds"}
    assert shown == {"SeawallStage": "intake"}


async def test_a_closed_case_is_never_started_again_by_a_replayed_report(desk: Desk, temporal: Client) -> None:
    case_id = (await receive(desk, parsed("REF-3", source="late"))).case_id
    first = (await described(temporal, case_id)).run_id
    await closed(temporal, case_id)

    again = await receive(desk, parsed("REF-3", source="late"))

    assert again.status == "duplicate"
    assert (await described(temporal, case_id)).run_id == first


async def test_a_row_lost_after_the_start_does_not_start_a_closed_case_again(
    desk: Desk, temporal: Client, tmp_path: Path
) -> None:
    case_id = (await receive(desk, parsed("REF-4", source="lost"))).case_id
    first = (await described(temporal, case_id)).run_id
    await closed(temporal, case_id)
    other = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}")
    await migrations.upgrade(other)

    outcome = await receive(replace(desk, engine=other), parsed("REF-4", source="lost"))
    left = await intakes.waiting(other)
    await other.dispose()

    assert outcome.status == "new"
    assert left == ()
    assert (await described(temporal, case_id)).run_id == first


async def test_while_temporal_is_away_reports_wait_and_are_started_later_once(
    desk: Desk, line: Line, temporal: Client
) -> None:
    line.cut = True
    waiting = await receive(desk, parsed("REF-5", source="away"))
    assert not waiting.started
    assert await dispatch.once(desk) == (0, 1)
    line.cut = False

    gone = await dispatch.once(desk)

    assert gone == (1, 0)
    assert await dispatch.once(desk) == (0, 0)
    assert (await described(temporal, waiting.case_id)).status is WorkflowExecutionStatus.RUNNING


async def test_the_dispatcher_keeps_going_until_it_is_stopped(desk: Desk, line: Line) -> None:
    line.cut = True
    await receive(desk, parsed("REF-6", source="loop"))
    stop = asyncio.Event()
    running = asyncio.create_task(dispatch.run(desk, stop))
    line.cut = False

    while await intakes.waiting(desk.engine):  # noqa: ASYNC110 (a row has no event)
        await asyncio.sleep(0.05)
    stop.set()
    await running

    assert await intakes.waiting(desk.engine) == ()


async def test_a_duplicate_starts_what_its_first_delivery_could_not(desk: Desk, line: Line, temporal: Client) -> None:
    line.cut = True
    await receive(desk, parsed("REF-7", source="retry"))
    line.cut = False

    again = await receive(desk, parsed("REF-7", source="retry"))

    assert (again.status, again.started) == ("duplicate", True)
    assert (await described(temporal, again.case_id)).status is WorkflowExecutionStatus.RUNNING


async def test_another_report_about_a_case_is_told_to_it_once_and_opens_none(desk: Desk, temporal: Client) -> None:
    case_id = (await receive(desk, parsed("REF-8", source="about"))).case_id

    first = await receive(desk, parsed("MORE-1", source="about", about=case_id))
    later = parsed("MORE-1", source="about", about=case_id)
    again = await receive(desk, replace(later, intake=replace(later.intake, received_at=datetime.now(UTC))))

    assert (first.status, again.status) == ("added", "duplicate")
    assert first.case_id == again.case_id == case_id
    assert list((await reports(temporal, case_id)).values()) == [NOW.isoformat()]


async def test_a_report_about_a_case_during_an_outage_is_not_acknowledged_and_reaches_it_later(
    desk: Desk, line: Line, temporal: Client
) -> None:
    case_id = (await receive(desk, parsed("REF-9", source="told"))).case_id
    line.cut = True
    with pytest.raises(BadInput, match="unavailable"):
        await receive(desk, parsed("MORE-2", source="told", about=case_id))
    assert await dispatch.once(desk) == (0, 1)
    line.cut = False

    assert await dispatch.once(desk) == (1, 0)

    assert len(await reports(temporal, case_id)) == 1


async def test_a_case_that_refuses_a_report_says_so_and_is_not_asked_again(desk: Desk, line: Line) -> None:
    case_id = (await receive(desk, parsed("REF-10", source="closed"))).case_id

    async def refusing(_case_id: str, _message: Report) -> Receipt:
        raise Problem("already_closed", "The case is closed.", exit_code=REFUSED)

    with pytest.raises(BadInput, match="report_refused"):
        await receive(replace(desk, say=refusing), parsed("MORE-3", source="closed", about=case_id))

    assert await dispatch.once(desk) == (0, 0)


async def test_a_changed_record_of_a_feed_is_added_to_its_case_once_for_each_change(
    desk: Desk, temporal: Client
) -> None:
    first = replace(parsed("REF-11", source="feed"), amends=True)
    changed = replace(parsed("REF-11", source="feed", title="Two burned hands"), amends=True)

    outcomes = [await receive(desk, record) for record in (first, changed, changed, first)]

    assert [outcome.status for outcome in outcomes] == ["new", "added", "duplicate", "duplicate"]
    assert len({outcome.case_id for outcome in outcomes}) == 1
    assert len(await reports(temporal, outcomes[0].case_id)) == 1
