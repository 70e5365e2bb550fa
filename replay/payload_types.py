"""Of which type is each payload of a history? What the definitions of workflows, messages and activities say."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message
from temporalio.activity import _Definition as ActivityDefinition
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.workflow import _Definition as WorkflowDefinition

from escalations.admission import MESSAGES
from replay.facts import LOCAL_ACTIVITY

UNKNOWN: Final = Any
FAILURE: Final = "failure"  # the message and stack trace that a failure's payload holds
SUMMARY: Final = "summary"  # the words of ours that the UI shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One payload in an event, to be changed in place, and the type that its value should have."""

    payload: Payload
    hint: Any
    activity: str = ""


@dataclass(slots=True, kw_only=True)
class Types:
    """What is defined: workflows by type, activities by name."""

    workflows: dict[str, WorkflowDefinition] = field(default_factory=dict)
    activities: dict[str, ActivityDefinition] = field(default_factory=dict)


def defined(workflows: Iterable[type], hands: Iterable[type]) -> Types:
    """Read the definitions of workflow classes, and of the activities of classes that hold them."""
    found = Types()
    for each in workflows:
        definition = WorkflowDefinition.must_from_class(each)
        found.workflows[definition.name or each.__name__] = definition
    for hand in hands:
        for name in dir(hand):
            activity = ActivityDefinition.from_callable(getattr(hand, name)) if not name.startswith("_") else None
            if activity is not None and activity.name:
                found.activities[activity.name] = activity
    return found


def our_hands() -> tuple[type, ...]:
    """List the classes that hold the activities of this project."""
    from activities.archive import Archive
    from activities.casebook import Casebook
    from activities.cases import Cases
    from activities.chat import Chat
    from activities.evidence import EvidenceRoom
    from activities.mail import Mail
    from activities.marketplace import Marketplace
    from activities.paging import Paging
    from activities.policy import Policy
    from activities.regulators import Regulators

    return (Archive, Casebook, Cases, Chat, EvidenceRoom, Mail, Marketplace, Paging, Policy, Regulators)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads one history from its first event to its last; answers refer back to the events that asked."""

    types: Types
    _definition: WorkflowDefinition | None = None
    _scheduled: dict[int, str] = field(default_factory=dict)
    _children: dict[int, str] = field(default_factory=dict)

    def slots(self, event: HistoryEvent) -> Iterator[Slot]:
        """List every payload of an event except search attributes and what the SDK notes for itself in markers."""
        name = event.WhichOneof("attributes") or ""
        said = getattr(event, name)
        hints = self._hints(name, said, event.event_id)
        for path, payload, place in _payloads(said, ""):
            if path.startswith(("search_attributes", "upserted_search_attributes")) or _of_the_sdk(name, path, said):
                continue
            if path.endswith("encoded_attributes"):
                yield Slot(payload=payload, hint=FAILURE)
                continue
            for prefix, (types, activity) in hints.items():
                if path.startswith(prefix):
                    hint = types[place] if place < len(types) else UNKNOWN
                    yield Slot(payload=payload, hint=hint, activity=activity)
                    break
            else:
                yield Slot(payload=payload, hint=UNKNOWN)
        for _, payload, _ in _payloads(event.user_metadata, ""):
            yield Slot(payload=payload, hint=SUMMARY)

    def _hints(self, name: str, said: Any, event_id: int) -> dict[str, tuple[Sequence[Any], str]]:
        """Give, for the paths of an event that have types, these types in order."""
        short = name.removesuffix("_event_attributes")
        match short:
            case "workflow_execution_started":
                self._definition = self.types.workflows.get(said.workflow_type.name)
                return {"input": (self._arguments(said.workflow_type.name), "")}
            case "workflow_execution_continued_as_new":
                return {"input": (self._arguments(said.workflow_type.name), "")}
            case "workflow_execution_completed":
                return {"result": ([self._definition.ret_type] if self._definition else [], "")}
            case "start_child_workflow_execution_initiated":
                self._children[event_id] = said.workflow_type.name
                return {"input": (self._arguments(said.workflow_type.name), "")}
            case "child_workflow_execution_completed":
                child = self.types.workflows.get(self._children.get(said.initiated_event_id, ""))
                return {"result": ([child.ret_type] if child else [], "")}
            case _:
                return self._activities(short, said, event_id) or self._messages(short, said)

    def _activities(self, short: str, said: Any, event_id: int) -> dict[str, tuple[Sequence[Any], str]]:
        match short:
            case "activity_task_scheduled":
                self._scheduled[event_id] = said.activity_type.name
                activity = self.types.activities.get(said.activity_type.name)
                return {"input": (list(activity.arg_types or ()) if activity else [], "")}
            case "activity_task_completed":
                return {"result": (self._result(self._scheduled.get(said.scheduled_event_id, "")), "")}
            case "marker_recorded" if said.marker_name == LOCAL_ACTIVITY:
                activity_type = _local_activity(said)
                return {"details[result]": (self._result(activity_type), activity_type)}
            case _:
                return {}

    def _messages(self, short: str, said: Any) -> dict[str, tuple[Sequence[Any], str]]:
        match short:
            case "workflow_execution_signaled" | "signal_external_workflow_execution_initiated":
                message = MESSAGES.get(said.signal_name)
                return {"input": ([message] if message else [], "")}
            case "workflow_execution_update_accepted":
                update = self._definition.updates.get(said.accepted_request.input.name) if self._definition else None
                return {"accepted_request.input.args": (list(update.arg_types or ()) if update else [], "")}
            case "workflow_execution_update_completed":
                answers = {update.ret_type for update in self._definition.updates.values()} if self._definition else ()
                return {"outcome.success": (list(answers) if len(answers) == 1 else [], "")}
            case _:
                return {}

    def _arguments(self, workflow_type: str) -> list[Any]:
        definition = self.types.workflows.get(workflow_type)
        return list(definition.arg_types or ()) if definition else []

    def _result(self, activity_type: str) -> list[Any]:
        activity = self.types.activities.get(activity_type)
        return [activity.ret_type] if activity else []


def _local_activity(said: Any) -> str:
    if "data" not in said.details or not said.details["data"].payloads:
        return ""
    return str(json.loads(said.details["data"].payloads[0].data)["activity_type"])


def _of_the_sdk(name: str, path: str, said: Any) -> bool:
    """Markers of the SDK hold its own bookkeeping beside the answer of a local activity: names, numbers, times."""
    if name != "marker_recorded_event_attributes":
        return False
    return said.marker_name != LOCAL_ACTIVITY or not path.startswith(("details[result]", "failure"))


def _payloads(message: Message, path: str) -> Iterator[tuple[str, Payload, int]]:
    """Find every payload below a message, with its path and its place in a list."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        at = f"{path}.{descriptor.name}" if path else descriptor.name
        for key, inner in _each(descriptor, value):
            here = f"{at}[{key}]" if isinstance(key, str) else at
            if isinstance(inner, Payload):
                yield here, inner, key if isinstance(key, int) else 0
            elif isinstance(inner, Message):
                yield from _payloads(inner, here)


def _each(descriptor: Any, value: Any) -> Iterable[tuple[str | int, Any]]:
    if descriptor.message_type.GetOptions().map_entry:
        return [(str(key), value[key]) for key in value]
    return list(enumerate(value)) if not isinstance(value, Message) else [(0, value)]
