"""Which texts of an event stand in clear, and which of them may leave the house? By the name of their field.

Payloads are sealed and have types (`replacement`). Beside them an event names workflows, runs and builds, and quotes
why somebody ended a run, what a client called its update, on which host a worker ran. What is not in `KEPT` is
replaced, so a field that a new release of Temporal brings is safe before anybody has looked at it.
"""

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message
from temporalio.api.common.v1 import ActivityType, Payload, WorkflowType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.update.v1 import Input

from escalations import personal
from escalations.admission import MESSAGES
from escalations.personal import Kind

# Ids that we or Temporal make, names of types, builds and queues.
KEPT: Final = frozenset(
    {
        *("activity_id", "business_id", "namespace", "namespace_id", "run_id", "timer_id", "workflow_id"),
        *("base_run_id", "continued_execution_run_id", "first_execution_run_id", "new_execution_run_id", "new_run_id"),
        *("original_execution_run_id", "parent_workflow_namespace", "parent_workflow_namespace_id"),
        *("binary_checksum", "build_id", "deployment_name", "inherited_build_id", "pinned_version", "series_name"),
        *("parent_pinned_worker_deployment_version", "worker_deployment_name", "worker_deployment_version"),
        *(
            "cron_schedule",
            "marker_name",
            "non_retryable_error_types",
            "normal_name",
            "sdk_name",
            "sdk_version",
            "source",
        ),
    }
)
# Who or which host it was, and lines of code with their values: nobody needs them.
BLANKED: Final = frozenset({"identity", "stack_trace"})
# What people or other programs chose or wrote.
REPLACED: Final = frozenset(
    {
        *("accepted_request_message_id", "attached_request_id", "inbound_update_id", "protocol_instance_id"),
        *("rejected_request_message_id", "request_id", "update_id", "job_id", "id", "fairness_key", "cause", "reason"),
        *("component_path", "control", "endpoint", "endpoint_id", "operation", "operation_id", "operation_token"),
        *("service", "task_queue_name", "new_task_queue", "url"),
    }
)
# These depend on what they name.
JUDGED: Final = frozenset({"name", "type", "signal_name", "message"})
ENCODED: Final = "Encoded failure"  # what the SDK writes where it seals the message
_OURS: Final = frozenset({*MESSAGES, "kill", "resume", "stop"})


def unnamed(message: Message, substitute: Callable[[str], str]) -> None:
    """Replace, in place, every text in clear below a message that may not leave the house."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            _below(descriptor, value, substitute)
        elif descriptor.type == descriptor.TYPE_STRING and not _kept(message, descriptor.name):
            _replace(message, descriptor, value, substitute)


def _below(descriptor: Any, value: Any, substitute: Callable[[str], str]) -> None:
    if descriptor.message_type.GetOptions().map_entry:
        for key in value:
            if isinstance(value[key], str):
                value[key] = substitute(value[key])
            elif isinstance(value[key], Message) and not isinstance(value[key], Payload):
                unnamed(value[key], substitute)
        return
    for inner in [value] if isinstance(value, Message) else value:
        if not isinstance(inner, Payload):
            unnamed(inner, substitute)


def _replace(message: Message, descriptor: Any, value: Any, substitute: Callable[[str], str]) -> None:
    blank = descriptor.name in BLANKED
    if isinstance(value, str):
        setattr(message, descriptor.name, "" if blank else substitute(value))
    else:
        value[:] = [substitute(each) for each in value]


def _kept(message: Any, field: str) -> bool:
    match field:
        case "name" if isinstance(message, TaskQueue):
            return not message.normal_name  # the queue of one worker is named after its host
        case "name":
            return isinstance(message, ActivityType | WorkflowType | Input)
        case "type":
            return isinstance(message, ApplicationFailureInfo) and personal.kept(Kind.CODE, message.type)
        case "signal_name":
            return message.signal_name in _OURS
        case "message":
            return isinstance(message, Failure) and message.message == ENCODED
        case _:
            return field in KEPT
