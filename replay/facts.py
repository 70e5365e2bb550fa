"""What do an event and a command both say? The same facts under the same name, so that they can be compared.

A fact of a command that is not set there is left out: the server fills in its own defaults.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload, RetryPolicy
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from replay.tape import Tape

LOCAL_ACTIVITY = "core_local_activity"
PATCHED = "TemporalChangeVersion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One act: what kind, which one of its kind (`key`), and its facts. Payload facts are lists of Payload.

    `label` names it for people where the key does not.
    """

    kind: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    event_id: int = 0
    place: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """Name the act for people."""
        return f"{self.kind} {self.label or self.facts.get('type') or self.facts.get('name') or self.key}".strip()


def of_events(events: Sequence[HistoryEvent]) -> list[Said]:
    """Take the acts of a workflow out of its history, in order."""
    updates: dict[int, str] = {}
    names: dict[str, str] = {}
    found: list[Said] = []
    for event in events:
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            accepted = event.workflow_execution_update_accepted_event_attributes
            key = accepted.accepted_request.meta.update_id or accepted.protocol_instance_id
            updates[event.event_id], names[key] = key, accepted.accepted_request.input.name
        reader = _EVENTS.get(event.WhichOneof("attributes") or "")
        if reader is not None:
            found += [
                Said(kind=kind, key=key, facts=facts, event_id=event.event_id, label=names.get(key, ""))
                for kind, key, facts in reader(event, updates)
            ]
    return _numbered(found)


def of_tape(tape: Tape) -> list[Said]:
    """Take the same acts out of what the code commanded."""
    found = []
    for commanded in tape.commands:
        reader = _COMMANDS.get(commanded.command.WhichOneof("variant") or "")
        if reader is None:
            continue
        for kind, key, facts in reader(commanded.command, tape):
            known = {name: value for name, value in facts.items() if value is not None}
            found.append(Said(kind=kind, key=key, facts=known, place=commanded.place))
    return _numbered(found)


Fact = tuple[str, str, dict[str, Any]]


def _numbered(found: list[Said]) -> list[Said]:
    """Tell acts of one key apart by their order."""
    seen: dict[tuple[str, str], int] = {}
    numbered = []
    for said in found:
        count = seen[said.kind, said.key] = seen.get((said.kind, said.key), 0) + 1
        key = said.key if count == 1 else f"{said.key} (no. {count})"
        numbered.append(replace(said, key=key))
    return numbered


def _span(value: Duration) -> timedelta | None:
    return value.ToTimedelta() if value.ToNanoseconds() else None


def _queue(name: str) -> str | None:
    """Leave out the workflow's own queue: a replayer makes one up for it."""
    return None if name.startswith("replay-") else name or None


def _retry(policy: RetryPolicy) -> str:
    """Write what a policy of ours always sets; the longest interval only has a server default."""
    kinds = ",".join(policy.non_retryable_error_types)
    first = policy.initial_interval.ToTimedelta()
    return f"first {first}, x{policy.backoff_coefficient}, attempts {policy.maximum_attempts}, not {kinds}"


def _activity_facts(said: Any, arguments: Sequence[Payload], command: bool) -> dict[str, Any]:
    retry = _retry(said.retry_policy) if said.HasField("retry_policy") else None
    return {
        "type": said.activity_type if command else said.activity_type.name,
        "input": list(arguments),
        "task queue": _queue(said.task_queue) if command else said.task_queue.name,
        "schedule-to-close timeout": _span(said.schedule_to_close_timeout),
        "start-to-close timeout": _span(said.start_to_close_timeout),
        "heartbeat timeout": _span(said.heartbeat_timeout),
        "retry policy": retry,
    }


def _scheduled(event: HistoryEvent, _: dict[int, str]) -> list[Fact]:
    said = event.activity_task_scheduled_event_attributes
    return [("activity", said.activity_id, _activity_facts(said, said.input.payloads, False))]


def _schedule(command: WorkflowCommand, _: Tape) -> list[Fact]:
    said = command.schedule_activity
    return [("activity", said.activity_id, _activity_facts(said, said.arguments, True))]


def _timer_started(event: HistoryEvent, _: dict[int, str]) -> list[Fact]:
    said = event.timer_started_event_attributes
    return [("timer", said.timer_id, {"duration": said.start_to_fire_timeout.ToTimedelta()})]


def _start_timer(command: WorkflowCommand, _: Tape) -> list[Fact]:
    said = command.start_timer
    return [("timer", str(said.seq), {"duration": said.start_to_fire_timeout.ToTimedelta()})]


def _marker(event: HistoryEvent, _: dict[int, str]) -> list[Fact]:
    said = event.marker_recorded_event_attributes
    if said.marker_name != LOCAL_ACTIVITY or "data" not in said.details:
        return []
    data = json.loads(said.details["data"].payloads[0].data)
    return [("local activity", str(data["seq"]), {"type": data["activity_type"]})]


def _local(command: WorkflowCommand, _: Tape) -> list[Fact]:
    said = command.schedule_local_activity
    return [("local activity", str(said.seq), {"type": said.activity_type})]


def _child_initiated(event: HistoryEvent, _: dict[int, str]) -> list[Fact]:
    said = event.start_child_workflow_execution_initiated_event_attributes
    facts = {
        "type": said.workflow_type.name,
        "input": list(said.input.payloads),
        "task queue": said.task_queue.name,
        "parent close policy": int(said.parent_close_policy),
    }
    return [("child workflow", said.workflow_id, facts)]


def _start_child(command: WorkflowCommand, _: Tape) -> list[Fact]:
    said = command.start_child_workflow_execution
    facts = {
        "type": said.workflow_type,
        "input": list(said.input),
        "task queue": _queue(said.task_queue),
        "parent close policy": int(said.parent_close_policy) or None,
    }
    return [("child workflow", said.workflow_id, facts)]


def _signalled(event: HistoryEvent, _: dict[int, str]) -> list[Fact]:
    said = event.signal_external_workflow_execution_initiated_event_attributes
    target = said.workflow_execution.workflow_id
    return [("signal", target, {"name": said.signal_name, "input": list(said.input.payloads)})]


def _signal(command: WorkflowCommand, _: Tape) -> list[Fact]:
    said = command.signal_external_workflow_execution
    target = said.child_workflow_id or said.workflow_execution.workflow_id
    return [("signal", target, {"name": said.signal_name, "input": list(said.args)})]


def _attributes(fields: Any) -> list[Fact]:
    facts = {name: payload.data.decode() for name, payload in sorted(fields.items()) if name != PATCHED}
    return [("search attributes", "", facts)] if facts else []


def _memo(fields: Any) -> list[Fact]:
    return [("memo", "", {name: [payload] for name, payload in sorted(fields.items())})]


def _update_accepted(event: HistoryEvent, updates: dict[int, str]) -> list[Fact]:
    return [("update", updates[event.event_id], {"verdict": "accepted"})]


def _update_completed(event: HistoryEvent, updates: dict[int, str]) -> list[Fact]:
    said = event.workflow_execution_update_completed_event_attributes
    key = said.meta.update_id or updates.get(said.accepted_event_id, "")
    if said.outcome.HasField("failure"):
        return [("update answer", key, {"refused with": _error(said.outcome.failure)})]
    return [("update answer", key, {"answer": list(said.outcome.success.payloads)})]


def _update_response(command: WorkflowCommand, tape: Tape) -> list[Fact]:
    said = command.update_response
    key = tape.updates.get(said.protocol_instance_id, said.protocol_instance_id)
    match said.WhichOneof("response"):
        case "accepted":
            return [("update", key, {"verdict": "accepted"})]
        case "completed":
            return [("update answer", key, {"answer": [said.completed]})]
        case _:
            return [("update answer", key, {"refused with": _error(said.rejected)})]


def _error(failure: Failure) -> str:
    info = failure.application_failure_info
    return info.type or "an error"


def _ended(how: str, payloads: Callable[[Any], Any]) -> Callable[[Any], list[Fact]]:
    return lambda said: [("result", "", {"how": how, "value": list(payloads(said))})]


_complete = _ended("completed", lambda said: said.result.payloads)
_continued = _ended("continued as new", lambda said: said.input.payloads)

_EVENTS: dict[str, Callable[[HistoryEvent, dict[int, str]], list[Fact]]] = {
    "activity_task_scheduled_event_attributes": _scheduled,
    "timer_started_event_attributes": _timer_started,
    "marker_recorded_event_attributes": _marker,
    "start_child_workflow_execution_initiated_event_attributes": _child_initiated,
    "signal_external_workflow_execution_initiated_event_attributes": _signalled,
    "upsert_workflow_search_attributes_event_attributes": lambda event, _: _attributes(
        event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    ),
    "workflow_properties_modified_event_attributes": lambda event, _: _memo(
        event.workflow_properties_modified_event_attributes.upserted_memo.fields
    ),
    "workflow_execution_update_accepted_event_attributes": _update_accepted,
    "workflow_execution_update_completed_event_attributes": _update_completed,
    "workflow_execution_completed_event_attributes": lambda event, _: _complete(
        event.workflow_execution_completed_event_attributes
    ),
    "workflow_execution_continued_as_new_event_attributes": lambda event, _: _continued(
        event.workflow_execution_continued_as_new_event_attributes
    ),
    "workflow_execution_failed_event_attributes": lambda event, _: [
        ("result", "", {"how": "failed", "error": _error(event.workflow_execution_failed_event_attributes.failure)})
    ],
}

_COMMANDS: dict[str, Callable[[WorkflowCommand, Tape], list[Fact]]] = {
    "schedule_activity": _schedule,
    "start_timer": _start_timer,
    "schedule_local_activity": _local,
    "start_child_workflow_execution": _start_child,
    "signal_external_workflow_execution": _signal,
    "upsert_workflow_search_attributes": lambda command, _: _attributes(
        command.upsert_workflow_search_attributes.search_attributes.indexed_fields
    ),
    "modify_workflow_properties": lambda command, _: _memo(command.modify_workflow_properties.upserted_memo.fields),
    "update_response": _update_response,
    "complete_workflow_execution": lambda command, _: [
        ("result", "", {"how": "completed", "value": [command.complete_workflow_execution.result]})
    ],
    "continue_as_new_workflow_execution": lambda command, _: [
        ("result", "", {"how": "continued as new", "value": list(command.continue_as_new_workflow_execution.arguments)})
    ],
    "fail_workflow_execution": lambda command, _: [
        ("result", "", {"how": "failed", "error": _error(command.fail_workflow_execution.failure)})
    ],
}
