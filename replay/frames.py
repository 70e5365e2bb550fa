"""How did a run stand after each of its tasks? One replay passes through every state, and a frame of each is kept.

After a task is lived its state is asked for by the workflow's own queries, which change nothing. A task may take
several activations, one for each answer of a local activity; its frame is taken when the last of them is done. Runs of
a worker can be followed live in the same way.
"""

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import CoroutineType, FrameType
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails

from escalations.record import Wait
from replay import tape as taping
from replay.histories import Recorded, each
from replay.tape import Commanded, Tape
from starter.sandbox import WatchedRunner

# What an instance reads of an activation beside its jobs; a question is asked under the same.
_CIRCUMSTANCES = (
    "run_id",
    "timestamp",
    "is_replaying",
    "history_length",
    "history_size_bytes",
    "continue_as_new_suggested",
    "available_internal_flags",
    "deployment_version_for_current_task",
)
_EVICTED, _ASKED = "remove_from_cache", "query_workflow"
_UPDATED = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strand:
    """Where one strand of the code stands: places of ours, innermost first, and the wait that it stands in, if any."""

    places: tuple[str, ...]
    wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How a run stood after one task.

    `event_id` is that of the task's WORKFLOW_TASK_STARTED and `at` its time, which was the workflow's now. `jobs` are
    what woke it and `commands` what it did, in order, with readable payloads; they are empty where only states are
    wanted. `answers` holds what each query of the workflow answered. `strands` is empty in a sandbox, and so is
    `details`, the text that Temporal's UI shows of the run.
    """

    event_id: int
    at: datetime
    jobs: tuple[WorkflowActivationJob, ...] = ()
    commands: tuple[Commanded, ...] = ()
    answers: Mapping[str, Payload] = field(default_factory=dict)
    strands: tuple[Strand, ...] = ()
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """All frames of one run in order, and why there are no more of them if the code could not live it to its end.

    `reached` is the event up to which the code came then, `broke` the type of what it raised with its place, or ""
    when it did other things than were recorded. `cut` is the last task of a run that goes on, if that stands nowhere:
    the history ends in the middle of what it wrote (or it is at work still, or this code does something else).
    `unsure` is the last task if the history ends with what it wrote and may have been cut off there, 0 otherwise: which
    messages a task heard is written after all that it did, so its frame may be without some of them.
    """

    run: Recorded
    frames: tuple[Frame, ...]
    cut: int = 0
    unsure: int = 0
    whole: bool = True
    reached: int = 0
    broke: str = ""


@dataclass(slots=True)
class _Task:
    """The task that is being lived."""

    circumstances: WorkflowActivation
    at: datetime
    jobs: list[WorkflowActivationJob] = field(default_factory=list)
    first: int = 0


async def of_run(run: Recorded, *, workflows: Sequence[type], converter: DataConverter, **how: Any) -> Film:
    """Replay one run; `how` as for `of_runs`."""
    [film] = [film async for film in of_runs([run], workflows=workflows, converter=converter, **how)]
    return film


async def of_runs(
    runs: Iterable[Recorded] | AsyncIterable[Recorded],
    *,
    workflows: Sequence[type],
    converter: DataConverter,
    namespace: str = "default",
    runtime: Runtime | None = None,
    only_last: bool = False,
) -> AsyncIterator[Film]:
    """Replay runs one after the other with one replayer, and give the film of each, or of each `only_last` frame.

    What no completed task has taken in (a message that came last, a task under way) is not lived: see `settled`. A run
    without a completed task has no frames. Raises RuntimeError for a workflow type that is not among `workflows`.
    """
    taken: list[Frame] = []
    tapes: list[Tape] = []

    def watch(instance: WorkflowInstance, det: WorkflowInstanceDetails) -> None:
        taken.clear()
        tapes[:] = [watched(instance, det, taken.append, only_last=only_last)]

    waiting: list[Recorded] = []
    untouched: list[Recorded] = []

    async def histories() -> AsyncIterator[WorkflowHistory]:
        async for run in each(runs):
            lived = settled(run)
            if len(lived.events) < 2:
                untouched.append(run)  # a history without a task would be waited for for ever
                continue
            waiting.append(run)
            yield lived.history()

    replayer = Replayer(
        workflows=workflows,
        workflow_runner=(runner := WatchedRunner(watch)),
        unsandboxed_workflow_runner=runner,
        namespace=namespace,
        data_converter=converter,
        runtime=runtime,
        # Lived where it is asked for: no thread between, and no limit of two seconds that a busy machine breaks.
        debug_mode=True,
    )
    async with replayer.workflow_replay_iterator(histories()) as results:
        async for result in results:
            for run in untouched:
                yield Film(run=run, frames=())
            untouched.clear()
            yield _film(waiting.pop(), tuple(taken), tapes[-1], failed=result.replay_failure is not None)
    for run in untouched:
        yield Film(run=run, frames=())


def settled(run: Recorded) -> Recorded:
    """Cut a run after the acts of its last completed task: what came later has changed nothing yet."""
    end = 0
    for place, event in enumerate(run.events):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED or (end and acted(event)):
            end = place + 1
    return replace(run, events=run.events[: end or 1])


def acted(event: Any) -> bool:
    """Ask whether a completed task wrote this event."""
    attributes = getattr(event, event.WhichOneof("attributes") or "", None)
    return bool(getattr(attributes, "workflow_task_completed_event_id", 0)) or event.event_type in _UPDATED


def _film(run: Recorded, frames: tuple[Frame, ...], tape: Tape, *, failed: bool) -> Film:
    last = _last_task(run)
    if tape.failed_with or (failed and (run.closed or tape.reached < last)):
        where = f" at {tape.failed_at}" if tape.failed_at else ""
        broke = f"{tape.failed_with}{where}" if tape.failed_with else ""
        return Film(run=run, frames=frames, whole=False, reached=tape.reached, broke=broke)
    if frames and frames[-1].event_id == last + 1:
        # Core names a last task that wrote nothing by its completion, one event after its start.
        frames = (*frames[:-1], replace(frames[-1], event_id=last))
    begun = {event.workflow_task_completed_event_attributes.started_event_id for event in run.events}
    if any(frame.event_id not in begun for frame in frames):
        # Core makes a task up for what a history ends with, when the acts of its last task are missing.
        return Film(run=run, frames=tuple(frame for frame in frames if frame.event_id in begun), cut=last)
    if failed or (frames and not _ended(frames[-1])):
        return Film(run=run, frames=tuple(frame for frame in frames if frame.event_id < last), cut=last)
    return Film(run=run, frames=frames, unsure=last if _may_be_cut(run) else 0)


def _may_be_cut(run: Recorded) -> bool:
    """Ask whether the last task may have written more: nothing came after it, and nobody knows that nothing did."""
    event = run.events[-1]
    ends = acted(event) or event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    return ends and not run.closed and not run.whole


def _last_task(run: Recorded) -> int:
    """Find the last task that was completed; there is one in a run that was lived."""
    return next(
        event.workflow_task_completed_event_attributes.started_event_id
        for event in reversed(run.events)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )


def _ended(frame: Frame) -> bool:
    """Ask whether a task was recorded to its end: one without a cause, or whose local activities never answered,
    is cut off in the middle (or at work still), and stands nowhere."""
    asked = {
        c.command.schedule_local_activity.seq for c in frame.commands if c.command.HasField("schedule_local_activity")
    }
    answered = {job.resolve_activity.seq for job in frame.jobs if job.HasField("resolve_activity")}
    return bool(frame.jobs) and asked <= answered


def followed(instance: Any, det: WorkflowInstanceDetails, taken: Callable[[Frame], None]) -> None:
    """Hook into an instance of a worker, in a sandbox or not, and give its state to `taken` as it goes.

    The last frame of an event id holds: a task gives one for each of its activations, and one that only refused a
    message gives the event id back. What is replayed gives none.
    """
    activate = instance.activate
    questions = _questions(det)

    def activated(activation: WorkflowActivation) -> WorkflowActivationCompletion:
        completion: WorkflowActivationCompletion = activate(activation)
        kinds = {job.WhichOneof("variant") for job in activation.jobs}
        if completion.HasField("successful") and not (activation.is_replaying or kinds & {_EVICTED, _ASKED}):
            answers = _answers(activate, _circumstances(activation), questions)
            at = activation.timestamp.ToDatetime(UTC)
            taken(Frame(event_id=activation.history_length, at=at, answers=answers))
        return completion

    instance.activate = activated


def watched(
    instance: Any, det: WorkflowInstanceDetails, taken: Callable[[Frame], None], *, only_last: bool = False
) -> Tape:
    """Hook into an instance outside a sandbox, and give each frame, or `only_last`, to `taken` when its task is over.

    Returns the tape of its commands.
    """
    activate = instance.activate
    tape = taping.taped(instance, det)
    lived = instance.activate
    questions = _questions(det)
    tasks: list[_Task] = []

    def activated(activation: WorkflowActivation) -> WorkflowActivationCompletion:
        kinds = {job.WhichOneof("variant") for job in activation.jobs}
        evicted = kinds == {_EVICTED}
        if tasks and (evicted or tasks[-1].circumstances.history_length != activation.history_length):
            over = tasks.pop()
            if evicted or not only_last:
                taken(_frame(instance, activate, over, questions, tape))
        completion: WorkflowActivationCompletion = lived(activation)
        if evicted:
            return completion
        if not completion.HasField("successful"):
            tasks.clear()
        elif tasks:
            tasks[-1].circumstances = _circumstances(activation)
            tasks[-1].jobs += activation.jobs
        else:
            at = activation.timestamp.ToDatetime(UTC)
            first = len(tape.commands) - len(completion.successful.commands)
            tasks.append(_Task(_circumstances(activation), at, list(activation.jobs), first))
        return completion

    instance.activate = activated
    return tape


def _circumstances(activation: WorkflowActivation) -> WorkflowActivation:
    """Keep what a question will be asked under; the jobs, which may be large, are left out."""
    held = WorkflowActivation()
    for name in _CIRCUMSTANCES:
        value = getattr(activation, name)
        if name == "available_internal_flags":
            held.available_internal_flags.extend(value)
        elif hasattr(value, "CopyFrom"):
            getattr(held, name).CopyFrom(value)
        else:
            setattr(held, name, value)
    return held


def _frame(instance: Any, activate: Callable[..., Any], task: _Task, questions: Sequence[str], tape: Tape) -> Frame:
    return Frame(
        event_id=task.circumstances.history_length,
        at=task.at,
        jobs=tuple(task.jobs),
        commands=tuple(tape.commands[task.first :]),
        answers=_answers(activate, task.circumstances, questions),
        strands=strands(instance),
        details=instance.workflow_get_current_details(),
    )


def _questions(det: WorkflowInstanceDetails) -> tuple[str, ...]:
    """Name the queries of a workflow that can be asked without saying anything more."""
    return tuple(
        sorted(
            name
            for name, query in det.defn.queries.items()
            if name and len(inspect.signature(query.fn).parameters) == 1
        )
    )


def _answers(
    activate: Callable[[WorkflowActivation], WorkflowActivationCompletion],
    circumstances: WorkflowActivation,
    questions: Sequence[str],
) -> dict[str, Payload]:
    """Ask a workflow how it stands. A query that fails has no answer."""
    if not questions:
        return {}
    for name in questions:
        question = circumstances.jobs.add().query_workflow
        question.query_id = question.query_type = name
    given = [command.respond_to_query for command in activate(circumstances).successful.commands]
    return {answer.query_id: answer.succeeded.response for answer in given if answer.HasField("succeeded")}


def strands(instance: Any) -> tuple[Strand, ...]:
    """Look where the code of a run stands; the instance is the loop that its strands run on."""
    found = [strand for task in asyncio.all_tasks(instance) if (strand := _strand(task.get_coro())).places]
    return tuple(sorted(found, key=lambda strand: strand.places))


def _strand(coroutine: Any) -> Strand:
    """Follow who awaits whom from the outside in. The wait is a value in the frame of the one waiting helper."""
    places: list[str] = []
    wait: Wait | None = None
    while isinstance(coroutine, CoroutineType) and isinstance(frame := coroutine.cr_frame, FrameType):
        if place := taping.placed(frame):
            places.insert(0, place)
            wait = next((held for held in frame.f_locals.values() if isinstance(held, Wait)), wait)
        coroutine = coroutine.cr_await
    return Strand(places=tuple(places), wait=wait)
