"""What woke each task, and what did it do? In words, from what the code was told and what it commanded."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from replay.frames import Film, Frame
from replay.tape import Commanded

CASEBOOK = "record"
WORDS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What was asked for and has not answered yet: an activity or a child, since when, and which line asked."""

    what: str
    since: datetime
    event_id: int
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A frame in words: what woke it, what it did, and what was under way when it was over."""

    frame: Frame
    woken_by: tuple[str, ...]
    did: tuple[str, ...]
    hands: tuple[Hand, ...]


@dataclass(slots=True, kw_only=True)
class _Names:
    """What was asked for so far in a run, by the numbers under which answers come."""

    home: str
    frame: Frame | None = None
    hands: dict[tuple[str, int], Hand] = field(default_factory=dict)
    local: dict[int, str] = field(default_factory=dict)
    timers: dict[int, datetime] = field(default_factory=dict)
    signals: dict[int, str] = field(default_factory=dict)
    updates: dict[str, str] = field(default_factory=dict)

    def named(self, workflow_id: str) -> str:
        """Name another workflow shortly: its id without that of this one's case."""
        return workflow_id.removeprefix(f"{self.home}/")


def told(film: Film) -> tuple[Told, ...]:
    """Put every frame of a run into words."""
    names = _Names(home=film.run.workflow_id)
    return tuple(_told(frame, names) for frame in film.frames)


def _told(frame: Frame, names: _Names) -> Told:
    """Jobs and commands alternate within a task, so local activities are named before their answers are read."""
    names.frame = frame
    woken = [_woken(job, names) for job in frame.jobs if not _within(job)]
    did = [line for given in frame.commands for line in _done(given, names)]
    heard = [
        _woken(job, names) for job in frame.jobs if _within(job) and job.resolve_activity.result.HasField("failed")
    ]
    return Told(
        frame=frame,
        woken_by=tuple(line for line in woken if line) or ("a message that left no trace",),
        did=(*did, *heard),
        hands=tuple(names.hands.values()),
    )


def _within(job: WorkflowActivationJob) -> bool:
    """Ask whether a job is the answer of a local activity, which comes within the task that asked."""
    return bool(job.HasField("resolve_activity") and job.resolve_activity.is_local)


# What woke it


def _woken(job: WorkflowActivationJob, names: _Names) -> str:
    kind = job.WhichOneof("variant") or ""
    reader = _JOBS.get(kind)
    return reader(getattr(job, kind), names) if reader else ""


def _started(said: Any, _: _Names) -> str:
    return "continued from the run before" if said.continued_from_execution_run_id else "the run was started"


def _updated(said: Any, names: _Names) -> str:
    names.updates[said.protocol_instance_id] = said.name
    return f"update {said.name}{_speaker(said.input)}"


def _signalled(said: Any, _: _Names) -> str:
    return f"signal {said.signal_name}{_speaker(said.input)}"


def _speaker(payloads: Any) -> str:
    message = _value(payloads[0]) if payloads else None
    said = message.get("said") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(said, Mapping) or not said.get("person"):
        return ""
    role = message.get("role")
    return f" by {said['person']}{f' for {role}' if role else ''}"


def _rang(said: Any, names: _Names) -> str:
    at = names.timers.pop(said.seq, None)
    return f"the timer of {_time(at)}" if at else "a timer"


def _activity(said: Any, names: _Names) -> str:
    hand = names.hands.pop(("activity", said.seq), None)
    named = hand.what if hand else names.local.get(said.seq, "an activity")
    how = said.result.WhichOneof("status")
    if how == "completed":
        return f"activity {named} completed"
    if how == "failed":
        return f"activity {named} failed ({_cause(said.result.failed.failure)})"
    return f"activity {named} was {'put off' if how == 'backoff' else 'cancelled'}"


def _child_started(said: Any, names: _Names) -> str:
    hand = names.hands.get(("child", said.seq))
    if said.HasField("succeeded"):
        return f"{hand.what if hand else 'a child'} started"
    names.hands.pop(("child", said.seq), None)
    return f"{hand.what if hand else 'a child'} could not be started"


def _child_ended(said: Any, names: _Names) -> str:
    hand = names.hands.pop(("child", said.seq), None)
    how = said.result.WhichOneof("status")
    return f"{hand.what if hand else 'a child'} {'closed' if how == 'completed' else how}"


def _delivered(said: Any, names: _Names) -> str:
    what = names.signals.pop(said.seq, "a signal")
    return f"{what} {'could not be delivered' if said.HasField('failure') else 'was delivered'}"


_JOBS: dict[str, Callable[[Any, _Names], str]] = {
    "initialize_workflow": _started,
    "do_update": _updated,
    "signal_workflow": _signalled,
    "fire_timer": _rang,
    "resolve_activity": _activity,
    "resolve_child_workflow_execution_start": _child_started,
    "resolve_child_workflow_execution": _child_ended,
    "resolve_signal_external_workflow": _delivered,
    "cancel_workflow": lambda _said, _names: "its cancellation was asked for",
}


# What it did


def _done(given: Commanded, names: _Names) -> Iterator[str]:
    kind = given.command.WhichOneof("variant") or ""
    reader = _COMMANDS.get(kind)
    if reader is not None:
        yield from reader(getattr(given.command, kind), given, names)


def _scheduled(said: Any, given: Commanded, names: _Names) -> Iterator[str]:
    names.hands["activity", said.seq] = _hand(said.activity_type, given, names)
    yield f"scheduled {said.activity_type}{_summary(given.command)}"


def _asked(said: Any, _: Commanded, names: _Names) -> Iterator[str]:
    names.local[said.seq] = said.activity_type
    if said.activity_type != CASEBOOK:
        yield f"asked {said.activity_type}"
        return
    batch = _value(said.arguments[0]) if said.arguments else None
    entries = batch.get("entries", []) if isinstance(batch, Mapping) else []
    yield f"wrote into the casebook: {', '.join(entry['kind'] for entry in entries) or 'nothing'}"


def _timed(said: Any, _: Commanded, names: _Names) -> Iterator[str]:
    frame = names.frame
    if frame is not None:
        names.timers[said.seq] = frame.at + said.start_to_fire_timeout.ToTimedelta()
        yield f"set a timer to {_time(names.timers[said.seq])}"


def _untimed(said: Any, _: Commanded, names: _Names) -> Iterator[str]:
    at = names.timers.pop(said.seq, None)
    yield f"put the timer of {_time(at)} off" if at else "put a timer off"


def _child(said: Any, given: Commanded, names: _Names) -> Iterator[str]:
    named = f"child {names.named(said.workflow_id)}"
    names.hands["child", said.seq] = _hand(named, given, names)
    yield f"started {named}"


def _signal(said: Any, _: Commanded, names: _Names) -> Iterator[str]:
    target = names.named(said.child_workflow_id or said.workflow_execution.workflow_id)
    names.signals[said.seq] = f"signal {said.signal_name} to {target}"
    yield f"sent {names.signals[said.seq]}"


def _answered(said: Any, _: Commanded, names: _Names) -> Iterator[str]:
    name = names.updates.get(said.protocol_instance_id, "an update")
    how = said.WhichOneof("response")
    if how == "rejected":
        yield f"refused {name} ({_cause(said.rejected)})"
    elif how == "completed":
        receipt = _value(said.completed)
        text = receipt.get("text", "") if isinstance(receipt, Mapping) else ""
        yield f"answered {name}{f': {_short(text)}' if text else ''}"


def _attributes(said: Any, _: Commanded, __: _Names) -> Iterator[str]:
    shown = [f"{name} {_plain(value)}" for name, value in sorted(said.search_attributes.indexed_fields.items())]
    yield f"search attributes: {', '.join(shown)}"


def _says(line: str) -> Callable[[Any, Commanded, _Names], Iterator[str]]:
    return lambda _said, _given, _names: iter((line,))


_COMMANDS: dict[str, Callable[[Any, Commanded, _Names], Iterator[str]]] = {
    "schedule_activity": _scheduled,
    "schedule_local_activity": _asked,
    "start_timer": _timed,
    "cancel_timer": _untimed,
    "start_child_workflow_execution": _child,
    "signal_external_workflow_execution": _signal,
    "update_response": _answered,
    "upsert_workflow_search_attributes": _attributes,
    "set_patch_marker": lambda said, _given, _names: iter((f"took the patch “{said.patch_id}”",)),
    "request_cancel_activity": _says("gave an activity up"),
    "request_cancel_local_activity": _says("gave a local activity up"),
    "cancel_child_workflow_execution": _says("asked a child to stop"),
    "complete_workflow_execution": _says("the run closed"),
    "continue_as_new_workflow_execution": _says("handed over to a next run"),
    "cancel_workflow_execution": _says("the run was cancelled"),
    "fail_workflow_execution": lambda said, _given, _names: iter((f"the run failed ({_cause(said.failure)})",)),
}


def _hand(what: str, given: Commanded, names: _Names) -> Hand:
    frame = names.frame
    assert frame is not None
    return Hand(what=f"{what}{_summary(given.command)}", since=frame.at, event_id=frame.event_id, place=given.place)


def _summary(command: WorkflowCommand) -> str:
    if not command.user_metadata.HasField("summary"):
        return ""
    text = _value(command.user_metadata.summary)
    return f" ({_short(text)})" if isinstance(text, str) and text else ""


def _cause(failure: Failure) -> str:
    """Name the kind of a failure; its message may quote values."""
    while not failure.application_failure_info.type and failure.HasField("cause"):
        failure = failure.cause
    kind = failure.WhichOneof("failure_info") or "failure"
    return failure.application_failure_info.type or kind.removesuffix("_info").replace("_", " ")


def _value(payload: Payload) -> Any:
    """Read a JSON payload; None for anything else."""
    try:
        return json.loads(payload.data)
    except ValueError:
        return None


def _plain(payload: Payload) -> str:
    value = _value(payload)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= WORDS_MAX else f"{text[: WORDS_MAX - 1]}…"


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if at else "?"
