"""How near is each open case to what one run may hold? Events, bytes and updates, as parts of Temporal's limits.

The limits are the server's defaults (1.32): it suggests a new run at 4,096 events, 4 MB of history and 90 % of 2,000
updates, and ends a run at 51,200 events or 50 MB. A case hands over before that; one that does not is stuck in a wait
that may not be cut, and somebody should look.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from store import queries

EVENTS_MAX = 51_200
BYTES_MAX = 50 * 1024 * 1024
UPDATES_MAX = 2_000
AT_ONCE = 8
OPEN = 'ExecutionStatus = "Running"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the present run of one workflow has used, and `used`, the largest part of a limit (0 to 1)."""

    workflow_id: str
    events: int
    bytes: int
    updates: int

    @property
    def used(self) -> float:
        """The part of the nearest limit that is used up."""
        return max(self.events / EVENTS_MAX, self.bytes / BYTES_MAX, self.updates / UPDATES_MAX)


async def of_open(client: Client, engine: AsyncEngine, query: str = OPEN) -> AsyncIterator[Budget]:
    """Measure every run that the query lists, eight at a time, in no order; one that ends meanwhile is left out."""
    places = asyncio.Semaphore(AT_ONCE)

    async def measured(run: WorkflowExecution) -> Budget | None:
        async with places:
            return await of_case(client, engine, run.id)

    tasks = [asyncio.create_task(measured(run)) async for run in client.list_workflows(query)]
    for done in asyncio.as_completed(tasks):
        budget = await done
        if budget is not None:
            yield budget


async def of_case(client: Client, engine: AsyncEngine, workflow_id: str) -> Budget | None:
    """Measure the newest run of a workflow; None if Temporal does not know it.

    Temporal tells events and bytes. It does not tell updates, so the case counts the messages it took itself.
    """
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None
    card = await queries.card(engine, workflow_id)
    return Budget(
        workflow_id=workflow_id,
        events=described.history_length,
        bytes=described.raw_description.workflow_execution_info.history_size_bytes,
        updates=card.taken if card else 0,
    )
