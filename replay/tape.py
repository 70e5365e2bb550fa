"""What does the code command when it lives a history again? Every command, with the place in our code that gave it.

`_add_command` of the instance and the bridge's messages are not public (temporalio 1.35). `tests/replay` fails if a new
release moves them.
"""

import functools
import inspect
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstanceDetails

from starter.sealing import UNREADABLE

ROOT = Path(__file__).resolve().parent.parent
_FOREIGN = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parent), "<")
_TRACE_LINE = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
PLACES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """One command; `place` is where our code gave it, innermost first."""

    command: WorkflowCommand
    place: str
    history_length: int


@dataclass(slots=True, kw_only=True)
class Tape:
    """What one replay of one run commanded, in order. `updates` maps Temporal's protocol ids to update ids.

    `defined` maps names of updates and signals, and "" for the run itself, to where our code defines them. `asked` maps
    the numbers of local activities to the digest of the question that their recorded answer carries. `unreadable` says
    why the answer of a hand could not be opened, `failed_at` where the code raised and `failed_with` what, `restless`
    that a task of it did not come to an end.
    """

    commands: list[Commanded] = field(default_factory=list)
    updates: dict[str, str] = field(default_factory=dict)
    defined: dict[str, str] = field(default_factory=dict)
    asked: dict[int, str] = field(default_factory=dict)
    unreadable: str = ""
    failed_at: str = ""
    failed_with: str = ""
    reached: int = 0
    restless: bool = False


def taped(instance: Any, det: WorkflowInstanceDetails) -> Tape:
    """Tape the commands of an instance from now on."""
    handlers = {name: signal.fn for name, signal in det.defn.signals.items() if name}
    handlers |= {name: update.fn for name, update in det.defn.updates.items() if name} | {"": det.defn.run_fn}
    tape = Tape(defined={name: _defined(function) for name, function in handlers.items()})
    _tape(instance, tape)
    return tape


def _tape(instance: Any, tape: Tape) -> None:
    activate, add_command = instance.activate, instance._add_command
    places: list[str] = []

    def added() -> Any:
        places.append(place(sys._getframe(1)))
        return add_command()

    def activated(activation: WorkflowActivation) -> WorkflowActivationCompletion:
        places.clear()
        tape.reached = max(tape.reached, activation.history_length)
        _woken(tape, activation)
        tape.restless = True
        completion: WorkflowActivationCompletion = activate(activation)
        tape.restless = False
        if completion.HasField("successful"):
            for number, command in enumerate(completion.successful.commands):
                _keep(tape, command, places[number] if number < len(places) else "", activation.history_length)
        elif completion.HasField("failed"):
            _broke(tape, completion)
        return completion

    instance._add_command, instance.activate = added, activated


def _woken(tape: Tape, activation: WorkflowActivation) -> None:
    for job in activation.jobs:
        if job.HasField("do_update"):
            tape.updates[job.do_update.protocol_instance_id] = job.do_update.id
        elif job.HasField("resolve_activity") and job.resolve_activity.result.HasField("completed"):
            answer = job.resolve_activity.result.completed.result
            _answered(tape, job.resolve_activity.seq, answer, job.resolve_activity.is_local)


def _answered(tape: Tape, seq: int, answer: Payload, local: bool) -> None:
    """Note what a recorded answer proves: the question of a local activity, or that nobody can open it."""
    if answer.metadata.get("encoding") == UNREADABLE:
        tape.unreadable = tape.unreadable or answer.data.decode()
    elif local and b'"asked"' in answer.data:
        value = json.loads(answer.data)
        digest = value.get("asked") if isinstance(value, dict) else ""
        if digest:
            tape.asked[seq] = digest


def _keep(tape: Tape, command: WorkflowCommand, where: str, history_length: int) -> None:
    held = WorkflowCommand()
    held.CopyFrom(command)
    tape.commands.append(Commanded(command=held, place=where, history_length=history_length))


def _broke(tape: Tape, completion: WorkflowActivationCompletion) -> None:
    """Keep where the code raised. The message may quote values of the case, so only the type is told."""
    failure = completion.failed.failure
    trace = failure.stack_trace
    if failure.HasField("encoded_attributes"):
        trace = failure.encoded_attributes.data.decode(errors="replace").replace('\\"', '"')
    tape.failed_with = failure.application_failure_info.type or "an error"
    ours = [(file, line) for file, line, _ in _TRACE_LINE.findall(trace) if not file.startswith(_FOREIGN)]
    tape.failed_at = f"{_relative(ours[-1][0])}:{ours[-1][1]}" if ours else ""


def place(frame: FrameType | None) -> str:
    """Name the nearest places of our own code on the stack: `workflows/waiting.py:80 < workflows/sweep.py:41`."""
    found: list[str] = []
    while frame is not None and len(found) < PLACES_MAX:
        if named := placed(frame):
            found.append(named)
        frame = frame.f_back
    return " < ".join(found)


def placed(frame: FrameType) -> str:
    """Name the line that a frame stands at, or "" where it is not our own code."""
    file = frame.f_code.co_filename
    return "" if file.startswith(_FOREIGN) else f"{_relative(file)}:{frame.f_lineno}"


def _defined(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{_relative(code.co_filename)}:{code.co_firstlineno}"


@functools.cache
def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else file
