"""What did a case cost in Temporal? Events, bytes and billable actions, counted from its histories."""

from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

# Temporal Cloud's list of actions (checked 2026-11-22); a workflow task's markers are one action together, and a
# child workflow is two (its start and its own).
BILLED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: 1,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: 1,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: 1,
    EventType.EVENT_TYPE_TIMER_STARTED: 1,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: 1,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: 1,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: 1,
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one case used. `events` and `size` (bytes) are the case's own history; `actions` include its sweeps."""

    events: int
    size: int
    actions: int


def actions(events: Iterable[HistoryEvent]) -> int:
    """Count billable actions in a history. Rejected updates and repeated attempts leave no event and are not seen."""
    total, marked = 0, False
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            total += not marked
            marked = True
            continue
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            marked = False
        total += BILLED.get(event.event_type, 0)
    return total


async def bill(client: Client, case_id: str) -> Bill:
    """Count what a case and its sweeps used."""
    handle = client.get_workflow_handle(case_id)
    described = await handle.describe()
    info = described.raw_description.workflow_execution_info
    total = actions((await handle.fetch_history()).events)
    async for child in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}/"', limit=50):
        if child.workflow_type in ("Sweep", "Resweep"):
            own = await client.get_workflow_handle(child.id, run_id=child.run_id).fetch_history()
            total += actions(own.events)
    return Bill(events=info.history_length, size=info.history_size_bytes, actions=total)
