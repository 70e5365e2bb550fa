"""What does each event of a history say about its case? One reader a kind of event; the rest says nothing of use."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import RetryState, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.child_workflow import ChildWorkflowResult

from replay.facts import LOCAL_ACTIVITY
from replay.simulation.traces import Answer, Message, Timer

if TYPE_CHECKING:
    from replay.simulation.traces_reading import Reading

STAGE = "SeawallStage"
PATCH = "core_patch"
Reader = Callable[["Reading", HistoryEvent, Any], Awaitable[None]]


async def _activity(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = Answer(
        kind="activity",
        type=told.activity_type.name,
        key=told.activity_id,
        run=reading.number,
        task=reading.task(told.workflow_task_completed_event_id),
        input=tuple(await reading.opened(told.input.payloads)),
    )
    reading.call(answer, event.event_id)


async def _activity_done(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.scheduled_event_id)
    answer.seen, answer.resolution = reading.seen(event), ActivityResolution()
    answer.resolution.completed.SetInParent()
    for payload in await reading.opened(told.result.payloads):
        answer.resolution.completed.result.CopyFrom(payload)


async def _activity_failed(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.scheduled_event_id)
    answer.seen, answer.resolution = reading.seen(event), ActivityResolution()
    wrapped = answer.resolution.failed.failure
    wrapped.message = "Activity task failed"
    wrapped.cause.CopyFrom(await reading.failed(told.failure))
    info = wrapped.activity_failure_info
    info.activity_type.name, info.activity_id, info.retry_state = answer.type, answer.key, told.retry_state


async def _activity_cancelled(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.scheduled_event_id)
    answer.seen, answer.resolution = reading.seen(event), cancelled(answer.type, answer.key)


def cancelled(activity_type: str, activity_id: str) -> ActivityResolution:
    """Answer a call that was cancelled."""
    answer = ActivityResolution()
    failure = answer.cancelled.failure
    failure.message = "Activity cancelled"
    failure.cause.message = "Cancelled"
    failure.cause.canceled_failure_info.SetInParent()
    failure.activity_failure_info.activity_type.name = activity_type
    failure.activity_failure_info.activity_id = activity_id
    failure.activity_failure_info.retry_state = RetryState.RETRY_STATE_CANCEL_REQUESTED
    return answer


async def _marker(reading: Reading, event: HistoryEvent, told: Any) -> None:
    if told.marker_name == PATCH:
        data = json.loads(told.details["patch-data"].payloads[0].data)
        reading.run.patches = (*reading.run.patches, str(data["id"]))
    if told.marker_name == LOCAL_ACTIVITY:
        await _local(reading, event, told)


async def _local(reading: Reading, event: HistoryEvent, told: Any) -> None:
    data = json.loads(told.details["data"].payloads[0].data)
    task = reading.task(told.workflow_task_completed_event_id)
    done = data["complete_time"]
    answer = Answer(
        kind="local",
        type=data["activity_type"],
        key=str(data["activity_id"]),
        run=reading.number,
        task=task,
        seen=max(int(done["seconds"]) * 10**9 + int(done["nanos"]), reading.run.tasks[task]),
        group=int(data.get("activation_index") or 0),
    )
    answer.resolution = ActivityResolution()
    if told.HasField("failure") and data.get("backoff"):
        again = answer.resolution.backoff
        again.attempt = int(data["attempt"]) + 1
        again.backoff_duration.seconds = int(data["backoff"].get("seconds", 0))
        again.backoff_duration.nanos = int(data["backoff"].get("nanos", 0))
    elif told.HasField("failure"):
        answer.resolution.failed.failure.CopyFrom(await reading.failed(told.failure))
    else:
        answer.resolution.completed.SetInParent()
        for payload in await reading.opened(told.details["result"].payloads):
            answer.resolution.completed.result.CopyFrom(payload)
    reading.call(answer, event.event_id)


async def _timer(reading: Reading, _event: HistoryEvent, told: Any) -> None:
    lasts = told.start_to_fire_timeout.ToNanoseconds()
    reading.run.timers[told.timer_id] = Timer(key=told.timer_id, lasts=lasts)
    reading.deed(reading.task(told.workflow_task_completed_event_id), "timer", told.timer_id, lasts)


async def _fired(reading: Reading, event: HistoryEvent, told: Any) -> None:
    timer = reading.run.timers[told.timer_id]
    reading.run.timers[told.timer_id] = Timer(key=timer.key, lasts=timer.lasts, seen=reading.seen(event))


async def _child(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = Answer(
        kind="child",
        type=told.workflow_type.name,
        key=told.workflow_id,
        run=reading.number,
        task=reading.task(told.workflow_task_completed_event_id),
        input=tuple(await reading.opened(told.input.payloads)),
    )
    reading.call(answer, event.event_id)


async def _child_began(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.initiated_event_id)
    answer.begun, answer.child_run = reading.seen(event), told.workflow_execution.run_id


async def _child_refused(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.initiated_event_id)
    answer.begun, answer.refused = reading.seen(event), True


async def _child_done(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.initiated_event_id)
    answer.seen, answer.child = reading.seen(event), ChildWorkflowResult()
    answer.child.completed.SetInParent()
    for payload in await reading.opened(told.result.payloads):
        answer.child.completed.result.CopyFrom(payload)


async def _child_failed(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.initiated_event_id)
    answer.seen, answer.child = reading.seen(event), ChildWorkflowResult()
    wrapped = answer.child.failed.failure
    wrapped.message = "Child Workflow execution failed"
    if "failure" in told.DESCRIPTOR.fields_by_name:
        wrapped.cause.CopyFrom(await reading.failed(told.failure))
    elif "workflow_execution_timed_out" in (event.WhichOneof("attributes") or ""):
        wrapped.cause.timeout_failure_info.timeout_type = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    else:
        wrapped.cause.terminated_failure_info.SetInParent()
    info = wrapped.child_workflow_execution_failure_info
    info.workflow_execution.workflow_id, info.workflow_execution.run_id = answer.key, answer.child_run
    info.workflow_type.name = answer.type


async def _signalled(reading: Reading, event: HistoryEvent, told: Any) -> None:
    target = told.workflow_execution.workflow_id
    answer = Answer(
        kind="signal",
        type=told.signal_name,
        key=reading.counted(f"{target} {told.signal_name}"),
        run=reading.number,
        task=reading.task(told.workflow_task_completed_event_id),
    )
    reading.call(answer, event.event_id)


async def _signal_came(reading: Reading, event: HistoryEvent, told: Any) -> None:
    reading.called(told.initiated_event_id).seen = reading.seen(event)


async def _signal_lost(reading: Reading, event: HistoryEvent, told: Any) -> None:
    answer = reading.called(told.initiated_event_id)
    answer.seen, answer.failure = reading.seen(event), not_there()


def not_there() -> Failure:
    """Say that whom a signal was for is not there."""
    failure = Failure(message="Unable to signal external workflow because it was not found")
    failure.application_failure_info.non_retryable = True
    return failure


async def _said(reading: Reading, event: HistoryEvent, told: Any) -> None:
    at = reading.seen(event)
    if at is not None:
        payloads = tuple(await reading.opened(told.input.payloads))
        name, number = told.signal_name, f"signal-{reading.number}-{event.event_id}"
        reading.message(Message(kind="signal", name=name, id=number, payloads=payloads, seen=at, run=reading.number))


async def _cancel_asked(reading: Reading, event: HistoryEvent, _told: Any) -> None:
    at = reading.seen(event)
    if at is not None:
        number = f"cancel-{reading.number}-{event.event_id}"
        reading.message(Message(kind="cancel", name="", id=number, payloads=(), seen=at, run=reading.number))


async def _accepted(reading: Reading, event: HistoryEvent, told: Any) -> None:
    request = told.accepted_request
    payloads = tuple(await reading.opened(request.input.args.payloads))
    task = reading.task(event.event_id)
    said = Message(
        kind="update",
        name=request.input.name,
        id=request.meta.update_id or told.protocol_instance_id,
        payloads=payloads,
        seen=reading.run.tasks[task],
        run=reading.number,
    )
    reading.updates()[event.event_id] = reading.message(said)


async def _answered(reading: Reading, event: HistoryEvent, told: Any) -> None:
    place = reading.updates().get(told.accepted_event_id)
    if place is None:
        return
    said = reading.trace.messages[place]
    task = reading.task(event.event_id)
    if not told.outcome.HasField("success"):
        failure = await reading.failed(told.outcome.failure)
        reading.deed(task, "answer", str(place), failure.application_failure_info.type or "failed")
        return
    [payload] = await reading.opened(told.outcome.success.payloads) or [Payload()]
    reading.trace.messages[place] = Message(
        kind=said.kind, name=said.name, id=said.id, payloads=said.payloads, seen=said.seen, run=said.run, answer=payload
    )
    reading.deed(task, "answer", str(place), payload)


async def _searched(reading: Reading, _event: HistoryEvent, told: Any) -> None:
    stage = told.search_attributes.indexed_fields.get(STAGE)
    if stage is not None:
        task = reading.task(told.workflow_task_completed_event_id)
        reading.deed(task, "stage", reading.counted(STAGE), json.loads(stage.data))


async def _completed(reading: Reading, _event: HistoryEvent, told: Any) -> None:
    task = reading.task(told.workflow_task_completed_event_id)
    payloads = await reading.opened(told.result.payloads)
    reading.deed(task, "end", "completed", payloads[0] if payloads else None)


async def _continued(reading: Reading, _event: HistoryEvent, told: Any) -> None:
    reading.deed(reading.task(told.workflow_task_completed_event_id), "end", "continued")


async def _failed(reading: Reading, event: HistoryEvent, _told: Any) -> None:
    reading.deed(reading.task(event.event_id), "end", "failed")


READERS: dict[str, Reader] = {
    f"{name}_event_attributes": reader
    for name, reader in {
        "activity_task_scheduled": _activity,
        "activity_task_completed": _activity_done,
        "activity_task_failed": _activity_failed,
        "activity_task_timed_out": _activity_failed,
        "activity_task_canceled": _activity_cancelled,
        "marker_recorded": _marker,
        "timer_started": _timer,
        "timer_fired": _fired,
        "start_child_workflow_execution_initiated": _child,
        "start_child_workflow_execution_failed": _child_refused,
        "child_workflow_execution_started": _child_began,
        "child_workflow_execution_completed": _child_done,
        "child_workflow_execution_failed": _child_failed,
        "child_workflow_execution_timed_out": _child_failed,
        "child_workflow_execution_terminated": _child_failed,
        "child_workflow_execution_canceled": _child_failed,
        "signal_external_workflow_execution_initiated": _signalled,
        "external_workflow_execution_signaled": _signal_came,
        "signal_external_workflow_execution_failed": _signal_lost,
        "workflow_execution_signaled": _said,
        "workflow_execution_cancel_requested": _cancel_asked,
        "workflow_execution_update_accepted": _accepted,
        "workflow_execution_update_completed": _answered,
        "upsert_workflow_search_attributes": _searched,
        "workflow_execution_completed": _completed,
        "workflow_execution_continued_as_new": _continued,
        "workflow_execution_failed": _failed,
        "workflow_execution_canceled": _failed,
    }.items()
}
