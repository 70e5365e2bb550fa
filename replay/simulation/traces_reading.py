"""How is a trace read out of a history? Run by run, event by event, opened with the keys of the case."""

from collections.abc import Iterable, Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter, WorkflowSerializationContext

from replay.histories import Recorded
from replay.simulation.traces import Answer, Deed, Message, Run, Trace, Unreadable, Untouched
from replay.simulation.traces_events import READERS
from starter.sealing import UNREADABLE

_STARTED, _COMPLETED = "workflow_task_started_event_attributes", "workflow_task_completed_event_attributes"


async def traced(runs: Sequence[Recorded], converter: DataConverter, namespace: str = "default") -> Trace:
    """Take the trace of one case from its runs, oldest first. Raises Unreadable."""
    reading = Reading(runs[0].workflow_id, converter, namespace)
    for run in runs:
        await reading.read(run)
    return reading.trace


def chains(runs: Iterable[Recorded]) -> list[list[Recorded]]:
    """Put the runs of each workflow together, oldest first, each run once."""
    found: dict[str, dict[str, Recorded]] = {}
    for run in runs:
        found.setdefault(run.workflow_id, {}).setdefault(run.run_id, run)
    return [sorted(each.values(), key=lambda run: run.events[0].event_time.ToNanoseconds()) for each in found.values()]


class Reading:
    """The trace as far as it was read, and the run that is being read."""

    def __init__(self, case_id: str, converter: DataConverter, namespace: str) -> None:
        bound = converter.with_context(WorkflowSerializationContext(namespace=namespace, workflow_id=case_id))
        self._codec = bound.payload_codec
        self.trace = Trace(case_id=case_id, runs=[], messages=[], answers=[], ends=0)
        self._completed: list[tuple[int, int]] = []  # of each task: the ids of its start and of its end
        self._calls: dict[int, Answer] = {}
        self._updates: dict[int, int] = {}
        self._counts: dict[str, int] = {}

    async def read(self, record: Recorded) -> None:
        """Read one more run."""
        started = record.events[0].workflow_execution_started_event_attributes
        run = Run(
            run_id=record.run_id,
            type=record.workflow_type,
            input=tuple(await self.opened(record.input)),
            started=record.events[0].event_time.ToNanoseconds(),
            continued=bool(record.previous_run_id),
            search_attributes=dict(started.search_attributes.indexed_fields),
            closed=record.closed,
        )
        self._tasks(record, run)
        self.trace.runs.append(run)
        self.trace.origins = (*self.trace.origins, record.origin)
        self._calls, self._updates, self._counts = {}, {}, {}
        for event in record.events[1:]:
            name = event.WhichOneof("attributes") or ""
            reader = READERS.get(name)
            if reader is not None:
                await reader(self, event, getattr(event, name))
        self._grouped()
        self.trace.ends = max(self.trace.ends, record.events[-1].event_time.ToNanoseconds(), run.tasks[-1])

    def _tasks(self, record: Recorded, run: Run) -> None:
        began = {event.event_id: event for event in record.events if event.WhichOneof("attributes") == _STARTED}
        self._completed = []
        flags: set[int] = set()
        for event in record.events:
            if event.WhichOneof("attributes") != _COMPLETED:
                continue
            ended = event.workflow_task_completed_event_attributes
            start = began[ended.started_event_id]
            at = start.event_time.ToNanoseconds()
            self._completed.append((start.event_id, event.event_id))
            run.tasks.append(at)
            flags.update(ended.sdk_metadata.lang_used_flags)
            if start.workflow_task_started_event_attributes.suggest_continue_as_new and run.long_since is None:
                run.long_since = at
        if not run.tasks:
            raise Untouched("no task of it has been completed yet")
        run.flags = tuple(sorted(flags))

    def _grouped(self) -> None:
        """Let local answers that came in one step of a task be seen at one time, that of the last."""
        last: dict[tuple[int, int], int] = {}
        mine = [answer for answer in self._calls.values() if answer.kind == "local" and answer.group]
        for answer in mine:
            last[answer.task, answer.group] = max(answer.seen or 0, last.get((answer.task, answer.group), 0))
        for answer in mine:
            answer.seen = last[answer.task, answer.group]

    @property
    def run(self) -> Run:
        """The run that is being read."""
        return self.trace.runs[-1]

    def seen(self, event: HistoryEvent) -> int | None:
        """When the workflow saw an event: at the start of the next task that was completed."""
        return next(
            (self.run.tasks[place] for place, (start, _) in enumerate(self._completed) if start > event.event_id), None
        )

    def task(self, completed: int) -> int:
        """Number the task that gave a command; without its id, the last one that was completed before the event."""
        return max((place for place, (_, end) in enumerate(self._completed) if end <= completed), default=0)

    def call(self, answer: Answer, event_id: int) -> None:
        """Keep a call that will be answered."""
        self._calls[event_id] = answer
        self.trace.answers.append(answer)
        self.deed(answer.task, answer.kind, answer.key, answer.type)

    def called(self, event_id: int) -> Answer:
        """Find the call that an answer belongs to."""
        if event_id not in self._calls:
            raise Unreadable(f"it answers event {event_id}, which asked nothing")
        return self._calls[event_id]

    def deed(self, task: int, kind: str, key: str, value: Any = None) -> None:
        """Note what the run did."""
        self.run.deeds.append(Deed(at=task, kind=kind, key=key, value=value))

    def counted(self, what: str) -> str:
        """Tell things of one name apart by their order."""
        self._counts[what] = self._counts.get(what, 0) + 1
        return f"{what} {self._counts[what]}"

    async def opened(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Open payloads. Raises Unreadable for one that does not open."""
        held = list(payloads)
        found = await self._codec.decode(held) if self._codec is not None and held else held
        for payload in found:
            if payload.metadata.get("encoding") == UNREADABLE:
                raise Unreadable(f"its payloads do not open ({payload.data.decode(errors='replace')})")
        return list(found)

    async def failed(self, failure: Failure) -> Failure:
        """Open a failure."""
        held = Failure()
        held.CopyFrom(failure)
        if self._codec is not None:
            await self._codec.decode_failure(held)
        return held

    def message(self, message: Message) -> int:
        """Keep what was said, and return its place."""
        self.trace.messages.append(message)
        return len(self.trace.messages) - 1

    @property
    def number(self) -> int:
        """The place of the run that is being read."""
        return len(self.trace.runs) - 1

    def updates(self) -> dict[int, int]:
        """Where the accepted updates of this run are kept, by event."""
        return self._updates
