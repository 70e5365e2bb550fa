"""Where do histories come from? Files in Temporal's own JSON, or a server, each with the ids that a replay needs."""

import gzip
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.json_format import ParseError
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from starter.errors import BAD_INPUT, UNKNOWN_CASE, Problem
from starter.sealing import scope_of

SUFFIXES = (".json", ".json.gz")
INDEX = "runs.json"
_KINDS = frozenset(EventType.values()) - {EventType.EVENT_TYPE_UNSPECIFIED}
_CLOSING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One run's history with the names that its first event gives it. `origin` says where it was read.

    `whole` says that who keeps it knows that nothing is missing at its end, which of a mere file nobody does. `states`
    came with it, sealed like the rest; see `replay/states.py`.
    """

    workflow_id: str
    run_id: str
    workflow_type: str
    events: tuple[HistoryEvent, ...]
    origin: str
    whole: bool = False
    states: Payload | None = None

    @property
    def input(self) -> tuple[Payload, ...]:
        """What the run was started with, as stored."""
        return tuple(self.events[0].workflow_execution_started_event_attributes.input.payloads)

    @property
    def previous_run_id(self) -> str:
        """The run that continued as this one, or ""."""
        return self.events[0].workflow_execution_started_event_attributes.continued_execution_run_id

    @property
    def next_run_id(self) -> str:
        """The run that this one continued as, or ""."""
        return self.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id

    @property
    def closed(self) -> bool:
        """Whether the last event ends the run."""
        return self.events[-1].event_type in _CLOSING

    def history(self) -> WorkflowHistory:
        """Hand it to the replayer."""
        return WorkflowHistory(self.workflow_id, list(self.events))


def files(paths: Sequence[Path]) -> list[Path]:
    """List the history files of the paths; a folder stands for all of them in it. Raises Problem for a missing path."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(held for held in path.iterdir() if held.name.endswith(SUFFIXES) and held.name != INDEX)
        elif path.is_file():
            found.append(path)
        else:
            raise Problem("no_file", f"{path} does not exist.", next_step="Name a history file or a folder of them.")
    return found


def of_file(path: Path) -> Recorded:
    """Read one exported history, gzip or not. Raises Problem `not_a_history` with the path."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
        history = WorkflowHistory.from_json("", data.decode())
        found = recorded(history.events, origin=str(path))
    except (OSError, EOFError) as error:
        raise _not_a_history(path, f"cannot be read ({type(error).__name__})") from None
    except (ValueError, ParseError, KeyError, IndexError, AttributeError, TypeError):
        raise _not_a_history(path, "is not a whole workflow history in Temporal's JSON") from None
    if any(event.event_type not in _KINDS for event in found.events):
        raise _not_a_history(path, "holds an event of a kind that this version does not know")
    return found


def recorded(events: Iterable[HistoryEvent], *, origin: str, whole: bool = False) -> Recorded:
    """Name a history by its first event. Raises ValueError if it does not start with one, or an event is missing."""
    held = tuple(events)
    if any(event.event_id != number for number, event in enumerate(held, 1)):
        raise ValueError("the events of a history are numbered from 1 without gaps")
    if not held or held[0].event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        raise ValueError("a history starts with WorkflowExecutionStarted")
    started = held[0].workflow_execution_started_event_attributes
    return Recorded(
        workflow_id=started.workflow_id,
        run_id=started.original_execution_run_id,
        workflow_type=started.workflow_type.name,
        events=held,
        origin=origin,
        whole=whole,
    )


def indexed(path: Path) -> dict[str, int]:
    """Read how many events each run has by the index of the export that a path belongs to; {} where none lies there."""
    index = (path if path.is_dir() else path.parent) / INDEX
    try:
        return {each["run_id"]: int(each["events"]) for each in json.loads(index.read_bytes())}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def written_at(event: HistoryEvent) -> datetime:
    """Say when the server wrote an event."""
    return event.event_time.ToDatetime(UTC)


async def of_run(client: Client, workflow_id: str, run_id: str | None = None) -> Recorded:
    """Fetch one run, the latest if none is named. Raises Problem `unknown_case`."""
    try:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise
        raise Problem(
            "unknown_case",
            f"Temporal keeps no history of {workflow_id}.",
            next_step="Check the id, and whether its retention has passed.",
            exit_code=UNKNOWN_CASE,
        ) from None
    return recorded(history.events, origin=f"{client.namespace}/{workflow_id}", whole=True)


async def each(runs: Iterable[Recorded] | AsyncIterable[Recorded]) -> AsyncIterator[Recorded]:
    """Go through runs that are at hand, or through those that are still being fetched."""
    if isinstance(runs, AsyncIterable):
        async for run in runs:
            yield run
    else:
        for run in runs:
            yield run


async def of_server(client: Client, query: str) -> AsyncIterator[Recorded]:
    """Fetch every run that the query lists, oldest listing order, skipping those whose retention passes meanwhile."""
    async for execution in client.list_workflows(query):
        try:
            yield await of_run(client, execution.id, execution.run_id)
        except Problem as problem:
            if problem.code != "unknown_case":
                raise


async def chain(client: Client, workflow_id: str) -> list[Recorded]:
    """Fetch all runs of one workflow id that the server still has, oldest first: continued, reset and reopened ones."""
    runs = {}
    latest = await of_run(client, workflow_id)
    runs[latest.run_id] = latest
    listed: list[WorkflowExecution] = [run async for run in client.list_workflows(f'WorkflowId = "{workflow_id}"')]
    wanted = [run.run_id for run in listed] + [latest.previous_run_id]
    while wanted:
        run_id = wanted.pop()
        if not run_id or run_id in runs:
            continue
        try:
            run = await of_run(client, workflow_id, run_id)
        except Problem:
            continue
        runs[run_id] = run
        wanted.append(run.previous_run_id)
    return sorted(runs.values(), key=lambda run: run.events[0].event_time.ToNanoseconds())


async def family(client: Client, case_id: str) -> list[Recorded]:
    """Fetch all runs of a case, then those of each of its sweeps, watches and follow-ups, each chain oldest first.

    The listing may lag by a second behind a child that has just been started. Raises Problem `unknown_case`.
    """
    started = {run.id async for run in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}/"')}
    runs: list[Recorded] = []
    gone: Problem | None = None
    for workflow_id in (case_id, *sorted(started)):
        try:
            runs += await chain(client, workflow_id)
        except Problem as problem:
            # A watch outlives its case, and retention may pass while we read.
            gone = gone or problem
    if not runs and gone:
        raise gone
    return runs


async def cases(client: Client, query: str) -> list[str]:
    """List the cases that the query finds a run of, each once. Raises Problem `bad_query` for one Temporal refuses."""
    try:
        return list(dict.fromkeys([scope_of(run.id) async for run in client.list_workflows(query)]))
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        raise Problem(
            "bad_query",
            f"Temporal does not understand the query ({error.message.splitlines()[0]}).",
            next_step="Write it like: SeawallDomain = 'PSAFE' AND ExecutionStatus = 'Completed'",
        ) from None


def write(run: Recorded, path: Path) -> None:
    """Write a history in Temporal's JSON, which `temporal`, the UI and `replay check` all read."""
    path.write_text(json.dumps(run.history().to_json_dict(), separators=(",", ":")) + "\n", encoding="utf-8")


def _not_a_history(path: Path, what: str) -> Problem:
    return Problem(
        "not_a_history",
        f"{path} {what}.",
        next_step="Export it again with `seawall replay export`.",
        exit_code=BAD_INPUT,
    )
