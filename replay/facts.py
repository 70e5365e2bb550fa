"""What do an event and a command both say? The same facts under the same name, so that they can be compared.

Where a command leaves something out, its facts hold what the server would have put there.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload, RetryPolicy
from temporalio.api.enums.v1 import ParentClosePolicy, WorkflowIdReusePolicy
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import UserMetadata

from activities import asked
from replay.tape import Tape

LOCAL_ACTIVITY: Final = "core_local_activity"
PATCH: Final = "core_patch"
CHANGES: Final = "TemporalChangeVersion"
QUESTION: Final = "question"
_REPLAYED_QUEUE: Final = "replay-"


@dataclass(slots=True, kw_only=True)
class Act:
    """One thing that a run did: what kind, which one of its kind (`key`), and its facts.

    Facts are plain values, or lists of Payload. `task` is the event at which the task that did it was started, 0 if
    unknown. `label` names it for people, and `words` is what Temporal's UI shows beside it.
    """

    kind: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    event_id: int = 0
    task: int = 0
    place: str = ""
    label: str = ""
    words: dict[str, list[Payload]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name it within its kind."""
        return str(self.label or self.facts.get("type") or self.facts.get("name") or self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the server fills in for a run: its task queue, and the time-out of the run (zero for none)."""

    queue: str
    run_timeout: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What a history recorded, in order. `tasks` maps the start of each completed task to its end; `last` is the last.

    A worker that needs longer for its local activities asks for the next task at once and goes on: such tasks are one,
    and `joined` maps the later ones to the first.
    """

    acts: tuple[Act, ...]
    tasks: Mapping[int, int]
    joined: Mapping[int, int]
    last: int


Fact = tuple[str, str, dict[str, Any]]


def of_events(events: Sequence[HistoryEvent]) -> Acts:
    """Take the acts of a run out of its history, in order."""
    known, tasks = _Known(), _Tasks()
    found: list[Act] = []
    for event in events:
        which = event.WhichOneof("attributes") or ""
        said = getattr(event, which)
        tasks.pass_by(event, which, said)
        if reader := _EVENTS.get(which):
            for kind, key, facts in reader(said, event.event_id, known):
                label = known.names.get(key, "") if kind.startswith("update") else ""
                act = Act(kind=kind, key=key, facts=facts, event_id=event.event_id, task=tasks.now, label=label)
                act.words = _words(event.user_metadata)
                found.append(act)
    return Acts(acts=tuple(_numbered(found)), tasks=tasks.ended, joined=tasks.joined, last=tasks.now)


class _Tasks:
    """Follows the tasks of a history. `now` is the start of the last completed one, or of the first it goes on from."""

    def __init__(self) -> None:
        self.now = 0
        self.ended: dict[int, int] = {}
        self.joined: dict[int, int] = {}
        self._over_at = 0
        self._nothing_came = False
        self._goes_on = False

    def pass_by(self, event: HistoryEvent, which: str, said: Any) -> None:
        """Take the next event into account."""
        if which == "workflow_task_scheduled_event_attributes":
            gap = event.event_time.ToNanoseconds() - self._over_at
            self._goes_on = self._nothing_came and gap <= _AT_ONCE
        elif which == "workflow_task_completed_event_attributes":
            first = said.started_event_id
            self.ended[first] = event.event_id
            if self._goes_on:
                self.joined[first] = self.now
            else:
                self.now = first
            self._over_at, self._nothing_came = event.event_time.ToNanoseconds(), True
        elif which not in _OWN and not getattr(said, "workflow_task_completed_event_id", 0):
            self._nothing_came = False


_AT_ONCE: Final = 10_000_000  # nanoseconds
_OWN: Final = frozenset(
    {
        "workflow_task_started_event_attributes",
        "workflow_execution_update_accepted_event_attributes",
        "workflow_execution_update_completed_event_attributes",
    }
)


def of_tape(tape: Tape, given: Given) -> list[Act]:
    """Take the same acts out of what the code commanded."""
    found = []
    for commanded in tape.commands:
        which = commanded.command.WhichOneof("variant") or ""
        reader = _COMMANDS.get(which)
        if reader is None:
            continue
        for kind, key, facts in reader(getattr(commanded.command, which), tape, given):
            act = Act(kind=kind, key=key, facts=facts, task=commanded.history_length, place=commanded.place)
            act.words = _words(commanded.command.user_metadata)
            found.append(act)
    return _numbered(found)


class _Known:
    """What earlier events told about later ones: the ids and names of updates by their accepting event."""

    def __init__(self) -> None:
        self.updates: dict[int, str] = {}
        self.names: dict[str, str] = {}


def _numbered(found: list[Act]) -> list[Act]:
    """Tell acts of one key apart by their order."""
    seen: dict[tuple[str, str], int] = {}
    for act in found:
        count = seen[act.kind, act.key] = seen.get((act.kind, act.key), 0) + 1
        if count > 1:
            act.key = f"{act.key} (no. {count})"
    return found


# What both sides say


def _words(said: UserMetadata) -> dict[str, list[Payload]]:
    return {name: [getattr(said, name)] for name in ("summary", "details") if said.HasField(name)}


def _span(value: Duration) -> timedelta | None:
    return value.ToTimedelta() if value.seconds or value.nanos else None


def _retry(policy: RetryPolicy, given: bool) -> str | None:
    """Write a policy as the server completes it; None when there is none."""
    if not given:
        return None
    first = _span(policy.initial_interval) or timedelta(seconds=1)
    longest = _span(policy.maximum_interval) or 100 * first
    kinds = ", ".join(policy.non_retryable_error_types)
    text = f"first {first}, x{policy.backoff_coefficient or 2.0}, longest {longest}"
    attempts = f"{policy.maximum_attempts} attempts" if policy.maximum_attempts else "any number of attempts"
    return f"{text}, {attempts}" + (f", not after {kinds}" if kinds else "")


_USUAL_RETRY: Final = _retry(RetryPolicy(), True)


def _timeouts(said: Any, given: Given) -> dict[str, Any]:
    """Write the time-outs of an activity as the server completes them."""
    whole, one = _span(said.schedule_to_close_timeout), _span(said.start_to_close_timeout)
    whole = whole or given.run_timeout or None
    waiting = _span(said.schedule_to_start_timeout) or whole
    return {
        "schedule-to-close timeout": whole,
        "schedule-to-start timeout": min(waiting, whole) if waiting and whole else waiting,
        "start-to-close timeout": min(one, whole) if one and whole else one or whole,
        "heartbeat timeout": _span(said.heartbeat_timeout),
    }


def _error(failure: Failure) -> dict[str, Any]:
    """Say how something failed: the type is no secret, the message is a payload of its own."""
    kind = failure.application_failure_info.type or failure.WhichOneof("failure_info") or "an error"
    facts: dict[str, Any] = {"refused with": kind}
    if failure.HasField("encoded_attributes"):
        facts["reason"] = [failure.encoded_attributes]
    elif failure.message:
        facts["reason"] = [Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(failure.message).encode())]
    if details := failure.application_failure_info.details.payloads:
        facts["details"] = list(details)
    return facts


def _policy(enum: Any, value: int) -> str:
    return str(enum.Name(value or 1)).rsplit("POLICY_", 1)[-1].lower().replace("_", " ")


def _attributes(fields: Any) -> list[Fact]:
    facts = {name: payload.data.decode() for name, payload in sorted(fields.items()) if name != CHANGES}
    return [("search attributes", "", facts)] if facts else []


def _fields(fields: Any) -> dict[str, Any]:
    return {name: [payload] for name, payload in sorted(fields.items())}


def _memo(fields: Any) -> list[Fact]:
    return [("memo", "", _fields(fields))]


# Events


def _scheduled(said: Any, _event: int, _known: _Known) -> list[Fact]:
    facts = {
        "type": said.activity_type.name,
        "input": list(said.input.payloads),
        "task queue": said.task_queue.name,
        "schedule-to-close timeout": _span(said.schedule_to_close_timeout),
        "schedule-to-start timeout": _span(said.schedule_to_start_timeout),
        "start-to-close timeout": _span(said.start_to_close_timeout),
        "heartbeat timeout": _span(said.heartbeat_timeout),
        "retry policy": _retry(said.retry_policy, said.HasField("retry_policy")) or _USUAL_RETRY,
    }
    return [("activity", said.activity_id, facts)]


def _timer_started(said: Any, _event: int, _known: _Known) -> list[Fact]:
    return [("timer", said.timer_id, {"duration": said.start_to_fire_timeout.ToTimedelta()})]


def _marker(said: Any, _event: int, _known: _Known) -> list[Fact]:
    if said.marker_name == PATCH and "patch-data" in said.details:
        return [("patch", json.loads(said.details["patch-data"].payloads[0].data)["id"], {})]
    if said.marker_name != LOCAL_ACTIVITY or "data" not in said.details:
        return []
    data = json.loads(said.details["data"].payloads[0].data)
    return [("local activity", str(data["seq"]), {"type": data["activity_type"]})]


def _child_initiated(said: Any, _event: int, _known: _Known) -> list[Fact]:
    facts = {
        "type": said.workflow_type.name,
        "input": list(said.input.payloads),
        "task queue": said.task_queue.name,
        "execution timeout": _span(said.workflow_execution_timeout),
        "run timeout": _span(said.workflow_run_timeout),
        "parent close policy": _policy(ParentClosePolicy, said.parent_close_policy),
        "id reuse policy": _policy(WorkflowIdReusePolicy, said.workflow_id_reuse_policy),
        "retry policy": _retry(said.retry_policy, said.HasField("retry_policy")),
        "search attributes": {name: each.data.decode() for name, each in said.search_attributes.indexed_fields.items()},
        **{f"memo {name}": value for name, value in _fields(said.memo.fields).items()},
    }
    return [("child workflow", said.workflow_id, facts)]


def _signalled(said: Any, _event: int, _known: _Known) -> list[Fact]:
    target = said.workflow_execution.workflow_id
    return [("signal", target, {"name": said.signal_name, "input": list(said.input.payloads)})]


def _update_accepted(said: Any, event: int, known: _Known) -> list[Fact]:
    key = said.accepted_request.meta.update_id or said.protocol_instance_id
    known.updates[event], known.names[key] = key, said.accepted_request.input.name
    return [("update", key, {})]


def _update_completed(said: Any, _event: int, known: _Known) -> list[Fact]:
    key = said.meta.update_id or known.updates.get(said.accepted_event_id, "")
    if said.outcome.HasField("failure"):
        return [("update answer", key, _error(said.outcome.failure))]
    return [("update answer", key, {"answer": list(said.outcome.success.payloads)})]


def _ended(how: str, payloads: Callable[[Any], Iterable[Payload]]) -> Callable[..., list[Fact]]:
    return lambda said, *_: [("result", "", {"how": how, "value": list(payloads(said))})]


def _failed(said: Any, *_: Any) -> list[Fact]:
    return [("result", "", {"how": "failed", **_error(said.failure)})]


_EVENTS: Final[Mapping[str, Callable[[Any, int, _Known], list[Fact]]]] = {
    "activity_task_scheduled_event_attributes": _scheduled,
    "timer_started_event_attributes": _timer_started,
    "timer_canceled_event_attributes": lambda said, *_: [("timer cancelled", said.timer_id, {})],
    "marker_recorded_event_attributes": _marker,
    "start_child_workflow_execution_initiated_event_attributes": _child_initiated,
    "signal_external_workflow_execution_initiated_event_attributes": _signalled,
    "upsert_workflow_search_attributes_event_attributes": lambda said, *_: _attributes(
        said.search_attributes.indexed_fields
    ),
    "workflow_properties_modified_event_attributes": lambda said, *_: _memo(said.upserted_memo.fields),
    "workflow_execution_update_accepted_event_attributes": _update_accepted,
    "workflow_execution_update_completed_event_attributes": _update_completed,
    "workflow_execution_completed_event_attributes": _ended("completed", lambda said: said.result.payloads),
    "workflow_execution_continued_as_new_event_attributes": _ended(
        "continued as new", lambda said: said.input.payloads
    ),
    "workflow_execution_failed_event_attributes": _failed,
}


# Commands


def _schedule(said: Any, _tape: Tape, given: Given) -> list[Fact]:
    facts = {
        "type": said.activity_type,
        "input": list(said.arguments),
        "task queue": _queue(said.task_queue, given),
        **_timeouts(said, given),
        "retry policy": _retry(said.retry_policy, said.HasField("retry_policy")) or _USUAL_RETRY,
    }
    return [("activity", said.activity_id, facts)]


def _queue(name: str, given: Given) -> str:
    """Name the queue; a replayer makes one up for the workflow's own."""
    return given.queue if not name or name.startswith(_REPLAYED_QUEUE) else name


def _local(said: Any, tape: Tape, _given: Given) -> list[Fact]:
    facts: dict[str, Any] = {"type": said.activity_type}
    if said.seq in tape.asked:
        facts[QUESTION] = asked.of_json(json.loads(said.arguments[0].data)) if said.arguments else ""
    return [("local activity", str(said.seq), facts)]


def _start_child(said: Any, _tape: Tape, given: Given) -> list[Fact]:
    facts = {
        "type": said.workflow_type,
        "input": list(said.input),
        "task queue": _queue(said.task_queue, given),
        "execution timeout": _span(said.workflow_execution_timeout),
        "run timeout": _span(said.workflow_run_timeout),
        "parent close policy": _policy(ParentClosePolicy, said.parent_close_policy),
        "id reuse policy": _policy(WorkflowIdReusePolicy, said.workflow_id_reuse_policy),
        "retry policy": _retry(said.retry_policy, said.HasField("retry_policy")),
        "search attributes": {name: each.data.decode() for name, each in said.search_attributes.indexed_fields.items()},
        **{f"memo {name}": value for name, value in _fields(said.memo).items()},
    }
    return [("child workflow", said.workflow_id, facts)]


def _signal(said: Any, _tape: Tape, _given: Given) -> list[Fact]:
    target = said.child_workflow_id or said.workflow_execution.workflow_id
    return [("signal", target, {"name": said.signal_name, "input": list(said.args)})]


def _update_response(said: Any, tape: Tape, _given: Given) -> list[Fact]:
    key = tape.updates.get(said.protocol_instance_id, said.protocol_instance_id)
    match said.WhichOneof("response"):
        case "accepted":
            return [("update", key, {})]
        case "completed":
            return [("update answer", key, {"answer": [said.completed]})]
        case _:
            return [("update answer", key, _error(said.rejected))]


_COMMANDS: Final[Mapping[str, Callable[[Any, Tape, Given], list[Fact]]]] = {
    "schedule_activity": _schedule,
    "start_timer": lambda said, *_: [("timer", str(said.seq), {"duration": said.start_to_fire_timeout.ToTimedelta()})],
    "cancel_timer": lambda said, *_: [("timer cancelled", str(said.seq), {})],
    "set_patch_marker": lambda said, *_: [("patch", said.patch_id, {})],
    "schedule_local_activity": _local,
    "start_child_workflow_execution": _start_child,
    "signal_external_workflow_execution": _signal,
    "upsert_workflow_search_attributes": lambda said, *_: _attributes(said.search_attributes.indexed_fields),
    "modify_workflow_properties": lambda said, *_: _memo(said.upserted_memo.fields),
    "update_response": _update_response,
    "complete_workflow_execution": _ended("completed", lambda said: [said.result]),
    "continue_as_new_workflow_execution": _ended("continued as new", lambda said: said.arguments),
    "fail_workflow_execution": _failed,
}
