"""What keeps cases from going on? Code that fails in their tasks, a run that is gone, nobody who works.

Temporal itself marks a run whose tasks fail again and again (`TemporalReportedProblems`, server 1.30 or newer); the
casebook knows which cases are open. Lists may lag by seconds, so a case counts as gone only when a direct look says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from starter.seeing import health
from store import queries

PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FAILING = (
    'ExecutionStatus = "Running" AND '
    'TemporalReportedProblems IN ("category=WorkflowTaskFailed", "category=WorkflowTaskTimedOut")'
)
RUNNING = 'ExecutionStatus = "Running" AND WorkflowType IN ("Escalation", "Prevention")'
CAUSE = "cause=WorkflowTaskFailedCause"
CAUSES = {
    "NonDeterministicError": "this code does not fit its history",
    "WorkflowWorkerUnhandledFailure": "the code raises an error",
}
SETTLED = timedelta(minutes=1)  # a case younger than that may not be listed yet
RESTARTED = timedelta(minutes=2)  # what is started again is back by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that cannot go on. `key` names it for as long as it lasts; `text` is for people, with nothing personal.

    `workflow_id` is "" where it is no one case. Nobody is told before it has lasted for `patience`.
    """

    key: str
    text: str
    workflow_id: str = ""
    patience: timedelta = timedelta()


AWAY = Trouble(key="away", text="Temporal or the casebook does not answer: no case goes on", patience=RESTARTED)


async def found(client: Client, engine: AsyncEngine, now: datetime) -> list[Trouble]:
    """Look once; the worst first. Raises what Temporal and the casebook raise when they are away."""
    return [*await nobody_works(client, now), *await failing(client, engine), *await gone(client, engine, now)]


async def failing(client: Client, engine: AsyncEngine) -> list[Trouble]:
    """List the runs whose tasks fail again and again, each with the stage and the owner to tell."""
    runs = [run async for run in client.list_workflows(FAILING)]
    return [await _failing(engine, run) for run in runs]


async def gone(client: Client, engine: AsyncEngine, now: datetime) -> list[Trouble]:
    """List the cases that are open in the casebook and run nowhere: terminated by hand, or lost with a server."""
    kept = await queries.open_case_ids(engine, opened_before=now - SETTLED)
    if not kept:
        return []
    running = {run.id async for run in client.list_workflows(RUNNING)}
    return [_gone(case_id) for case_id in kept if case_id not in running and not await _runs(client, case_id)]


async def nobody_works(client: Client, now: datetime) -> list[Trouble]:
    """Say whether no worker has asked for workflow tasks lately."""
    polled_at = await health.last_polled(client)
    if polled_at is not None and now - polled_at < health.POLLED_WITHIN:
        return []
    return [Trouble(key="nobody-works", text="no worker asks Temporal for work: no case goes on", patience=RESTARTED)]


async def _failing(engine: AsyncEngine, run: WorkflowExecution) -> Trouble:
    case_id = run.id.partition("/")[0]
    card = await queries.card(engine, case_id)
    where = f" ({card.stage.value}, owner {card.owner or 'nobody'})" if card else ""
    return Trouble(
        key=f"failing:{run.run_id}",
        text=f"{run.id}{where}: {_cause(run.typed_search_attributes.get(PROBLEMS) or ())}",
        workflow_id=run.id,
    )


def _cause(problems: Sequence[str]) -> str:
    causes = [one.removeprefix(CAUSE) for one in problems if one.startswith(CAUSE)]
    return CAUSES.get(causes[0], f"its tasks fail ({causes[0]})") if causes else "its tasks fail"


def _gone(case_id: str) -> Trouble:
    return Trouble(
        key=f"gone:{case_id}", text=f"{case_id}: open in the casebook, but it runs nowhere", workflow_id=case_id
    )


async def _runs(client: Client, case_id: str) -> bool:
    try:
        described = await client.get_workflow_handle(case_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    # A case that has just ended tells the casebook before it completes.
    return described.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)
