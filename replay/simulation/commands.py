"""What does each command of a workflow lead to? A call to the world around it, and what comes back later."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from temporalio.bridge.proto.child_workflow import StartChildWorkflowExecutionFailedCause
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from replay.simulation.traces_events import STAGE, cancelled
from replay.simulation.world import Beginning, Birth, Call, Coming, Living

if TYPE_CHECKING:
    from replay.simulation.simulator import Simulation

LOCAL_FIRST, THE_REST = 0, 1
Effect = Callable[["Simulation", Living, Any, int], None]


def _timer(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.start_timer
    lasts = told.start_to_fire_timeout.ToNanoseconds()
    living.timers[told.seq] = at
    sim.deed(living, at, "timer", str(told.seq), lasts)
    job = WorkflowActivationJob()
    job.fire_timer.seq = told.seq
    sim.due(sim.world.rings(living, str(told.seq), lasts, at), living, job, seq=told.seq)


def _timer_cut(_sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    if living.timers.pop(command.cancel_timer.seq, None) is not None:
        living.cut[str(command.cancel_timer.seq)] = at


def _activity(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    _called(sim, living, "activity", command.schedule_activity, at)


def _local(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    _called(sim, living, "local", command.schedule_local_activity, at)


def _called(sim: Simulation, living: Living, kind: str, told: Any, at: int) -> None:
    call = Call(
        kind=kind, type=told.activity_type, key=told.activity_id, at=at, arguments=tuple(told.arguments), seq=told.seq
    )
    living.calls[told.seq] = call
    sim.deed(living, at, kind, call.key, call.type)
    answered(sim, living, call, sim.world.answer(living, call))


def answered(sim: Simulation, living: Living, call: Call, coming: Coming | None) -> None:
    """Let an answer to an activity come, if there is one."""
    if coming is None or coming.resolution is None:
        return
    job = WorkflowActivationJob()
    job.resolve_activity.seq, job.resolve_activity.is_local = call.seq, call.kind == "local"
    job.resolve_activity.result.CopyFrom(coming.resolution)
    sim.due(coming.at, living, job, rank=LOCAL_FIRST if call.kind == "local" else THE_REST, seq=call.seq)


def _activity_cut(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    _cut(sim, living, command.request_cancel_activity.seq, at)


def _local_cut(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    _cut(sim, living, command.request_cancel_local_activity.seq, at)


def _cut(sim: Simulation, living: Living, seq: int, at: int) -> None:
    """Cancel a call: its answer, whenever it comes, is no longer waited for."""
    call = living.calls.get(seq)
    if call is not None:
        answered(sim, living, call, Coming(at=at, resolution=cancelled(call.type, call.key)))


def _child(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.start_child_workflow_execution
    call = Call(
        kind="child", type=told.workflow_type, key=told.workflow_id, at=at, arguments=tuple(told.input), seq=told.seq
    )
    sim.deed(living, at, "child", call.key, call.type)
    birth = sim.world.birth(living, call)
    if birth is None:
        return
    job = WorkflowActivationJob()
    began = job.resolve_child_workflow_execution_start
    began.seq = call.seq
    if birth.refused:
        began.failed.workflow_id, began.failed.workflow_type = call.key, call.type
        began.failed.cause = StartChildWorkflowExecutionFailedCause.ValueType(1)
        sim.due(birth.at, living, job)
        return
    began.succeeded.run_id = birth.run_id
    sim.due(birth.at, living, job)
    _grown(sim, living, call, birth)


def _grown(sim: Simulation, living: Living, call: Call, birth: Birth) -> None:
    """Let a child live its own life, or end as it is known to end."""
    if birth.virtual:
        begun = Beginning(at=birth.at, run_id=birth.run_id, type=call.type, input=call.arguments, started=birth.at)
        sim.begin(call.key, begun, parent=(living, call.seq))
    elif birth.end is not None and birth.end.child is not None:
        job = WorkflowActivationJob()
        job.resolve_child_workflow_execution.seq = call.seq
        job.resolve_child_workflow_execution.result.CopyFrom(birth.end.child)
        sim.due(birth.end.at, living, job)


def _child_cut(sim: Simulation, _living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.cancel_child_workflow_execution
    for other in sim.runs:
        if other.parent is not None and other.parent[1] == told.child_workflow_seq and not other.ended:
            sim.cancel(at, other)


def _signal(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.signal_external_workflow_execution
    target = told.child_workflow_id or told.workflow_execution.workflow_id
    name = f"{target} {told.signal_name}"
    living.counts[name] = living.counts.get(name, 0) + 1
    call = Call(
        kind="signal",
        type=told.signal_name,
        key=f"{name} {living.counts[name]}",
        at=at,
        arguments=tuple(told.args),
        seq=told.seq,
    )
    sim.deed(living, at, "signal", call.key, call.type)
    there = sim.live(target)
    if there is not None:
        sim.signal(at, there, told.signal_name, call.arguments)
    coming = Coming(at=at) if there is not None else sim.world.passed_on(living, call)
    if coming is None:
        return
    job = WorkflowActivationJob()
    job.resolve_signal_external_workflow.seq = told.seq
    if coming.failure is not None:
        job.resolve_signal_external_workflow.failure.CopyFrom(coming.failure)
    sim.due(coming.at, living, job)


def _external_cut(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.request_cancel_external_workflow_execution
    there = sim.live(told.workflow_execution.workflow_id)
    if there is not None:
        sim.cancel(at, there)
    job = WorkflowActivationJob()
    job.resolve_request_cancel_external_workflow.seq = told.seq
    sim.due(at, living, job)


def _answer(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    told = command.update_response
    update_id = told.protocol_instance_id
    if told.HasField("accepted"):
        living.updates[update_id] = "accepted"
    elif told.HasField("completed"):
        living.updates[update_id] = "completed"
        sim.deed(living, at, "answer", update_id, told.completed)
    else:
        kind = told.rejected.application_failure_info.type or "failed"
        if living.updates.get(update_id) == "accepted":
            sim.deed(living, at, "answer", update_id, kind)
        living.updates[update_id] = "refused"
        living.refusals[update_id] = (kind, told.rejected.message)


def _searched(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    shown = command.upsert_workflow_search_attributes.search_attributes
    if STAGE in shown.indexed_fields:
        living.counts[STAGE] = living.counts.get(STAGE, 0) + 1
        stage = json.loads(shown.indexed_fields[STAGE].data)
        sim.deed(living, at, "stage", f"{STAGE} {living.counts[STAGE]}", stage)


def _completed(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    sim.ended(living, at, "completed", command.complete_workflow_execution.result)


def _failed(sim: Simulation, living: Living, _command: WorkflowCommand, at: int) -> None:
    sim.ended(living, at, "failed")


def _continued(sim: Simulation, living: Living, command: WorkflowCommand, at: int) -> None:
    sim.ended(living, at, "continued")
    next_run = sim.world.goes_on(living, tuple(command.continue_as_new_workflow_execution.arguments), at)
    if next_run is not None:
        sim.begin(living.workflow_id, next_run, living.parent)


def _nothing(_sim: Simulation, _living: Living, _command: WorkflowCommand, _at: int) -> None:
    """Marks and details of a workflow lead to nothing."""


COMMANDS: dict[str, Effect] = {
    "start_timer": _timer,
    "cancel_timer": _timer_cut,
    "schedule_activity": _activity,
    "schedule_local_activity": _local,
    "request_cancel_activity": _activity_cut,
    "request_cancel_local_activity": _local_cut,
    "start_child_workflow_execution": _child,
    "cancel_child_workflow_execution": _child_cut,
    "signal_external_workflow_execution": _signal,
    "request_cancel_external_workflow_execution": _external_cut,
    "update_response": _answer,
    "upsert_workflow_search_attributes": _searched,
    "complete_workflow_execution": _completed,
    "fail_workflow_execution": _failed,
    "cancel_workflow_execution": _failed,
    "continue_as_new_workflow_execution": _continued,
    "set_patch_marker": _nothing,
    "modify_workflow_properties": _nothing,
    "cancel_signal_workflow": _nothing,
}
